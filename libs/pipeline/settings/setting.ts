/** Where something stands in a file. Lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

interface SettingBase {
  readonly place: Place;
  /** Where in its document, e.g. `spec.aggregate[0].by`; empty: the document. */
  readonly path: string;
}

export interface ScalarSetting extends SettingBase {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** The place of the n-th character of a text, where the file has it letter for letter; else the place of the text. */
  readonly placeAt: (offset: number) => Place;
}

export interface ListSetting extends SettingBase {
  readonly kind: 'list';
  readonly items: readonly Setting[];
}

export interface MapSetting extends SettingBase {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, { readonly keyPlace: Place; readonly value: Setting }>;
}

/** What could not be read. Its problem is told already: readers say nothing more of it. */
export interface RefusedSetting extends SettingBase {
  readonly kind: 'refused';
}

/** A value of a file that knows where it stands. */
export type Setting = ScalarSetting | ListSetting | MapSetting | RefusedSetting;

/** The path of a member of the setting at `path`. */
export function memberPath(path: string, member: string | number): string {
  if (typeof member === 'number') return `${path}[${member}]`;
  const isPlain = /^[A-Za-z_][\w-]*$/.test(member);
  if (!isPlain) return `${path}[${JSON.stringify(member)}]`;
  return path === '' ? member : `${path}.${member}`;
}

/** A value as a problem names it: short, and never a whole block. */
export function describeFound(setting: Setting): string {
  if (setting.kind === 'list') return setting.items.length === 0 ? 'an empty list' : 'a list';
  if (setting.kind !== 'scalar') return 'a map';
  if (setting.value === null) return 'nothing';
  if (typeof setting.value !== 'string') return String(setting.value);
  return `'${setting.value.length > 60 ? `${setting.value.slice(0, 57)}...` : setting.value}'`;
}
