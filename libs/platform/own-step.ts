import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PlatformError, type RetryAdvice } from '#libs/kernel';
import type { OwnStep, PipelineDefinition } from '#libs/pipeline';

/** A file that a step names and that can't be read, or is not what the step needs. The process does not start. */
export class StepFileInvalidError extends PlatformError {
  readonly code = 'STEP_FILE_INVALID';
  readonly retry: RetryAdvice = 'never';

  /** @param place where the pipeline file names it */
  constructor(path: string, wanted: string, cause: unknown, place?: OwnStep['place']) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const at = place === undefined ? '' : `${place.file}:${place.line}:${place.column} ${place.path}: `;
    super(`${at}${path} can't be used as ${wanted}: ${reason}`, { cause, context: { path, wanted } });
  }
}

/** Calls a step of the user's own with an event's data, which it may change. */
export type OwnStepCall = (data: Record<string, unknown>, event: { readonly timeMs: number }) => unknown;

interface Applying {
  apply(data: Record<string, unknown>, event: { readonly timeMs: number }): unknown;
}
type Callable = (data: Record<string, unknown>, event: { timeMs: number }, options: unknown) => unknown;
type Constructable = new (options: unknown) => object;

const WANTED =
  'a step: a module that exports one class with apply(data, event), or one function step(data, event, options)';
/** What a step may not be is what a function may: those run behind the enriched events, and keep count exactly. */
const NO_MORE =
  'a step keeps no state and publishes nothing; functions that do run behind <pipeline>.enriched, see docs/functions.md';

/**
 * Loads a step of the user's own and makes its object, which nothing can be written to after.
 *
 * @throws StepFileInvalidError that says what is wrong, where, and what would be right
 */
export async function loadOwnStep({ path, options, place }: OwnStep): Promise<OwnStepCall> {
  try {
    return callOf(await exportOf(path), options);
  } catch (error) {
    throw new StepFileInvalidError(path, WANTED, error, place);
  }
}

/** What is wrong with the user's own steps of a pipeline: loads each and makes its object, as its start would. */
export async function checkOwnSteps({
  enrich,
}: PipelineDefinition): Promise<readonly StepFileInvalidError[]> {
  const problems: StepFileInvalidError[] = [];
  for (const step of enrich) {
    if (step.kind !== 'use') continue;
    await loadOwnStep(step).catch((error: unknown) => {
      if (!(error instanceof StepFileInvalidError)) throw error;
      problems.push(error);
    });
  }
  return problems;
}

async function exportOf(path: string): Promise<object> {
  const file = resolve(path);
  if (!existsSync(file)) {
    const source = file.replace(/\.(m?)js$/, '.$1ts');
    throw new TypeError(
      existsSync(source) ? `there is only ${source}: compile it first` : 'there is no such file',
    );
  }
  const exported = (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
  // A class may be exported under its name and as the default.
  const candidates = new Set(Object.values(exported).filter((each) => typeof each === 'function'));
  const [only] = candidates;
  if (only === undefined || candidates.size > 1)
    throw new TypeError(`it exports ${candidates.size} functions or classes, wanted is one`);
  return only;
}

function callOf(exported: object, options: unknown): OwnStepCall {
  if (!isClass(exported)) {
    const call = exported as Callable;
    refuseParameters(call.length, 3, 'its function takes');
    return (data, event) => call(data, event, options);
  }
  if (!hasMethod(exported, 'apply'))
    throw new TypeError(
      hasMethod(exported, 'process')
        ? `its class ${exported.name} has process and no apply: ${NO_MORE}`
        : `its class ${exported.name} has no method apply`,
    );
  const step = made(exported, options) as Applying;
  refuseParameters(step.apply.length, 2, `apply of its class ${exported.name} takes`);
  return (data, event) => step.apply(data, event);
}

function made(type: Constructable, options: unknown): object {
  try {
    return frozen(new type(options));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TypeError(`its class ${type.name} throws when it is made with these options: ${reason}`, {
      cause: error,
    });
  }
}

/** Whoever wants to be handed a context to publish with, or to keep something in, gets none. */
function refuseParameters(found: number, most: number, what: string): void {
  if (found > most) throw new TypeError(`${what} ${found} parameters, of which it gets ${most}: ${NO_MORE}`);
}

function isClass(value: object): value is Constructable & { readonly name: string } {
  return /^class\b/.test(Function.prototype.toString.call(value)) || hasMethod(value, 'apply');
}

/** `apply` is also the name of a method of every function: the one of its objects is meant. */
function hasMethod(value: object, name: string): boolean {
  const { prototype } = value as { readonly prototype?: object };
  return prototype !== undefined && typeof (prototype as Record<string, unknown>)[name] === 'function';
}

/** With the plain objects and lists in it; what else it holds (a Map as a cache) is left as it is. */
function frozen<T extends object>(value: T): T {
  if (Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const member of Object.values(value)) if (isPlain(member)) frozen(member);
  return value;
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}
