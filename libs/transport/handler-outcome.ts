import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { catchError, from, isObservable, lastValueFrom, mergeMap, type Observable, of } from 'rxjs';
import { EventContext } from './event-context.js';

/**
 * Stands around every handler of ours, its pipes included: keeps what it throws, since Nest's filters make
 * "Internal server error" of it; and takes async iterables for the streams that they are.
 */
export class HandlerOutcome implements NestInterceptor {
  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const context: unknown = execution.switchToRpc().getContext();
    return next.handle().pipe(
      mergeMap((value: unknown) => (isAsyncIterable(value) ? from(value) : of(value))),
      catchError((error: unknown) => {
        if (context instanceof EventContext) context.failure = error;
        throw error;
      }),
    );
  }
}

/**
 * Resolves when what a handler has returned has ended: a value, a promise, an Observable, an async iterable, or a promise of
 * either. What a stream gives is of no interest, but it is read to its end.
 */
export async function endOf(returned: unknown): Promise<void> {
  const result: unknown = await returned;
  if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
  else if (isAsyncIterable(result)) for await (const each of result) void each;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value && !isObservable(value);
}
