import { parseDuration } from '#libs/kernel';
import { wantedName } from './near-name.js';
import type { ProblemLog } from './problem-log.js';
import type { MapSetting, Setting } from './setting.js';

/** Reads one setting. Undefined: it was refused, and the log says why. */
export type Reader<T> = (setting: Setting, log: ProblemLog) => T | undefined;

export const readBoolean: Reader<boolean> = (setting, log) =>
  setting.kind === 'scalar' && typeof setting.value === 'boolean'
    ? setting.value
    : log.refuse(setting, 'true or false');

/** A text that is not empty. */
export function textReader(wanted: string, pattern = /\S/): Reader<string> {
  return (setting, log) =>
    setting.kind === 'scalar' && typeof setting.value === 'string' && pattern.test(setting.value)
      ? setting.value
      : log.refuse(setting, wanted);
}

export function choiceReader<T extends string>(choices: readonly T[]): Reader<T> {
  return (setting, log) => {
    const value = setting.kind === 'scalar' ? setting.value : undefined;
    const choice = choices.find((candidate) => candidate === value);
    return choice ?? log.refuse(setting, wantedName(String(value), choices));
  };
}

export function numberReader(
  wanted: string,
  isLegal: (value: number) => boolean = Number.isFinite,
): Reader<number> {
  return (setting, log) =>
    setting.kind === 'scalar' && typeof setting.value === 'number' && isLegal(setting.value)
      ? setting.value
      : log.refuse(setting, wanted);
}

/** Milliseconds of a duration such as `10s`, at least `leastMs`. */
export function durationReader(leastMs: 0 | 1): Reader<number> {
  const wanted = `a duration ${leastMs === 0 ? 'of 0s or more' : 'above 0s'}: a number and ms, s, m, h or d, e.g. 10s`;
  return (setting, log) => {
    const durationMs = durationOf(setting);
    return durationMs !== undefined && durationMs >= leastMs ? durationMs : log.refuse(setting, wanted);
  };
}

function durationOf(setting: Setting): number | undefined {
  if (setting.kind !== 'scalar' || typeof setting.value !== 'string') return undefined;
  try {
    return parseDuration(setting.value);
  } catch {
    return undefined;
  }
}

/** A list of which every item can be read; refused items are left out. */
export function listReader<T>(item: Reader<T>, wanted: string, leastItems = 0): Reader<readonly T[]> {
  return (setting, log) => {
    if (setting.kind !== 'list' || setting.items.length < leastItems) return log.refuse(setting, wanted);
    return setting.items.map((each) => item(each, log)).filter((each) => each !== undefined);
  };
}

/** Refuses what was named before in the same list. */
export function distinctReader<T>(item: Reader<T>, nameOf: (value: T) => string | number): Reader<T> {
  const seen = new Set<string | number>();
  return (setting, log) => {
    const value = item(setting, log);
    if (value === undefined) return undefined;
    if (seen.has(nameOf(value))) return log.refuse(setting, 'each only once');
    seen.add(nameOf(value));
    return value;
  };
}

type KindsOfMap = Readonly<Record<string, { readonly options: readonly string[] }>>;

/** The members of a map, by name. Unknown ones are refused when it is made. */
export class MapReader {
  constructor(
    readonly setting: MapSetting,
    private readonly log: ProblemLog,
  ) {}

  /** @param later what a later version will know, and this one refuses as such */
  static of(
    setting: Setting,
    log: ProblemLog,
    known: readonly string[],
    later: readonly string[] = [],
  ): MapReader | undefined {
    if (setting.kind !== 'map')
      return log.refuse(setting, known.length === 0 ? 'an empty map, {}' : `a map of ${known.join(', ')}`);
    for (const [name, { keyPlace, value }] of setting.entries) {
      if (known.includes(name)) continue;
      const wanted = later.includes(name)
        ? `${known.join(', ')}: ${name} is not supported in this version`
        : wantedName(name, known);
      log.report(keyPlace, value.path, { found: `the key ${name}`, wanted });
    }
    return new MapReader(setting, log);
  }

  /** A map whose kind is told by one of its keys, and which has the options of that kind only. */
  static ofKind(
    setting: Setting,
    log: ProblemLog,
    kinds: KindsOfMap,
  ): { readonly kind: string; readonly map: MapReader } | undefined {
    const written = setting.kind === 'map' ? [...setting.entries.keys()] : [];
    const kind = written.find((name) => Object.hasOwn(kinds, name));
    const options = (kind === undefined ? Object.keys(kinds) : [kind]).flatMap(
      (name) => kinds[name]?.options ?? [],
    );
    const named = kind === undefined ? Object.keys(kinds) : [kind];
    const known = [...new Set([...named, ...options])];
    const map = MapReader.of(setting, log, known);
    if (map === undefined) return undefined;
    if (kind !== undefined) return { kind, map };
    // A key that is not known was told already, with the one that was probably meant.
    const isTold = written.some((name) => !known.includes(name));
    return isTold ? undefined : log.refuse(setting, `a map with ${Object.keys(kinds).join(' or ')}`);
  }

  has(name: string): boolean {
    return this.setting.entries.has(name);
  }

  member(name: string): Setting | undefined {
    return this.setting.entries.get(name)?.value;
  }

  required<T>(name: string, reader: Reader<T>): T | undefined {
    const member = this.member(name);
    if (member !== undefined) return reader(member, this.log);
    this.log.report(this.setting.place, this.setting.path, {
      found: `no ${name}`,
      wanted: `the key ${name}`,
    });
    return undefined;
  }

  optional<T, F>(name: string, reader: Reader<T>, fallback: F): T | F {
    const member = this.member(name);
    // A refused value stops the whole file, so that what stands in for it is never used.
    return member === undefined ? fallback : (reader(member, this.log) ?? fallback);
  }
}
