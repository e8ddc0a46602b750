import { Controller, Get, Inject } from '@nestjs/common';
import {
  HealthCheck,
  type HealthCheckResult,
  HealthCheckService,
  type HealthIndicatorResult,
  HealthIndicatorService,
} from '@nestjs/terminus';
import { Clock } from '#libs/kernel';
import { MillraceServer, SubscriptionHealth } from '#libs/transport';
import { Adapters } from './adapters.js';
import { type ServerName, ServerOutages } from './server-outages.js';
import { Tasks } from './tasks.js';

const CHECK_TIMEOUT_MS = 2_000;

/** Live: the loop turns. Ready: can make progress. Startup: state is restored. The reason is in the body. */
@Controller('health')
export class HealthController {
  @Inject(ServerOutages) private readonly outages!: ServerOutages;
  @Inject(Clock) private readonly clock!: Clock;
  @Inject(MillraceServer) private readonly server!: MillraceServer;
  @Inject(SubscriptionHealth) private readonly subscriptions!: SubscriptionHealth;

  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService,
    @Inject(Adapters) private readonly adapters: Adapters,
    @Inject(Tasks) private readonly tasks: Tasks,
  ) {}

  @Get('live')
  live(): { readonly status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('ready')
  @HealthCheck()
  async ready(): Promise<HealthCheckResult> {
    const { broker, results } = this.adapters.ports;
    return this.health.check([
      () => this.#server('log', () => broker.checkHealth()),
      () => this.#server('store', () => results.checkHealth()),
      () => this.#tasksIn(['running', 'waiting-for-lease']),
      ...(this.server.hasHandlers ? [() => this.subscriptions.check()] : []),
    ]);
  }

  @Get('startup')
  @HealthCheck()
  async startup(): Promise<HealthCheckResult> {
    return this.health.check([() => this.#tasksIn(['running', 'waiting-for-lease', 'failed', 'stopped'])]);
  }

  /** Down with the address, the reason and since when. */
  async #server(name: ServerName, checkHealth: () => Promise<void>): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check(name);
    try {
      await this.#inTime(checkHealth());
      this.outages.clear(name);
      return indicator.up();
    } catch (error) {
      return indicator.down({ ...this.outages.note(name, error) });
    }
  }

  async #inTime(check: Promise<void>): Promise<void> {
    const answered = new AbortController();
    const timeUp = this.clock.sleep(CHECK_TIMEOUT_MS, answered.signal).then(() => {
      if (!answered.signal.aborted) throw new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`);
    });
    await Promise.race([check, timeUp]).finally(() => answered.abort());
  }

  /** Down while a task is in another state than these, with its name and reason. */
  #tasksIn(states: readonly string[]): HealthIndicatorResult {
    const others = this.tasks.statuses().filter(({ state }) => !states.includes(state));
    const check = this.indicators.check('tasks');
    if (others.length === 0) return check.up();
    const reasons = others.map(({ stage, partition, pipeline, state, problem }) => ({
      task: `${pipeline}/${stage}/${partition}`,
      state,
      ...(problem === undefined ? {} : { code: problem.code, detail: problem.detail }),
    }));
    return check.down({ reasons });
  }
}
