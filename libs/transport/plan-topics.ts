import type { TopicNamespace } from '#libs/messaging';
import type { HandlerNotes } from './handler-decorators.js';
import type { Interest } from './interest.js';
import { resolveSettings, type SubscriptionOptions } from './subscription-settings.js';
import type { EventHandler, TopicPlan } from './topic-plan.js';
import { SubscriptionInvalidError } from './transport.errors.js';

/** A handler as Nest has registered it. */
export interface RegisteredHandler extends Omit<HandlerNotes, 'interests' | 'handler'>, EventHandler {
  readonly isEventHandler: boolean;
}

export interface PlanOptions {
  readonly place: TopicNamespace;
  readonly pipeline?: string;
  readonly subscription?: string;
  readonly defaults: SubscriptionOptions;
}

const NAME = /^[A-Za-z0-9][\w.-]{0,99}$/;
const SHORT_TOPIC = /^[A-Za-z0-9][\w-]*\.[\w.-]{1,200}$/;
const FULL_TOPIC = /^persistent:\/\/[^/]+\/[^/]+\/[^/]+$/;
/** Frames, and what is kept nowhere: of no use to others. `raw` is written by others, and read by enrich alone. */
const INNER_NOUN = /\.(raw|enriched|partials|judged|live)$/;

/** Is it a topic that Millrace alone reads. */
export function isInner(topic: string): boolean {
  return INNER_NOUN.test(topic);
}

/**
 * One plan for each subscription and topic that handlers name.
 *
 * @throws SubscriptionInvalidError with everything that is wrong with them
 */
export function planTopics(handlers: readonly RegisteredHandler[], options: PlanOptions): TopicPlan[] {
  const problems: string[] = [];
  const groups = new Map<string, { readonly place: Place; readonly handlers: RegisteredHandler[] }>();
  for (const handler of handlers) {
    const place = placeOf(handler, options, problems);
    if (place === undefined) continue;
    const name = JSON.stringify(place);
    const group = groups.get(name) ?? { place, handlers: [] };
    group.handlers.push(handler);
    groups.set(name, group);
  }
  const plans = [...groups.values()].map((group) => planOf(group.place, group.handlers, options, problems));
  if (problems.length > 0) throw new SubscriptionInvalidError(problems);
  return plans;
}

interface Place {
  readonly subscription: string;
  readonly topic: string;
}

function placeOf(
  { name, interest, isEventHandler, ...notes }: RegisteredHandler,
  options: PlanOptions,
  problems: string[],
): Place | undefined {
  const subscription = notes.subscription ?? options.subscription;
  const found = problems.length;
  if (!isEventHandler) problems.push(`${name} answers requests; on topics there are events: use @OnEvent`);
  if (subscription === undefined)
    problems.push(`${name} has no subscription: its class is to be a @Subscriber('name')`);
  else if (!NAME.test(subscription))
    problems.push(`${name}: '${subscription}' is no name of a subscription: letters, digits, _ - and .`);
  const topic = topicOf(name, interest, options, problems);
  if (problems.length > found || topic === undefined || subscription === undefined) return undefined;
  return { subscription, topic };
}

function topicOf(
  name: string,
  interest: Interest,
  { place, pipeline: fallback }: PlanOptions,
  problems: string[],
): string | undefined {
  const pipeline = interest.pipeline ?? fallback;
  const isNoun = interest.topic.startsWith('.');
  if (isNoun && pipeline === undefined)
    return void problems.push(`${name}: there is no one pipeline; say which: { pipeline: 'web' }`);
  const topic = isNoun ? `${pipeline}${interest.topic}` : interest.topic;
  if (isInner(topic))
    return void problems.push(
      `${name}: ${topic} is Millrace's own; results, alerts, late, dead are for others`,
    );
  const full = fullName(topic, place);
  if (full === undefined)
    return void problems.push(
      `${name}: '${topic}' is no topic: 'web.checkouts' or 'persistent://tenant/namespace/name'`,
    );
  return full;
}

/** Of a short name, `web.checkouts`, or a full one; undefined: it is neither. */
export function fullName(topic: string, { tenant, namespace }: TopicNamespace): string | undefined {
  if (FULL_TOPIC.test(topic)) return topic;
  return SHORT_TOPIC.test(topic) ? `persistent://${tenant}/${namespace}/${topic}` : undefined;
}

function planOf(
  place: Place,
  handlers: readonly RegisteredHandler[],
  { defaults, place: namespace }: PlanOptions,
  problems: string[],
): TopicPlan {
  const { subscription, topic } = place;
  const at = `the subscription '${subscription}' of ${topic}`;
  const wanted = handlers.map(({ options = {} }) => options);
  if (new Set(wanted.map((each) => JSON.stringify(each))).size > 1)
    problems.push(`${at}: its classes have different options; they must be the same`);
  const formats = [...new Set(handlers.map(({ interest }) => interest.format))];
  if (formats.length > 1) problems.push(`${at}: its handlers want json and bytes; they must want the same`);
  const settings = resolveSettings(subscription, { ...defaults, ...wanted[0] }, problems);
  const dead = settings.deadLetterTopic ?? `${topic}-${subscription}-DLQ`;
  const deadLetters = fullName(dead, namespace);
  if (deadLetters === undefined || isInner(dead))
    problems.push(`${at}: '${dead}' is no topic for dead letters; such as 'web.things-dead'`);
  // It would read what it has put there, and put it there again, for ever.
  if (deadLetters === topic)
    problems.push(`${at}: its dead letters go where they come from; name another topic`);
  return { ...place, format: formats[0] ?? 'json', settings, handlers, deadLetters: deadLetters ?? dead };
}
