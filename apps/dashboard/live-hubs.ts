import { Injectable } from '@nestjs/common';
import { Clock } from '#libs/kernel';
import { Telemetry } from '#libs/observability';
import type { PipelineDefinition } from '#libs/pipeline';
import { Pipelines } from '#libs/platform';
import { LiveStreamsFullError } from './dashboard.errors.js';
import { LiveClient, type LiveSocket } from './live-client.js';
import { LiveHub } from './live-hub.js';
import { LiveSnapshots } from './live-snapshot.js';
import { StoreReaders } from './store-readers.js';

/** Browsers of a large team; each costs a socket and its buffers. */
const MAX_CLIENTS = 500;

/** The {@link LiveHub} of each pipeline, and how to listen to it. */
@Injectable()
export class LiveHubs {
  readonly #clock: Clock;
  readonly #snapshots: LiveSnapshots;
  readonly #hubs = new Map<string, LiveHub>();
  #isClosed = false;

  constructor(pipelines: Pipelines, clock: Clock, telemetry: Telemetry, readers: StoreReaders) {
    this.#clock = clock;
    this.#snapshots = new LiveSnapshots(clock, pipelines, readers);
    for (const pipeline of pipelines.all) {
      this.#hubs.set(pipeline.name, new LiveHub({ pipeline, clock, telemetry, readers }));
    }
  }

  get all(): readonly LiveHub[] {
    return [...this.#hubs.values()];
  }

  of(pipeline: PipelineDefinition): LiveHub {
    const hub = this.#hubs.get(pipeline.name);
    if (hub === undefined) throw new Error(`no hub for pipeline ${pipeline.name}`);
    return hub;
  }

  /** @throws LiveStreamsFullError */
  ensureRoom(): void {
    const open = this.all.reduce((sum, hub) => sum + hub.clients.size, 0);
    if (open >= MAX_CLIENTS || this.#isClosed) throw new LiveStreamsFullError(MAX_CLIENTS);
  }

  /** A new listener; without a stream it is told of the one written to last. */
  listen(
    hub: LiveHub,
    socket: LiveSocket,
    wish: { readonly stream?: string; readonly knownId?: number },
  ): void {
    const stream = wish.stream ?? hub.streams.preferred() ?? '';
    const { knownId } = wish;
    const isResumable = knownId !== undefined && hub.ring.reachesBackTo(knownId);
    const client = new LiveClient({
      socket,
      ring: hub.ring,
      clock: this.#clock,
      stream,
      snapshot: (id) => this.#snapshots.compose(hub, stream, id),
      ...(isResumable ? { knownId } : {}),
    });
    hub.clients.add(client);
    socket.on('close', () => hub.clients.delete(client));
    client.pump();
  }

  /** Ends every live stream and takes no more. */
  close(): void {
    this.#isClosed = true;
    for (const hub of this.all) hub.close();
  }
}
