import type { Clock } from '#libs/kernel';
import { TopicMissingError } from '#libs/messaging';
import {
  BrokerUnauthorizedError,
  BrokerUnavailableError,
  PulsarRefusedError,
  type TokenSource,
  topicPath,
} from '#libs/pulsar-admin';
import { BrokerSocket, type SocketListener } from './broker-socket.js';
import { Turns } from './turns.js';

export interface SocketOpenerOptions {
  /** `ws://host:8080` or `wss://host:8443` */
  readonly address: string;
  readonly token: TokenSource;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/** What to open. */
export interface SocketTarget {
  readonly role: 'producer' | 'consumer' | 'reader';
  readonly topic: string;
  readonly partition: number;
  /** Of a consumer. */
  readonly subscription?: string;
  readonly query: Readonly<Record<string, string | number | boolean>>;
  /** Why the broker answers that somebody else is there. */
  readonly busy?: () => Error;
}

/** A broker has about so many threads for handshakes: more at a time would only wait for each other until they are given up. */
const HANDSHAKES_AT_A_TIME = 8;

/** Knows the way to the broker, and what its refusals mean. */
export class SocketOpener {
  readonly #turns = new Turns(HANDSHAKES_AT_A_TIME);

  constructor(readonly options: SocketOpenerOptions) {}

  /** @throws BrokerUnavailableError, BrokerUnauthorizedError, TopicMissingError, PulsarRefusedError, or `busy` */
  async open(target: SocketTarget, listener: SocketListener, handshakeMs = Infinity): Promise<BrokerSocket> {
    const { token, clock } = this.options;
    const timeoutMs = Math.min(handshakeMs, this.options.timeoutMs);
    return await this.#turns.take(async () =>
      BrokerSocket.open(
        {
          url: this.#url(target),
          token: await token.token(),
          clock,
          timeoutMs,
          refused: (status, reason) => this.#refusal(target, status, reason),
        },
        listener,
      ),
    );
  }

  #url({ role, topic, partition, subscription, query }: SocketTarget): string {
    const root = this.options.address.replace(/\/+$/, '');
    const below = subscription === undefined ? '' : `/${encodeURIComponent(subscription)}`;
    const url = new URL(`${root}/ws/v2/${role}/${topicPath(topic, partition)}${below}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
    return url.href;
  }

  #refusal({ role, topic, partition, busy }: SocketTarget, status: number, reason: string): Error {
    const { address } = this.options;
    if (status === 409 && busy !== undefined) return busy();
    if (status === 404) return new TopicMissingError(topic, partition);
    if (status === 401 || status === 403)
      return new BrokerUnauthorizedError(address, `${role}: ${status} ${reason}`);
    if (status >= 500 || PASSING.has(status))
      return new BrokerUnavailableError(address, `${role} of ${topic}: ${status} ${reason}`);
    return new PulsarRefusedError(`${role} of partition ${partition} of ${topic}`, status, reason);
  }
}

/** Took too long, was closed at this moment, is over its quota, asked too often: all of it passes. */
const PASSING: ReadonlySet<number> = new Set([408, 409, 410, 413, 429]);
