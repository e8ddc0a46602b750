// npm run build: compiles everything to dist/ if it has changed.

import { ensureBuilt } from './compile.mjs';
import { ensureInstalled } from './install.mjs';
import { main } from './workspace.mjs';

await main(async () => {
  await ensureInstalled();
  await ensureBuilt();
});
