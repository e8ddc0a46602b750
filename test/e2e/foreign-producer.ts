import { fatesOf, getJson } from './api.js';
import type { PulsarNamespace } from './pulsar-namespace.js';
import { until } from './until.js';

// Somebody who knows nothing of Millrace: the WebSocket of Node.js and Pulsar's own API.

export interface ForeignMessage {
  readonly payload: unknown;
  /** The payload is sent as it is, not as JSON. */
  readonly isText?: true;
  readonly properties?: Readonly<Record<string, string>>;
}

/** Stores messages in one partition of a topic of the pipeline. */
export async function publishForeign(
  place: PulsarNamespace,
  partition: number,
  messages: readonly ForeignMessage[],
  noun = 'raw',
): Promise<void> {
  const path = place.topic(noun).replace('://', '/');
  const socket = new WebSocket(`${place.webSocket}/ws/v2/producer/${path}-partition-${partition}`);
  await new Promise<void>((answered, failed) => {
    let answers = 0;
    socket.addEventListener('message', () => {
      if (++answers === messages.length) answered();
    });
    socket.addEventListener('close', ({ code, reason }) =>
      failed(new Error(`${path} closed after ${answers} of ${messages.length}: ${code} ${reason}`)),
    );
    socket.addEventListener('open', () => {
      for (const message of messages) socket.send(wireText(message));
    });
  });
  socket.close();
}

function wireText({ payload, isText, properties }: ForeignMessage): string {
  const text = isText === true ? String(payload) : JSON.stringify(payload);
  return JSON.stringify({ payload: Buffer.from(text).toString('base64'), properties });
}

/** Until so many events of a stream are counted. */
export async function untilReported(
  url: string,
  stream: string,
  events: number,
  limitMs?: number,
): Promise<void> {
  await until(
    () =>
      fatesOf(url, stream).then(
        ({ counted }) => counted,
        () => 0,
      ),
    (counted) => counted >= events,
    limitMs,
  );
}

/** The codes of all dead letters, sorted. */
export async function codesOfDead(url: string): Promise<readonly string[]> {
  const page = await getJson<{ deadLetters: { code: string }[] }>(`${url}/v1/dead-letters?limit=100`);
  return page.deadLetters.map(({ code }) => code).sort();
}
