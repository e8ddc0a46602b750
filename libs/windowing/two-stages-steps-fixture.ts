import { type Simulation, TASKS } from './two-stages-fixture.js';

// What may happen to a simulation, in any order.

/** A step as a test generates it: each of these an integer of 0 to 999, so that any array of them is a run. */
export interface StepCode {
  readonly kind: number;
  readonly task: number;
  readonly size: number;
  readonly stream: number;
  readonly visitor: number;
}

type Act = (simulation: Simulation, code: StepCode) => void;

const event: Act = (simulation, { task, size, stream, visitor }) =>
  simulation.event(
    task % TASKS,
    (size % 151) - 90,
    { visitor: visitor % 2 === 0 ? 'a' : 'b' },
    stream % 2 === 0 ? 'web' : 'shop',
  );
const idle: Act = (simulation, { task, size }) => {
  const beating = [[], [0], [1], [0, 1]][task % 4]!;
  for (let i = 0; i <= size % 20; i++) simulation.heartbeats(beating);
};

/** How often, and what. Without idleness and closes lateness follows from the order of events alone. */
const PLAIN: readonly (readonly [number, Act])[] = [
  [12, event],
  [3, (simulation, { task }) => simulation.commit(task % TASKS)],
  [3, (simulation, { task }) => simulation.deliver(task % TASKS)],
  [3, (simulation, { task }) => simulation.flush(task % TASKS)],
  [1, (simulation, { task }) => simulation.locals[task % TASKS]!.crash()],
  [1, (simulation) => simulation.global.crash()],
  [1, (simulation, { size }) => void simulation.global.commitSlice(1 + (size % 5))],
  [1, (simulation, { size }) => simulation.global.look(1 + (size % 9))],
];
const ANY: readonly (readonly [number, Act])[] = [
  ...PLAIN,
  [1, idle],
  [1, (simulation, { stream }) => simulation.close(stream % 2 === 0 ? 'web' : 'shop')],
  [2, (simulation) => simulation.tick()],
];

const spread = (acts: readonly (readonly [number, Act])[]): readonly Act[] =>
  acts.flatMap(([weight, act]) => Array.from({ length: weight }, () => act));
const ACTS = { order: spread(PLAIN), any: spread(ANY) };

/** @param which `order`: no idleness and no closes */
export function runSteps(simulation: Simulation, codes: readonly StepCode[], which: 'order' | 'any'): void {
  for (const code of codes) ACTS[which][code.kind % ACTS[which].length]!(simulation, code);
  simulation.settle();
}
