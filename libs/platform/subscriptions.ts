import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { MillraceServer } from '#libs/transport';

/** The subscribers of an app: they read from its start to its drain. */
@Injectable()
export class Subscriptions implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(@Inject(MillraceServer) private readonly server: MillraceServer) {}

  /** @throws SubscriptionInvalidError */
  async onApplicationBootstrap(): Promise<void> {
    await new Promise<void>((done, fail) =>
      this.server.listen((error) => (error === undefined ? done() : fail(error as Error))),
    );
  }

  // Nest closes its transports behind this hook: by then, what handlers need may have been closed by its owner.
  async onModuleDestroy(): Promise<void> {
    await this.server.close();
  }
}
