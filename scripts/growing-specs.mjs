// Which spec files try more where there is more time (MILLRACE_TEST_RUNS): those that use
// fast-check or look at the number itself, or import a file beside them that does.

import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from './workspace.mjs';

const SPECS = '{apps,libs,test,examples,functions}/**/*{.spec,.e2e-spec}.ts';
const GROWS = /from 'fast-check'|process\.env\['MILLRACE_TEST_RUNS'\]/;
const BESIDE = /from '(\.{1,2}\/[^']+)\.js'/g;

/** Their paths, from the root of the repository. */
export function growingSpecs() {
  return globSync(SPECS, { cwd: ROOT })
    .filter((path) => grows(path, new Set()))
    .sort();
}

function grows(path, seen) {
  if (seen.has(path) || !existsSync(join(ROOT, path))) return false;
  seen.add(path);
  const text = readFileSync(join(ROOT, path), 'utf8');
  if (GROWS.test(text)) return true;
  return [...text.matchAll(BESIDE)].some(([, beside]) => grows(`${join(dirname(path), beside)}.ts`, seen));
}
