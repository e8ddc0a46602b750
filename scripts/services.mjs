// npm run services:up | services:down | services:status [-- pulsar mongodb] [--json]: a real Pulsar and a real
// mongod on loopback, without Docker. What they print with --json is what tests read.

import { ensureInstalled } from './install.mjs';
import { main, runForeground } from './workspace.mjs';

await main(async () => {
  await ensureInstalled();
  return runForeground(['scripts/servers/command.mjs', ...process.argv.slice(2)]);
});
