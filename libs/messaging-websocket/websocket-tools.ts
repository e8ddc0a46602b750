import { randomUUID } from 'node:crypto';
import { type Clock, PlatformError } from '#libs/kernel';
import type { PulsarAdmin } from '#libs/pulsar-admin';
import type { Telemetry } from '#libs/observability';
import type { BrokerReturn } from './broker-return.js';
import type { ClockLead } from './clock-lead.js';
import type { HeldNames } from './held-names.js';
import type { SocketOpener } from './socket-opener.js';

/** What producers, consumers and readers of one broker share. */
export interface WebSocketTools {
  readonly opener: SocketOpener;
  readonly admin: PulsarAdmin;
  readonly names: HeldNames;
  readonly lead: ClockLead;
  readonly back: BrokerReturn;
  readonly clock: Clock;
  readonly random: () => number;
  readonly telemetry: Telemetry;
}

/** Passes by itself: it makes sense to try again. */
export function isPassing(error: unknown): boolean {
  return error instanceof PlatformError && error.retry === 'backoff';
}

/** A name that nobody else bears. */
export function uniqueName(): string {
  return `millrace-${randomUUID()}`;
}
