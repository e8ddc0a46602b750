import { isOneSession, joinSpans, type SessionRule, type SessionSpan } from './session-span.js';

/**
 * The sessions of one key, by their first event. No two of them are of one session.
 *
 * Without closes they lie side by side, and what a new span touches is next to its place. A session taken after a
 * close may lie over one that the close has made final, hence the look back over the longest.
 */
export class SpansByStart<S extends { readonly span: SessionSpan }> {
  readonly #rule: SessionRule;
  #sessions: S[] = [];
  #longestMs = 0;

  constructor(rule: SessionRule) {
    this.#rule = rule;
  }

  get size(): number {
    return this.#sessions.length;
  }

  [Symbol.iterator](): Iterator<S> {
    return this.#sessions.values();
  }

  /** The sessions that the span makes one with itself, oldest first; `span` holds all of them. */
  joinedBy(span: SessionSpan): { readonly span: SessionSpan; readonly joined: readonly S[] } {
    // Nearly every key has one session at a time.
    const only = this.#sessions[0];
    if (only === undefined || (this.#sessions.length === 1 && !isOneSession(this.#rule, only.span, span)))
      return { span, joined: [] };
    if (this.#sessions.length === 1) return { span: joinSpans(only.span, span), joined: [only] };
    let all = span;
    const joined: S[] = [];
    for (const session of this.#touching(span)) {
      // Again, for what joined just before may be what a close has made final for this one.
      if (!isOneSession(this.#rule, session.span, all)) continue;
      all = joinSpans(all, session.span);
      joined.push(session);
    }
    return { span: all, joined };
  }

  insert(session: S): void {
    const { firstMs, lastMs } = session.span;
    this.#longestMs = Math.max(this.#longestMs, lastMs - firstMs);
    const last = this.#sessions.at(-1);
    // Not pushed: that would make room for some twenty, and nearly every key has one at a time.
    if (last === undefined) this.#sessions = [session];
    else if (last.span.firstMs < firstMs) this.#sessions.push(session);
    else this.#sessions.splice(this.#indexOf(firstMs), 0, session);
  }

  /** The session's span is as it was when it was inserted. */
  remove(session: S): void {
    if (this.#sessions.length === 1) {
      if (this.#sessions[0] === session) this.#sessions = [];
      return;
    }
    const index = this.#indexOf(session.span.firstMs);
    if (this.#sessions[index] === session) this.#sessions.splice(index, 1);
  }

  /** The sessions that the span is one with, oldest first. */
  #touching(span: SessionSpan): S[] {
    const { gapMs } = this.#rule;
    const found: S[] = [];
    for (let i = this.#indexOf(span.lastMs + gapMs) - 1; i >= 0; i--) {
      const session = this.#sessions[i]!;
      if (session.span.firstMs + this.#longestMs + gapMs <= span.firstMs) break;
      if (isOneSession(this.#rule, session.span, span)) found.push(session);
    }
    return found.reverse();
  }

  /** How many sessions begin before `timeMs`. */
  #indexOf(timeMs: number): number {
    let low = 0;
    let high = this.#sessions.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sessions[middle]!.span.firstMs < timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
