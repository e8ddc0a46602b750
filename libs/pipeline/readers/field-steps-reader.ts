import type { FieldKind } from '#libs/schema';
import type { ProblemLog } from '../settings/problem-log.js';
import type { MapSetting, Setting } from '../settings/setting.js';
import { plainJson } from '../settings/plain-json.js';
import {
  choiceReader,
  distinctReader,
  durationReader,
  listReader,
  type Reader,
  textReader,
} from '../settings/setting-reader.js';
import { derivationReader, fieldReader, predicateReader } from './scope-reader.js';
import { isFieldName, newFieldReader, pathReader, type StepKind } from './step-kind.js';

const ANY_KIND = ['string', 'number', 'boolean', 'object'];
const DEFAULT_TIMEOUT_MS = 5_000;
const MAX_TIMEOUT_MS = 60_000;
const FIELD_KINDS = ['string', 'number', 'boolean', 'object'] as const;

/** What changes the fields of any event. */
export const FIELD_STEPS: Readonly<Record<string, StepKind>> = {
  rename: {
    options: undefined,
    wanted: 'a map from old names to new ones',
    isRepeatable: true,
    read: ({ setting }, scope, log) => {
      const to = distinctReader(newFieldReader, (name) => name);
      const names = entriesOf(setting).flatMap(([from, value]) => {
        const known = fieldReader(scope, ANY_KIND)(named(from, value), log);
        const name = to(value, log);
        return known === undefined || name === undefined ? [] : [{ from, to: name }];
      });
      const taken = names.find(({ to: name }) => scope.has(name) && !names.some(({ from }) => from === name));
      if (taken !== undefined) return log.refuse(setting, `names that no field has; there is a ${taken.to}`);
      return { kind: 'rename', names };
    },
  },
  drop: {
    options: ['fields'],
    isRepeatable: true,
    read: (options, scope) => {
      const field = distinctReader(fieldReader(scope, ANY_KIND), (name) => name);
      const fields = options.required('fields', listReader(field, 'a list of fields', 1));
      return fields && { kind: 'drop', fields };
    },
  },
  derive: {
    options: undefined,
    wanted: 'a map from names of fields to expressions',
    isRepeatable: true,
    read: ({ setting }, scope, log) => {
      const derivation = derivationReader(scope);
      const fields = entriesOf(setting).flatMap(([name, value]) => {
        const derived = derivation(value, log);
        return isFieldName(name, value, log) && derived !== undefined ? [{ name, ...derived }] : [];
      });
      return { kind: 'derive', fields };
    },
  },
  filter: {
    options: ['where'],
    isRepeatable: true,
    read: (options, scope) => {
      const where = options.required('where', predicateReader(scope));
      return where && { kind: 'filter', where };
    },
  },
  use: {
    options: ['use', 'with', 'adds', 'timeout'],
    isRepeatable: true,
    read: (options, scope) => {
      const path = options.required('use', (setting, problems) => {
        const isModule = textReader('the path of a compiled module, as in ./my-step.js', /\.m?js$/)(
          setting,
          problems,
        );
        return isModule && pathReader(setting, problems);
      });
      const adds = options.optional('adds', (setting, problems) => readAdds(setting, problems), {});
      const timeoutMs = options.optional('timeout', readTimeout, DEFAULT_TIMEOUT_MS);
      const given = options.member('with');
      if (path === undefined) return undefined;
      const known = [...scope].filter((entry): entry is [string, FieldKind] => typeof entry[1] === 'string');
      const { place, path: where } = options.member('use') ?? options.setting;
      return {
        ...{ kind: 'use' as const, path, adds, timeoutMs },
        options: given === undefined ? undefined : plainJson(given),
        kinds: new Map([...known, ...Object.entries(adds)]),
        place: { ...place, path: where },
      };
    },
  },
};

const readTimeout: Reader<number> = (setting, log) => {
  const timeoutMs = durationReader(1)(setting, log);
  if (timeoutMs === undefined || timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs;
  return log.refuse(setting, `at most ${MAX_TIMEOUT_MS / 1_000}s: so long every event behind it waits`);
};

function entriesOf({ entries }: MapSetting): readonly (readonly [string, Setting])[] {
  return [...entries].map(([name, { value }]) => [name, value] as const);
}

/** A name that stands as a key, to be read as a value. */
function named(name: string, { place, path }: Setting): Setting {
  return { kind: 'scalar', place, path, value: name, placeAt: () => place };
}

/** `{score: number}` */
function readAdds(setting: Setting, log: ProblemLog): Readonly<Record<string, FieldKind>> | undefined {
  if (setting.kind !== 'map')
    return log.refuse(setting, `a map from fields to one of ${FIELD_KINDS.join(', ')}`);
  const kind = choiceReader(FIELD_KINDS);
  const read = entriesOf(setting).flatMap(([name, value]) => {
    const known = kind(value, log);
    return isFieldName(name, value, log) && known !== undefined ? [[name, known] as const] : [];
  });
  return Object.fromEntries(read);
}
