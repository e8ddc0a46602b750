import { nounOf, pipelineOf } from '../model/function-definition.js';
import type { TaskDefinition } from '../task-runner.js';
import { IntervalCore } from './interval-core.js';
import { type AnyJoin, topicsOfJoin } from './join-function.js';
import { JoinOutlet } from './join-outlet.js';
import { type JoinInput, JoinTask, type JoinTaskOptions } from './join-task.js';
import { JoinTimes, type Place } from './join-times.js';
import { TableCore } from './table-core.js';

export interface JoinRunOptions extends Omit<JoinTaskOptions, 'name'> {
  readonly definition: AnyJoin;
}

/** Raised with every change of what the cells mean. */
const STATE_VERSION = 1;

/** The pipeline of a join: that of its left input, or of its stream. */
export function pipelineOfJoin(join: AnyJoin): string {
  return pipelineOf(topicsOfJoin(join)[0]!);
}

/** The task of a join for one partition of its inputs. */
export function joinTask(options: JoinRunOptions, partition: number): TaskDefinition {
  const { definition, pipeline, topics } = options;
  const { name } = definition;
  return {
    task: { pipeline, stage: name, partition },
    inputs: topicsOfJoin(definition).map((topic) => ({
      topic: topics(topic).name,
      partition,
      subscription: `function-${name}`,
      kind: nounOf(topic) === 'enriched' ? 'enriched' : 'messages',
    })),
    identity: { operator: `join/${name}`, version: STATE_VERSION },
    logic: joinLogic(options, partition),
  };
}

function joinLogic(options: JoinRunOptions, partition: number): JoinTask {
  const { definition, topics, time } = options;
  const isTable = definition.joins === 'table';
  const [first, second] = isTable
    ? [definition.stream, definition.table]
    : [definition.left, definition.right];
  const inputs = [inputAt(0, first, options), inputAt(1, second as never, options)] as const;
  const { name, output } = definition;
  const times = new JoinTimes({
    time,
    tasks: topics(first.topic).partitions,
    topics: [inputs[0].topic, inputs[1].topic],
    isTable,
  });
  const outlet = new JoinOutlet({ ...options, name, output, partition });
  const core = isTable
    ? new TableCore(definition, times, outlet)
    : new IntervalCore(definition, times, outlet);
  return new JoinTask({ ...options, name }, { inputs, times, outlet, core });
}

function inputAt(place: Place, source: JoinInput['source'], { topics }: JoinRunOptions): JoinInput {
  return { place, source, topic: topics(source.topic).name };
}
