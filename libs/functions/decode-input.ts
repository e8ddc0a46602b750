import { decodeFrame, type Delivery, PRODUCER_PROPERTY } from '#libs/messaging';
import { type TaskId, taskName } from '#libs/storage';
import { InputUndecodableError } from './functions.errors.js';
import { readMessage } from './message-reader.js';
import type { InputDefinition } from './task-inputs.js';
import type { TaskInput } from './task-logic.js';

/** What a task's logic is given of a message. @throws InputUndecodableError */
export function decodeInput(task: TaskId, input: InputDefinition, delivery: Delivery): TaskInput {
  try {
    const producer = delivery.properties[PRODUCER_PROPERTY];
    if (input.kind === 'messages') return messageInput(delivery, producer);
    const frame = decodeFrame(delivery.payload, input.kind);
    return { delivery, frame, ...(producer === undefined ? {} : { producer }) };
  } catch (error) {
    const { topic, partition, position } = delivery;
    throw new InputUndecodableError(taskName(task), { topic, partition, position }, error);
  }
}

/** A message of one event, as a frame of one event. */
function messageInput(delivery: Delivery, producer: string | undefined): TaskInput {
  const frame = { header: { v: 1, kind: 'enriched' }, items: [readMessage(delivery)] } as const;
  // Anybody may write to a public topic and claim to be somebody; the broker knows who it was.
  return producer === delivery.producerName && producer !== undefined
    ? { delivery, frame, producer }
    : { delivery, frame };
}
