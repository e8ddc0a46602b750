import { Inject, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService } from '@nestjs/core';
import { AlertKind, alertKindName } from '#libs/alerting';
import type { InputDefinition, TaskDefinition, TaskFactory } from '#libs/functions';
import { Clock } from '#libs/kernel';
import { MessageBroker, type TopicNoun } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import type { PipelineDefinition } from '#libs/pipeline';
import { AlertRuleFiles, Configuration, Pipelines, Tasks } from '#libs/platform';
import { CommitStore, DocumentStore } from '#libs/storage';
import { AlertKindUnknownError, ReceiverSecretMissingError } from './alert.errors.js';
import { ALERT_STATE } from './alert-state.js';
import { AlertTaskLogic, type AlertTaskOptions } from './alert-task.js';
import { hasPatternRules, PatternTaskLogic } from './pattern-task.js';
import { SilenceBook } from './silence-book.js';

const PATTERN_STATE_VERSION = 1;
const SUBSCRIPTION = 'alert';

/** Runs one alert task a pipeline, over all of `judged`, and a pattern task a partition of `enriched`. */
@Module({ imports: [DiscoveryModule] })
export class AlertModule implements OnApplicationBootstrap, OnApplicationShutdown {
  // As properties: they are more than a constructor should have.
  @Inject(Pipelines) private readonly pipelines!: Pipelines;
  @Inject(AlertRuleFiles) private readonly ruleFiles!: AlertRuleFiles;
  @Inject(Tasks) private readonly tasks!: Tasks;
  @Inject(MessageBroker) private readonly broker!: MessageBroker;
  @Inject(DocumentStore) private readonly documents!: DocumentStore;
  @Inject(CommitStore) private readonly commits!: CommitStore;
  @Inject(Configuration) private readonly configuration!: Configuration;
  @Inject(DiscoveryService) private readonly discovery!: DiscoveryService;
  @Inject(Clock) private readonly clock!: Clock;
  @Inject(Telemetry) private readonly telemetry!: Telemetry;
  readonly #ended = new AbortController();
  /** Names of the pipelines whose events are looked at. */
  readonly #watched = new Set<string>();

  /** @throws AlertKindUnknownError, ReceiverSecretMissingError */
  async onApplicationBootstrap(): Promise<void> {
    const kinds = this.#kinds();
    for (const pipeline of this.pipelines.all) this.#assertComplete(pipeline, kinds);
    const silences = new SilenceBook(this.documents, this.clock);
    void silences.follow(this.#ended.signal);
    for (const pipeline of this.pipelines.all) {
      this.tasks.run(this.#alertTask(pipeline, { kinds, silences: () => silences.of(pipeline.name) }));
      if (await this.#isWatched(pipeline)) this.#watch(pipeline);
    }
    this.ruleFiles.before((next) => this.#prepare(next, kinds));
  }

  onApplicationShutdown(): void {
    this.#ended.abort();
  }

  /** Other rules of a pipeline are about to be taken. @throws what they can't be used for */
  async #prepare(next: PipelineDefinition, kinds: ReadonlyMap<string, AlertKind>): Promise<void> {
    this.#assertComplete(next, kinds);
    if (!hasPatternRules(next) || this.#watched.has(next.name)) return;
    const name = this.pipelines.topic(next.name, 'enriched');
    const partitions = this.pipelines.partitionsOf(next, 'enriched');
    await this.broker.ensureTopic({ name, partitions, subscriptions: [SUBSCRIPTION] });
    this.#watch(next);
  }

  /** Once there were pattern rules, somebody has to read what is kept for them. */
  async #isWatched(pipeline: PipelineDefinition): Promise<boolean> {
    if (hasPatternRules(pipeline)) return true;
    const tasks = Array.from({ length: this.pipelines.partitionsOf(pipeline, 'enriched') }, (_, partition) =>
      this.commits.load({ pipeline: pipeline.name, stage: 'pattern', partition }),
    );
    return (await Promise.all(tasks)).some((stored) => stored !== undefined);
  }

  #watch(pipeline: PipelineDefinition): void {
    this.#watched.add(pipeline.name);
    for (let partition = 0; partition < this.pipelines.partitionsOf(pipeline, 'enriched'); partition++)
      this.tasks.run(this.#patternTask(pipeline, partition));
  }

  #alertTask(pipeline: PipelineDefinition, given: Pick<AlertTaskOptions, 'kinds' | 'silences'>): TaskFactory {
    const task = { pipeline: pipeline.name, stage: 'alert', partition: 0 };
    const topic = (noun: TopicNoun): string => this.pipelines.topic(pipeline.name, noun);
    const partitionsOf = (noun: TopicNoun): number => this.pipelines.partitionsOf(pipeline, noun);
    const inputs = Array.from({ length: partitionsOf('judged') }, (_, partition) =>
      this.#input(pipeline, 'judged', partition),
    );
    const { clock, telemetry } = this;
    const sending = { random: Math.random, secrets: this.configuration.secrets };
    const current = (): PipelineDefinition => this.pipelines.byName(pipeline.name);
    const options = { pipeline, current, topic, partitionsOf, clock, telemetry, sending, ...given };
    const make = (): TaskDefinition => ({
      task,
      inputs,
      identity: ALERT_STATE,
      logic: new AlertTaskLogic(options),
    });
    return { task, kind: 'committed', make };
  }

  #patternTask(pipeline: PipelineDefinition, partition: number): TaskFactory {
    const task = { pipeline: pipeline.name, stage: 'pattern', partition };
    const judged = this.pipelines.partitionsOf(pipeline, 'judged');
    const target = { topic: this.pipelines.topic(pipeline.name, 'judged'), partition: partition % judged };
    const make = (): TaskDefinition => ({
      task,
      inputs: [this.#input(pipeline, 'enriched', partition)],
      identity: { operator: 'pattern', version: PATTERN_STATE_VERSION },
      logic: new PatternTaskLogic({ pipeline: () => this.pipelines.byName(pipeline.name), target }),
    });
    return { task, kind: 'committed', make };
  }

  #input(pipeline: PipelineDefinition, kind: 'judged' | 'enriched', partition: number): InputDefinition {
    return { topic: this.pipelines.topic(pipeline.name, kind), partition, subscription: SUBSCRIPTION, kind };
  }

  #kinds(): ReadonlyMap<string, AlertKind> {
    const found = new Map<string, AlertKind>();
    for (const { instance } of this.discovery.getProviders()) {
      const kind: unknown = instance;
      const name = kind instanceof AlertKind ? alertKindName(kind) : undefined;
      if (kind instanceof AlertKind && name !== undefined) found.set(name, kind);
    }
    return found;
  }

  #assertComplete({ alerts, alertPolicy }: PipelineDefinition, kinds: ReadonlyMap<string, AlertKind>): void {
    for (const { name, condition } of alerts) {
      if (condition.kind === 'custom' && !kinds.has(condition.className))
        throw new AlertKindUnknownError(name, condition.className, [...kinds.keys()]);
    }
    for (const receiver of alertPolicy.receivers) {
      const secret = receiver.kind === 'webhook' ? receiver.secret : undefined;
      if (secret !== undefined && !this.configuration.secrets.has(secret))
        throw new ReceiverSecretMissingError(receiver.name, secret);
    }
  }
}
