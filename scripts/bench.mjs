// npm run bench [-- NAME … --json]: builds if needed, then measures.

import { join } from 'node:path';
import { ensureBuilt } from './compile.mjs';
import { ensureInstalled } from './install.mjs';
import { DIST, main, runForeground } from './workspace.mjs';

await main(async () => {
  await ensureInstalled();
  await ensureBuilt();
  return runForeground([join(DIST, 'bench', 'main.js'), ...process.argv.slice(2)]);
});
