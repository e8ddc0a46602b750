import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, type Type } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService } from '@nestjs/core';
import {
  type EventFunction,
  type FunctionDefinition,
  FunctionInvalidError,
  FunctionTaskLogic,
  nounOf,
  pipelineOf,
  type TaskDefinition,
  type TaskFactory,
} from '#libs/functions';
import { Clock } from '#libs/kernel';
import { MessageBroker } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import { Configuration } from './configuration.js';
import { Pipelines } from './pipelines.js';
import { functionOf } from './stream-function.js';
import { Tasks } from './tasks.js';

/** What `defineFunction` gives, whatever its types. */
type AnyFunction = Pick<FunctionDefinition, 'name'>;

const DEFINITIONS = Symbol('definitions');

/** Runs every function of an app: classes under `@StreamFunction` among its providers, and definitions given to `of`. */
@Module({ imports: [DiscoveryModule], providers: [{ provide: DEFINITIONS, useValue: [] }] })
export class FunctionsModule implements OnApplicationBootstrap {
  // As properties: they are more than a constructor should have.
  @Inject(DiscoveryService) private readonly discovery!: DiscoveryService;
  @Inject(DEFINITIONS) private readonly definitions!: readonly FunctionDefinition[];
  @Inject(Pipelines) private readonly pipelines!: Pipelines;
  @Inject(Tasks) private readonly tasks!: Tasks;
  @Inject(MessageBroker) private readonly broker!: MessageBroker;
  @Inject(Configuration) private readonly configuration!: Configuration;
  @Inject(Clock) private readonly clock!: Clock;
  @Inject(Telemetry) private readonly telemetry!: Telemetry;

  /** Functions without a class, beside those that are found; and classes, to be made with what Nest injects. */
  static of(...functions: readonly (AnyFunction | Type<EventFunction<never, never>>)[]): DynamicModule {
    const isClass = (each: unknown): each is Type => typeof each === 'function';
    return {
      module: FunctionsModule,
      providers: [
        { provide: DEFINITIONS, useValue: functions.filter((each) => !isClass(each)) },
        ...functions.filter(isClass),
      ],
    };
  }

  /** @throws FunctionInvalidError, FunctionSecretMissingError, PipelineUnknownError, TopicMismatchError */
  async onApplicationBootstrap(): Promise<void> {
    const functions = [...this.definitions, ...this.#found()];
    refuseSameNames(functions, this.tasks.statuses());
    for (const definition of functions) await this.#ensureTopics(definition);
    for (const definition of functions) this.#run(definition);
  }

  #found(): readonly FunctionDefinition[] {
    return this.discovery.getProviders().flatMap(({ metatype, instance }) => {
      const definition = functionOf(metatype, instance as EventFunction<unknown, unknown>);
      return definition === undefined ? [] : [definition];
    });
  }

  /** Everything a function reads and writes is there before any function runs. */
  async #ensureTopics(definition: FunctionDefinition): Promise<void> {
    const { name, input, output, publishes = [] } = definition;
    await this.broker.ensureTopic({ ...this.pipelines.place(input), subscriptions: [subscriptionOf(name)] });
    for (const topic of output === undefined ? publishes : [output, ...publishes])
      await this.broker.ensureTopic(this.pipelines.place(topic));
  }

  #run(definition: FunctionDefinition): void {
    const { partitions } = this.pipelines.place(definition.input);
    for (let partition = 0; partition < partitions; partition++)
      this.tasks.run(this.#task(definition, { partition, partitions }));
  }

  #task(
    definition: FunctionDefinition,
    place: { readonly partition: number; readonly partitions: number },
  ): TaskFactory {
    const { clock, telemetry } = this;
    const { name, input, version = 1 } = definition;
    const pipeline = this.pipelines.byName(pipelineOf(input));
    const task = { pipeline: pipeline.name, stage: name, partition: place.partition };
    const options = {
      ...place,
      definition,
      pipeline: pipeline.name,
      time: pipeline.time,
      topics: (topic: string) => this.pipelines.place(topic),
      secrets: this.configuration.secrets,
      clock,
      telemetry,
      random: Math.random,
    };
    // Made once here, so that what it lacks stops the start and not the task.
    new FunctionTaskLogic(options);
    const make = (): TaskDefinition => ({
      task,
      inputs: [
        {
          topic: this.pipelines.place(input).name,
          partition: place.partition,
          subscription: subscriptionOf(name),
          kind: nounOf(input) === 'enriched' ? 'enriched' : 'messages',
        },
      ],
      identity: { operator: `function/${name}`, version },
      logic: new FunctionTaskLogic(options),
    });
    return { task, kind: 'committed', make };
  }
}

function subscriptionOf(name: string): string {
  return `function-${name}`;
}

/** Also of another import of this module: each would find the same classes. */
function refuseSameNames(
  functions: readonly FunctionDefinition[],
  running: readonly { readonly pipeline: string; readonly stage: string }[],
): void {
  const known = new Set(running.map(({ pipeline, stage }) => `${pipeline}/${stage}`));
  for (const { name, input } of functions) {
    const id = `${pipelineOf(input)}/${name}`;
    if (known.has(id))
      throw new FunctionInvalidError(name, [
        'another function of the pipeline has this name; FunctionsModule is to be imported once',
      ]);
    known.add(id);
  }
}
