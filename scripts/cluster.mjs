// npm run cluster [-- --replicas 2]: a real Pulsar, a real MongoDB and every app as a process of its own on this
// machine, with one log and one stop. Installs and builds if needed.

import { ensureBuilt } from './compile.mjs';
import { ensureInstalled } from './install.mjs';
import { main, runForeground } from './workspace.mjs';

await main(async () => {
  await ensureInstalled();
  await ensureBuilt();
  return runForeground(['scripts/cluster/command.mjs', ...process.argv.slice(2)]);
});
