import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, type Type } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService } from '@nestjs/core';
import {
  type EventFunction,
  FunctionInvalidError,
  isJoin,
  pipelineOf,
  pipelineOfJoin,
} from '#libs/functions';
import { Clock } from '#libs/kernel';
import { Telemetry } from '#libs/observability';
import { DocumentStore, ResultStore } from '#libs/storage';
import { Adapters } from './adapters.js';
import { Configuration } from './configuration.js';
import { type AnyFunction, planOf } from './function-plans.js';
import { joinOf } from './join-functions.js';
import { Pipelines } from './pipelines.js';
import { functionOf } from './stream-function.js';
import { Tasks } from './tasks.js';
import { anyWindowFunction, windowFunctionOf } from './window-function.js';

/** What `defineFunction` and its siblings give, whatever its types. */
type Defined = Pick<AnyFunction, 'name'>;

const DEFINITIONS = Symbol('definitions');

/** Runs every function of an app: classes under `@StreamFunction`, `@WindowFunction`, `@IntervalJoin` and `@TableJoin` among its providers, and definitions given to `of`. */
@Module({ imports: [DiscoveryModule], providers: [{ provide: DEFINITIONS, useValue: [] }] })
export class FunctionsModule implements OnApplicationBootstrap {
  // As properties: they are more than a constructor should have.
  @Inject(DiscoveryService) private readonly discovery!: DiscoveryService;
  @Inject(DEFINITIONS) private readonly definitions!: readonly AnyFunction[];
  @Inject(Pipelines) private readonly pipelines!: Pipelines;
  @Inject(Tasks) private readonly tasks!: Tasks;
  @Inject(Adapters) private readonly adapters!: Adapters;
  @Inject(ResultStore) private readonly results!: ResultStore;
  @Inject(DocumentStore) private readonly documents!: DocumentStore;
  @Inject(Configuration) private readonly configuration!: Configuration;
  @Inject(Clock) private readonly clock!: Clock;
  @Inject(Telemetry) private readonly telemetry!: Telemetry;

  /** Functions without a class, beside those that are found; and classes, to be made with what Nest injects. */
  static of(...functions: readonly (Defined | Type)[]): DynamicModule {
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
    const { pipelines, clock, telemetry, results } = this;
    const around = { pipelines, clock, telemetry, results, secrets: this.configuration.secrets };
    const plans = functions.map((definition) => planOf(definition, around));
    // Everything that functions read and write is there before any of them runs.
    await this.adapters.ensureTopics(plans.flatMap(({ topics }) => topics));
    await this.documents.put(plans.flatMap(({ documents }) => documents));
    for (const task of plans.flatMap(({ tasks }) => tasks)) this.tasks.run(task);
  }

  #found(): readonly AnyFunction[] {
    return this.discovery.getProviders().flatMap(({ metatype, instance }) => {
      const code: unknown = instance;
      const definition = functionOf(metatype, code as EventFunction<unknown, unknown>);
      const windowed = windowFunctionOf(metatype, code as object);
      const join = joinOf(metatype, code as object);
      return [
        ...(definition === undefined ? [] : [definition]),
        ...(windowed === undefined ? [] : [anyWindowFunction(windowed)]),
        ...(join === undefined ? [] : [join]),
      ];
    });
  }
}

/** Also of another import of this module: each would find the same classes. */
function refuseSameNames(
  functions: readonly AnyFunction[],
  running: readonly { readonly pipeline: string; readonly stage: string }[],
): void {
  // A window function runs as `<name>.local` and `<name>.global`.
  const known = new Set(running.map(({ pipeline, stage }) => `${pipeline}/${stage.split('.')[0]}`));
  for (const each of functions) {
    const { name } = each;
    const id = `${isJoin(each) ? pipelineOfJoin(each) : pipelineOf(each.input)}/${name}`;
    if (known.has(id))
      throw new FunctionInvalidError(name, [
        'another function of the pipeline has this name; FunctionsModule is to be imported once',
      ]);
    known.add(id);
  }
}
