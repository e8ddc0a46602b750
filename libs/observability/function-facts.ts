import { countedFact, gaugedFact } from './fact.js';

/** Of one stage of a pipeline, or of one function. */
export interface OfTask {
  readonly pipeline: string;
  readonly stage: string;
}

/** What happens to tasks that run functions of users. */
export const FUNCTION_FACTS = {
  taskCrashed: countedFact<OfTask & { partition: number; ends: number; mode: string }>({
    level: 'warn',
    message:
      'the owner before did not end in order; until this position is passed, what runs is marked in the store',
    counter: 'millrace_task_unclean_ends_total',
    help: 'Starts of a task that runs user code after an owner that did not end in order',
    labels: ['pipeline', 'stage'],
  }),
  workQuarantined: countedFact<OfTask & { partition: number; work: string }>({
    level: 'error',
    message:
      'an event (or timer) has ended its process again and again, alone at last; it is a dead letter now',
    counter: 'millrace_function_quarantined_total',
    help: 'Events and timers of functions that were put aside because their processes died on them',
    labels: ['pipeline', 'stage'],
  }),
  functionFailure: countedFact<OfTask & { outcome: string; code: string }>({
    level: 'debug',
    counter: 'millrace_function_failures_total',
    help: 'Calls of a function that have failed, by what was done then and the code of the error',
    labels: ['pipeline', 'stage', 'outcome', 'code'],
  }),
  addressedElsewhere: countedFact<OfTask>({
    level: 'debug',
    counter: 'millrace_addressed_elsewhere_events_total',
    help: 'Events sent again out of the dead letters that a stage or function passed over: they are for another one',
    labels: ['pipeline', 'stage'],
  }),
  functionParked: gaugedFact<OfTask & { partition: number }>({
    gauge: 'millrace_function_parked_events',
    help: 'Events that wait with their keys for a retry',
    labels: ['pipeline', 'stage', 'partition'],
  }),
  functionCounter: gaugedFact<OfTask & { partition: number; name: string }>({
    gauge: 'millrace_function_counter',
    help: 'Counters of functions, as committed',
    labels: ['pipeline', 'stage', 'partition', 'name'],
  }),
  functionValue: gaugedFact<OfTask & { partition: number; name: string }>({
    gauge: 'millrace_function_value',
    help: 'What functions have told by context.metric, the last value of each',
    labels: ['pipeline', 'stage', 'partition', 'name'],
  }),
} as const;
