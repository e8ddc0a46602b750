import type { Clock } from '#libs/kernel';
import type { PulsarAdmin } from '#libs/pulsar-admin';
import type { NativeClient, NativeMessageIds } from './native-client.js';

/** What producers, consumers and readers of one broker share. */
export interface PulsarSession {
  readonly client: NativeClient;
  readonly messageIds: NativeMessageIds;
  readonly admin: PulsarAdmin;
  readonly clock: Clock;
  readonly serviceUrl: string;
  /** Tells the broker that something is closed and need not be kept. */
  readonly forget: (closed: object) => void;
}
