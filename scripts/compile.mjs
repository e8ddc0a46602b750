// Compiles sources to dist/, unless dist/ is what they would compile to.

import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { DIST, ROOT, runNode, ScriptFailure } from './workspace.mjs';

/** `functions` holds the user's own; there may be none. */
const SOURCE_FOLDERS = ['apps', 'libs', 'bench', 'functions'];
const SETTINGS = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
const PAGE = 'apps/dashboard/page';
const PAGE_ASSET = /\.(html|css|js|svg)$/;
const STAMP = join(DIST, '.build-stamp');
const BUILD_INFO = join(DIST, '.tsbuildinfo');

/** Builds if a source has changed since the last build, or something of its result is missing. */
export async function ensureBuilt() {
  const sources = sourcesOfBuild();
  const wanted = hashOf([...SETTINGS, ...sources.modules, ...sources.assets]);
  const outputs = outputsOf(sources);
  const isComplete = outputs.every((file) => existsSync(join(DIST, file)));
  if (isComplete && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return;
  await build(sources, outputs, isComplete);
  writeFileSync(STAMP, wanted);
}

async function build(sources, outputs, isComplete) {
  console.log('building …');
  rmSync(STAMP, { force: true });
  // The compiler's memory of the last run would make it skip files whose output somebody has deleted.
  if (!isComplete) rmSync(BUILD_INFO, { force: true });
  const exitCode = await runNode([
    join('node_modules', 'typescript', 'bin', 'tsc'),
    '-p',
    'tsconfig.build.json',
  ]);
  if (exitCode !== 0) throw new ScriptFailure('the build has failed; the compiler says why above', exitCode);
  for (const asset of sources.assets) copyAsset(asset);
  removeAllBut(new Set(outputs));
}

/** Paths from the root, with `/`, sorted. */
function sourcesOfBuild() {
  const files = SOURCE_FOLDERS.flatMap((folder) => filesUnder(join(ROOT, folder), ROOT)).sort();
  const isOfPage = (file) => file.startsWith(`${PAGE}/`);
  return {
    modules: files.filter((file) => /(?<!\.spec|\.e2e-spec|\.d)\.ts$/.test(file) && !isOfPage(file)),
    assets: files.filter((file) => isOfPage(file) && PAGE_ASSET.test(file)),
  };
}

function outputsOf({ modules, assets }) {
  return [...modules.map((file) => file.replace(/\.ts$/, '.js')), ...assets];
}

function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(ROOT, file)))
      .update('\0');
  return hash.digest('hex');
}

function copyAsset(file) {
  const target = join(DIST, file);
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(join(ROOT, file), target);
}

/** What sources left behind that are gone by now would still be imported, and hide the mistake. */
function removeAllBut(outputs) {
  const built = SOURCE_FOLDERS.flatMap((folder) => filesUnder(join(DIST, folder), DIST));
  for (const file of built) {
    if (!outputs.has(file.replace(/\.map$/, ''))) rmSync(join(DIST, file));
  }
}

function filesUnder(folder, from) {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesUnder(path, from) : [relative(from, path).split(sep).join('/')];
  });
}
