import { type Delivery, SEQUENCE_PROPERTY } from '#libs/messaging';
import { type TaskId, taskName } from '#libs/storage';
import { decodeInput } from './decode-input.js';
import type { Fence } from './fences.js';
import { InputGapError } from './functions.errors.js';
import { admitCovered, admitSequenced, type Admission } from './input-gate.js';
import type { TaskProgress } from './task-commits.js';
import { type InputDefinition, inputKey } from './task-inputs.js';
import type { TaskInput } from './task-logic.js';

const APPLY: Admission = { kind: 'apply' };

/** Tells messages that a task has not seen from repeats, and remembers them in its progress. */
export class SeenInputs {
  constructor(
    private readonly task: TaskId,
    private readonly progress: TaskProgress,
    private readonly withoutFences: ReadonlySet<Fence>,
  ) {}

  /**
   * The message as the task's logic gets it; undefined: it was applied before. Either way it is seen now.
   *
   * @throws InputGapError if something before it never came
   * @throws InputUndecodableError
   */
  take(input: InputDefinition, delivery: Delivery): TaskInput | undefined {
    const { topic, partition } = input;
    const key = inputKey(input);
    const taken = decodeInput(this.task, input, delivery);
    const admission = isUnnumbered(input, taken) ? APPLY : this.#admit(key, taken);
    if (admission.kind === 'gap') {
      const found = taken.frame.header.covers ?? delivery.properties[SEQUENCE_PROPERTY];
      const { expected } = admission;
      throw new InputGapError(taskName(this.task), { topic, partition, expected, found });
    }
    this.progress.positions.set(key, delivery.position);
    return admission.kind === 'apply' ? taken : undefined;
  }

  #admit(key: string, { delivery, frame, producer }: TaskInput): Admission {
    const { covers } = frame.header;
    if (covers !== undefined) {
      if (this.withoutFences.has('covered-check')) return { kind: 'apply' };
      const admission = admitCovered(this.progress.covered.get(key), covers);
      if (admission.kind === 'apply') this.progress.covered.set(key, covers.upTo);
      return admission;
    }
    if (this.withoutFences.has('sequence-filter')) return { kind: 'apply' };
    const name = `${key}|${producer}`;
    const sequence = Number(delivery.properties[SEQUENCE_PROPERTY]);
    const admission = admitSequenced(this.progress.lastSeen.get(name), sequence);
    if (admission.kind === 'apply') this.progress.lastSeen.set(name, sequence);
    return admission;
  }
}

/** On a public topic anybody may write; nobody can tell repeats of what has no number. */
function isUnnumbered({ kind }: InputDefinition, { producer }: TaskInput): boolean {
  return kind === 'messages' && producer === undefined;
}
