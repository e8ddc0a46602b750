import { afterEach, describe, expect, test } from '@jest/globals';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PulsarAdmin } from './pulsar-admin.js';
import type { TokenSource } from './token-source.js';

// Against a peer that answers as brokers do when they can't or won't.

const servers: Server[] = [];

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const TOPIC = 'persistent://tenant/space/web.raw';

function adminOf(address: string, rest: { token?: TokenSource; timeoutMs?: number } = {}): PulsarAdmin {
  return new PulsarAdmin({ address, ...rest });
}

describe('an answer of the broker', () => {
  test.each([
    [401, 'BROKER_UNAUTHORIZED', 'backoff'],
    [403, 'BROKER_UNAUTHORIZED', 'backoff'],
    [404, 'PULSAR_NOT_FOUND', 'never'],
    [409, 'PULSAR_CONFLICT', 'never'],
    [412, 'PULSAR_REFUSED', 'never'],
    [429, 'BROKER_UNAVAILABLE', 'backoff'],
    [500, 'BROKER_UNAVAILABLE', 'backoff'],
    [503, 'BROKER_UNAVAILABLE', 'backoff'],
  ])('of %i becomes %s, with its reason', async (status, code, retry) => {
    const address = await serve((_request, response) => {
      response.writeHead(status).end(JSON.stringify({ reason: 'because of this' }));
    });
    const call = adminOf(address).topics.create(TOPIC, 2);
    await expect(call).rejects.toMatchObject({ code, retry });
    await expect(call).rejects.toThrow('because of this');
  });

  test.each([
    ['Failed to create subscription: the cursor is fenced', 'BROKER_UNAVAILABLE'],
    ['Unable to find position for position specified: unable to persist readPosition', 'BROKER_UNAVAILABLE'],
    ['Invalid message id', 'PULSAR_REFUSED'],
  ])('of 412 passes where it says so: %s', async (reason, code) => {
    const address = await serve((_request, response) => {
      response.writeHead(412).end(JSON.stringify({ reason }));
    });
    await expect(adminOf(address).topics.create(TOPIC, 2)).rejects.toMatchObject({ code });
  });

  test('of the server below Pulsar has its reason, too', async () => {
    const address = await serve((_request, response) => {
      response.writeHead(401).end('{"servlet":"x","message":"Authentication required","status":"401"}');
    });
    await expect(adminOf(address).version()).rejects.toThrow(
      'GET brokers/version: 401 Authentication required',
    );
  });

  test('that is no JSON is told, not thrown as it comes', async () => {
    const address = await serve((_request, response) => response.end('<html>a proxy</html>'));
    await expect(adminOf(address).topics.partitions(TOPIC)).rejects.toMatchObject({
      code: 'BROKER_UNAVAILABLE',
    });
  });

  test('that a topic is not there is no error where that is asked', async () => {
    const address = await serve((_request, response) => response.writeHead(404).end('{"reason":"no"}'));
    expect(await adminOf(address).topics.partitions(TOPIC)).toBeUndefined();
  });
});

describe('a request', () => {
  test('to nobody says who does not answer', async () => {
    const call = adminOf('http://127.0.0.1:1').version();
    await expect(call).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE', retry: 'backoff' });
    await expect(call).rejects.toThrow('no broker answers at http://127.0.0.1:1');
  });

  test('over TLS to a port without says so', async () => {
    const address = (await serve((_request, response) => response.end())).replace('http:', 'https:');
    await expect(adminOf(address).version()).rejects.toThrow('that port does not speak TLS');
  });

  test('ends after its time', async () => {
    const address = await serve(() => undefined);
    await expect(adminOf(address, { timeoutMs: 50 }).version()).rejects.toThrow('no answer within 50 ms');
  });

  test('ends when its caller gives up, with their reason', async () => {
    const controller = new AbortController();
    const address = await serve(() => controller.abort(new Error('enough')));
    await expect(adminOf(address).version({ signal: controller.signal })).rejects.toThrow('enough');
  });

  test('has the token of the moment', async () => {
    const seen: (string | undefined)[] = [];
    const address = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.end('4.0.7');
    });
    let token: string | undefined;
    const admin = adminOf(address, { token: { token: () => Promise.resolve(token) } });
    for (token of [undefined, 'one', 'two']) await admin.version();
    expect(seen).toEqual([undefined, 'Bearer one', 'Bearer two']);
  });

  test('goes to the broker that has the topic, as it was, with its token', async () => {
    const seen: string[] = [];
    const owner = await serve((request, response) => {
      void bodyOf(request).then((body) => {
        seen.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`);
        response.writeHead(204).end();
      });
    });
    const address = await serve((request, response) => {
      response.writeHead(307, { location: `${owner}${request.url}` }).end();
    });
    await adminOf(address, { token: { token: () => Promise.resolve('t') } }).topics.create(TOPIC, 2);
    expect(seen).toEqual(['PUT /admin/v2/persistent/tenant/space/web.raw/partitions Bearer t 2']);
  });

  test('is not sent round in a circle', async () => {
    const address = await serve((request, response) => {
      response.writeHead(307, { location: request.url }).end();
    });
    await expect(adminOf(address).version()).rejects.toThrow('more than 5 redirects');
  });

  test('writes names as they may stand in a path', async () => {
    const seen: (string | undefined)[] = [];
    const address = await serve((request, response) => {
      seen.push(request.url);
      response.end('[]');
    });
    const { subscriptions } = adminOf(`${address}/`);
    await subscriptions.delete({ topic: TOPIC, partition: 3, subscription: 'a/b c' });
    expect(seen).toEqual([
      '/admin/v2/persistent/tenant/space/web.raw-partition-3/subscription/a%2Fb%20c?force=false',
    ]);
    await expect(subscriptions.list('web.raw')).rejects.toThrow('persistent://tenant/namespace/topic');
  });
});

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
