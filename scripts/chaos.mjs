// npm run chaos [-- --minutes 3 --seed 1 --without covered-check --json]: every app as processes over a Pulsar and a MongoDB of
// their own, a steady load, one fault after the other, and an independent recount. Installs and builds if needed.

import { ensureBuilt } from './compile.mjs';
import { ensureInstalled } from './install.mjs';
import { main, runForeground } from './workspace.mjs';

await main(async () => {
  await ensureInstalled();
  await ensureBuilt();
  return runForeground(['scripts/chaos/command.mjs', ...process.argv.slice(2)]);
});
