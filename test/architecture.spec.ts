import { describe, expect, it } from '@jest/globals';
import { LAYERS, violationsOf } from './architecture-rules.js';
import { sourceFiles } from './source-files.js';

const SOURCES = [...sourceFiles('libs', /\.ts$/), ...sourceFiles('apps', /(?<!\.d)\.ts$/)].filter(
  ({ path }) => !path.startsWith('apps/dashboard/page/'),
);

/** What the rules say about files given as `path: text`. */
function violations(files: Readonly<Record<string, string>>): readonly string[] {
  return violationsOf(Object.entries(files).map(([path, text]) => ({ path, text })));
}

describe('the sources', () => {
  it('keep to the rules', () => {
    expect(violationsOf(SOURCES)).toEqual([]);
  });

  it('are many, so that the search for them works', () => {
    expect(SOURCES.length).toBeGreaterThan(50);
  });

  it('have a row in the table for every lib', () => {
    const libs = new Set(
      SOURCES.filter(({ path }) => path.startsWith('libs/')).map(({ path }) => path.split('/')[1]),
    );
    expect([...libs].filter((lib) => LAYERS[lib ?? ''] === undefined)).toEqual([]);
  });
});

describe('a file that breaks a rule is named', () => {
  const KERNEL = { 'libs/kernel/index.ts': 'export const one = 1;' };
  const MESSAGING = { 'libs/messaging/index.ts': 'export const two = 2;' };

  const cases: readonly (readonly [rule: string, files: Record<string, string>, expected: string])[] = [
    [
      'kernel imports no lib',
      { 'libs/kernel/clock.ts': "import { two } from '#libs/messaging';", ...MESSAGING },
      'libs/kernel/clock.ts: libs/kernel must not import #libs/messaging',
    ],
    [
      'a pure lib imports no port',
      { 'libs/windowing/window.ts': "import { two } from '#libs/messaging';", ...MESSAGING },
      'libs/windowing/window.ts: libs/windowing must not import #libs/messaging',
    ],
    [
      'a pure lib does no input or output',
      { 'libs/windowing/window.ts': "import { readFile } from 'node:fs/promises';" },
      'libs/windowing/window.ts: libs/windowing is pure and must not import node:fs/promises',
    ],
    [
      'the runtime knows ports, never adapters',
      { 'libs/functions/task.ts': "import type { Log } from '#libs/messaging-embedded';" },
      'libs/functions/task.ts: libs/functions must not import #libs/messaging-embedded',
    ],
    [
      'an app knows no adapter',
      { 'apps/ingest/intake.ts': "const log = await import('#libs/messaging-embedded');" },
      'apps/ingest/intake.ts: apps/ingest must not import #libs/messaging-embedded',
    ],
    [
      'alerting knows no pipelines, not even by type',
      { 'libs/alerting/rule.ts': "import type { PipelineDefinition } from '#libs/pipeline';" },
      'libs/alerting/rule.ts: libs/alerting must not import #libs/pipeline',
    ],
    [
      'an adapter is loaded when it is chosen',
      { 'libs/platform/adapters.ts': "import { Log } from '#libs/messaging-embedded';" },
      'libs/platform/adapters.ts: imports #libs/messaging-embedded at load; adapters are loaded by await import(), so that an absent driver is never touched',
    ],
    [
      'only the index of a lib is for others',
      { 'libs/messaging/frame.ts': "import { one } from '#libs/kernel/clock.js';" },
      'libs/messaging/frame.ts: imports #libs/kernel/clock.js; only the index of a lib is for others',
    ],
    [
      'a relative import stays in its folder',
      { 'libs/messaging/frame.ts': "import { one } from '../kernel/index.js';", ...KERNEL },
      'libs/messaging/frame.ts: reaches into libs/kernel/index.ts; other folders are imported by #libs/…, other apps not at all',
    ],
    [
      'an app does not import another',
      {
        'apps/ingest/a.ts': "import { b } from '../enrich/enrich.module.js';",
        'apps/enrich/enrich.module.ts': '',
      },
      'apps/ingest/a.ts: reaches into apps/enrich/enrich.module.ts; other folders are imported by #libs/…, other apps not at all',
    ],
    [
      'a relative import exists',
      { 'libs/kernel/index.ts': "export * from './gone.js';" },
      'libs/kernel/index.ts: imports ./gone.js, which is not there',
    ],
    [
      'lmdb is for the embedded adapters',
      { 'libs/storage/store.ts': "import { open } from 'lmdb';" },
      'libs/storage/store.ts: libs/storage must not import the package lmdb',
    ],
    [
      'Nest is for platform, transport and apps',
      { 'libs/functions/task.ts': "import { Injectable } from '@nestjs/common';" },
      'libs/functions/task.ts: libs/functions must not import the package @nestjs/common',
    ],
    [
      'only platform reads the environment',
      { 'apps/ingest/main.ts': 'const port = process.env.PORT;' },
      'apps/ingest/main.ts: reads process.env; only platform does',
    ],
    [
      'nothing is exported as default',
      { 'libs/kernel/clock.ts': 'export default class Clock {}' },
      'libs/kernel/clock.ts: has a default export',
    ],
    [
      'files are small',
      { 'libs/kernel/clock.ts': 'export {};\n'.repeat(301) },
      'libs/kernel/clock.ts: has 301 lines, at most 300 are allowed',
    ],
    [
      'a main is short',
      { 'apps/ingest/main.ts': '// start\n'.repeat(40) },
      'apps/ingest/main.ts: has 40 lines; a main has less than 40',
    ],
    [
      'files are named in kebab-case',
      { 'libs/kernel/systemClock.ts': '' },
      'libs/kernel/systemClock.ts: is not named in kebab-case with a known role',
    ],
    [
      'files are named after something',
      { 'libs/kernel/utils.ts': '' },
      'libs/kernel/utils.ts: is named after nothing of the problem',
    ],
    [
      'imports make no cycle',
      { 'libs/kernel/a.ts': "import { b } from './b.js';", 'libs/kernel/b.ts': "export * from './a.js';" },
      'libs/kernel/a.ts: is in a cycle: libs/kernel/a.ts → libs/kernel/b.ts → libs/kernel/a.ts',
    ],
    [
      'a new lib gets a row in the table',
      { 'libs/novelty/index.ts': '' },
      'libs/novelty/index.ts: is in a lib that has no row in the table of layers',
    ],
  ];

  it.each(cases)('%s', (_rule, files, expected) => {
    expect(violations(files)).toEqual([expected]);
  });
});

describe('a file that keeps the rules is not named', () => {
  const cases: readonly (readonly [freedom: string, files: Record<string, string>])[] = [
    [
      'types alone make no cycle',
      { 'libs/kernel/a.ts': "import type { B } from './b.js';", 'libs/kernel/b.ts': "import './a.js';" },
    ],
    ['pipeline knows alerting', { 'libs/pipeline/parse.ts': "import { decide } from '#libs/alerting';" }],
    [
      'platform loads an adapter it has chosen',
      { 'libs/platform/a.ts': "const { Log } = await import('#libs/messaging-embedded');" },
    ],
    [
      'standalone imports the modules of other apps',
      {
        'apps/standalone/a.module.ts': "import { B } from '../enrich/enrich.module.js';",
        'apps/enrich/enrich.module.ts': '',
      },
    ],
    [
      'a spec uses the test tools',
      {
        'libs/functions/task.spec.ts':
          "import { it } from '@jest/globals';\nimport { driver } from '#libs/testing';",
      },
    ],
    [
      'the word process.env in a sentence',
      { 'libs/kernel/clock.ts': "// process.env is read by platform\nexport const text = 'process.env';" },
    ],
  ];

  it.each(cases)('%s', (_freedom, files) => {
    expect(violations(files)).toEqual([]);
  });
});
