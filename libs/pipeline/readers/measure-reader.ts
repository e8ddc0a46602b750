import type { Scope } from '../expression/expression.js';
import { MEASURES, PLAIN_MEASURES, type ReadMeasure } from './measure-kinds.js';
import { wantedName } from '../settings/near-name.js';
import type { ProblemLog } from '../settings/problem-log.js';
import type { Setting } from '../settings/setting.js';
import { MapReader } from '../settings/setting-reader.js';

export type { ReadMeasure } from './measure-kinds.js';

/** A word alone, such as `count`, or a map whose key is a kind of measure. */
export function readMeasure(setting: Setting, scope: Scope, log: ProblemLog): ReadMeasure | undefined {
  if (setting.kind === 'scalar') {
    const name = String(setting.value);
    const plain = Object.hasOwn(PLAIN_MEASURES, name) ? PLAIN_MEASURES[name] : undefined;
    return plain === undefined ? log.refuse(setting, wantedMeasure(name)) : plain();
  }
  const measure = MapReader.ofKind(setting, log, MEASURES);
  return measure && MEASURES[measure.kind]?.read(measure.map, scope);
}

function wantedMeasure(written: string): string {
  const plain = Object.keys(PLAIN_MEASURES);
  // A measure that wants a field was named without one: then that is what is missing.
  if (Object.hasOwn(MEASURES, written)) return `a map, {${written}: …}; alone there are ${plain.join(', ')}`;
  return `${wantedName(written, plain)}, or a map with ${wantedName(written, Object.keys(MEASURES))}`;
}
