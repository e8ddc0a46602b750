import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Writes a file of functions as `MILLRACE_FUNCTIONS` names one, and gives its path. What the functions are to know while
 * they run stands in files beside it.
 *
 * @param code of an ES module that exports definitions
 */
export function writeFunctions(folder: string, code: string): string {
  const file = join(folder, 'functions.mjs');
  writeFileSync(file, code);
  return file;
}
