import { Controller, Get, Inject } from '@nestjs/common';
import {
  HealthCheck,
  type HealthCheckResult,
  HealthCheckService,
  type HealthIndicatorResult,
  HealthIndicatorService,
} from '@nestjs/terminus';
import { Adapters } from './adapters.js';
import { Tasks } from './tasks.js';

const CHECK_TIMEOUT_MS = 2_000;

/** Live: the loop turns. Ready: can make progress. Startup: state is restored. The reason is in the body. */
@Controller('health')
export class HealthController {
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
    return this.health.check([
      () => this.#log(),
      () => this.#store(),
      () => this.#tasksIn(['running', 'waiting-for-lease']),
    ]);
  }

  @Get('startup')
  @HealthCheck()
  async startup(): Promise<HealthCheckResult> {
    return this.health.check([() => this.#tasksIn(['running', 'waiting-for-lease', 'failed', 'stopped'])]);
  }

  async #log(): Promise<HealthIndicatorResult> {
    return this.indicators
      .check('log')
      .attempt(() => this.adapters.ports.broker.checkHealth())
      .withTimeout(CHECK_TIMEOUT_MS);
  }

  async #store(): Promise<HealthIndicatorResult> {
    return this.indicators
      .check('store')
      .attempt(() => this.adapters.ports.results.checkHealth())
      .withTimeout(CHECK_TIMEOUT_MS);
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
