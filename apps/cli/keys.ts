import { isJsonObject, type JsonObject } from '#libs/kernel';
import { EXIT_CODE, type ExitCode } from './exit-code.js';
import { keyedAddress } from './keyed-address.js';
import type { Terminal } from './terminal.js';

export interface KeysOptions {
  /** Of ingest, the dashboard or standalone, e.g. `http://127.0.0.1:3000`. */
  readonly url: string;
  /** A key with the scope admin; not needed as long as there is none. */
  readonly key?: string;
  /** The whole answer as JSON. */
  readonly json?: boolean;
}

export interface NewKeyOptions extends KeysOptions {
  readonly name: string;
  readonly scope: readonly string[];
  readonly expiresIn?: string;
  readonly eventsPerSecond?: number;
  readonly eventsPerDay?: number;
}

const TIMEOUT_MS = 10_000;

type Answer = { readonly body: JsonObject } | { readonly problem: string };

/** Makes a key; its text is told this once. */
export async function makeKey(options: NewKeyOptions, terminal: Terminal): Promise<ExitCode> {
  const { name, scope: scopes, expiresIn, eventsPerSecond, eventsPerDay } = options;
  const asked = { name, scopes, expiresIn, eventsPerSecond, eventsPerDay };
  const body = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
  return tell(await call('/v1/keys', options, { method: 'POST', body }), options, terminal);
}

/** Makes a key in the place of another, which goes on for a while. */
export async function rotateKey(
  id: string,
  options: KeysOptions & { readonly overlap: string },
  terminal: Terminal,
): Promise<ExitCode> {
  const path = `/v1/keys/${encodeURIComponent(id)}/rotate`;
  const answer = await call(path, options, { method: 'POST', body: { overlap: options.overlap } });
  return tell(answer, options, terminal);
}

/** From now on the key opens nothing. */
export async function revokeKey(id: string, options: KeysOptions, terminal: Terminal): Promise<ExitCode> {
  const answer = await call(`/v1/keys/${encodeURIComponent(id)}`, options, { method: 'DELETE' });
  return tell(answer, options, terminal);
}

/** Every key, the newest first; never their texts. */
export async function listKeys(options: KeysOptions, terminal: Terminal): Promise<ExitCode> {
  const answer = await call('/v1/keys', options, { method: 'GET' });
  if ('problem' in answer) return complain(answer.problem, terminal);
  const keys = Array.isArray(answer.body['keys']) ? answer.body['keys'].filter(isJsonObject) : [];
  for (const key of keys) terminal.out(options.json === true ? JSON.stringify(key) : describe(key));
  if (options.json !== true && keys.length === 0) terminal.out('no keys');
  return EXIT_CODE.done;
}

function tell(answer: Answer, options: KeysOptions, terminal: Terminal): ExitCode {
  if ('problem' in answer) return complain(answer.problem, terminal);
  const { body } = answer;
  if (options.json === true) terminal.out(JSON.stringify(body));
  else {
    terminal.out(describe(body));
    if (typeof body['key'] === 'string') terminal.out(`${body['key']}\nKeep it: it is not told again.`);
  }
  return EXIT_CODE.done;
}

function complain(problem: string, terminal: Terminal): ExitCode {
  terminal.complain(problem);
  return EXIT_CODE.unavailable;
}

/** `3f2b8c1e5b7d shop ingest:web, read: in force until 2026-12-01T00:00:00.000Z` */
function describe(key: JsonObject): string {
  const scopes = Array.isArray(key['scopes']) ? key['scopes'].join(', ') : '';
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const until = text(key['expires']) === '' ? '' : ` until ${text(key['expires'])}`;
  const past = text(key['revoked']) === '' ? 'expired' : `revoked ${text(key['revoked'])}`;
  const state = key['isInForce'] === true ? `in force${until}` : past;
  return `${text(key['id'])} ${text(key['name'])} ${scopes}: ${state}`;
}

async function call(
  path: string,
  options: KeysOptions,
  { method, body }: { readonly method: string; readonly body?: object },
): Promise<Answer> {
  const { url, key } = keyedAddress(options.url, options.key);
  const route = new URL(path, url);
  try {
    const response = await fetch(route, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const answer: unknown = await response.json();
    if (!isJsonObject(answer)) return { problem: `${route.origin} is no Millrace` };
    if (response.ok) return { body: answer };
    return {
      problem: `${route.origin} answered ${response.status}: ${String(answer['detail'] ?? answer['title'])}`,
    };
  } catch (error) {
    const { cause = error } = error as Error;
    return {
      problem: `no answer from ${route.origin}: ${(cause as Error).message}; is it running, and is --url right?`,
    };
  }
}
