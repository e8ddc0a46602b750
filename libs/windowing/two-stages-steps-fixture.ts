import fc from 'fast-check';
import type { Fields } from './aggregators/aggregator.js';
import { type Simulation, TASKS } from './two-stages-fixture.js';

// What may happen to a simulation, in any order.

export type Step = (simulation: Simulation) => void;

const task = fc.integer({ min: 0, max: TASKS - 1 });
const stream = fc.constantFrom('web', 'shop');

/** Steps without idleness and closes, so that lateness follows from the order of events alone. */
export function orderSteps(data: fc.Arbitrary<Fields>): fc.Arbitrary<Step[]> {
  return steps(plainSteps(data));
}

export function anySteps(data: fc.Arbitrary<Fields>): fc.Arbitrary<Step[]> {
  const idle = fc
    .tuple(fc.integer({ min: 1, max: 20 }), fc.array(task))
    .map(([ticks, beating]) => (simulation: Simulation) => {
      for (let i = 0; i < ticks; i++) simulation.heartbeats(beating);
    });
  const close = stream.map((of) => (simulation: Simulation) => simulation.close(of));
  const tick = fc.constant((simulation: Simulation) => simulation.tick());
  return steps([
    ...plainSteps(data),
    { weight: 1, arbitrary: idle },
    { weight: 1, arbitrary: close },
    { weight: 2, arbitrary: tick },
  ]);
}

type Weighted = fc.WeightedArbitrary<Step>;

const steps = (weighted: Weighted[]): fc.Arbitrary<Step[]> =>
  fc.array(fc.oneof(...weighted), { maxLength: 120, size: 'max' });

function plainSteps(data: fc.Arbitrary<Fields>): Weighted[] {
  const event = fc.tuple(task, fc.integer({ min: -90, max: 60 }), data, stream).map(
    ([of, offsetMs, fields, to]) =>
      (simulation: Simulation) =>
        simulation.event(of, offsetMs, fields, to),
  );
  const ofTask = (act: (simulation: Simulation, of: number) => void): fc.Arbitrary<Step> =>
    task.map((of) => (simulation: Simulation) => act(simulation, of));
  const emit = fc
    .integer({ min: 1, max: 5 })
    .map((budget) => (simulation: Simulation) => void simulation.global.commitSlice(budget));
  const look = fc
    .integer({ min: 1, max: 9 })
    .map((newest) => (simulation: Simulation) => simulation.global.look(newest));
  return [
    { weight: 12, arbitrary: event },
    { weight: 3, arbitrary: ofTask((simulation, of) => simulation.commit(of)) },
    { weight: 3, arbitrary: ofTask((simulation, of) => simulation.deliver(of)) },
    { weight: 3, arbitrary: ofTask((simulation, of) => simulation.flush(of)) },
    { weight: 1, arbitrary: ofTask((simulation, of) => simulation.locals[of]!.crash()) },
    { weight: 1, arbitrary: fc.constant((simulation: Simulation) => simulation.global.crash()) },
    { weight: 1, arbitrary: emit },
    { weight: 1, arbitrary: look },
  ];
}
