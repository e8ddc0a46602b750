import { once } from 'node:events';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { FACTS } from '#libs/observability';
import { whileDraining, whileStarting } from './absent-app.js';
import type { Adapters } from './adapters.js';
import { type AppDescription, assembleApp, type PreparedApp } from './create-app.js';
import { FrontDoor } from './front-door.js';
import { isAwaited, openAdapters } from './open-adapters.js';
import { KeyRing } from './keys/key-ring.js';
import { Tasks } from './tasks.js';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;
const EXIT_UNCLEAN = 1;

/** One run of an app: listens first, waits for its servers, works, drains when told to stop, ends. */
export class AppProcess {
  readonly #stop = new AbortController();
  readonly #door: FrontDoor;

  constructor(
    private readonly description: AppDescription,
    private readonly prepared: PreparedApp,
  ) {
    this.#door = new FrontDoor(prepared.clock, whileStarting(prepared));
  }

  /** Ends the process, unless it can't start: then it throws. */
  async run(): Promise<void> {
    this.#stopOnSignals();
    const { telemetry, configuration } = this.prepared;
    const { host, port } = configuration.values;
    const url = await this.#door.listen(port ?? this.description.port, host);
    telemetry.record(FACTS.appListening, { port: new URL(url).port });
    const alone = this.description.app === 'standalone' ? [] : configuration.ownedAlone();
    if (alone.length > 0) telemetry.record(FACTS.appAlone, { settings: alone });
    const app = await this.#opened();
    if (app !== undefined) {
      this.#door.answerWith(() => false);
      await this.description.onListening?.(url, app);
      telemetry.record(FACTS.appReady, { url });
      await this.#stopped();
    }
    await this.#end(app);
  }

  /** The app, started, as soon as its servers are there. Undefined: it was told to stop before. */
  async #opened(): Promise<NestFastifyApplication | undefined> {
    const { signal } = this.#stop;
    const { clock, telemetry, outages, configuration } = this.prepared;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        const app = await this.#openOnce();
        if (app !== undefined || signal.aborted) return app;
      } catch (error) {
        if (!isAwaited(error, configuration)) throw error;
        for (const [server, outage] of outages.all)
          telemetry.record(FACTS.serverAwaited, { server, ...outage, pauseMs });
      }
      await clock.sleep(pauseMs, signal);
      if (signal.aborted) return undefined;
    }
  }

  async #openOnce(): Promise<NestFastifyApplication | undefined> {
    const adapters = await this.#adaptersUnlessStopped();
    if (adapters === undefined) return undefined;
    const app = await assembleApp(this.prepared, adapters, this.#door);
    try {
      await app.init();
      // Before anybody is let in. Probes have been answered all along.
      await app.get(KeyRing).assertSafe();
      await app.getHttpAdapter().getInstance().ready();
      return app;
    } catch (error) {
      // The socket is for the next attempt, or for probes until the process has ended.
      await this.#door.staysOpen(() => app.close());
      throw error;
    }
  }

  /** Who is told to stop does not wait for a server to answer. What is being opened then ends with the process. */
  async #adaptersUnlessStopped(): Promise<Adapters | undefined> {
    const opening = openAdapters(this.prepared.pipelines, this.prepared);
    opening.catch(() => undefined);
    return Promise.race([opening, this.#stopped().then(() => undefined)]);
  }

  async #stopped(): Promise<void> {
    if (!this.#stop.signal.aborted) await once(this.#stop.signal, 'abort');
  }

  async #end(app: NestFastifyApplication | undefined): Promise<never> {
    const { telemetry, configuration } = this.prepared;
    const { drainTimeoutMs } = configuration.values;
    this.#door.answerWith(whileDraining);
    const tooLong = setTimeout(() => {
      const tasks = app === undefined ? [] : unfinished(app.get(Tasks));
      telemetry.record(FACTS.drainTimedOut, { drainTimeoutMs, tasks });
      process.exit(EXIT_UNCLEAN);
    }, drainTimeoutMs);
    try {
      await (app === undefined ? this.#door.close() : app.close());
      clearTimeout(tooLong);
      telemetry.record(FACTS.appStopped, {});
      process.exit(0);
    } catch (error) {
      telemetry.logger.error({ error }, 'the end was not clean');
      process.exit(EXIT_UNCLEAN);
    }
  }

  #stopOnSignals(): void {
    const stop = (): void => this.#stop.abort();
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    // Forked with a channel: whoever started it is gone, and nobody else would stop it.
    process.once('disconnect', stop);
  }
}

function unfinished(tasks: Tasks): readonly string[] {
  return tasks
    .statuses()
    .filter(({ state }) => state !== 'stopped')
    .map(({ pipeline, stage, partition, waitingFor }) => `${pipeline}/${stage}/${partition} (${waitingFor})`);
}
