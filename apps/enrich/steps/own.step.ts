import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { StepFailedError, StepFileInvalidError } from '../enrich.errors.js';
import type { EventData, Step, StepVerdict } from './step.js';

/** What a module of `use` exports as a class: made once, with the options of `with`. */
interface OwnStep {
  apply(data: EventData, event: { readonly timeMs: number }): unknown;
}

type Export =
  | (new (options: unknown) => OwnStep)
  | ((data: EventData, event: { timeMs: number }, options: unknown) => unknown);

const WANTED =
  'a step: a module that exports one class with apply(data, event), or one function step(data, event, options)';

/**
 * A step of the user's own. It may change the data, answer false to end the event as filtered, and throw to make a dead letter
 * of it; its promise is awaited.
 *
 * @throws StepFileInvalidError
 */
export async function ownStep(path: string, options: unknown): Promise<Step> {
  const apply = await load(path, options);
  const finish = (answer: unknown): StepVerdict => (answer === false ? 'filtered' : undefined);
  const fail = (error: unknown): never => {
    throw new StepFailedError(path, error);
  };
  return (data, timeMs) => {
    try {
      const answer = apply(data, { timeMs });
      return answer instanceof Promise ? answer.then(finish, fail) : finish(answer);
    } catch (error) {
      return fail(error);
    }
  };
}

async function load(
  path: string,
  options: unknown,
): Promise<(data: EventData, event: { timeMs: number }) => unknown> {
  try {
    const exported = (await import(pathToFileURL(resolve(path)).href)) as Readonly<Record<string, unknown>>;
    const candidates = Object.values(exported).filter((each): each is Export => typeof each === 'function');
    const [only, ...others] = candidates;
    if (only === undefined || others.length > 0)
      throw new TypeError(`it exports ${candidates.length} functions or classes`);
    if (!isClass(only)) return (data, event) => only(data, event, options);
    const step = new only(options);
    return (data, event) => step.apply(data, event);
  } catch (error) {
    throw new StepFileInvalidError(path, WANTED, error);
  }
}

function isClass(value: Export): value is new (options: unknown) => OwnStep {
  const prototype = (value as { readonly prototype?: unknown }).prototype;
  return typeof prototype === 'object' && prototype !== null && 'apply' in prototype;
}
