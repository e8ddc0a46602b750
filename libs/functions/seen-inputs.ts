import { type Delivery, SEQUENCE_PROPERTY } from '#libs/messaging';
import { type TaskId, taskName } from '#libs/storage';
import { decodeInput } from './decode-input.js';
import type { Fence } from './fences.js';
import { InputGapError } from './functions.errors.js';
import { admitCovered, admitSequenced, type Admission } from './input-gate.js';
import type { TaskProgress } from './task-commits.js';
import { type InputDefinition, inputKey } from './task-inputs.js';
import type { TaskInput } from './task-logic.js';

const UNNUMBERED: Judgement = { admission: { kind: 'apply' } };

/** A message that is new, and how to say that it was applied. */
export interface AdmittedInput {
  readonly taken: TaskInput;
  /** Of the input, as positions are kept under. */
  readonly key: string;
  /** From now on it is seen. */
  readonly admit: () => void;
}

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
    const found = this.look(input, delivery);
    found?.admit();
    return found?.taken;
  }

  /** As {@link take}, but it is seen only once that is said. A repeat is seen at once. */
  look(input: InputDefinition, delivery: Delivery): AdmittedInput | undefined {
    const { topic, partition } = input;
    const key = inputKey(input);
    const taken = decodeInput(this.task, input, delivery);
    const { admission, remember } = isUnnumbered(input, taken) ? UNNUMBERED : this.#admission(key, taken);
    if (admission.kind === 'gap') {
      const found = taken.frame.header.covers ?? delivery.properties[SEQUENCE_PROPERTY];
      const { expected } = admission;
      throw new InputGapError(taskName(this.task), { topic, partition, expected, found });
    }
    const pass = (): void => {
      this.progress.positions.set(key, delivery.position);
      this.progress.within.delete(key);
    };
    if (admission.kind === 'repeat') {
      pass();
      return undefined;
    }
    const admit = (): void => {
      pass();
      remember?.();
    };
    return { taken, key, admit };
  }

  #admission(key: string, { delivery, frame, producer }: TaskInput): Judgement {
    const { covered, lastSeen } = this.progress;
    const { covers } = frame.header;
    if (covers !== undefined) {
      if (this.withoutFences.has('covered-check')) return UNNUMBERED;
      const admission = admitCovered(covered.get(key), covers);
      return { admission, remember: () => covered.set(key, covers.upTo) };
    }
    if (this.withoutFences.has('sequence-filter')) return UNNUMBERED;
    const name = `${key}|${producer}`;
    const sequence = Number(delivery.properties[SEQUENCE_PROPERTY]);
    const admission = admitSequenced(lastSeen.get(name), sequence);
    return { admission, remember: () => lastSeen.set(name, sequence) };
  }
}

interface Judgement {
  readonly admission: Admission;
  /** What has to be remembered of a message that is applied. */
  readonly remember?: () => void;
}

/** On a public topic anybody may write; nobody can tell repeats of what has no number. */
function isUnnumbered({ kind }: InputDefinition, { producer }: TaskInput): boolean {
  return kind === 'messages' && producer === undefined;
}
