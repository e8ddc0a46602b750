import { type BeforeApplicationShutdown, Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type Cancel, Clock } from '#libs/kernel';
import { type TaskFactory, TaskHost } from '#libs/functions';
import type { TaskStatus } from '#libs/messaging';
import { FACTS, Telemetry } from '#libs/observability';
import { LiveFeed } from './live-feed.js';

const STATUS_INTERVAL_MS = 1_000;

/** The tasks of this process: apps hand in how to make theirs, and they run until the process drains. */
@Injectable()
export class Tasks implements OnModuleInit, BeforeApplicationShutdown {
  #cancelStatus: Cancel = () => undefined;
  /** By task: everything it has waited for so far. */
  readonly #reasons = new Map<string, Set<string>>();

  constructor(
    @Inject(TaskHost) private readonly host: TaskHost,
    @Inject(LiveFeed) private readonly live: LiveFeed,
    @Inject(Clock) private readonly clock: Clock,
    @Inject(Telemetry) private readonly telemetry: Telemetry,
  ) {}

  onModuleInit(): void {
    this.#cancelStatus = this.clock.after(STATUS_INTERVAL_MS, () => this.#publishStatuses());
  }

  /** Runs a task in this process as soon as its lease is free, until the process ends. */
  run(factory: TaskFactory): void {
    this.host.add(factory);
  }

  /** How each task of this process is doing. */
  statuses(): readonly TaskStatus[] {
    return this.host.statuses();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#cancelStatus();
    await this.host.drain();
  }

  /** What is no longer waited for is 0, not what it was. */
  #tellWaits(status: TaskStatus): void {
    const name = `${status.pipeline}/${status.stage}/${status.partition}`;
    const reasons = this.#reasons.get(name) ?? new Set<string>();
    this.#reasons.set(name, reasons);
    for (const reason of Object.keys(status.waits)) reasons.add(reason);
    for (const reason of reasons)
      this.telemetry.record(FACTS.taskWaiting, { ...status, reason }, status.waits[reason] ?? 0);
  }

  #publishStatuses(): void {
    for (const status of this.host.statuses()) {
      this.live.publish(status.pipeline, { type: 'stage', status });
      this.telemetry.record(FACTS.taskBacklog, status, status.backlogMessages);
      this.telemetry.record(FACTS.taskBusy, status, status.busyShare);
      this.#tellWaits(status);
    }
    this.#cancelStatus = this.clock.after(STATUS_INTERVAL_MS, () => this.#publishStatuses());
  }
}
