export { type PublicEvent, publicMessage } from './cloud-event-message.js';
export {
  CONTENT_TYPE,
  type Covers,
  decodeFrame,
  type EncodedFrame,
  encodeFrame,
  encodeFrameText,
  type Frame,
  FRAME_CONTENT_TYPE,
  FRAME_VERSION,
  FRAME_ZSTD_CONTENT_TYPE,
  type FrameHeader,
  type Marker,
  PRODUCER_PROPERTY,
  SEQUENCE_PROPERTY,
  type StreamProgress,
} from './frame.js';
export { type LiveMessage, type TaskStatus } from './live-message.js';
export { type Delivery, MAX_MESSAGE_BYTES, type OutgoingMessage, type SendReceipt } from './message.js';
export {
  type BrokerCapabilities,
  type ConsumerOptions,
  MessageBroker,
  MessageConsumer,
  MessageProducer,
  MessageReader,
  type ProducerOptions,
  type ReaderOptions,
  type ReceiveOptions,
  type SubscriptionSpec,
  type TopicSpec,
} from './message-broker.js';
export {
  ClosedError,
  ConsumerBusyError,
  LogFullError,
  MessageTooLargeError,
  ProducerBusyError,
  TopicMismatchError,
  TopicMissingError,
  UndecodableFrameError,
} from './messaging.errors.js';
export { partitionOf } from './partition.js';
export { BEFORE_FIRST, comparePositions, type Position } from './position.js';
export {
  SENDER_PROPERTY,
  SENDER_SEQUENCE_PROPERTY,
  type SenderFacts,
  sequenceNumber,
  takeSenderProperties,
  withSenderProperties,
} from './sender-properties.js';
export { topicName, type TopicNamespace, type TopicNoun } from './topics.js';
