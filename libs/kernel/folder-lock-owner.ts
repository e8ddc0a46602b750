import { lockFolder } from './folder-lock.js';

// A process for folder-lock.spec.ts: locks the folder of its first argument, says how that went, and stays.
const folder = process.argv[2] ?? '';
const outcome = await lockFolder(folder).then(
  () => 'locked',
  (error: unknown) => String(error),
);
process.send?.(outcome);
// Listening keeps the process; without its parent it ends.
process.on('message', () => undefined);
process.on('disconnect', () => process.exit());
