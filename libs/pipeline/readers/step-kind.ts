import type { EnrichStep } from '../enrich-step.js';
import type { Scope } from '../expression/expression.js';
import type { ProblemLog } from '../settings/problem-log.js';
import type { Setting } from '../settings/setting.js';
import { type MapReader, type Reader, textReader } from '../settings/setting-reader.js';

/** How one kind of step reads its options. */
export interface StepKind {
  /** The keys of its options; undefined: they are names of fields. */
  readonly options: readonly string[] | undefined;
  /** What is wanted where the options are names of fields. */
  readonly wanted?: string;
  /** May a pipeline have several of it. */
  readonly isRepeatable?: true;
  read(options: MapReader, scope: Scope, log: ProblemLog): EnrichStep | undefined;
}

const FIELD_NAME_RULE = 'a name of letters, digits and _, not starting with a digit, at most 63';

/** The name of a field that a step adds. */
export const newFieldReader: Reader<string> = textReader(FIELD_NAME_RULE, /^[A-Za-z_]\w{0,62}$/);

/** Is this a legal name of a field; told where it is not. */
export function isFieldName(name: string, setting: Setting, log: ProblemLog): boolean {
  if (/^[A-Za-z_]\w{0,62}$/.test(name)) return true;
  log.report(setting.place, setting.path, { found: `the name ${name}`, wanted: FIELD_NAME_RULE });
  return false;
}

/** A path of the pipeline file, by its place beside the file in which it is written. */
export const pathReader: Reader<string> = (setting, log) => {
  const path = textReader('the path of a file')(setting, log);
  if (path === undefined || path.startsWith('/')) return path;
  const { file } = setting.place;
  return file.slice(0, file.lastIndexOf('/') + 1) + path.replace(/^\.\//, '');
};
