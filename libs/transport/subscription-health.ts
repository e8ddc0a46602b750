import { Inject, Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { PlatformError } from '#libs/kernel';
import { MillraceServer } from './millrace-server.js';

/** For Terminus: up while all that is subscribed can be read; down with the subscription, the reason, and since when. */
@Injectable()
export class SubscriptionHealth {
  constructor(
    @Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService,
    @Inject(MillraceServer) private readonly server: MillraceServer,
  ) {}

  async check(key = 'subscriptions'): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check(key);
    const { problems, isDraining } = this.server;
    if (isDraining) return indicator.down({ state: 'draining' });
    if (problems.length > 0) return indicator.down({ reasons: problems });
    try {
      await this.server.checkHealth();
      return indicator.up();
    } catch (error) {
      const code = error instanceof PlatformError ? error.code : 'INTERNAL';
      return indicator.down({ code, detail: error instanceof Error ? error.message : String(error) });
    }
  }
}
