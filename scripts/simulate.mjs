// npm run simulate [-- --seeds 2000 | --seed N] [--without epoch-check] [--json]: builds if needed, then simulates.

import { join } from 'node:path';
import { ensureBuilt } from './compile.mjs';
import { ensureInstalled } from './install.mjs';
import { DIST, main, runForeground } from './workspace.mjs';

await main(async () => {
  await ensureInstalled();
  await ensureBuilt();
  return runForeground([join(DIST, 'libs', 'testing', 'simulator', 'main.js'), ...process.argv.slice(2)]);
});
