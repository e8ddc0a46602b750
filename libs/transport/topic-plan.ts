import type { Delivery } from '#libs/messaging';
import type { EventContext } from './event-context.js';
import { type IncomingEvent, type PayloadFormat, readEvent } from './incoming-event.js';
import { type Interest, matchOf } from './interest.js';
import type { SubscriptionSettings } from './subscription-settings.js';
import { HandlerMissingError, PayloadInvalidError } from './transport.errors.js';

/** A method of a subscriber. */
export interface EventHandler {
  /** `Pager.ring` */
  readonly name: string;
  readonly interest: Interest;
  /** Resolves when it has ended, with all it has returned. */
  readonly call: (data: unknown, context: EventContext) => Promise<void>;
}

/** What one subscription does with one topic. */
export interface TopicPlan {
  readonly subscription: string;
  /** The full name. */
  readonly topic: string;
  readonly format: PayloadFormat;
  readonly settings: SubscriptionSettings;
  readonly handlers: readonly EventHandler[];
  /** Full name of the topic of its dead letters. */
  readonly deadLetters: string;
}

/** Says what is wrong with the data of an event of this type; undefined: nothing, or nothing is known of the type. */
export type PayloadCheck = (type: string, data: unknown) => string | undefined;

/** What is done with a message. */
export type Route =
  | { readonly kind: 'handle'; readonly event: IncomingEvent; readonly handlers: readonly EventHandler[] }
  /** There are handlers for its kind, and none of them has asked for this one. */
  | { readonly kind: 'unselected' }
  /** Its type has no handler, and the subscription has said that this is fine. */
  | { readonly kind: 'skip' }
  | { readonly kind: 'dead'; readonly error: Error };

export function routeOf(delivery: Delivery, plan: TopicPlan, check: PayloadCheck): Route {
  const { topic, handlers, settings, format } = plan;
  try {
    const event = readEvent(delivery, format);
    const { type } = event.attributes;
    const matches = handlers.map((handler) => ({ handler, match: matchOf(handler.interest, event) }));
    if (matches.every(({ match }) => match === 'other-type')) {
      if (settings.unhandled === 'skip') return { kind: 'skip' };
      return { kind: 'dead', error: new HandlerMissingError(topic, type, typesOf(handlers)) };
    }
    const problem = type === undefined ? undefined : check(type, event.data);
    if (problem !== undefined) return { kind: 'dead', error: new PayloadInvalidError(topic, problem) };
    const wanting = matches.filter(({ match }) => match === 'wanted').map(({ handler }) => handler);
    return wanting.length === 0 ? { kind: 'unselected' } : { kind: 'handle', event, handlers: wanting };
  } catch (error) {
    return { kind: 'dead', error: error as Error };
  }
}

function typesOf(handlers: readonly EventHandler[]): readonly string[] {
  return [...new Set(handlers.flatMap(({ interest }) => interest.type ?? []))];
}
