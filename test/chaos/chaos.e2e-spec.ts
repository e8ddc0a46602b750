import { execFile } from 'node:child_process';
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FAULT_KINDS } from '../../scripts/chaos/fault-plan.mjs';
import { describeWithMongodb, describeWithPulsar } from '#libs/testing';

// Three minutes of `npm run chaos`, over servers of its own: part of `npm run verify` and not of `npm test`. Whoever sees a
// broker and a database here has what it takes to start others.

const RUNS = fc.readConfigureGlobal().numRuns ?? 200;
const HAS_TIME = RUNS >= 2_000;
const HAS_MUCH_TIME = RUNS >= 20_000;
/** For a small machine that has much else to do. */
const EVENTS_A_SECOND = 400;
const WAIT_MS = 60 * 60_000;

interface Report {
  readonly faults: Readonly<Record<string, number>>;
  readonly events: number;
  readonly rows: number;
  readonly lost: number;
  readonly doubled: number;
  readonly differing: number;
  readonly examples: readonly string[];
}

function chaos(args: readonly string[]): Promise<{ readonly log: string; readonly report: Report }> {
  return new Promise((done, fail) => {
    const command = ['scripts/chaos/command.mjs', ...args, '--json'];
    execFile(process.execPath, command, { maxBuffer: 2 ** 26 }, (_error, stdout, log) => {
      try {
        done({ log, report: JSON.parse(stdout) as Report });
      } catch {
        fail(new Error(log));
      }
    });
  });
}

describeWithPulsar('chaos', () => {
  describeWithMongodb('among real processes', () => {
    (HAS_TIME ? it : it.skip)(
      'loses nothing, doubles nothing and changes nothing [needs the time of npm run verify]',
      async () => {
        const { report, log } = await chaos([
          '--minutes',
          '3',
          '--seed',
          '1',
          '--rate',
          String(EVENTS_A_SECOND),
        ]);
        const { lost, doubled, differing, examples, faults } = report;
        process.stderr.write(`chaos: ${JSON.stringify({ ...report, examples: examples.length })}\n`);
        expect({ lost, doubled, differing, examples, log }).toEqual({
          ...{ lost: 0, doubled: 0, differing: 0, examples: [] },
          log,
        });
        expect(Object.keys(faults).sort()).toEqual([...FAULT_KINDS].sort());
        expect(report.events).toBeGreaterThan(EVENTS_A_SECOND * 60);
        expect(report.rows).toBeGreaterThan(1_000);
      },
      WAIT_MS,
    );

    (HAS_MUCH_TIME ? it : it.skip)(
      'finds the damage where a fence is taken away [needs the time of npm run verify:long]',
      async () => {
        // A killed enrich goes over what it had not acknowledged again; the seed is one that meets it first.
        const killed = ['--faults', 'kill', '--minutes', '0.5', '--seed', '11'];
        const rate = ['--rate', String(EVENTS_A_SECOND)];
        const { report, log } = await chaos([...killed, ...rate, '--without', 'covered-check']);
        expect({ isDamaged: report.differing > 0, log }).toEqual({ isDamaged: true, log });
        expect(report.examples.length).toBeGreaterThan(0);
      },
      WAIT_MS,
    );
  });
});
