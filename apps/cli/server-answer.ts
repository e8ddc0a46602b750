import { isJsonObject, type JsonObject } from '#libs/kernel';

/** What a running Millrace said, or a sentence for people on why it said nothing of use. */
export type ServerAnswer = { readonly body: JsonObject } | { readonly problem: string };

/** An answer that lets nobody wait for ever. */
const TIMEOUT_MS = 10_000;

/** Sending may take longer than answering: everything is stored then. */
const SENDING_TIMEOUT_MS = 120_000;

/** Asks a running dashboard or standalone. Never throws. */
export function askServer(route: URL): Promise<ServerAnswer> {
  return answerOf(route, { signal: AbortSignal.timeout(TIMEOUT_MS) });
}

/** Tells a running dashboard or standalone to do something. Never throws. */
export function postToServer(route: URL, body: JsonObject): Promise<ServerAnswer> {
  return answerOf(route, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(SENDING_TIMEOUT_MS),
  });
}

async function answerOf(route: URL, request: RequestInit): Promise<ServerAnswer> {
  try {
    const response = await fetch(...withKey(route, request));
    const body: unknown = await response.json();
    if (!response.ok) return { problem: refusal(route, response.status, body) };
    return isJsonObject(body) ? { body } : { problem: noMillrace(route) };
  } catch (error) {
    return {
      problem: `no answer from ${route.origin}: ${reasonOf(error)}; is it running, and is --url right?`,
    };
  }
}

/** The key stands where a user does: `http://mrk_…@host:3000`. */
function withKey(route: URL, request: RequestInit): [URL, RequestInit] {
  if (route.username === '') return [route, request];
  const address = new URL(route);
  address.username = '';
  address.password = '';
  const headers = new Headers(request.headers);
  headers.set('authorization', `Bearer ${decodeURIComponent(route.username)}`);
  return [address, { ...request, headers }];
}

/** For an answer in which nothing is as it was asked for. */
export function noMillrace(route: URL): string {
  return `${route.origin} is no Millrace dashboard`;
}

function refusal(route: URL, status: number, body: unknown): string {
  const detail = isJsonObject(body) ? (body['detail'] ?? body['title']) : undefined;
  return `${route.origin} answered ${status}${typeof detail === 'string' ? `: ${detail}` : ''}`;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // fetch wraps what has happened.
  const { cause } = error;
  if (cause instanceof Error) return 'code' in cause ? String(cause.code) : cause.message;
  return error.message;
}
