import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { type JsonValue, PlatformError, type RetryAdvice } from '#libs/kernel';
import { nearName } from '#libs/pipeline';
import { type ConfigurationVariable, SETTINGS, type SettingValues } from './configuration-variables.js';
import { parseBoolean } from './setting-parsers.js';

/** The apps, by the name of their folder. */
export type AppName =
  | 'ingest'
  | 'enrich'
  | 'aggregate'
  | 'alert'
  | 'dashboard'
  | 'standalone'
  | 'cli'
  /** A service of somebody's. */
  | 'subscriber';

/** Where the value of a setting comes from. */
export type SettingOrigin = 'argument' | 'environment' | 'default';

export interface EffectiveSetting {
  readonly variable: string;
  /** Secrets: `***` where one is set. */
  readonly value: JsonValue;
  readonly origin: SettingOrigin;
}

/** Settings that cannot be used, all of them at once. */
export class ConfigurationInvalidError extends PlatformError {
  readonly code = 'CONFIGURATION_INVALID';
  readonly retry: RetryAdvice = 'never';
  constructor(readonly problems: readonly string[]) {
    super(`the configuration cannot be used:\n  ${problems.join('\n  ')}`, { context: { problems } });
  }
}

interface Found {
  readonly text: string | undefined;
  readonly origin: SettingOrigin;
}

/** What one process runs with: read once at start, checked as a whole, then fixed. Argument > environment > default. */
export class Configuration {
  /** Unique for each run of each process. */
  readonly processId: string;
  readonly values: SettingValues;
  readonly #origins: ReadonlyMap<string, Found>;

  private constructor(
    readonly app: AppName,
    values: SettingValues,
    origins: ReadonlyMap<string, Found>,
    /** What functions may ask for, by name: `TOKEN` is `MILLRACE_SECRET_TOKEN`. */
    readonly secrets: ReadonlyMap<string, string>,
  ) {
    this.processId = `${app}-${hostname().slice(0, 20)}-${randomUUID().slice(0, 8)}`;
    this.values = Object.freeze(values);
    this.#origins = origins;
  }

  /**
   * @param args the process' arguments: `--port 3005`, `--port=3005`, `--no-demo`, by the variables' names
   * @throws ConfigurationInvalidError that names every problem with variable, value and what would be right
   */
  static load(
    app: AppName,
    environment: Readonly<Record<string, string | undefined>>,
    args: readonly string[],
  ): Configuration {
    const problems: string[] = [];
    const given = readArguments(args, problems);
    refuseUnknown(environment, problems);
    const origins = new Map<string, Found>();
    const values: Record<string, unknown> = {};
    for (const [name, definition] of Object.entries<ConfigurationVariable>(SETTINGS)) {
      const found = find(definition, environment, given);
      origins.set(name, found);
      if (found.text !== undefined) values[name] = read(definition, found, problems);
    }
    if (problems.length > 0) throw new ConfigurationInvalidError(problems);
    return new Configuration(app, values as SettingValues, origins, secretsIn(environment));
  }

  /**
   * What one of several processes has for itself: a log that no other reads, a store that no other counts in. Each with what
   * would be right.
   */
  ownedAlone(): readonly string[] {
    return (['broker', 'store'] as const)
      .filter((name) => this.values[name].kind === 'embedded')
      .map((name) => {
        const { variable } = SETTINGS[name];
        const origin = this.#origins.get(name)?.origin ?? 'default';
        return `${variable} is 'embedded' (${origin}), wanted ${SHARED[name]}: ${this.app} is one of several processes; standalone is all of them in one`;
      });
  }

  /** Every setting with its origin, fit to be shown: secrets are hidden. */
  effective(): readonly EffectiveSetting[] {
    return Object.entries<ConfigurationVariable>(SETTINGS).map(([name, definition]) => {
      const { text, origin } = this.#origins.get(name) ?? { text: undefined, origin: 'default' as const };
      const value = text === undefined ? null : shownText(definition, text);
      return { variable: definition.variable, value, origin };
    });
  }
}

function find(
  { variable, default: fallback }: ConfigurationVariable,
  environment: Readonly<Record<string, string | undefined>>,
  given: ReadonlyMap<string, string>,
): Found {
  const argument = given.get(variable);
  if (argument !== undefined) return { text: argument, origin: 'argument' };
  const text = environment[variable];
  if (text !== undefined && text !== '') return { text, origin: 'environment' };
  return { text: fallback, origin: 'default' };
}

function read(definition: ConfigurationVariable, found: Found, problems: string[]): unknown {
  try {
    return definition.parse(found.text ?? '');
  } catch (error) {
    const shown = definition.isSecret === true ? '***' : `'${shownText(definition, found.text ?? '')}'`;
    problems.push(`${definition.variable} is ${shown} (${found.origin}), wanted ${(error as Error).message}`);
    return undefined;
  }
}

function shownText({ isSecret, shown }: ConfigurationVariable, text: string): string {
  if (isSecret === true) return '***';
  return shown === undefined ? text : shown(text);
}

const SHARED = {
  broker: 'the address of a Pulsar, e.g. ws://host:8080',
  store: 'the address of a MongoDB replica set, e.g. mongodb://host:27017/?replicaSet=rs0',
} as const;
const SECRET = 'MILLRACE_SECRET_';
/** Variables that share the prefix and are no settings: of the tests, and the secrets of functions. */
const OTHERS = /^MILLRACE_(TEST|SECRET)_/;

function secretsIn(environment: Readonly<Record<string, string | undefined>>): ReadonlyMap<string, string> {
  const found = Object.entries(environment).filter(([name]) => name.startsWith(SECRET));
  return new Map(found.map(([name, value = '']) => [name.slice(SECRET.length), value]));
}

function refuseUnknown(environment: Readonly<Record<string, string | undefined>>, problems: string[]): void {
  const known = new Set(
    Object.values<ConfigurationVariable>(SETTINGS).map(({ variable }) => variable as string),
  );
  const unknown = Object.keys(environment).filter(
    (name) => name.startsWith('MILLRACE_') && !OTHERS.test(name) && !known.has(name),
  );
  for (const name of unknown) {
    const meant = meantBy(name, [...known]);
    const hint = meant === undefined ? '' : ` (did you mean ${meant}?)`;
    problems.push(`${name} is not a setting${hint}; docs/configuration.md lists them`);
  }
}

/** A typo, or something behind the name: MILLRACE_STORE_URL. */
function meantBy(name: string, known: readonly string[]): string | undefined {
  const longestFirst = known.toSorted((a, b) => b.length - a.length);
  return nearName(name, known) ?? longestFirst.find((setting) => name.startsWith(`${setting}_`));
}

/** `--data-dir x`, `--data-dir=x`, and `--demo` / `--no-demo` for settings that are true or false. */
function readArguments(args: readonly string[], problems: string[]): Map<string, string> {
  const variables = new Map(
    Object.values<ConfigurationVariable>(SETTINGS).map((setting) => [flagOf(setting.variable), setting]),
  );
  const options = Object.fromEntries(
    [...variables].map(([flag, { parse }]) => [
      flag,
      { type: parse === parseBoolean ? 'boolean' : 'string' } as const,
    ]),
  );
  const given = new Map<string, string>();
  try {
    const { values } = parseArgs({ args: [...args], options, allowNegative: true });
    for (const [flag, value] of Object.entries(values))
      given.set(variables.get(flag)?.variable ?? flag, String(value));
  } catch (error) {
    problems.push(`${(error as Error).message}; there are --${[...variables.keys()].join(' --')}`);
  }
  return given;
}

function flagOf(variable: string): string {
  return variable.slice('MILLRACE_'.length).toLowerCase().replaceAll('_', '-');
}
