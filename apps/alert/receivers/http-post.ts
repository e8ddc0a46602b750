import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import {
  assertPublicHost,
  publicLookup,
  ReceiverAddressPrivateError,
  type Resolve,
} from './address-check.js';

/** How one attempt ended. */
export type PostOutcome =
  | { readonly kind: 'taken' }
  /** Another attempt may help. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** It would be refused again. */
  | { readonly kind: 'refused'; readonly reason: string };

export interface Post {
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly allowPrivate: boolean;
  readonly signal: AbortSignal;
  /** Default: the machine's. */
  readonly resolve?: Resolve;
}

/** From the connection to the end of the answer. */
const TIMEOUT_MS = 10_000;
/** Nobody reads the answer; a longer one is cut off. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** Posts JSON once. Follows no redirects. Never throws. */
export async function postOnce(post: Post): Promise<PostOutcome> {
  try {
    return outcomeOf(await statusOf(post));
  } catch (error) {
    const reason = error instanceof Error ? error.message || error.name : String(error);
    return { kind: error instanceof ReceiverAddressPrivateError ? 'refused' : 'failed', reason };
  }
}

function outcomeOf(status: number): PostOutcome {
  if (status >= 200 && status < 300) return { kind: 'taken' };
  const reason = `it answered ${status}`;
  if (status >= 500 || status === 408 || status === 429) return { kind: 'failed', reason };
  return { kind: 'refused', reason: status < 400 ? `${reason}; redirects are not followed` : reason };
}

async function statusOf({ url, body, headers, allowPrivate, signal, resolve }: Post): Promise<number> {
  const target = new URL(url);
  if (!allowPrivate) assertPublicHost(target);
  const payload = Buffer.from(body);
  const request = (target.protocol === 'https:' ? httpsRequest : httpRequest)(target, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': payload.byteLength, ...headers },
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    // A connection of its own: one that is kept might go to an address that was checked long ago.
    agent: false,
    ...(allowPrivate ? {} : { lookup: publicLookup(resolve) }),
  });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
  });
  request.end(payload);
  return readAway(await answer);
}

async function readAway(answer: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const chunk of answer) {
    bytes += (chunk as Buffer).byteLength;
    // Leaving the loop closes the connection.
    if (bytes > MAX_ANSWER_BYTES) break;
  }
  return answer.statusCode ?? 0;
}
