import { isJsonObject, parseDuration } from '#libs/kernel';
import { type ApiKey, isScope, type KeyScope } from './api-key.js';
import { KeyRequestInvalidError } from './key.errors.js';

const KNOWN = ['name', 'scopes', 'expiresIn', 'eventsPerSecond', 'eventsPerDay'];
const MAX_NAME_LENGTH = 80;
const MAX_SCOPES = 100;
const DEFAULT_OVERLAP_MS = 86_400_000;

/** What a new key is to be, from the body of a request. @throws KeyRequestInvalidError */
export function readKeyRequest(body: unknown, nowMs: number): Omit<ApiKey, 'id' | 'hash' | 'createdMs'> {
  if (!isJsonObject(body))
    throw new KeyRequestInvalidError('the body must be a JSON object with name and scopes');
  const unknown = Object.keys(body).find((name) => !KNOWN.includes(name));
  if (unknown !== undefined)
    throw new KeyRequestInvalidError(`there is no ${unknown}; there are ${KNOWN.join(', ')}`);
  const expiresInMs = durationOf(body['expiresIn'], 'expiresIn');
  return {
    name: nameOf(body['name']),
    scopes: scopesOf(body['scopes']),
    ...(expiresInMs === undefined ? {} : { expiresMs: nowMs + expiresInMs }),
    ...limitOf(body['eventsPerSecond'], 'eventsPerSecond'),
    ...limitOf(body['eventsPerDay'], 'eventsPerDay'),
  };
}

/** How long a rotated key stays in force, `{overlap: '1h'}`, default 1 d. @throws KeyRequestInvalidError */
export function readOverlapMs(body: unknown): number {
  const overlap = isJsonObject(body) ? body['overlap'] : undefined;
  return durationOf(overlap, 'overlap') ?? DEFAULT_OVERLAP_MS;
}

function nameOf(value: unknown): string {
  if (typeof value === 'string' && value.trim() !== '' && value.length <= MAX_NAME_LENGTH) return value;
  throw new KeyRequestInvalidError(`name must be a text of 1 to ${MAX_NAME_LENGTH} characters`);
}

function scopesOf(value: unknown): readonly KeyScope[] {
  const scopes = Array.isArray(value) ? value : [];
  const isLegal = scopes.every((scope): scope is KeyScope => typeof scope === 'string' && isScope(scope));
  if (isLegal && scopes.length > 0 && scopes.length <= MAX_SCOPES) return [...new Set(scopes)];
  throw new KeyRequestInvalidError('scopes must be a list of ingest:<stream>, ingest:*, read and admin');
}

function durationOf(value: unknown, name: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  try {
    return parseDuration(String(value as string));
  } catch {
    throw new KeyRequestInvalidError(`${name} must be a duration such as 90d or 1h`);
  }
}

function limitOf(value: unknown, name: 'eventsPerSecond' | 'eventsPerDay'): Partial<ApiKey> {
  if (value === undefined || value === null) return {};
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return { [name]: value };
  throw new KeyRequestInvalidError(`${name} must be a number above 0`);
}
