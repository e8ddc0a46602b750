import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { isJsonObject, isStreamName, type JsonObject, type JsonValue } from '#libs/kernel';

/** What a key lets its bearer do: write to one stream or to all (`ingest:*`), read, or everything. */
export type KeyScope = `ingest:${string}` | 'read' | 'admin';

/** A key as it is kept: of its secret there is only the hash. */
export interface ApiKey {
  /** Public: names the key in lists and in the log. */
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly KeyScope[];
  /** SHA-256 of the whole key, hexadecimal. The key has 256 random bits, so that nothing slower is needed. */
  readonly hash: string;
  readonly createdMs: number;
  /** From then on it opens nothing; rotation gives the old key such an end. */
  readonly expiresMs?: number;
  readonly revokedMs?: number;
  /** Events a second, on average; absent: any number. */
  readonly eventsPerSecond?: number;
  /** Events a day (UTC); absent: any number. */
  readonly eventsPerDay?: number;
}

const PREFIX = 'mrk';
const ID_BYTES = 6;
const SECRET_BYTES = 32;
const TEXT = /^mrk_([0-9a-f]{12})_[\w-]{43}$/;

/** A new key: `text` is told once, and kept nowhere. */
export function makeKey(fields: Omit<ApiKey, 'id' | 'hash'>): {
  readonly key: ApiKey;
  readonly text: string;
} {
  const id = randomBytes(ID_BYTES).toString('hex');
  const text = `${PREFIX}_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { key: { id, ...fields, hash: hashOf(text) }, text };
}

/** The id in the text of a key; undefined: it is none. */
export function idOf(text: string): string | undefined {
  return TEXT.exec(text)?.[1];
}

/** Is this the text of the key. Takes the same time whatever is wrong. */
export function isTextOf(text: string, key: Pick<ApiKey, 'hash'>): boolean {
  return timingSafeEqual(Buffer.from(hashOf(text), 'hex'), Buffer.from(key.hash, 'hex'));
}

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function isInForce({ expiresMs, revokedMs }: ApiKey, nowMs: number): boolean {
  return revokedMs === undefined && (expiresMs === undefined || nowMs < expiresMs);
}

/** Does the key allow what is wanted; `admin` allows all. */
export function allows({ scopes }: ApiKey, wanted: KeyScope): boolean {
  return scopes.some(
    (scope) =>
      scope === 'admin' || scope === wanted || (scope === 'ingest:*' && wanted.startsWith('ingest:')),
  );
}

export function isScope(text: string): text is KeyScope {
  if (text === 'read' || text === 'admin' || text === 'ingest:*') return true;
  return text.startsWith('ingest:') && isStreamName(text.slice('ingest:'.length));
}

/** A key as the store keeps it. */
export function keyToJson(key: ApiKey): JsonObject {
  return { ...key, scopes: [...key.scopes] } as unknown as JsonObject;
}

/** Undefined: it is none that this version can read. */
export function keyFromJson(body: JsonValue | undefined): ApiKey | undefined {
  if (!isJsonObject(body) || typeof body['id'] !== 'string' || typeof body['hash'] !== 'string')
    return undefined;
  return body as unknown as ApiKey;
}

/** A key as it may be shown. */
export function shownKey(key: ApiKey, nowMs: number): JsonObject {
  const { id, name, scopes, createdMs, expiresMs, revokedMs, eventsPerSecond, eventsPerDay } = key;
  const iso = (timeMs: number | undefined): string | null =>
    timeMs === undefined ? null : new Date(timeMs).toISOString();
  return {
    ...{ id, name, scopes: [...scopes] },
    ...(eventsPerSecond === undefined ? {} : { eventsPerSecond }),
    ...(eventsPerDay === undefined ? {} : { eventsPerDay }),
    ...{ created: iso(createdMs), expires: iso(expiresMs), revoked: iso(revokedMs) },
    isInForce: isInForce(key, nowMs),
  };
}
