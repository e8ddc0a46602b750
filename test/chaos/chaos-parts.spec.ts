import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FAULT_KINDS, faultPlan } from '../../scripts/chaos/fault-plan.mjs';
import { StoreProxy } from '../../scripts/chaos/store-proxy.mjs';
import { Traffic } from '../../scripts/chaos/traffic.mjs';

// What `npm run chaos` is made of.

function firstFaults(seed: number, count: number): readonly { kind: string; app?: string }[] {
  const plan = faultPlan(seed);
  return Array.from({ length: count }, () => plan.next().value);
}

describe('the plan of faults', () => {
  it('has each kind once a round, and is the same for the same seed', () => {
    for (let seed = 0; seed < 50; seed++) {
      const kinds = firstFaults(seed, 2 * FAULT_KINDS.length).map(({ kind }) => kind);
      expect(kinds.slice(0, FAULT_KINDS.length).sort()).toEqual([...FAULT_KINDS].sort());
      expect(kinds.slice(FAULT_KINDS.length).sort()).toEqual([...FAULT_KINDS].sort());
      expect(firstFaults(seed, 20)).toEqual(firstFaults(seed, 20));
    }
    expect(firstFaults(1, 8)).not.toEqual(firstFaults(2, 8));
  });

  it('meets every app with what may meet it, in a few rounds', () => {
    const found = firstFaults(7, 4 * FAULT_KINDS.length).filter(({ kind }) => kind === 'kill');
    expect(found.map(({ app }) => app).sort()).toEqual(['aggregate', 'alert', 'enrich', 'ingest']);
  });
});

describe('the traffic', () => {
  it('is the same for the same seed, and has everything that may go wrong with a sender', () => {
    const batches = (seed: number): readonly string[][] => {
      const traffic = new Traffic({ seed, startMs: Date.UTC(2026, 0, 1), rate: 200 });
      return Array.from({ length: 1_200 }, () => traffic.batch(20));
    };
    const lines = batches(3).flat();
    expect(batches(3).flat()).toEqual(lines);
    expect(batches(4).flat()).not.toEqual(lines);
    const events = lines.flatMap((line) =>
      isEvent(line) ? [JSON.parse(line) as { id: string; time: number }] : [],
    );
    expect(events.length).toBeLessThan(lines.length);
    expect(new Set(events.map(({ id }) => id)).size).toBeLessThan(events.length);
    const behind = events.map(
      ({ time }, i) => Math.max(...events.slice(Math.max(0, i - 50), i).map((each) => each.time)) - time,
    );
    expect(behind.some((ms) => ms > 0 && ms <= 5_000)).toBe(true);
    expect(behind.some((ms) => ms > 60_000)).toBe(true);
  });
});

function isEvent(line: string): boolean {
  return /^\{"id":"e-\d+","time":\d+,.*\}$/.test(line) && !line.includes('"status":700');
}

describe('a line to the database', () => {
  let server: Server;
  let proxy: StoreProxy;
  let client: Socket;
  let heard: string;

  beforeEach(async () => {
    // Says everything back.
    server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    proxy = await StoreProxy.open((server.address() as AddressInfo).port);
    client = connect(proxy.port, '127.0.0.1');
    heard = '';
    client.setEncoding('utf8').on('data', (text: string) => (heard += text));
    await once(client, 'connect');
  });
  afterEach(async () => {
    client.destroy();
    await proxy.close();
    await new Promise((done) => server.close(done));
  });

  async function untilHeard(text: string): Promise<void> {
    while (heard !== text) await once(client, 'data');
  }

  it('passes everything on, and the end', async () => {
    client.write('hello');
    await untilHeard('hello');
    client.end();
    await once(client, 'end');
  });

  it('that is cut tells nobody, and passes on what was under way when it is healed', async () => {
    client.write('a');
    await untilHeard('a');
    proxy.cut();
    client.write('b');
    const another = connect(proxy.port, '127.0.0.1');
    await once(another, 'connect');
    // It went through the proxy later than `b`, and would be answered if anything were.
    let isAnswered = false;
    another.once('data', () => (isAnswered = true)).write('c');
    await new Promise<void>((done) => setImmediate(done));
    expect([heard, isAnswered]).toEqual(['a', false]);
    proxy.heal();
    await Promise.all([untilHeard('ab'), isAnswered || once(another, 'data')]);
    another.destroy();
  });

  it('that is slow keeps the order', async () => {
    proxy.slow(20);
    const beganMs = performance.now();
    for (const text of ['a', 'b', 'c']) client.write(text);
    await untilHeard('abc');
    expect(performance.now() - beganMs).toBeGreaterThan(35);
    proxy.heal();
    client.write('d');
    await untilHeard('abcd');
  });
});
