import { MASK_WAYS } from '../enrich-step.js';
import type { Scope } from '../expression/expression.js';
import type { ProblemLog } from '../settings/problem-log.js';
import {
  choiceReader,
  distinctReader,
  durationReader,
  listReader,
  type MapReader,
  numberReader,
  type Reader,
  textReader,
} from '../settings/setting-reader.js';
import { fieldReader } from './scope-reader.js';
import { isFieldName, pathReader, type StepKind } from './step-kind.js';

const DAY_MS = 86_400_000;
const USER_AGENT_FIELD = 'userAgent';
const PATH_FIELD = 'path';
const COUNTRY = [{ as: 'country', path: ['country_code'], kind: 'string' }] as const;

function wholeReader(least: number, most: number): Reader<number> {
  return numberReader(
    `a whole number from ${least} to ${most}`,
    (value) => Number.isInteger(value) && value >= least && value <= most,
  );
}

/** What makes a visit out of a request. */
export const VISIT_STEPS: Readonly<Record<string, StepKind>> = {
  userAgent: {
    options: ['from'],
    read: (options, scope, log) => {
      const from = options.optional('from', fieldReader(scope, ['string']), USER_AGENT_FIELD);
      return hasField(from, options, { scope, log }) ? { kind: 'userAgent', from } : undefined;
    },
  },
  geo: {
    options: ['from', 'database', 'select'],
    isRepeatable: true,
    read: (options, scope, log) => {
      const from = options.required('from', fieldReader(scope, ['string']));
      const database = options.optional('database', pathReader, undefined);
      const select = options.optional('select', selectReader, undefined);
      if (database !== undefined && select === undefined && !options.has('select'))
        return log.refuse(
          options.setting,
          'select too: which fields of that database, as in {city: city.names.en}',
        );
      return from === undefined ? undefined : { kind: 'geo', from, database, select: select ?? COUNTRY };
    },
  },
  classify: {
    options: [],
    read: (options, scope, log) =>
      hasField(PATH_FIELD, options, { scope, log }) ? { kind: 'classify' } : undefined,
  },
  route: {
    options: ['from', 'rules', 'maxValues', 'maxRoutes'],
    read: (options, scope, log) => {
      const from = options.optional('from', fieldReader(scope, ['string']), PATH_FIELD);
      const rule = textReader('a path with :names, as in /p/:id/*', /^\/(?:[^*\s]*|[^*\s]*\/\*)$/);
      const rules = options.optional('rules', listReader(rule, 'a list of rules'), []);
      const maxValues = options.optional('maxValues', wholeReader(1, 10_000), 50);
      const maxRoutes = options.optional('maxRoutes', wholeReader(1, 100_000), 1_000);
      if (!hasField(from, options, { scope, log })) return undefined;
      return { kind: 'route', from, rules, maxValues, maxRoutes };
    },
  },
  visitor: {
    options: ['from', 'rotateSalt'],
    read: (options, scope) => {
      const from = options.required(
        'from',
        listReader(alternativeReader(scope), 'a list of fields, joined by + where all are needed', 1),
      );
      const rotateSaltMs = options.optional('rotateSalt', durationReader(1), DAY_MS);
      return from && { kind: 'visitor', from, rotateSaltMs };
    },
  },
  mask: {
    options: ['fields', 'by', 'ipv4Bits', 'ipv6Bits'],
    isRepeatable: true,
    read: (options, scope) => {
      const way = options.optional('by', choiceReader(MASK_WAYS), 'truncate');
      // What is cut off or hashed is a text; a number would not be one any more.
      const kinds = way === 'drop' ? ['string', 'number', 'boolean', 'object'] : ['string'];
      const field = distinctReader(fieldReader(scope, kinds), (name) => name);
      const fields = options.required('fields', listReader(field, 'a list of fields', 1));
      const ipv4Bits = options.optional('ipv4Bits', wholeReader(0, 32), 24);
      const ipv6Bits = options.optional('ipv6Bits', wholeReader(0, 128), 48);
      return fields && { kind: 'mask', fields, way, ipv4Bits, ipv6Bits };
    },
  },
};

/** For what a step reads without being told. */
function hasField(
  name: string,
  options: MapReader,
  { scope, log }: { scope: Scope; log: ProblemLog },
): boolean {
  if (scope.get(name) === 'string') return true;
  log.report(options.setting.place, options.setting.path, {
    found: `events without the text field ${name}`,
    wanted: 'events that have it',
  });
  return false;
}

/** `{city: city.names.en}` */
const selectReader: Reader<readonly { as: string; path: readonly string[]; kind: 'string' }[]> = (
  setting,
  log,
) => {
  if (setting.kind !== 'map' || setting.entries.size === 0)
    return log.refuse(setting, 'a map from fields to paths in the database, as in {city: city.names.en}');
  const path = textReader('a path in the record of the database, as in city.names.en', /^[\w-]+(\.[\w-]+)*$/);
  return [...setting.entries].flatMap(([as, { value }]) => {
    const read = path(value, log);
    return isFieldName(as, value, log) && read !== undefined
      ? [{ as, path: read.split('.'), kind: 'string' as const }]
      : [];
  });
};

/** `clientIp+userAgent` */
function alternativeReader(scope: Scope): Reader<readonly string[]> {
  const one = fieldReader(scope);
  return (setting, log) => {
    if (setting.kind !== 'scalar') return log.refuse(setting, 'fields joined by +');
    const names = String(setting.value)
      .split('+')
      .map((name) => name.trim());
    const known = names.map((value) => one({ ...setting, value }, log)).filter((name) => name !== undefined);
    return known.length === names.length ? known : undefined;
  };
}
