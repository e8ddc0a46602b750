import { compileExpression, type Evaluate, type Scope } from '../expression/expression.js';
import { wantedName } from '../settings/near-name.js';
import type { ProblemLog } from '../settings/problem-log.js';
import type { Setting } from '../settings/setting.js';
import type { Reader } from '../settings/setting-reader.js';

/** A boolean expression over the fields of an event; false where it has no value, as over an absent field. */
export function predicateReader(scope: Scope): Reader<(data: Readonly<Record<string, unknown>>) => boolean> {
  return (setting, log) => {
    const evaluate = readExpression(setting, log, { scope, result: 'boolean' });
    return evaluate && ((data) => evaluate(data) === true);
  };
}

/** A number made from named values; undefined where it has no value, or is not finite (a division by zero). */
export function quantityReader(
  scope: Scope,
): Reader<(data: Readonly<Record<string, unknown>>) => number | undefined> {
  return (setting, log) => {
    const evaluate = readExpression(setting, log, { scope, result: 'number' });
    return (
      evaluate &&
      ((data) => {
        const value = evaluate(data);
        return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
      })
    );
  };
}

/** An expression whose value becomes a field, and the kind of that. */
export function derivationReader(
  scope: Scope,
): Reader<{ readonly kind: 'string' | 'number' | 'boolean'; readonly evaluate: Evaluate }> {
  return (setting, log) => {
    const wanted = `a number, condition or text over ${[...scope.keys()].join(', ')}`;
    if (setting.kind !== 'scalar' || setting.value === null) return log.refuse(setting, wanted);
    const text = String(setting.value);
    const results = ['number', 'boolean', 'string'] as const;
    const compiled = results.map((result) => compileExpression(text, scope, result));
    const fitting = compiled.findIndex(({ kind }) => kind === 'compiled');
    const [first] = compiled;
    const found = compiled[fitting];
    if (found?.kind === 'compiled') return { kind: results[fitting] ?? 'string', evaluate: found.evaluate };
    if (first?.kind !== 'wrong') return log.refuse(setting, wanted);
    log.report(setting.placeAt(first.offset), setting.path, {
      found: `'${text}'`,
      wanted: `a number, condition or text: ${first.reason}`,
    });
    return undefined;
  };
}

function readExpression(
  setting: Setting,
  log: ProblemLog,
  { scope, result }: { scope: Scope; result: 'boolean' | 'number' },
): Evaluate | undefined {
  const wanted = `${result === 'boolean' ? 'a condition' : 'a number'} over ${[...scope.keys()].join(', ')}`;
  if (setting.kind !== 'scalar' || typeof setting.value !== 'string') return log.refuse(setting, wanted);
  const compiled = compileExpression(setting.value, scope, result);
  if (compiled.kind === 'compiled') return compiled.evaluate;
  log.report(setting.placeAt(compiled.offset), setting.path, {
    found: `'${setting.value}'`,
    wanted: `${result === 'boolean' ? 'a condition' : 'a number'}: ${compiled.reason}`,
  });
  return undefined;
}

/** The name of a field that is there, and of one of the kinds. */
export function fieldReader(
  scope: Scope,
  kinds: readonly string[] = ['string', 'number', 'boolean'],
): Reader<string> {
  return (setting, log) => {
    const name = setting.kind === 'scalar' ? String(setting.value) : '';
    const kind = scope.get(name);
    if (kind === undefined) return log.refuse(setting, `a field: ${wantedName(name, scope.keys())}`);
    if (typeof kind === 'string' && kinds.includes(kind)) return name;
    return log.refuse(setting, `a field that is a ${kinds.join(' or ')}; ${name} is a ${String(kind)}`);
  };
}
