// npm start [-- options]: installs and builds if needed, then runs everything in one process.

import { join } from 'node:path';
import { ensureBuilt } from './compile.mjs';
import { ensureInstalled } from './install.mjs';
import { DIST, main, runForeground } from './workspace.mjs';

await main(async () => {
  await ensureInstalled();
  await ensureBuilt();
  return runForeground([join(DIST, 'apps', 'standalone', 'main.js'), ...process.argv.slice(2)]);
});
