import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_SETTINGS, TaskHost } from '#libs/functions';
import { Telemetry } from '#libs/observability';
import { type ScriptedFault, ScriptedFaults, SeededRandom, Simulation } from '#libs/testing';
import { CountingTask } from './counting-task.js';
import { type EmbeddedPorts, openEmbedded } from './embedded-ports.js';

// Several processes share the tasks: who comes gets its share, who goes hands over, and each hand-over is told.

const IN = 'persistent://public/default/p.enriched';
const OUT = 'persistent://public/default/p.sums';
const PARTITIONS = 4;
const PACES = { commitGapMs: 1, commitIntervalMs: 5, tickMs: 5, leaseRenewMs: 50, rosterMs: 20 };

/** What the log of one process tells, line by line. */
class ToldFacts {
  readonly told: Record<string, unknown>[] = [];
  readonly #waiting = new Set<() => void>();
  readonly telemetry = new Telemetry({
    destination: {
      write: (line: string): void => {
        this.told.push(JSON.parse(line) as Record<string, unknown>);
        for (const wake of [...this.#waiting]) wake();
      },
    },
  });

  of(message: string): readonly Record<string, unknown>[] {
    return this.told.filter(({ msg }) => String(msg).includes(message));
  }

  async until(message: string, count: number): Promise<readonly Record<string, unknown>[]> {
    while (this.of(message).length < count)
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    return this.of(message);
  }
}

const TAKEN = 'task taken over';
const GIVEN = 'task given back';
let folder: string;
let ports: EmbeddedPorts;
let hosts: TaskHost[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-handover-'));
  ports = await openEmbedded(folder, [
    { name: IN, partitions: PARTITIONS, subscriptions: ['sums'] },
    { name: OUT, partitions: 1 },
  ]);
  hosts = [];
});
afterEach(async () => {
  for (const host of hosts) await host.abort();
  await ports.close();
  rmSync(folder, { recursive: true, force: true });
});

/** @param fails called at each start of a task; what it throws is what the task fails with */
function start(
  name: string,
  fails: (partition: number) => void = () => undefined,
): { host: TaskHost; facts: ToldFacts } {
  const facts = new ToldFacts();
  const host = new TaskHost(
    name,
    { ...ports, telemetry: facts.telemetry },
    { ...DEFAULT_SETTINGS, ...PACES },
  );
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const task = { pipeline: 'p', stage: 'sums', partition };
    host.add({
      task,
      kind: 'committed',
      make: () => {
        fails(partition);
        return {
          task,
          inputs: [{ topic: IN, partition, subscription: 'sums', kind: 'enriched' }],
          identity: { operator: 'sums', version: 1 },
          logic: new CountingTask(OUT, () => undefined),
        };
      },
    });
  }
  hosts.push(host);
  return { host, facts };
}

async function holders(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const owner of (await ports.leases.roster()).holders.values())
    counts[owner] = (counts[owner] ?? 0) + 1;
  return counts;
}

async function untilHeldBy(wanted: Record<string, number>): Promise<void> {
  while (
    JSON.stringify(wanted) !== JSON.stringify(Object.fromEntries(Object.entries(await holders()).sort()))
  )
    await new Promise((resolve) => setImmediate(resolve));
}

describe('a process that comes', () => {
  it('gets its share, and what the other keeps goes on there', async () => {
    const first = start('a');
    await untilHeldBy({ a: 4 });
    const second = start('b');
    const taken = await second.facts.until(TAKEN, 2);
    expect(taken).toMatchObject([
      { reason: 'rebalanced', from: 'a', epoch: 2, stage: 'sums' },
      { reason: 'rebalanced', from: 'a', epoch: 2 },
    ]);
    expect(taken.every(({ seconds }) => Number(seconds) >= 0)).toBe(true);
    expect(first.facts.of(GIVEN)).toHaveLength(2);
    const { text } = await second.facts.telemetry.metrics();
    expect(text).toContain(
      'millrace_task_handover_seconds_count{pipeline="p",stage="sums",reason="rebalanced"} 2',
    );
    await untilHeldBy({ a: 2, b: 2 });
  });

  it('where everything has somebody is there all the same, and is next', async () => {
    start('a');
    for (const name of ['b', 'c', 'd', 'e']) start(name);
    await untilHeldBy({ a: 1, b: 1, c: 1, d: 1 });
    expect((await ports.leases.roster()).members.map(({ owner }) => owner).sort()).toEqual([
      'a',
      'b',
      'c',
      'd',
      'e',
    ]);
    await hosts[0]!.drain();
    await untilHeldBy({ b: 1, c: 1, d: 1, e: 1 });
  });
});

describe('a process that goes', () => {
  it('has its tasks taken by the others, and is forgotten', async () => {
    const first = start('a');
    const second = start('b');
    await untilHeldBy({ a: 2, b: 2 });
    const before = second.facts.of(TAKEN).length;
    await first.host.drain();
    const taken = (await second.facts.until(TAKEN, before + 2)).slice(before);
    expect(taken).toMatchObject([
      { reason: 'released', from: 'a' },
      { reason: 'released', from: 'a' },
    ]);
    expect((await ports.leases.roster()).members.map(({ owner }) => owner)).toEqual(['b']);
  });

  it('with its last task leaves no member behind', async () => {
    const { host } = start('a');
    await untilHeldBy({ a: 4 });
    await host.drain();
    expect(await ports.leases.roster()).toEqual({ members: [], holders: new Map() });
  });
});

describe('a process that takes a task over and fails at first', () => {
  it('tells the hand-over when the task runs, with all the time that nobody ran it', async () => {
    const first = start('a');
    await untilHeldBy({ a: 4 });
    const failed = new Set<number>();
    const second = start('b', (partition) => {
      if (failed.has(partition)) return;
      failed.add(partition);
      throw new (class extends Error {})('not yet');
    });
    await first.host.drain();
    const taken = await second.facts.until(TAKEN, PARTITIONS);
    expect(taken.map(({ partition }) => partition).sort()).toEqual([0, 1, 2, 3]);
    expect(taken.map(({ from }) => from)).toEqual(taken.map(() => 'a'));
    const endedMs = new Map(first.facts.of(GIVEN).map(({ partition, time }) => [partition, Number(time)]));
    for (const { partition, time, seconds } of taken) {
      // Logged a moment behind; the clock of the log has whole milliseconds.
      expect(Number(seconds) * 1_000).toBeGreaterThan(Number(time) - endedMs.get(partition)! - 50);
    }
    expect([...failed].sort()).toEqual([0, 1, 2, 3]);
  });
});

describe('a task that fails and has to wait', () => {
  it('is taken by another process meanwhile', async () => {
    start('a', () => {
      throw new (class extends Error {})('broken here');
    });
    // It fails again and again, pauses longer and longer, and then says that it rests.
    while (((await ports.leases.roster()).members[0]?.resting.length ?? 0) < PARTITIONS)
      await new Promise((resolve) => setImmediate(resolve));
    const second = start('b');
    const taken = await second.facts.until(TAKEN, PARTITIONS);
    expect(taken.map(({ reason }) => reason)).toEqual(taken.map(() => 'failed'));
  });

  it('and stays with the other one is no failure of the first any more', async () => {
    const { host } = start('a', (partition) => {
      if (partition === 0) throw new (class extends Error {})('broken here');
    });
    while (((await ports.leases.roster()).members[0]?.resting.length ?? 0) === 0)
      await new Promise((resolve) => setImmediate(resolve));
    for (const name of ['b', 'c']) start(name);
    await untilHeldBy({ a: 2, b: 1, c: 1 });
    const states = (): readonly string[] => host.statuses().map(({ state }) => state);
    while (states().includes('failed')) await new Promise((resolve) => setImmediate(resolve));
    expect(host.statuses()[0]).not.toHaveProperty('problem');
    expect([...states()].sort()).toEqual(['running', 'running', 'waiting-for-lease', 'waiting-for-lease']);
  });
});

describe('in a world of models', () => {
  const run = async (
    hostCount: number,
    script: readonly ScriptedFault[] = [],
  ): Promise<readonly number[]> => {
    const simulation = new Simulation({
      random: new SeededRandom(5),
      faults: new ScriptedFaults(script),
      hosts: hostCount,
      clients: 2,
      framesPerClient: 6,
      partitions: 4,
      keptMessages: 0,
    });
    await simulation.run(20_000, () => undefined);
    expect(simulation.damage().findings).toEqual([]);
    const owners = simulation.models.tasks
      .records()
      .flatMap(({ lease }) => (lease === undefined ? [] : [lease.owner]));
    const counts = new Map<string, number>();
    for (const owner of owners) counts.set(owner, (counts.get(owner) ?? 0) + 1);
    return [...counts.values()].sort((a, b) => a - b);
  };

  it.each([
    [1, [12]],
    [2, [6, 6]],
    [3, [4, 4, 4]],
  ])('%i processes have equally many of the twelve tasks', async (hostCount, wanted) => {
    expect(await run(hostCount)).toEqual(wanted);
  });

  it('a process that has died and come back has its share again', async () => {
    const crash = { kind: 'crash', when: 'after' } as const;
    expect(await run(2, [{ kind: 'commit', target: 'local/1', nth: 2, fault: crash }])).toEqual([6, 6]);
  });
});
