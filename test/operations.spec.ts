import { describe, expect, it } from '@jest/globals';
import { FENCES } from '#libs/functions';
import { FACTS } from '#libs/observability';
import { CONFIGURATION_VARIABLES } from '#libs/platform';
import { FAULT_KINDS } from '../scripts/chaos/fault-plan.mjs';
import { readText, sourceFiles } from './source-files.js';

// Whoever follows docs/operations.md finds what it names: settings, codes, routes, log lines, kinds of faults, fences, commands.

const PAGE = readText('docs/operations.md');
const SOURCES = [...sourceFiles('libs', /(?<!spec)\.ts$/), ...sourceFiles('apps', /(?<!spec|\.d)\.ts$/)];

function named(pattern: RegExp): readonly string[] {
  return [...new Set([...PAGE.matchAll(pattern)].map(([, name = '']) => name))].sort();
}

function cellsUnder(header: string): readonly string[] {
  const [, below = ''] = PAGE.split(`| ${header} |`);
  const [table = ''] = below.split('\n\n');
  const cells = [...table.matchAll(/^\| ([^|]+) \|/gm)].map(([, cell = '']) => cell);
  return cells.flatMap((cell) => [...cell.matchAll(/`([\w-]+)`/g)].map(([, name = '']) => name));
}

describe('docs/operations.md', () => {
  it('names settings that there are', () => {
    const known = new Set<string>(CONFIGURATION_VARIABLES.map(({ variable }) => variable));
    expect(named(/\b(MILLRACE_[A-Z_]+)\b/g).filter((name) => !known.has(name))).toEqual([]);
  });

  it('names codes that the page of errors explains', () => {
    const errors = readText('docs/errors.md');
    const codes = named(/`([A-Z]+_[A-Z_]+)`/g).filter((code) => !code.startsWith('MILLRACE_'));
    expect(codes.length).toBeGreaterThan(5);
    expect(codes.filter((code) => !errors.includes(`\`${code}\``))).toEqual([]);
  });

  it('names routes that there are', () => {
    const routes = named(/(\/(?:v1|health|metrics)[\w/-]*)/g);
    const controllers = SOURCES.flatMap(({ text }) =>
      [...text.matchAll(/@Controller\('([\w/:-]*)'\)/g)].map(([, path = '']) => `/${path.split('/:')[0]}`),
    );
    expect(routes.filter((route) => !controllers.some((path) => route.startsWith(path)))).toEqual([]);
  });

  it('quotes log lines as they are written', () => {
    const messages = Object.values(FACTS).map(({ message }) => message);
    const quoted = [
      'processes that share the tasks',
      'task given back',
      'task taken over',
      'state is stored in a former version',
    ];
    for (const line of quoted) {
      expect(PAGE).toContain(line);
      expect(messages.filter((message) => message?.startsWith(line) === true)).toHaveLength(1);
    }
  });

  it('explains every kind of fault and every fence', () => {
    expect([...cellsUnder('kind | does')].sort()).toEqual([...FAULT_KINDS].sort());
    expect([...cellsUnder('fence | without it')].sort()).toEqual([...FENCES].sort());
  });

  it('says by what each of its parts is tried', () => {
    const parts = [...PAGE.matchAll(/^## (.+)$/gm)].map(([, title = '']) => title);
    const [, tried = ''] = PAGE.split('\n## How each line is tried\n');
    const missing = parts.filter(
      (title) => title !== 'How each line is tried' && !tried.includes(`| ${title} |`),
    );
    expect(missing).toEqual([]);
  });
});
