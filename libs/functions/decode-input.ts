import { decodeFrame, type Delivery, PRODUCER_PROPERTY } from '#libs/messaging';
import { type TaskId, taskName } from '#libs/storage';
import { InputUndecodableError } from './functions.errors.js';
import type { InputDefinition } from './task-inputs.js';
import type { TaskInput } from './task-logic.js';

/** What a task's logic is given of a message. @throws InputUndecodableError */
export function decodeInput(task: TaskId, input: InputDefinition, delivery: Delivery): TaskInput {
  try {
    const frame = decodeFrame(delivery.payload, input.kind);
    const producer = delivery.properties[PRODUCER_PROPERTY];
    return { delivery, frame, ...(producer === undefined ? {} : { producer }) };
  } catch (error) {
    const { topic, partition, position } = delivery;
    throw new InputUndecodableError(taskName(task), { topic, partition, position }, error);
  }
}
