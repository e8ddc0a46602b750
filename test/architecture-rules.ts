import { posix } from 'node:path';
import type { SourceFile } from './source-files.js';
import { type Import, moduleOf, type Module } from './source-module.js';

// Who may import whom. The table is the design; everything below it only compares. A rule takes files and gives
// sentences, so that the spec can show each of them a file that breaks it.

const NO_PACKAGES: readonly string[] = [];

/** What a folder may import besides its own files and Node's built-ins. */
interface Layer {
  /** Names of libs. */
  readonly libs: readonly string[];
  /** npm packages; `@scope/*` allows a scope. */
  readonly packages: readonly string[];
  /** No file system, network, process or clock: Node's built-ins are not for it either. */
  readonly pure?: true;
}

const ADAPTER_LIBS = [
  'messaging-embedded',
  'messaging-pulsar',
  'messaging-websocket',
  'storage-embedded',
  'storage-mongodb',
];
const PORT_LIBS = ['messaging', 'storage', 'observability'];
const PURE_LIBS = ['windowing', 'schema', 'pipeline', 'alerting', 'ingestion'];
const INNER_LIBS = ['kernel', ...PURE_LIBS, ...PORT_LIBS, 'functions', 'transport'];
const VALIDATION_PACKAGES = [
  'ajv',
  'ajv-formats',
  'class-transformer',
  'class-validator',
  'class-validator-jsonschema',
];
const NEST_PACKAGES = ['@nestjs/*', '@fastify/*', 'fastify', 'reflect-metadata', 'rxjs'];
const TEST_PACKAGES = ['@jest/globals', 'fast-check'];

export const LAYERS: Readonly<Record<string, Layer>> = {
  kernel: { libs: [], packages: NO_PACKAGES },
  windowing: { libs: ['kernel'], packages: ['@datadog/sketches-js', 'tinyqueue'], pure: true },
  schema: { libs: ['kernel'], packages: [...VALIDATION_PACKAGES, 'reflect-metadata'], pure: true },
  pipeline: {
    libs: ['kernel', 'windowing', 'schema', 'alerting', 'ingestion'],
    packages: ['@marcbachmann/cel-js', 'yaml'],
    pure: true,
  },
  alerting: { libs: ['kernel'], packages: ['@marcbachmann/cel-js'], pure: true },
  ingestion: { libs: ['kernel'], packages: NO_PACKAGES, pure: true },
  messaging: { libs: ['kernel'], packages: NO_PACKAGES },
  storage: { libs: ['kernel'], packages: NO_PACKAGES },
  observability: { libs: ['kernel'], packages: ['pino', 'prom-client'] },
  'messaging-embedded': { libs: ['kernel', 'messaging', 'observability'], packages: ['lmdb'] },
  'pulsar-admin': { libs: ['kernel', 'messaging', 'observability'], packages: NO_PACKAGES },
  'messaging-pulsar': {
    libs: ['kernel', 'messaging', 'observability', 'pulsar-admin'],
    packages: ['pulsar-client'],
  },
  'messaging-websocket': { libs: ['kernel', 'messaging', 'observability', 'pulsar-admin'], packages: ['ws'] },
  'storage-embedded': { libs: ['kernel', 'storage', 'observability'], packages: ['lmdb'] },
  'storage-mongodb': { libs: ['kernel', 'storage', 'observability'], packages: ['mongodb'] },
  functions: { libs: ['kernel', 'windowing', 'schema', ...PORT_LIBS], packages: ['lru-cache'] },
  transport: { libs: ['kernel', 'messaging', 'observability'], packages: ['@nestjs/*', 'rxjs'] },
  platform: {
    libs: [...INNER_LIBS, 'pulsar-admin', ...ADAPTER_LIBS],
    packages: [...NEST_PACKAGES, ...VALIDATION_PACKAGES],
  },
  testing: { libs: INNER_LIBS, packages: TEST_PACKAGES },
};

/** Apps: everything but adapters and other apps. */
const APP_LAYER: Layer = {
  libs: [...INNER_LIBS, 'platform'],
  packages: [...NEST_PACKAGES, ...VALIDATION_PACKAGES, '@marcbachmann/cel-js', 'commander', 'lru-cache'],
};
/** Enrich's own steps need their parsers. */
const APP_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  enrich: ['@ip-location-db/*', 'bowser', 'isbot', 'mmdb-lib'],
};

const FORBIDDEN_NAMES = /^(utils?|helpers?|common|shared|base|services?|managers?|types)$/;
/** What a file is, where its name alone does not say it. Closed: a new role is a decision, not a habit. */
const ROLES = [
  'module',
  'controller',
  'filter',
  'config',
  'errors',
  'function',
  'publisher',
  'step',
  'telemetry',
  'spec',
  'contract',
  'e2e-spec',
];
const FILE_NAME = new RegExp(String.raw`^[a-z0-9]+(-[a-z0-9]+)*(\.(${ROLES.join('|')}))*\.ts$`);
const MAX_LINES = 300;
const MAX_SPEC_LINES = 450;
const MAX_MAIN_LINES = 40;

/** Every way in which these files break the rules, as `path: what is wrong`. */
export function violationsOf(files: readonly SourceFile[]): readonly string[] {
  const modules = files.map(moduleOf);
  const known = new Set(modules.map(({ path }) => path));
  return [
    ...modules.flatMap((module) =>
      [...importProblems(module, known), ...shapeProblems(module)].map(at(module)),
    ),
    ...cyclesOf(modules, known),
  ];
}

function at({ path }: SourceFile): (problem: string) => string {
  return (problem) => `${path}: ${problem}`;
}

function importProblems(module: Module, known: ReadonlySet<string>): readonly string[] {
  return module.imports.flatMap((each) => problemOf(module, each, known) ?? []);
}

function problemOf(module: Module, each: Import, known: ReadonlySet<string>): string | undefined {
  if (each.specifier.startsWith('#libs/')) return libProblem(module, each);
  if (each.specifier.startsWith('.')) return relativeProblem(module, each, known);
  if (each.specifier.startsWith('node:')) return builtinProblem(module, each);
  return packageProblem(module, each);
}

function layerOf({ area, name }: Module): Layer | undefined {
  return area === 'apps' ? APP_LAYER : LAYERS[name];
}

function libProblem(module: Module, each: Import): string | undefined {
  const lib = each.specifier.slice('#libs/'.length);
  if (lib.includes('/')) return `imports ${each.specifier}; only the index of a lib is for others`;
  if (`libs/${lib}` === module.folder) return `imports its own index by ${each.specifier}`;
  if (!mayUse(module, lib)) return `${module.folder} must not import ${each.specifier}`;
  if (isAdapterAtLoad(module, lib, each)) {
    return `imports ${each.specifier} at load; adapters are loaded by await import(), so that an absent driver is never touched`;
  }
  return undefined;
}

function mayUse(module: Module, lib: string): boolean {
  // Specs may use test tools, and real adapters in place of fakes.
  if (module.isSpec && (lib === 'testing' || ADAPTER_LIBS.includes(lib))) return true;
  return layerOf(module)?.libs.includes(lib) === true;
}

function isAdapterAtLoad(module: Module, lib: string, { isDynamic, isTypeOnly }: Import): boolean {
  return !module.isSpec && ADAPTER_LIBS.includes(lib) && !isDynamic && !isTypeOnly;
}

function relativeProblem(
  module: Module,
  { specifier }: Import,
  known: ReadonlySet<string>,
): string | undefined {
  const target = targetOf(module, specifier);
  if (!specifier.endsWith('.js')) return `imports ${specifier} without .js`;
  if (!known.has(target)) return `imports ${specifier}, which is not there`;
  if (target.startsWith(`${module.folder}/`)) return undefined;
  if (module.folder === 'apps/standalone' && /^apps\/[^/]+\/[^/]+\.module\.ts$/.test(target))
    return undefined;
  return `reaches into ${target}; other folders are imported by #libs/…, other apps not at all`;
}

const INNOCENT_BUILTINS = ['node:crypto', 'node:net', 'node:util', 'node:buffer', 'node:zlib'];

function builtinProblem(module: Module, { specifier }: Import): string | undefined {
  if (module.isSpec || layerOf(module)?.pure !== true) return undefined;
  return INNOCENT_BUILTINS.includes(specifier)
    ? undefined
    : `${module.folder} is pure and must not import ${specifier}`;
}

function packageProblem(module: Module, { specifier }: Import): string | undefined {
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  const allowed = [
    ...(layerOf(module)?.packages ?? []),
    ...(module.area === 'apps' ? (APP_PACKAGES[module.name] ?? []) : []),
    ...(module.isSpec
      ? [...TEST_PACKAGES, '@nestjs/*', 'reflect-metadata', 'playwright-core', 'yaml', 'typescript']
      : []),
  ];
  const isAllowed = allowed.some((each) =>
    each.endsWith('/*') ? name.startsWith(each.slice(0, -1)) : each === name,
  );
  return isAllowed ? undefined : `${module.folder} must not import the package ${name}`;
}

/** What a file may not be, and the sentence for it. */
const SHAPES: readonly (readonly [
  isBroken: (module: Module) => boolean,
  problem: (module: Module) => string,
])[] = [
  [({ file }) => !FILE_NAME.test(file), () => 'is not named in kebab-case with a known role'],
  [
    ({ file }) => file.split('.').some((part) => FORBIDDEN_NAMES.test(part)),
    () => 'is named after nothing of the problem',
  ],
  [
    (module) => module.lines > maxLinesOf(module),
    (module) => `has ${module.lines} lines, at most ${maxLinesOf(module)} are allowed`,
  ],
  [
    ({ file, lines }) => file === 'main.ts' && lines >= MAX_MAIN_LINES,
    ({ lines }) => `has ${lines} lines; a main has less than ${MAX_MAIN_LINES}`,
  ],
  [({ hasDefaultExport }) => hasDefaultExport, () => 'has a default export'],
  [
    ({ readsEnvironment, isSpec, name }) => readsEnvironment && !isSpec && name !== 'platform',
    () => 'reads process.env; only platform does',
  ],
  [
    ({ area, name }) => area === 'libs' && LAYERS[name] === undefined,
    () => 'is in a lib that has no row in the table of layers',
  ],
];

function shapeProblems(module: Module): readonly string[] {
  return SHAPES.filter(([isBroken]) => isBroken(module)).map(([, problem]) => problem(module));
}

function maxLinesOf({ isSpec, file }: Module): number {
  return isSpec || file.endsWith('.contract.ts') ? MAX_SPEC_LINES : MAX_LINES;
}

/** Cycles of imports that run; types alone make none. Each is named once, from its first path on. */
function cyclesOf(modules: readonly Module[], known: ReadonlySet<string>): readonly string[] {
  const targets = new Map(modules.map((module) => [module.path, runtimeTargets(module, known)]));
  const cycles = new Set<string>();
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) return void cycles.add(nameOfCycle(trail.slice(start)));
    if (done.has(path)) return;
    for (const next of targets.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const { path } of modules) visit(path, []);
  return [...cycles];
}

function nameOfCycle(members: readonly string[]): string {
  const first = members.indexOf([...members].sort()[0] ?? '');
  const turned = [...members.slice(first), ...members.slice(0, first)];
  return `${turned[0]}: is in a cycle: ${[...turned, turned[0]].join(' → ')}`;
}

function runtimeTargets(module: Module, known: ReadonlySet<string>): readonly string[] {
  return module.imports
    .filter(({ isTypeOnly }) => !isTypeOnly)
    .map(({ specifier }) => targetOf(module, specifier))
    .filter((target) => known.has(target));
}

function targetOf({ path }: SourceFile, specifier: string): string {
  if (specifier.startsWith('#libs/')) return `libs/${specifier.slice('#libs/'.length)}/index.ts`;
  return posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts');
}
