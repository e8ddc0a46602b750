import { isRecord, type LookupRecord, type LookupSource } from './lookup-source.js';

const KEY_PLACE = '{key}';
/** An answer of this size is none to a question of so many keys. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/**
 * Asks an HTTP service. With `{key}` in the address: GET, one key a request; 200 with a JSON object, or 404 where there is
 * none. Else POST of `{"keys": […]}`, answered by `{"values": {key: object}}`; a key that is not there does not exist.
 */
export class HttpLookup implements LookupSource {
  readonly name: string;
  readonly maxBatch: number;

  constructor(
    private readonly url: string,
    batch: number,
  ) {
    this.name = nameOf(url);
    this.maxBatch = url.includes(KEY_PLACE) ? 1 : batch;
  }

  async fetch(keys: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, LookupRecord>> {
    return this.url.includes(KEY_PLACE)
      ? await this.#getOne(keys[0] ?? '', signal)
      : await this.#askAll(keys, signal);
  }

  async #getOne(key: string, signal: AbortSignal): Promise<ReadonlyMap<string, LookupRecord>> {
    const response = await fetch(this.url.replaceAll(KEY_PLACE, encodeURIComponent(key)), { signal });
    if (response.status === 404) {
      await response.body?.cancel();
      return new Map();
    }
    const value = await jsonOf(response);
    if (!isRecord(value)) throw new TypeError('its answer is no JSON object');
    return new Map([[key, value]]);
  }

  async #askAll(keys: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, LookupRecord>> {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ keys }),
      signal,
    });
    const value = await jsonOf(response);
    const values = isRecord(value) ? value['values'] : undefined;
    if (!isRecord(values)) throw new TypeError('its answer has no values: wanted {"values": {key: object}}');
    const records = Object.entries(values).filter((entry): entry is [string, LookupRecord] =>
      isRecord(entry[1]),
    );
    return new Map(records);
  }
}

/** Without user, password and query: those may be secrets. */
function nameOf(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${decodeURIComponent(pathname)}`;
}

async function jsonOf(response: Response): Promise<unknown> {
  if (!response.ok) {
    await response.body?.cancel();
    throw new TypeError(`it answered ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw new TypeError(`its answer has more than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
}
