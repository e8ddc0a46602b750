export { binaryCloudEvent, type HeaderValues, isBinaryCloudEvent } from './cloud-event-headers.js';
export {
  type EventDefaults,
  type EventProblemCode,
  parseEvent,
  type ParsedEvent,
  type RejectedEvent,
} from './event-value.js';
export { EventScanner } from './event-scanner.js';
export { LineReader, type LongLine, type TextLine } from './line-reader.js';
export { type AcceptedFormat, LogLineParser, parseLogLine } from './log-line.js';
export { compileLogTemplate, type CompiledLogTemplate, type LogTemplate } from './log-template.js';
export {
  isLogFormat,
  LOG_FORMATS,
  type LineProblemCode,
  type LogFormat,
  type ParsedLine,
} from './parsed-line.js';
export { type OtherValue, type PlainEvent, ScannedEvents } from './scanned-events.js';
export { parseIsoTime } from './timestamp.js';
