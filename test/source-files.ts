import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..');

/** A source file: its path from the root with `/`, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** The files of a folder and below whose names match, sorted by path; nothing that was built or installed. */
export function sourceFiles(folder: string, names: RegExp): readonly SourceFile[] {
  return pathsUnder(folder)
    .filter((path) => names.test(path))
    .sort()
    .map((path) => ({ path, text: readText(path) }));
}

/** The text of a file, given from the root. */
export function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function pathsUnder(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (!entry.isDirectory()) return [path];
    return entry.name === 'node_modules' || entry.name === 'dist' ? [] : pathsUnder(path);
  });
}
