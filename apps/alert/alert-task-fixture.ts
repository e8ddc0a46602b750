import type { AlertEvent, Notification, PatternMatch } from '#libs/alerting';
import type { Outputs, TaskInput } from '#libs/functions';
import type { JsonValue } from '#libs/kernel';
import { BEFORE_FIRST, type FrameHeader } from '#libs/messaging';
import type { ResultRow } from '#libs/storage';

// For specs: what stands around an alert task.

/** A message that the task puts out, read. */
export interface ToldMessage {
  readonly topic: string;
  readonly id: string;
  readonly body: AlertEvent | Notification;
}

/** A frame of `judged`, as the global stage sends it. */
export function judgedInput(
  items: readonly (ResultRow | PatternMatch)[],
  progress?: FrameHeader['progress'],
): TaskInput {
  const place = { topic: 'judged', partition: 0, position: BEFORE_FIRST, payload: new Uint8Array() };
  const header = { v: 1, kind: 'judged', ...(progress === undefined ? {} : { progress }) } as const;
  return {
    delivery: { ...place, publishTimeMs: 0, properties: {} },
    frame: { header, items },
    producer: 'web/global/0',
  };
}

/** Hands on messages and what is to be done behind a delivery; rows and documents are not looked at. */
export function outputsTo(
  tell: (message: ToldMessage) => void,
  afterDelivery: (action: () => void) => void = () => undefined,
): Outputs {
  return {
    ...{ bytes: 0, row: () => undefined, document: () => undefined, afterDelivery },
    message: (topic, _partition, { payload, properties }) => {
      const body = JSON.parse(Buffer.from(payload).toString()) as ToldMessage['body'];
      tell({ topic, id: String(properties?.['ce_id']), body });
    },
  };
}

/** Adds what a commit has changed to what is stored. */
export function storeChanges(
  stored: Map<string, JsonValue>,
  changes: Iterable<readonly [name: string, value: JsonValue | undefined]>,
): void {
  for (const [name, value] of changes) {
    if (value === undefined) stored.delete(name);
    else stored.set(name, JSON.parse(JSON.stringify(value)) as JsonValue);
  }
}
