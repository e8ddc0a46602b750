import { applyDecorators, Controller, SetMetadata, type Type, UseInterceptors } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { PARAM_ARGS_METADATA, PATTERN_EXTRAS_METADATA } from '@nestjs/microservices/constants.js';
import type { EventContext } from './event-context.js';
import { HandlerOutcome } from './handler-outcome.js';
import type { PayloadFormat } from './incoming-event.js';
import type { Interest } from './interest.js';
import {
  ALERT_TYPE,
  type AlertEvent,
  type AlertStatus,
  RESULT_TYPE,
  type ResultEvent,
} from './public-events.js';
import type { SubscriptionOptions } from './subscription-settings.js';

/** Nest's transports are told apart by this: handlers of ours are of no concern to others. */
export const MILLRACE_TRANSPORT = Symbol('millrace');

/** What a handler's decorators have said, as Nest hands it on to the transport. */
export interface HandlerNotes {
  /** What each of its decorators wants, by the pattern that Nest knows it by. */
  readonly interests?: Readonly<Record<string, Interest>>;
  /** `Pager.ring`, for logs and dead letters. */
  readonly handler?: string;
  readonly subscription?: string;
  readonly options?: SubscriptionOptions;
}

/** Where {@link HandlerNotes} stand among the extras of a handler. */
export const NOTES = 'millrace';
const SUBSCRIBER = 'millrace:subscriber';

/** A method that takes events: their data, and where they come from. What it returns has to end before the event counts as done. */
export type HandlerDecorator<Data> = <Handler extends (data: Data, context: EventContext) => unknown>(
  target: object,
  method: string | symbol,
  descriptor: TypedPropertyDescriptor<Handler>,
) => void;

/**
 * Makes a class a subscriber: its handlers read under this name. Subscribers of one name share what comes, whatever
 * process they run in; each name gets everything. What is not acknowledged under it is kept until it comes back.
 *
 * @param subscription letters, digits, `_`, `-` and `.`: the name of the service, usually
 */
export function Subscriber(subscription: string, options: SubscriptionOptions = {}): ClassDecorator {
  return applyDecorators(Controller(), SetMetadata(SUBSCRIBER, subscription), (target: object) => {
    const { prototype } = target as { readonly prototype: object };
    for (const [name, handler] of handlersOf(prototype))
      note(ownHandler(prototype, name, handler), { subscription, options });
  });
}

/** Is it a class under {@link Subscriber}. */
export function isSubscriber(type: unknown): type is Type {
  return typeof type === 'function' && Reflect.hasMetadata(SUBSCRIBER, type);
}

export interface EventOptions {
  /** Only messages with this `ce_type`. Messages of a type that no handler of the topic takes are dead letters. */
  readonly type?: string;
  /** `bytes`: the payload as it is. Default `json`. */
  readonly format?: PayloadFormat;
}

/**
 * Takes the messages of a topic: `web.checkouts`, or its full name, `persistent://public/default/web.checkouts`. Everything but
 * Millrace's inner topics can be read.
 */
export function OnEvent<Data = never>(topic: string, options: EventOptions = {}): HandlerDecorator<Data> {
  return handles({ topic, format: 'json', ...options });
}

type OneOrMore<T> = T | readonly T[];

export interface AlertOptions {
  /** Default: the transport's pipeline. */
  readonly pipeline?: string;
  /** Only transitions to these. Default: all. */
  readonly status?: OneOrMore<AlertStatus>;
  readonly severity?: OneOrMore<string>;
}

/** Takes the transitions of alerts: of one rule, of several, or of all. */
export function OnAlert(rule?: OneOrMore<string>, options: AlertOptions = {}): HandlerDecorator<AlertEvent> {
  const { pipeline, status, severity } = options;
  const select = selection({ rule, status, severity });
  return handles({ ...ofPipeline('alerts', pipeline), type: ALERT_TYPE, select });
}

export interface ResultOptions {
  /** Default: the transport's pipeline. */
  readonly pipeline?: string;
  readonly stream?: OneOrMore<string>;
}

/** Takes complete rows and their corrections: of one series, of several, or of all. */
export function OnResult<Measures = never>(
  series?: OneOrMore<string>,
  options: ResultOptions = {},
): HandlerDecorator<[Measures] extends [never] ? ResultEvent : ResultEvent<Measures>> {
  const { pipeline, stream } = options;
  return handles({
    ...ofPipeline('results', pipeline),
    type: RESULT_TYPE,
    select: selection({ series, stream }),
  });
}

function ofPipeline(noun: string, pipeline: string | undefined): Interest {
  return { topic: `.${noun}`, format: 'json', ...(pipeline === undefined ? {} : { pipeline }) };
}

function selection(
  fields: Readonly<Record<string, OneOrMore<string> | undefined>>,
): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([field, values]) =>
      values === undefined ? [] : [[field, typeof values === 'string' ? [values] : [...values]]],
    ),
  );
}

/** A method may have several of them: it takes what any of them names. */
function handles<Data>(interest: Interest): HandlerDecorator<Data> {
  return (target, method, descriptor) => {
    const handler = `${target.constructor.name}.${String(method)}`;
    const before = notesOf(descriptor.value)?.interests ?? {};
    const interests = { ...before, [patternOf(interest, before)]: interest };
    const extras = { [NOTES]: { interests, handler } satisfies HandlerNotes };
    // By its type it takes no handler with a typed second parameter.
    const isHandler = EventPattern(Object.keys(interests), MILLRACE_TRANSPORT, extras) as MethodDecorator;
    isHandler(target, method, descriptor);
    if (Object.keys(before).length > 0) return;
    UseInterceptors(new HandlerOutcome())(target, method, descriptor);
    nameArguments(target, method);
  };
}

function patternOf({ topic }: Interest, before: Readonly<Record<string, Interest>>): string {
  return topic in before ? `${topic} (${Object.keys(before).length + 1})` : topic;
}

/** Left alone, Nest hands on the data and no context. What the user has decorated stays as it is. */
function nameArguments(target: object, method: string | symbol): void {
  const known = Reflect.getMetadata(PARAM_ARGS_METADATA, target.constructor, method) as
    Readonly<Record<string, { readonly index: number }>> | undefined;
  const named = new Set(Object.values(known ?? {}).map(({ index }) => index));
  if (!named.has(0)) Payload()(target, method, 0);
  if (!named.has(1)) Ctx()(target, method, 1);
}

type Method = (...args: unknown[]) => unknown;

/** Own and inherited ones, by name. */
function handlersOf(prototype: object): ReadonlyMap<string, Method> {
  const methods = new Map<string, Method>();
  for (let at = prototype; at !== Object.prototype; at = Object.getPrototypeOf(at) as object)
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at)))
      if (typeof value === 'function' && !methods.has(name)) methods.set(name, value as Method);
  // Only where Nest knows a handler: the constructor and other methods have no extras.
  return new Map([...methods].filter(([, method]) => extrasOf(method) !== undefined));
}

/** What a class inherits another one may, too, and read it under another name: each has a method of its own to note that on. */
function ownHandler(prototype: object, name: string, handler: Method): Method {
  if (Object.hasOwn(prototype, name)) return handler;
  const own = function (this: unknown, ...args: unknown[]): unknown {
    return handler.apply(this, args);
  };
  for (const key of Reflect.getMetadataKeys(handler) as unknown[])
    Reflect.defineMetadata(key, Reflect.getMetadata(key, handler), own);
  Object.defineProperty(prototype, name, { value: own, writable: true, configurable: true });
  return own;
}

function note(handler: Method, notes: HandlerNotes): void {
  const extras = { ...extrasOf(handler), [NOTES]: { ...notesOf(handler), ...notes } };
  Reflect.defineMetadata(PATTERN_EXTRAS_METADATA, extras, handler);
}

function notesOf(handler: object | undefined): HandlerNotes | undefined {
  return handler === undefined ? undefined : extrasOf(handler)?.[NOTES];
}

function extrasOf(handler: object): Readonly<Record<string, HandlerNotes>> | undefined {
  return Reflect.getMetadata(PATTERN_EXTRAS_METADATA, handler) as
    Readonly<Record<string, HandlerNotes>> | undefined;
}
