import { asError } from '../functions.errors.js';
import { FunctionInterruptedError, FunctionTimeoutError } from './function.errors.js';
import type { FunctionEnvironment } from './function-environment.js';
import { type CallSubject, FunctionCall } from './function-call.js';

/** How one call has ended. */
export type CallOutcome =
  | { readonly kind: 'succeeded'; readonly call: FunctionCall }
  | { readonly kind: 'failed'; readonly error: Error };

/** Calls the handlers of a function, each call within its time. */
export class Handler {
  /** @param abort memory is void from then on: nothing is waited for any more */
  constructor(
    private readonly environment: FunctionEnvironment,
    private readonly limits: { readonly budgetMs: number; readonly abort: AbortSignal },
  ) {}

  /**
   * At once where the handler is not async.
   *
   * @throws FunctionInterruptedError if the task has to end
   */
  call(subject: CallSubject): CallOutcome | Promise<CallOutcome> {
    const call = new FunctionCall(this.environment, subject);
    try {
      const result = this.#invoke(subject, call);
      if (!isPromise(result)) return this.#succeeded(call, result);
      return this.#withinBudget(result).then(
        (output) => this.#succeeded(call, output),
        (error: unknown) => this.#failed(call, error),
      );
    } catch (error) {
      return this.#failed(call, error);
    }
  }

  #invoke({ work }: CallSubject, call: FunctionCall): unknown {
    const { definition } = this.environment;
    return work.kind === 'event'
      ? definition.process(work.event, call)
      : definition.onTimer?.(work.timer, call);
  }

  #succeeded(call: FunctionCall, output: unknown): CallOutcome {
    try {
      if (output !== undefined) call.emit(output);
    } catch (error) {
      return this.#failed(call, error);
    }
    call.end();
    return { kind: 'succeeded', call };
  }

  #failed(call: FunctionCall, thrown: unknown): CallOutcome {
    call.end();
    // A handler that was told to end and threw has not failed: the next run makes the call again.
    if (this.environment.signal.aborted) throw new FunctionInterruptedError(thrown);
    return { kind: 'failed', error: asError(thrown) };
  }

  #withinBudget(running: Promise<unknown>): Promise<unknown> {
    const { budgetMs, abort } = this.limits;
    return new Promise((resolve, reject) => {
      const interrupt = (): void => reject(new FunctionInterruptedError());
      const cancel = this.environment.clock.after(budgetMs, () => reject(new FunctionTimeoutError(budgetMs)));
      abort.addEventListener('abort', interrupt, { once: true });
      const finish = (): void => {
        cancel();
        abort.removeEventListener('abort', interrupt);
      };
      running.finally(finish).then(resolve, reject);
    });
  }
}

function isPromise(value: unknown): value is Promise<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as Promise<unknown>).then === 'function'
  );
}
