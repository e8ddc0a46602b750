import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '#libs/kernel';
import type { MessageBroker } from '#libs/messaging';
import { EmbeddedBroker } from '#libs/messaging-embedded';
import { PulsarBroker, PulsarClientMissingError } from '#libs/messaging-pulsar';
import { WebSocketBroker } from '#libs/messaging-websocket';
import { Telemetry } from '#libs/observability';
import { partitionTopic, topicPath } from '#libs/pulsar-admin';
import { type Measurement, quantileOf } from './measurement.js';
import { BareNative } from './messaging/bare-native.js';
import { receiveBare, sendBare } from './messaging/bare-web-socket.js';
import {
  ACKNOWLEDGED_TOGETHER,
  eventsIn,
  FRAME_EVENTS,
  frames,
  IN_FLIGHT,
  singles,
} from './messaging/payloads.js';

// Events as frames of 200 and as single messages through each adapter, produced and consumed; through Pulsar also by a
// bare loop over the same client, in turns. Needs `npm run services:up`; without it only the embedded log is measured. The
// native client is measured where it can be loaded.

type Kind = 'frames' | 'singles';
type Way = 'produced' | 'consumed';
/** One run of one way. */
interface Rate {
  readonly eventsPerSecond: number;
  /** Of this whole process, the client's threads included: says more than the time where others use the machine too. */
  readonly cpuMicrosAnEvent: number;
}
type Rates = Readonly<Record<Way, Rate>>;

const RUNS = 5;
const MESSAGES: Readonly<Record<Kind, number>> = { frames: 1_000, singles: 8_000 };
const KINDS: readonly Kind[] = ['frames', 'singles'];
const WAYS: readonly Way[] = ['produced', 'consumed'];
const SUBSCRIPTION = 's';

/** The same through a client with nothing around it. */
type BareLoop = (topic: string, kind: Kind) => Promise<Rates>;

interface PulsarAddresses {
  readonly webSocket: string;
  readonly native: string;
  readonly admin: string;
}

/** Events a second; `beside` is the bare loop's, `ratio` the median over the pairs of runs. */
export async function messaging(): Promise<readonly Measurement[]> {
  const measurements = await measureEmbedded();
  const addresses = addressesOfPulsar();
  if (addresses === undefined)
    console.error('Pulsar is not measured: none runs, `npm run services:up` starts one');
  else measurements.push(...(await measureWebSocket(addresses)), ...(await measureNative(addresses)));
  const memoryMiB = process.memoryUsage().rss / 2 ** 20;
  return [...measurements, { name: 'messaging-memory', value: memoryMiB, unit: 'MiB', runs: 1 }];
}

async function measureEmbedded(): Promise<Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  const broker = await EmbeddedBroker.open({ folder, ...tools(), maxBytes: 2 ** 31 });
  try {
    const found: Measurement[] = [];
    for (const kind of KINDS) {
      const runs = await repeat(async () => throughAdapter(broker, await freshTopic(broker), kind));
      found.push(
        ...WAYS.map((way) =>
          figure(
            `embedded-${kind}-${way}`,
            runs.map((run) => run[way].eventsPerSecond),
          ),
        ),
      );
    }
    return found;
  } finally {
    await broker.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureWebSocket({ webSocket: address }: PulsarAddresses): Promise<Measurement[]> {
  const broker = new WebSocketBroker({ address, ...tools() });
  try {
    return await besideBareLoop('websocket', broker, (topic, kind) =>
      throughBareSocket(address, topic, kind),
    );
  } finally {
    await broker.close();
  }
}

async function measureNative({ native: serviceUrl, admin }: PulsarAddresses): Promise<Measurement[]> {
  try {
    const broker = await PulsarBroker.open({ serviceUrl, adminUrl: admin, ...tools() });
    const bare = await BareNative.open(serviceUrl);
    try {
      return await besideBareLoop('native', broker, (topic, kind) => throughBareNative(bare, topic, kind));
    } finally {
      await Promise.all([broker.close(), bare.close()]);
    }
  } catch (error) {
    if (!(error instanceof PulsarClientMissingError)) throw error;
    console.error(`the native client is not measured: ${error.message}`);
    return [];
  }
}

async function besideBareLoop(
  name: string,
  broker: MessageBroker,
  bareLoop: BareLoop,
): Promise<Measurement[]> {
  const found: Measurement[] = [];
  for (const kind of KINDS) {
    const runs = await repeat(async () => {
      const adapter = await throughAdapter(broker, await freshTopic(broker), kind);
      return { adapter, bare: await bareLoop(await freshTopic(broker), kind) };
    });
    for (const way of WAYS) {
      const of = (pick: (rate: Rate) => number): readonly [number[], number[]] => [
        runs.map(({ adapter }) => pick(adapter[way])),
        runs.map(({ bare }) => pick(bare[way])),
      ];
      found.push(figure(`${name}-${kind}-${way}`, ...of((rate) => rate.eventsPerSecond)), {
        ...figure(`${name}-${kind}-${way}-cpu`, ...of((rate) => rate.cpuMicrosAnEvent)),
        unit: 'µs of CPU an event',
      });
    }
  }
  return found;
}

async function throughAdapter(broker: MessageBroker, topic: string, kind: Kind): Promise<Rates> {
  const producer = await broker.openProducer({ topic, partition: 0, producerName: 'bench' });
  const produced = await rateOf(kind, async () => {
    const underWay = new Set<Promise<unknown>>();
    let sequenceId = 0;
    for (const payload of payloadsOf(kind)) {
      const sent: Promise<unknown> = producer
        .send({ payload, sequenceId: sequenceId++ })
        .then(() => underWay.delete(sent));
      underWay.add(sent);
      if (underWay.size >= IN_FLIGHT) await Promise.race(underWay);
    }
    await Promise.all(underWay);
  });
  const consumer = await broker.openConsumer({ topic, partition: 0, subscription: SUBSCRIPTION });
  const consumed = await rateOf(kind, async () => {
    let messages = 0;
    let acknowledged = 0;
    while (messages < MESSAGES[kind]) {
      const deliveries = await consumer.receive({ maxMessages: 64, maxBytes: 2 ** 21, waitMs: 5_000 });
      for (const { payload } of deliveries) eventsIn(payload, kind);
      messages += deliveries.length;
      const last = deliveries.at(-1);
      const isDue = messages - acknowledged >= ACKNOWLEDGED_TOGETHER || messages === MESSAGES[kind];
      if (last === undefined || !isDue) continue;
      acknowledged = messages;
      await consumer.acknowledgeUpTo(last.position);
    }
  });
  await Promise.all([producer.close(), consumer.close()]);
  return { produced, consumed };
}

async function throughBareSocket(address: string, topic: string, kind: Kind): Promise<Rates> {
  const path = topicPath(topic, 0);
  const produced = await rateOf(kind, () =>
    sendBare(`${address}/ws/v2/producer/${path}?producerName=bench`, payloadsOf(kind)),
  );
  const query = 'subscriptionType=Exclusive&pullMode=true&receiverQueueSize=200';
  const consumed = await rateOf(kind, () =>
    receiveBare(`${address}/ws/v2/consumer/${path}/${SUBSCRIPTION}?${query}`, MESSAGES[kind], (payload) =>
      eventsIn(payload, kind),
    ),
  );
  return { produced, consumed };
}

async function throughBareNative(bare: BareNative, topic: string, kind: Kind): Promise<Rates> {
  const partition = partitionTopic(topic, 0);
  const produced = await rateOf(kind, () => bare.send(partition, payloadsOf(kind)));
  const consumed = await rateOf(kind, () =>
    bare.receive({ topic: partition, subscription: SUBSCRIPTION }, MESSAGES[kind], (payload) =>
      eventsIn(payload, kind),
    ),
  );
  return { produced, consumed };
}

function payloadsOf(kind: Kind): Generator<Uint8Array> {
  return kind === 'frames' ? frames(MESSAGES.frames) : singles(MESSAGES.singles);
}

function eventsOf(kind: Kind): number {
  return MESSAGES[kind] * (kind === 'frames' ? FRAME_EVENTS : 1);
}

async function rateOf(kind: Kind, work: () => Promise<void>): Promise<Rate> {
  const cpuBefore = process.cpuUsage();
  const beganMs = performance.now();
  await work();
  const seconds = (performance.now() - beganMs) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const events = eventsOf(kind);
  return { eventsPerSecond: events / seconds, cpuMicrosAnEvent: (user + system) / events };
}

/** One run to warm up, then those that count. */
async function repeat<T>(run: () => Promise<T>): Promise<readonly T[]> {
  await run();
  const results: T[] = [];
  for (let i = 0; i < RUNS; i++) results.push(await run());
  return results;
}

function figure(name: string, values: readonly number[], bare?: readonly number[]): Measurement {
  const measurement = {
    name: `messaging-${name}`,
    value: quantileOf(values, 0.5),
    unit: 'events/s',
    runs: RUNS,
  };
  if (bare === undefined) return measurement;
  const ratios = values.map((value, i) => value / (bare[i] ?? NaN));
  return { ...measurement, beside: quantileOf(bare, 0.5), ratio: quantileOf(ratios, 0.5) };
}

function tools(): { readonly clock: SystemClock; readonly telemetry: Telemetry } {
  return { clock: new SystemClock(), telemetry: new Telemetry({ logLevel: 'silent' }) };
}

let topics = 0;

async function freshTopic(broker: MessageBroker): Promise<string> {
  const name = `persistent://public/default/bench-${process.pid}-${Date.now()}-${topics++}`;
  await broker.ensureTopic({ name, partitions: 1, subscriptions: [SUBSCRIPTION] });
  return name;
}

function addressesOfPulsar(): PulsarAddresses | undefined {
  const file = join(process.cwd(), '.services', 'services.json');
  if (!existsSync(file)) return undefined;
  const services = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly pulsar?: { readonly addresses: PulsarAddresses };
  };
  return services.pulsar?.addresses;
}
