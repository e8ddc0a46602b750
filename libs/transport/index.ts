export { EventContext, type EventFacts } from './event-context.js';
export {
  type AlertOptions,
  type EventOptions,
  type HandlerDecorator,
  isSubscriber,
  MILLRACE_TRANSPORT,
  OnAlert,
  OnEvent,
  OnResult,
  type ResultOptions,
  Subscriber,
} from './handler-decorators.js';
export { type EventTarget, MillraceClient, type MillraceClientOptions } from './millrace-client.js';
export { MillraceServer, type MillraceServerOptions } from './millrace-server.js';
export type { AlertEvent, AlertStatus, ResultEvent } from './public-events.js';
export { SubscriptionHealth } from './subscription-health.js';
export type { SubscriptionOptions } from './subscription-settings.js';
export type { PayloadCheck } from './topic-plan.js';
export type { SubscriptionProblem } from './topic-subscription.js';
export {
  EventUnsendableError,
  HandlerMissingError,
  HandlerTimeoutError,
  PayloadInvalidError,
  RefuseMessageError,
  RequestUnsupportedError,
  SubscriptionInvalidError,
  SubscriptionWaitingError,
} from './transport.errors.js';
