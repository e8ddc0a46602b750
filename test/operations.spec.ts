import { describe, expect, it } from '@jest/globals';
import { FENCES } from '#libs/functions';
import { FACTS } from '#libs/observability';
import { CONFIGURATION_VARIABLES } from '#libs/platform';
import { runCommandLine } from '../apps/cli/command-line.js';
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

  it('leads to parts of itself that there are', () => {
    const anchors = [...PAGE.matchAll(/^##+ (.+)$/gm)].map(
      ([, title = '']) =>
        `#${title
          .toLowerCase()
          .replaceAll(/[^\w -]/g, '')
          .replaceAll(' ', '-')}`,
    );
    const links = named(/\]\((#[^)]+)\)/g);
    expect(links.length).toBeGreaterThan(5);
    expect(links.filter((link) => !anchors.includes(link))).toEqual([]);
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

interface Command {
  readonly subcommands: readonly string[];
  readonly options: ReadonlySet<string>;
}

/** What `--help` behind these words says there is. */
async function commandOf(words: readonly string[]): Promise<Command> {
  const lines: string[] = [];
  const keep = (text: string): void => void lines.push(text);
  await runCommandLine([...words, '--help'], { out: keep, complain: keep });
  const help = lines.join('\n');
  const [, below = ''] = help.split('\nCommands:\n');
  const subcommands = [...below.matchAll(/^ {2}([a-z][\w-]*)/gm)].map(([, name = '']) => name);
  return { subcommands, options: new Set(help.match(/(?<=^ +(?:-\w, )?)--[a-z][\w-]*/gm)) };
}

/** Options by which the apps' settings are given; `storage`, `audit` and `topology` take them all. */
const SETTINGS = new Set(
  CONFIGURATION_VARIABLES.map(
    ({ variable }) => `--${variable.replace('MILLRACE_', '').toLowerCase().replaceAll('_', '-')}`,
  ),
);

interface Typed {
  readonly command: Command;
  readonly path: readonly string[];
  /** A word where a subcommand stands and is none. */
  readonly unknown?: string;
}

/** Goes down the commands by the first words, `a|b` for each of them. */
async function walk(words: readonly string[], path: readonly string[] = []): Promise<Typed> {
  const command = await commandOf(path);
  const [word = '-', ...behind] = words;
  if (command.subcommands.length === 0 || word.startsWith('-')) return { command, path };
  const [unknown] = word.split('|').filter((name) => !command.subcommands.includes(name));
  if (unknown !== undefined) return { command, path, unknown: [...path, unknown].join(' ') };
  const [first = word] = word.split('|');
  return walk(behind, [...path, first]);
}

/** What of a command line is not there: a command, a subcommand, or options. */
async function unknownIn(line: string): Promise<readonly string[]> {
  const words = line
    .replace(/ # .*| \| .*/, '')
    .split(/[\s[\]…]+/)
    .filter(Boolean);
  const { command, path, unknown } = await walk(words);
  if (unknown !== undefined) return [unknown];
  // Without a word behind it, `dead-letters` lists.
  const { options } = path.join() === 'dead-letters' ? await commandOf(['dead-letters', 'list']) : command;
  const known = /^(storage|audit|topology)$/.test(path[0] ?? '') ? options.union(SETTINGS) : options;
  const given = words.filter((word) => word.startsWith('--')).map((word) => word.split('=')[0] ?? '');
  return given.filter((option) => !known.has(option));
}

/** Command lines that a page prints: in a line of their own, or in `…` or <code>…</code>. */
function commandLinesIn(text: string): readonly string[] {
  const program = String.raw`(?:\$ )?(?:\S*node )?(?:\S*dist\/apps\/cli\/main\.js|(?:npx )?millrace|npm run (?:-s )?millrace --)`;
  const alone = new RegExp(`^\\s*${program} (.+)$`, 'gm');
  const within = new RegExp(`(?:\`|<code>)${program} ([^\`<]+)(?:\`|</code>)`, 'g');
  return [...text.matchAll(alone), ...text.matchAll(within)].map(([, line = '']) => line);
}

describe('command lines of millrace that the pages print', () => {
  const pages = [
    ...sourceFiles('docs', /\.md$/),
    ...['README.md', 'deploy/README.md', 'examples/README.md'].map((path) => ({
      path,
      text: readText(path),
    })),
  ].filter(({ path }) => !path.startsWith('docs/decisions/'));

  it('have commands and options that there are', async () => {
    const lines = pages.flatMap(({ path, text }) => commandLinesIn(text).map((line) => ({ path, line })));
    expect(lines.length).toBeGreaterThan(30);
    const wrong: string[] = [];
    for (const { path, line } of lines)
      for (const unknown of await unknownIn(line)) wrong.push(`${path}: millrace ${line}: ${unknown}`);
    expect(wrong).toEqual([]);
  });

  it('are found out where they are wrong', async () => {
    expect(commandLinesIn('    millrace audit --repiar # why\n`millrace keys lst`')).toEqual([
      'audit --repiar # why',
      'keys lst',
    ]);
    expect(await unknownIn('audit --repiar # why')).toEqual(['--repiar']);
    expect(await unknownIn('keys lst')).toEqual(['keys lst']);
    expect(await unknownIn('dead-leters --json')).toEqual(['dead-leters']);
    expect(await unknownIn('dead-letters [list|shwo|redrive]')).toEqual(['dead-letters shwo']);
    expect(await unknownIn('explain window --store mongodb://…')).toEqual(['--store']);
    expect(await unknownIn('storage plan --store mongodb://… --json')).toEqual([]);
  });

  it('in docs/operations.md stand without the program behind it, too', async () => {
    const { subcommands } = await commandOf([]);
    const short = new RegExp(`\`((?:${subcommands.join('|')}) [^\`]+)\``, 'g');
    const lines = named(short).filter((line) => !line.endsWith('…'));
    expect(lines.length).toBeGreaterThan(3);
    expect((await Promise.all(lines.map(unknownIn))).flat()).toEqual([]);
  });
});
