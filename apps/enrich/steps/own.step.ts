import type { Clock } from '#libs/kernel';
import type { OwnStep } from '#libs/pipeline';
import { loadOwnStep } from '#libs/platform';
import { StepFailedError } from '../enrich.errors.js';
import type { EventData, Step, StepVerdict } from './step.js';

/**
 * A step of the user's own. It may change the data or answer other data, answer false to end the event as filtered, and throw
 * to make a dead letter of it; its promise is awaited, for at most its timeout.
 *
 * @throws StepFileInvalidError
 */
export async function ownStep(step: OwnStep, clock: Clock): Promise<Step> {
  const call = await loadOwnStep(step);
  const { path, kinds, timeoutMs } = step;
  const finish = (data: EventData, answer: unknown): StepVerdict => {
    if (answer === false) return 'filtered';
    takeAnswer(data, answer);
    checkKinds(data, kinds);
    return undefined;
  };
  return (data, timeMs) => {
    try {
      const answer = call(data, { timeMs });
      if (!isThenable(answer)) return finish(data, answer);
      const limits = { timeoutMs, clock };
      return within(answer, limits)
        .then((later) => finish(data, later))
        .catch((error) => fail(path, error));
    } catch (error) {
      return fail(path, error);
    }
  };
}

const CHANGES_ITSELF = /read only property|not extensible|Cannot delete property/;

/** @throws StepFailedError */
function fail(path: string, error: unknown): never {
  const isOwnState = error instanceof Error && CHANGES_ITSELF.test(error.message);
  throw new StepFailedError(
    path,
    isOwnState ? new TypeError(`${error.message} (a step keeps no state)`, { cause: error }) : error,
  );
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

async function within(
  running: PromiseLike<unknown>,
  { timeoutMs, clock }: { readonly timeoutMs: number; readonly clock: Clock },
): Promise<unknown> {
  let cancel: () => void = () => undefined;
  const tooLate = new Promise<never>((_, reject) => {
    cancel = clock.after(timeoutMs, () => reject(new Error(`no answer within ${timeoutMs} ms`)));
  });
  try {
    return await Promise.race([running, tooLate]);
  } finally {
    cancel();
  }
}

/** @throws TypeError for what is neither data nor a verdict */
function takeAnswer(data: EventData, answer: unknown): void {
  if (answer === undefined || answer === true || answer === data) return;
  if (!isPlainObject(answer))
    throw new TypeError(
      `it returned ${named(answer)}; wanted is nothing, the data as an object, true, or false to end the event`,
    );
  for (const name of Object.keys(data)) if (!Object.hasOwn(answer, name)) delete data[name];
  Object.assign(data, answer);
}

function isPlainObject(value: unknown): value is object {
  return Object.prototype.toString.call(value) === '[object Object]';
}

/** Expressions and measures behind have been checked against the kinds. @throws TypeError */
function checkKinds(data: EventData, kinds: OwnStep['kinds']): void {
  for (const [name, kind] of kinds) {
    const value = data[name];
    if (value === undefined) continue;
    if (value === null) delete data[name];
    else if (typeof value !== kind || (kind === 'number' && !Number.isFinite(value)))
      throw new TypeError(`it set ${name} to ${named(value)}, where ${name} is a ${kind}`);
  }
}

function named(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number') return `the number ${value}`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
