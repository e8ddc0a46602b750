import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FAILPOINTS } from '#libs/functions';
import { FACTS } from '#libs/observability';
import { CONFIGURATION_VARIABLES } from '#libs/platform';
import { readText, ROOT, sourceFiles } from './source-files.js';

const SOURCES = [...sourceFiles('libs', /(?<!spec)\.ts$/), ...sourceFiles('apps', /(?<!spec|\.d)\.ts$/)];
const DOCS = [
  ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md'].map((path) => ({
    path,
    text: readText(path),
  })),
  ...sourceFiles('docs', /\.md$/),
  ...sourceFiles('deploy', /\.md$/),
];

/** The rows of the tables of a page, as cells without the code marks, header rows left out. */
function rowsOf(page: string): readonly (readonly string[])[] {
  const lines = readText(page).split('\n');
  return lines
    .filter(
      (line, number) =>
        line.startsWith('|') && !/^\|[-| ]+$/.test(line) && !/^\|[-| ]+$/.test(lines[number + 1] ?? ''),
    )
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
}

function firstCells(page: string): readonly string[] {
  return rowsOf(page).map(([first = '']) => first);
}

/** Codes that the sources give to errors and dead letters: `code = 'X'`, `code: 'X'`, and types named `…Code`. */
function codesIn(text: string): readonly string[] {
  const given = [...text.matchAll(/\bcode\s*[:=]\s*'([A-Z][A-Z0-9_]+)'/g)].map(([, code = '']) => code);
  const unions = [...text.matchAll(/type \w*Code =([^;]+);/g)].flatMap(([, union = '']) =>
    [...union.matchAll(/'([A-Z][A-Z0-9_]+)'/g)].map(([, code = '']) => code),
  );
  return [...given, ...unions];
}

function missingFrom(present: readonly string[], wanted: Iterable<string>): readonly string[] {
  const known = new Set(present);
  return [...new Set(wanted)].filter((each) => !known.has(each)).sort();
}

describe('docs/errors.md', () => {
  const documented = firstCells('docs/errors.md');

  it('has a row for every code in the sources', () => {
    expect(
      missingFrom(
        documented,
        SOURCES.flatMap(({ text }) => codesIn(text)),
      ),
    ).toEqual([]);
  });

  it('has no row for a code that the sources do not know', () => {
    const known = SOURCES.flatMap(({ text }) =>
      [...text.matchAll(/'([A-Z][A-Z0-9_]+)'/g)].map(([, code = '']) => code),
    );
    expect(missingFrom(known, documented)).toEqual([]);
  });

  it('has each code once', () => {
    expect(documented.filter((code, place) => documented.indexOf(code) !== place)).toEqual([]);
  });
});

describe('docs/event-fates.md', () => {
  const rows = rowsOf('docs/event-fates.md');
  const fates = /const NAMES = \[([^\]]+)\]/.exec(readText('apps/dashboard/fates-reader.ts'))?.[1] ?? '';
  const names = [...fates.matchAll(/'(\w+)'/g)].map(([, name = '']) => name);

  it('has a row for every fate, and no other', () => {
    expect(names.length).toBeGreaterThan(3);
    expect(rows.map(([fate]) => fate).sort()).toEqual([...names].sort());
  });

  it.each(rows)('names a test that is there: %s', (_fate, ...cells) => {
    const [test = '', title = ''] = cells.slice(-2);
    expect(test).toMatch(/spec\.ts$/);
    expect(existsSync(join(ROOT, test)) ? readText(test) : '').toContain(`'${title}'`);
  });
});

describe('docs/configuration.md', () => {
  it('has every variable with its default, and no other', () => {
    const documented = rowsOf('docs/configuration.md').map(
      ([variable, fallback]) => `${variable} = ${fallback}`,
    );
    const known = CONFIGURATION_VARIABLES.map((each) => `${each.variable} = ${each.default ?? ''}`);
    expect([...documented].sort()).toEqual([...known].sort());
  });

  it('says what each means', () => {
    expect(rowsOf('docs/configuration.md').filter(([, , meaning = '']) => meaning.length < 10)).toEqual([]);
  });
});

describe('docs/operations.md', () => {
  it('lists every metric, and no other', () => {
    const listed = firstCells('docs/operations.md').filter((cell) => cell.startsWith('millrace_'));
    const known = Object.values(FACTS).flatMap((fact) =>
      fact.metric === undefined ? [] : [fact.metric.name],
    );
    expect([...listed].sort()).toEqual([...new Set(known)].sort());
  });
});

describe('docs/operations.md', () => {
  it('lists every failpoint, in the order in which they are passed', () => {
    const isFailpoint = (cell: string): boolean => /^(before|after)-/.test(cell);
    expect(firstCells('docs/operations.md').filter(isFailpoint)).toEqual([...FAILPOINTS]);
  });
});

describe('the pages', () => {
  it('link to nothing that is not there', () => {
    const broken = DOCS.flatMap(({ path, text }) =>
      [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !/^[a-z]+:/.test(target) && !existsSync(join(ROOT, dirname(path), target)))
        .map((target) => `${path}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('name no command that package.json does not have', () => {
    const { scripts } = JSON.parse(readText('package.json')) as { scripts: Record<string, string> };
    const named = DOCS.flatMap(({ text }) => [
      ...[...text.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, name = '']) => name),
      ...[...text.matchAll(/npm (start|test)\b/g)].map(([, name = '']) => name),
    ]);
    expect(missingFrom(Object.keys(scripts), named)).toEqual([]);
  });

  it('name no file of the tree in a table that is not there', () => {
    const broken = DOCS.filter(({ path }) => path !== 'CHANGELOG.md').flatMap(({ path, text }) =>
      [...text.matchAll(/^\|.*$/gm)]
        .flatMap(([row]) => [
          ...row.matchAll(/`((?:libs|apps|docs|test|scripts|pipelines|deploy)\/[^`\s*{}<>]+)`/g),
        ])
        .map(([, target = '']) => target)
        .filter((target) => !existsSync(join(ROOT, target)))
        .map((target) => `${path}: ${target}`),
    );
    expect(broken).toEqual([]);
  });
});
