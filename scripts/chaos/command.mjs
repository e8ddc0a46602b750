// What `npm run chaos` runs: reads the arguments, runs, prints what came of it. Ends with 0 only if nothing was lost, doubled or
// different.

import { main } from '../workspace.mjs';
import { readArguments } from './arguments.mjs';
import { runChaos } from './chaos-run.mjs';
import { reportText } from './report.mjs';

await main(async () => {
  const options = readArguments(process.argv.slice(2));
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop.abort());
  const beganMs = performance.now();
  const say = (text) => {
    const second = ((performance.now() - beganMs) / 1_000).toFixed(0).padStart(4);
    process.stderr.write(`${second} s  ${text}\n`);
  };
  const report = await runChaos(options, { say, signal: stop.signal });
  if (options.isJson) console.log(JSON.stringify(report));
  else console.log(reportText(report));
  return report.isRight ? 0 : 1;
});
