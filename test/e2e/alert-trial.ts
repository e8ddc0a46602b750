import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SystemClock } from '#libs/kernel';
import { EmbeddedBroker } from '#libs/messaging-embedded';
import { Telemetry } from '#libs/observability';
import { StandaloneProcess } from './standalone-process.js';
import type { WebhookReceiver } from './webhook-receiver.js';

const STREAM = 'shop';
const TOPICS = 'persistent://public/default/web';

/** A message of a public topic. */
export interface PublicMessage {
  readonly id: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** One data folder, through as many processes as die, with one alert that fires and is resolved. */
export class AlertTrial {
  readonly #began = Date.now();
  readonly #sent: object[] = [];
  #standalone: StandaloneProcess | undefined;
  #deaths = 0;

  constructor(
    private readonly folder: string,
    private readonly receiver: WebhookReceiver,
    private readonly failpoint?: string,
  ) {
    writeFileSync(join(folder, 'web.yaml'), pipelineText(receiver.url));
  }

  get process(): StandaloneProcess {
    if (this.#standalone === undefined) throw new Error('no process is running');
    return this.#standalone;
  }

  /** To the end of the alert, whatever dies meanwhile; how often something has. */
  async run(): Promise<number> {
    await this.#start(this.failpoint);
    for (const [after, status, told] of [
      [0, 500, 'firing'],
      [60_000, 200, 'resolved'],
    ] as const) {
      this.#sent.push({ id: `e${after}`, time: this.#began + after, method: 'GET', path: '/pay', status });
      while (!(await this.#postUntil(told))) {
        this.#deaths++;
        await this.#start();
      }
    }
    await this.process.stop();
    return this.#deaths;
  }

  async end(): Promise<void> {
    await this.#standalone?.kill();
  }

  /** What is on a topic; only when no process runs. */
  async messages(noun: 'alerts' | 'notifications'): Promise<readonly PublicMessage[]> {
    const tools = { clock: new SystemClock(), telemetry: new Telemetry({ logLevel: 'silent' }) };
    const broker = await EmbeddedBroker.open({
      folder: join(this.folder, 'log'),
      maxBytes: 2 ** 31,
      ...tools,
    });
    try {
      const reader = await broker.openReader({ topic: `${TOPICS}.${noun}`, partition: 0, from: 'earliest' });
      const found: PublicMessage[] = [];
      while (!(await reader.isCaughtUp())) {
        const some = await reader.receive({ maxMessages: 100, maxBytes: 2 ** 24, waitMs: 0 });
        for (const { payload, properties } of some)
          found.push({
            id: String(properties['ce_id']),
            data: JSON.parse(Buffer.from(payload).toString()) as PublicMessage['data'],
          });
      }
      return found;
    } finally {
      await broker.close();
    }
  }

  /** Everything so far is sent, again if need be: ids say what has come before. False: the process has died. */
  async #postUntil(told: string): Promise<boolean> {
    const { process } = this;
    const died = process.ended.then(() => false);
    const posted = this.#post(process.url).catch(() => false);
    if (!(await Promise.race([died, posted]))) {
      await process.ended;
      return false;
    }
    return await Promise.race([died, this.receiver.untilTold(told).then(() => true)]);
  }

  async #post(url: string): Promise<boolean> {
    const response = await fetch(`${url}/v1/streams/${STREAM}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(this.#sent),
    });
    if (!response.ok) throw new Error(await response.text());
    return true;
  }

  async #start(failpoint?: string): Promise<void> {
    const settings = { MILLRACE_PIPELINES: join(this.folder, 'web.yaml') };
    const start = (more: Readonly<Record<string, string>>): Promise<StandaloneProcess> =>
      StandaloneProcess.start(this.folder, { ...settings, ...more });
    if (failpoint === undefined) {
      this.#standalone = await start({});
      return;
    }
    // It may die before it listens.
    this.#standalone = await start({ MILLRACE_FAILPOINT: failpoint }).catch(() => {
      this.#deaths++;
      return start({});
    });
  }
}

function pipelineText(url: string): string {
  return `
apiVersion: millrace/v1
kind: Pipeline
metadata: {name: web}
spec:
  event: web-request@1
  partitions: 1
  time: {maxOutOfOrderness: 0s}
  aggregate: [{name: requests, window: {tumbling: 1m}, measures: {n: count}}]
  alerts:
    rules: [{name: broken, severity: critical, summary: Nobody can pay, pattern: {where: status == 500, by: [path], quiet: 30s}}]
    notifications: {groupWait: 0s, groupInterval: 100ms}
    receivers: [{name: pager, webhook: {url: '${url}', allowPrivate: true}}]
    pipelineStalled: off
`;
}
