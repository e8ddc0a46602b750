import type { AlertEvent, Notification } from '#libs/alerting';
import type { JsonObject, JsonValue } from '#libs/kernel';

/** What a receiver is still to be told; plain JSON. */
export type PendingDelivery = {
  readonly receiver: string;
  /** The same for every attempt. */
  readonly id: string;
  readonly sinceMs: number;
} & ({ readonly notification: Notification } | { readonly alert: AlertEvent });

/** More than this waits for no receiver: the oldest goes, counted. */
const MAX_PENDING = 1_000;

/**
 * What is to be sent, in the state of the alert task: committed with the transition that caused it, removed when it was
 * taken. So a crash at any step sends it again under the same id, and loses nothing.
 */
export class PendingDeliveries {
  readonly #pending = new Map<string, Map<string, PendingDelivery>>();
  readonly #changed = new Set<string>();

  load(name: string, value: JsonValue): void {
    const delivery = value as unknown as PendingDelivery;
    this.#of(delivery.receiver).set(name, delivery);
  }

  /** @returns the name of the new one, and of what had to go */
  add(delivery: PendingDelivery): { readonly name: string; readonly dropped: PendingDelivery | undefined } {
    const pending = this.#of(delivery.receiver);
    const name = `${delivery.receiver}/${delivery.id}`;
    pending.set(name, delivery);
    this.#changed.add(name);
    if (pending.size <= MAX_PENDING) return { name, dropped: undefined };
    const [[oldest, dropped] = ['', undefined] as const] = pending;
    this.remove(oldest);
    return { name, dropped };
  }

  remove(name: string): void {
    const receiver = name.slice(0, name.indexOf('/'));
    if (this.#of(receiver).delete(name)) this.#changed.add(name);
  }

  /** Of one receiver, oldest first. */
  of(receiver: string): Iterable<readonly [name: string, delivery: PendingDelivery]> {
    return this.#of(receiver);
  }

  /** What is left of receivers that are no more. */
  dropUnknown(known: ReadonlySet<string>): readonly PendingDelivery[] {
    const gone = [...this.#pending].filter(([receiver]) => !known.has(receiver));
    const dropped = gone.flatMap(([, pending]) => [...pending.values()]);
    for (const [receiver, pending] of gone) {
      for (const name of pending.keys()) this.#changed.add(name);
      this.#pending.delete(receiver);
    }
    return dropped;
  }

  *changes(): Iterable<readonly [name: string, value: JsonValue | undefined]> {
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const name of changed) {
      const receiver = name.slice(0, name.indexOf('/'));
      yield [name, this.#pending.get(receiver)?.get(name) as unknown as JsonObject | undefined];
    }
  }

  *cells(): Iterable<readonly [name: string, value: JsonValue]> {
    for (const pending of this.#pending.values())
      for (const [name, delivery] of pending) yield [name, delivery as unknown as JsonObject];
  }

  #of(receiver: string): Map<string, PendingDelivery> {
    const known = this.#pending.get(receiver);
    if (known !== undefined) return known;
    const fresh = new Map<string, PendingDelivery>();
    this.#pending.set(receiver, fresh);
    return fresh;
  }
}
