import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Clock } from '#libs/kernel';
import { MessageBroker } from '#libs/messaging';
import { Pipelines } from '#libs/platform';
import type { LiveHub } from './live-hub.js';
import { LiveHubs } from './live-hubs.js';
import { followTopic } from './live-source.js';
import { PacedLook } from './paced-look.js';

const TICK_MS = 1_000;
const BEAT_TICKS = 5;

/** Feeds every {@link LiveHub} from start to shutdown: from its topics, and once a second from the stores. */
@Injectable()
export class LiveRunner implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #stop = new AbortController();
  #running: readonly Promise<void>[] = [];

  constructor(
    private readonly pipelines: Pipelines,
    private readonly broker: MessageBroker,
    private readonly clock: Clock,
    private readonly hubs: LiveHubs,
  ) {}

  /** Knows the streams before the first request is answered, so that the page opens on the right one. */
  async onApplicationBootstrap(): Promise<void> {
    await Promise.all(this.hubs.all.map((hub) => hub.refresh().catch(() => undefined)));
    this.#running = this.hubs.all.flatMap((hub) => [
      this.#follow(hub, 'live'),
      this.#follow(hub, 'alerts'),
      this.#tick(hub),
    ]);
  }

  /** Ends every live stream first: a server waits for open responses before it closes. */
  async onModuleDestroy(): Promise<void> {
    this.#stop.abort();
    this.hubs.close();
    await Promise.all(this.#running);
  }

  #follow(hub: LiveHub, noun: 'live' | 'alerts'): Promise<void> {
    // A look reads every alert there is; there may be many transitions a second.
    const paced = new PacedLook(this.clock, () => hub.tellAlerts(), this.#stop.signal);
    const tellAlerts = (): void => paced.request();
    return followTopic({
      broker: this.broker,
      clock: this.clock,
      topic: this.pipelines.topic(hub.pipeline.name, noun),
      onMessages: noun === 'live' ? (messages) => hub.receive(messages) : tellAlerts,
      signal: this.#stop.signal,
    });
  }

  async #tick(hub: LiveHub): Promise<void> {
    for (let tick = 0; !this.#stop.signal.aborted; tick++) {
      const isBeat = tick % BEAT_TICKS === 0;
      try {
        if (isBeat) await hub.tellAlerts();
        if (isBeat || hub.clients.size > 0) await hub.refresh();
        await hub.tell();
      } catch {
        // The store is away; /health/ready says so. What was known stays shown, with its age.
      }
      if (isBeat) hub.beat();
      await this.clock.sleep(TICK_MS, this.#stop.signal);
    }
  }
}
