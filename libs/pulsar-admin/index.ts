export type { AdminOptions, CallOptions } from './admin-http.js';
export { AdminPolicies } from './admin-policies.js';
export { AdminSchemas, type RegisteredSchema, type SchemaToRegister } from './admin-schemas.js';
export { AdminSubscriptions, type SubscriptionPlace } from './admin-subscriptions.js';
export { AdminTenants } from './admin-tenants.js';
export {
  AdminTopics,
  type MessageId,
  type SubscriptionStats,
  type TopicInternalStats,
  type TopicStats,
} from './admin-topics.js';
export { ignoringConflict } from './ignoring-conflict.js';
export { entriesAfter, parseMessageId } from './partition-end.js';
export type {
  BacklogQuota,
  BacklogQuotaKind,
  InactiveTopics,
  Policies,
  Retention,
  SchemaCompatibility,
} from './policies.js';
export {
  BrokerUnauthorizedError,
  BrokerUnavailableError,
  PulsarConflictError,
  PulsarNotFoundError,
  PulsarRefusedError,
  TokenUnreadableError,
} from './pulsar-admin.errors.js';
export { PulsarAdmin } from './pulsar-admin.js';
export { FileTokenSource, NO_TOKEN, type TokenSource } from './token-source.js';
export { parseTopic, partitionTopic, type TopicPath, topicPath } from './topic-path.js';
export {
  type TopicDifference,
  TopicKeeper,
  type TopicKeeperOptions,
  type WantedTopic,
} from './topic-keeper.js';
