export { binaryCloudEvent, type HeaderValues, isBinaryCloudEvent } from './cloud-event-headers.js';
export {
  type EventDefaults,
  type EventProblemCode,
  parseEvent,
  type ParsedEvent,
  type RejectedEvent,
} from './event-value.js';
export { LineReader, type LongLine, type TextLine } from './line-reader.js';
export { parseLogLine } from './log-line.js';
export { LOG_FORMATS, type LineProblemCode, type LogFormat, type ParsedLine } from './parsed-line.js';
export { parseIsoTime } from './timestamp.js';
