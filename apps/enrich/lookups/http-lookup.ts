import { isRecord, type LookupRecord, type LookupSource } from './lookup-source.js';

const KEY_PLACE = '{key}';
const NO_CONTENT = 204;
/** An answer of this size is none to a question of so many keys. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/**
 * Asks an HTTP service. With `{key}` in the address: GET, one key a request; 200 with a JSON object, or 404 where there is
 * none. Else POST of `{"keys": […]}`, answered by `{"values": {key: object}}`; a key that is not there does not exist. User and
 * password in the address go as basic authorization.
 */
export class HttpLookup implements LookupSource {
  readonly name: string;
  readonly maxBatch: number;
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** @param url one that can be parsed, also with a key in the place of `{key}` */
  constructor(url: string, batch: number) {
    this.name = nameOf(url);
    this.maxBatch = url.includes(KEY_PLACE) ? 1 : batch;
    const [address, authorization] = withoutUser(url);
    this.#url = address;
    this.#headers = { accept: 'application/json', ...(authorization === undefined ? {} : { authorization }) };
  }

  async fetch(keys: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, LookupRecord>> {
    return this.#url.includes(KEY_PLACE)
      ? await this.#getOne(keys[0] ?? '', signal)
      : await this.#askAll(keys, signal);
  }

  async #getOne(key: string, signal: AbortSignal): Promise<ReadonlyMap<string, LookupRecord>> {
    // As part of a path these mean another address, however they are written.
    if (key === '.' || key === '..') return new Map();
    const address = this.#url.replaceAll(KEY_PLACE, encodeURIComponent(key));
    const response = await asked(address, { headers: this.#headers, signal });
    if (response.status === 404) {
      await response.body?.cancel();
      return new Map();
    }
    const value = await jsonOf(response);
    if (!isRecord(value)) throw new TypeError('its answer is no JSON object');
    return new Map([[key, value]]);
  }

  async #askAll(keys: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, LookupRecord>> {
    const response = await asked(this.#url, {
      method: 'POST',
      headers: { ...this.#headers, 'content-type': 'application/json' },
      body: JSON.stringify({ keys }),
      signal,
    });
    const value = await jsonOf(response);
    const values = isRecord(value) ? value['values'] : undefined;
    if (!isRecord(values)) throw new TypeError('its answer has no values: wanted {"values": {key: object}}');
    return recordsOf(values);
  }
}

/** Null stands for none. @throws TypeError for what is no object */
function recordsOf(values: LookupRecord): ReadonlyMap<string, LookupRecord> {
  const records = new Map<string, LookupRecord>();
  for (const [key, value] of Object.entries(values)) {
    if (isRecord(value)) records.set(key, value);
    else if (value !== null)
      throw new TypeError(`its answer for a key is a ${typeof value}: wanted is an object or null`);
  }
  return records;
}

/** `fetch` takes no address with a user in it, and says so with the password. */
function withoutUser(url: string): readonly [address: string, authorization: string | undefined] {
  const { username, password } = new URL(url);
  if (username === '' && password === '') return [url, undefined];
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const address = url.replace(/^(https?:\/\/)[^/?#]*@/i, '$1');
  return [address, `Basic ${Buffer.from(user).toString('base64')}`];
}

/** What `fetch` fails with says nothing; its cause does. */
async function asked(address: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(address, request);
  } catch (error) {
    const { cause } = error as Error;
    throw cause instanceof Error ? new TypeError(`no connection: ${cause.message}`, { cause }) : error;
  }
}

/** Without user, password and query: those may be secrets. */
function nameOf(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${decodeURIComponent(pathname)}`;
}

async function jsonOf(response: Response): Promise<unknown> {
  if (!response.ok || response.status === NO_CONTENT) {
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
  try {
    return JSON.parse(
      Buffer.concat(chunks)
        .toString('utf8')
        .replace(/^\ufeff/, ''),
    ) as unknown;
  } catch (error) {
    const type = response.headers.get('content-type') ?? 'of no stated type';
    throw new TypeError(`its answer (${type}) is no JSON: ${(error as Error).message}`, { cause: error });
  }
}
