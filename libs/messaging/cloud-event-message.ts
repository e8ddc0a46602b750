import type { OutgoingMessage } from './message.js';

/** What a message on a public topic says, in CloudEvents' words; times are epoch milliseconds. */
export interface PublicEvent {
  /** Deterministic: the same fact has the same id after any crash or replay, so readers may drop repeats by it. */
  readonly id: string;
  /** `/pipelines/web/streams/demo` */
  readonly source: string;
  /** `com.millrace.result.v1` and the like; docs/wire-format.md lists them. */
  readonly type: string;
  readonly subject?: string;
  readonly timeMs: number;
  /** Orders and compacts: messages of a key keep their order. */
  readonly key: string;
  readonly data: object;
}

/** One CloudEvents 1.0 event in binary mode: attributes as `ce_*` properties, data as JSON. */
export function publicMessage(event: PublicEvent): OutgoingMessage {
  return {
    payload: Buffer.from(JSON.stringify(event.data)),
    key: event.key,
    eventTimeMs: event.timeMs,
    properties: {
      'content-type': 'application/json',
      ce_specversion: '1.0',
      ce_id: event.id,
      ce_source: event.source,
      ce_type: event.type,
      ce_time: new Date(event.timeMs).toISOString(),
      ...(event.subject === undefined ? {} : { ce_subject: event.subject }),
    },
  };
}
