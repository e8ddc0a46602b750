import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';

const ROOT = resolve(import.meta.dirname, '../..');
const LIBS = pathToFileURL(join(ROOT, 'dist/libs')).href;

/** Compiles the files of an example into a folder, as they would be in `dist/functions`, over the libs that are built. */
export function compileExample(example: string, folder: string): void {
  const source = join(ROOT, 'examples', example);
  for (const file of readdirSync(source).filter((name) => /(?<!spec)\.ts$/.test(name))) {
    const { outputText } = ts.transpileModule(readFileSync(join(source, file), 'utf8'), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2024,
        module: ts.ModuleKind.ESNext,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
      },
    });
    const code = outputText.replaceAll(/'#libs\/([a-z-]+)'/g, `'${LIBS}/$1/index.js'`);
    writeFileSync(join(folder, file.replace(/\.ts$/, '.js')), code);
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
}
