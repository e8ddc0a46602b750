import { describe, expect, it } from '@jest/globals';
import {
  type CallFault,
  type Damage,
  type ScriptedFault,
  ScriptedFaults,
  SeededRandom,
  type SimulatedFence,
  type SimulatedProcess,
  Simulation,
  type SimulationOptions,
} from '#libs/testing';

// Directed schedules: one accident at one step. Each was once a bug, or shows what one fence is there for.

interface Schedule {
  /** Makes what the clients send, and when. Default: 1 */
  readonly seed?: number;
  readonly script: readonly ScriptedFault[];
  readonly options?: Partial<SimulationOptions>;
  readonly rewind?: () => number;
  readonly cursorSkew?: () => number;
  /** What happens besides; called before anything runs. */
  readonly plan?: (simulation: Simulation) => void;
}

async function damageOf(schedule: Schedule, without: readonly SimulatedFence[] = []): Promise<Damage> {
  return (await run(schedule, without)).damage();
}

async function run(schedule: Schedule, without: readonly SimulatedFence[] = []): Promise<Simulation> {
  const { seed = 1, script, options = {}, plan, ...parts } = schedule;
  const faults = new ScriptedFaults(script, parts);
  const simulation = new Simulation({
    random: new SeededRandom(seed),
    faults,
    without,
    hosts: 2,
    clients: 3,
    framesPerClient: 8,
    partitions: 2,
    keptMessages: 0,
    ...options,
    settings: { maxCommitEvents: 5, maxCommitBytes: 2_000, commitIntervalMs: 300, ...options.settings },
  });
  plan?.(simulation);
  await simulation.run(30_000, () => undefined);
  expect(faults.happened).toBe(script.length);
  return simulation;
}

/** Every broker forgets who has sent what, so often. */
function forgetting(everyMs: number): (simulation: Simulation) => void {
  return (simulation) => {
    const forget = (): void => {
      for (const partition of simulation.models.log.partitions()) partition.forgetProducers();
      simulation.world.time.after(everyMs, forget);
    };
    forget();
  };
}

const SLOW = { kind: 'slow', byMs: 10_000 } as const;
const CRASH_AFTER = { kind: 'crash', when: 'after' } as const;
const CRASH_BEFORE = { kind: 'crash', when: 'before' } as const;
const everyNth = (n: number): (() => number) => {
  let calls = 0;
  return () => (++calls % n === 0 ? 3 : 0);
};

/** The lease of everything expires: the store's clock has jumped. */
function expireLeasesAt(...timesMs: readonly number[]): (simulation: Simulation) => void {
  return ({ world, models }) => {
    for (const atMs of timesMs) world.time.after(atMs, () => models.tasks.expireLeases());
  };
}

const LARGE_COMMITS = {
  maxCommitEvents: 1_000,
  maxCommitBytes: 100_000,
  commitGapMs: 800,
  commitIntervalMs: 800,
};

function refusedCommitOfAFormerOwner(): Schedule {
  let former: SimulatedProcess | undefined;
  const standStill = (process: SimulatedProcess): CallFault => {
    former = process;
    process.pause(5_000, true);
    return { kind: 'refused' };
  };
  return {
    seed: 1,
    // A late start, so that the first commit holds a lot and no producer is open.
    options: { settings: { ...LARGE_COMMITS, holdTasks: new Map([['sim/local/1', 2_000]]) } },
    script: [
      { kind: 'commit', target: 'local/1', nth: 1, fault: standStill },
      { kind: 'renew', target: 'local/1', nth: 1, of: isFormer, fault: { kind: 'slow', byMs: 10_000 } },
      { kind: 'open-producer', target: 'partials|0', nth: 1, of: isNext, fault: SLOW },
      { kind: 'open-producer', target: 'partials|1', nth: 1, of: isNext, fault: SLOW },
    ],
    plan: expireLeasesAt(3_500),
  };
  function isFormer(process: SimulatedProcess): boolean {
    return process === former;
  }
  function isNext(process: SimulatedProcess): boolean {
    return former !== undefined && process !== former;
  }
}

/** What each fence is there for. */
const SCHEDULES: Readonly<Record<SimulatedFence, Schedule | (() => Schedule)>> = {
  // A commit takes its time on the way. It comes when another owner has gone on for long; then all processes die.
  'epoch-check': {
    options: { keptMessages: 1_000 },
    script: [
      {
        kind: 'commit',
        target: 'global/0',
        nth: 3,
        fault: (process: SimulatedProcess): CallFault => {
          process.pause(20_000, true);
          return { kind: 'slow', byMs: 24_000 };
        },
      },
    ],
    plan: (simulation) => {
      expireLeasesAt(1_500, 2_500, 3_500)(simulation);
      simulation.world.time.after(29_000, () => simulation.hosts().forEach((process) => process.crash()));
    },
  },
  // A commit is refused, and its owner stands still; before it tries again, another one has committed something else.
  'commit-id': refusedCommitOfAFormerOwner,
  // The broker has forgotten the numbers; the next owner sends an outbox again that was sent.
  'sequence-filter': {
    script: [0, 1].map((partition) => ({
      kind: 'send' as const,
      target: `partials|${partition}`,
      nth: 2,
      fault: CRASH_AFTER,
    })),
    plan: forgetting(100),
  },
  // Subscriptions stand ahead of what is committed.
  'position-filter': { script: [], cursorSkew: () => 2, options: { keptMessages: 10 } },
  // The process dies when it has delivered what it never commits.
  'outbox-before-delivery': {
    options: { settings: { ...LARGE_COMMITS, maxCommitBytes: 2_000, maxCommitEvents: 100 } },
    script: ['global/0', 'global/1'].map((target) => ({
      kind: 'commit' as const,
      target,
      nth: 2,
      fault: (process: SimulatedProcess): CallFault => {
        process.world.time.after(500, () => process.crash());
        return { kind: 'slow', byMs: 5_000 };
      },
    })),
  },
  // The process dies when it has acknowledged and not committed.
  'acknowledge-after-commit': {
    script: [{ kind: 'commit', target: 'local/0', nth: 2, fault: CRASH_BEFORE }],
  },
  // Enrich goes over its input again.
  'covered-check': { script: [{ kind: 'send', target: 'enriched|0', nth: 4, fault: CRASH_AFTER }] },
  // The broker has forgotten the numbers; nobody but the runtime would notice the repeat.
  'public-tail': {
    script: [{ kind: 'send', target: 'results|0', nth: 2, fault: CRASH_AFTER }],
    plan: forgetting(100),
  },
};

describe('a fence', () => {
  it.each(Object.entries(SCHEDULES))('%s holds because it is there', async (fence, schedule) => {
    const anew = (): Schedule => (typeof schedule === 'function' ? schedule() : schedule);
    expect((await damageOf(anew())).findings).toEqual([]);
    expect((await damageOf(anew(), [fence as SimulatedFence])).findings).not.toEqual([]);
  });
});

describe('what once was a bug', () => {
  it('a frame of enrich is not stored after one that is known to have failed', async () => {
    const refused = [4, 9].map((nth) => ({
      kind: 'send' as const,
      target: 'enriched|0',
      nth,
      fault: { kind: 'refused' as const },
    }));
    expect((await damageOf({ script: refused })).findings).toEqual([]);
  });

  it('a task that never committed does not trust the cursor of its subscription', async () => {
    expect((await damageOf({ script: [], cursorSkew: () => 3 })).findings).toEqual([]);
  });

  it('what a new connection gives again is left out by its place alone', async () => {
    const damage = await damageOf({ script: [], rewind: everyNth(3) }, ['sequence-filter', 'covered-check']);
    expect(damage.findings).toEqual([]);
  });

  it('an owner whose store does not answer the renewal gives up before others may take over', async () => {
    const script = ['enrich/0', 'enrich/1'].map((target) => ({
      kind: 'renew' as const,
      target,
      nth: 1,
      fault: { kind: 'slow' as const, byMs: 60_000 },
    }));
    const simulation = await run({ script });
    expect(simulation.damage().findings).toEqual([]);
    const { text } = await simulation.telemetry.metrics();
    expect(text).toContain('millrace_task_failures_total{pipeline="sim",stage="enrich",code="LEASE_LOST"} 2');
    expect(text).not.toContain('CONSUMER_BUSY');
  });

  it('a delivery that has failed for one topic goes on for no other behind the end of its run', async () => {
    const cut = (process: SimulatedProcess): CallFault => {
      for (const drop of process.onCut) drop();
      return { kind: 'none' };
    };
    const refused = [1, 2, 3].map((nth) => ({
      kind: 'open-producer' as const,
      target: 'results|0',
      nth,
      fault: { kind: 'refused' as const },
    }));
    const script = [{ kind: 'send' as const, target: 'results|1', nth: 1, fault: cut }, ...refused];
    expect((await damageOf({ script })).findings).toEqual([]);
  });

  it('an owner that comes late to its own outbox asks whether the task is still its own', async () => {
    let former: SimulatedProcess | undefined;
    const comeLate = (process: SimulatedProcess): CallFault => {
      former = process;
      return { kind: 'slow', byMs: 20_000 };
    };
    const plan = (simulation: Simulation): void => {
      expireLeasesAt(1_000)(simulation);
      forgetting(100)(simulation);
      simulation.world.time.after(12_000, () => {
        for (const process of simulation.hosts()) if (process !== former) process.crash();
      });
    };
    const script = [{ kind: 'open-producer' as const, target: 'dead|0', nth: 1, fault: comeLate }];
    expect((await damageOf({ script, plan })).findings).toEqual([]);
  });
});
