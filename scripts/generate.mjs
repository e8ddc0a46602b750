// npm run generate function|window-function NAME [-- --into FOLDER]: writes a function, its test, and its registration.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { main, ROOT, ScriptFailure } from './workspace.mjs';

const USAGE =
  'npm run generate function NAME, or window-function NAME   (NAME: lower-case letters, digits and -, as flag-checkout)';
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
/** Where the registration puts the next one. */
const IMPORTS_END = '// imports of functions end here';
const PROVIDERS_END = '    // functions end here';

function generate(kind, name, folder) {
  const type = typeNameOf(name);
  const { codeOf, testOf } = KINDS[kind];
  const files = { [`${name}.function.ts`]: codeOf(name, type), [`${name}.spec.ts`]: testOf(name, type) };
  const present = Object.keys(files).filter((file) => existsSync(join(folder, file)));
  if (present.length > 0)
    throw new ScriptFailure(`${present.join(' and ')} in ${folder} would be overwritten`, 1);
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  register(name, type, join(folder, 'functions.module.ts'));
  console.log(
    [
      ...Object.keys(files).map((file) => `written: ${join(folder, file)}`),
      `registered in ${join(folder, 'functions.module.ts')}`,
      'test it:  npm run jest -- functions',
      'run it:   MILLRACE_FUNCTIONS=dist/functions/functions.module.js npm start',
    ].join('\n'),
  );
}

function register(name, type, file) {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : EMPTY_MODULE;
  if (!text.includes(IMPORTS_END) || !text.includes(PROVIDERS_END)) {
    throw new ScriptFailure(
      `${file} has lost its marks '${IMPORTS_END}' and '${PROVIDERS_END.trim()}'; add ${type} to its providers by hand`,
    );
  }
  const line = `import { ${type} } from './${name}.function.js';\n`;
  writeFileSync(
    file,
    text.replace(IMPORTS_END, line + IMPORTS_END).replace(PROVIDERS_END, `    ${type},\n${PROVIDERS_END}`),
  );
}

/** `FlagCheckout` of `flag-checkout`. */
function typeNameOf(name) {
  return name.replace(/(^|-)([a-z0-9])/g, (_all, _dash, letter) => letter.toUpperCase());
}

const EMPTY_MODULE = `import { Module } from '@nestjs/common';
import { FunctionsModule } from '#libs/platform';
${IMPORTS_END}

/** Your functions, and what they are injected with. */
@Module({
  imports: [FunctionsModule],
  providers: [
${PROVIDERS_END}
  ],
})
export class UserFunctionsModule {}
`;

function codeOf(name, type) {
  return `import type { EventFunction, FunctionContext } from '#libs/functions';
import type { StreamEvent } from '#libs/kernel';
import { StreamFunction } from '#libs/platform';

/** What comes in: the data of an event. */
export interface ${type}Input {
  readonly path: string;
}

/** What goes out. */
export interface ${type}Output {
  readonly path: string;
  readonly count: number;
}

/** Counts the events of each key. */
@StreamFunction<${type}Input>({
  name: '${name}',
  input: 'web.enriched',
  output: 'web.${name}',
})
export class ${type} implements EventFunction<${type}Input, ${type}Output> {
  process({ data }: StreamEvent<${type}Input>, { state }: FunctionContext): ${type}Output {
    const count = state.value<number>('count');
    count.set((count.get() ?? 0) + 1);
    return { path: data.path, count: count.get() ?? 0 };
  }
}
`;
}

function testOf(name, type) {
  return `import { expect, it } from '@jest/globals';
import { functionOf } from '#libs/platform';
import { FunctionTestDriver } from '#libs/testing';
import { ${type} } from './${name}.function.js';

it('counts the events of a key, over a crash', async () => {
  const driver = new FunctionTestDriver(functionOf(${type}, new ${type}())!);
  await driver.give({ key: 'a', data: { path: '/' } });
  driver.crashAt('before-commit');
  await driver.give({ key: 'a', data: { path: '/tea' } }, { key: 'b', data: { path: '/' } });
  expect(driver.outputs()).toEqual([
    { path: '/', count: 1 },
    { path: '/tea', count: 2 },
    { path: '/', count: 1 },
  ]);
});
`;
}

function windowCodeOf(name, type) {
  return `import { count, quantile, tumbling } from '#libs/functions';
import { WindowFunction } from '#libs/platform';

/** What comes in: the data of an event. */
export interface ${type}Input {
  readonly path: string;
  readonly durationMs?: number;
}

/** Requests and their duration, for each path and minute; rows are corrected for half a minute. */
@WindowFunction({
  name: '${name}',
  input: 'web.enriched',
  window: tumbling('1m').withAllowedLateness('30s'),
  by: (request: ${type}Input) => ({ path: request.path }),
  measures: { requests: count(), p95: quantile(0.95, (request) => request.durationMs) },
})
export class ${type} {}
`;
}

function windowTestOf(name, type) {
  return `import { expect, it } from '@jest/globals';
import { windowFunctionOf } from '#libs/platform';
import { FunctionTestDriver } from '#libs/testing';
import { ${type} } from './${name}.function.js';

it('counts the requests of a path and minute, over a crash, and corrects them', async () => {
  const driver = new FunctionTestDriver(windowFunctionOf(${type}, new ${type}())!);
  driver.crashAt('before-commit');
  await driver.give(
    { timeMs: 1_000, data: { path: '/', durationMs: 20 } },
    { timeMs: 61_000, data: { path: '/tea', durationMs: 30 } },
  );
  await driver.give({ timeMs: 2_000, data: { path: '/', durationMs: 20 } });
  expect(driver.rows()).toMatchObject([
    { key: { path: '/' }, windowStartMs: 0, measures: { requests: 2 }, revision: 1 },
  ]);
});
`;
}

const KINDS = {
  function: { codeOf, testOf },
  'window-function': { codeOf: windowCodeOf, testOf: windowTestOf },
};

await main(() => {
  const { values, positionals } = parseArgs({
    options: { into: { type: 'string' } },
    allowPositionals: true,
  });
  const [what, name, ...rest] = positionals;
  if (!Object.hasOwn(KINDS, what ?? '') || name === undefined || rest.length > 0)
    throw new ScriptFailure(USAGE, 2);
  if (!NAME.test(name) || name.length > 48)
    throw new ScriptFailure(`'${name}' is no name for a function; ${USAGE}`, 2);
  generate(what, name, values.into === undefined ? join(ROOT, 'functions') : resolve(values.into));
});
