import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** `functions` holds the user's own; there may be none. */
const ROOTS = ['apps', 'libs', 'test', 'examples', 'functions'];

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  testSequencer: '<rootDir>/test/longest-first.mjs',
  roots: ROOTS.filter((folder) => existsSync(join(import.meta.dirname, folder))).map(
    (folder) => `<rootDir>/${folder}`,
  ),
  testMatch: ['**/*.spec.ts', '**/*.e2e-spec.ts'],
  setupFilesAfterEnv: ['<rootDir>/test/property-runs.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^#libs/([^/]+)$': '<rootDir>/libs/$1/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2024',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          keepClassNames: true,
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
};
