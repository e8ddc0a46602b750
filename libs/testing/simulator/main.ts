import { KEPT_SEEDS } from './kept-seeds.js';
import { parseSimulatorArguments } from './simulator-arguments.js';
import { describeFailure, simulateSeeds } from './simulator-report.js';

// npm run simulate: what fails is told on standard error, the sums on standard output. Exit code 1: damage was found.

try {
  const kept = KEPT_SEEDS.map(([seed]) => seed);
  const { seeds, without, isJson } = parseSimulatorArguments(process.argv.slice(2), kept);
  const report = await simulateSeeds(seeds, without, (outcome) => {
    process.stderr.write(`${describeFailure(outcome, without)}\n`);
  });
  const { faultsByKind, ...sums } = report;
  const summary =
    `${sums.seeds} seeds, ${sums.events} events, ${sums.faults} faults: ` +
    `${sums.lost} lost, ${sums.doubled} doubled, ${sums.differing} differing`;
  process.stdout.write(`${isJson ? JSON.stringify({ ...sums, faultsByKind }) : summary}\n`);
  process.exitCode = sums.failedSeeds.length > 0 ? 1 : 0;
} catch (error) {
  if (!(error instanceof RangeError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
