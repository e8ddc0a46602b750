import type { BrokerCapabilities, MessageBroker, MessageProducer, OutgoingMessage } from '#libs/messaging';

/** What a contract needs to try an adapter. */
export interface BrokerFixture {
  readonly broker: MessageBroker;
  /** Closes the broker and opens it anew over the same data, as a restart does. Only asked for where durable. */
  reopen(): Promise<MessageBroker>;
  /** Closes everything and removes the data. */
  dispose(): Promise<void>;
}

export interface BrokerContract {
  /** Fresh, or one whose topics nobody else uses. */
  readonly open: () => Promise<BrokerFixture>;
  readonly capabilities: BrokerCapabilities & {
    /** `non-persistent://` topics are there. */
    readonly nonPersistent: boolean;
  };
  /** `tenant/namespace` of the topics. Default `public/default`. */
  readonly place?: string;
}

let topics = 0;

/** A name that no other test uses, on no broker. */
export function freshTopic(
  contract: BrokerContract,
  scheme: 'persistent' | 'non-persistent' = 'persistent',
): string {
  const unique = `${process.pid.toString(36)}-${Date.now().toString(36)}-${topics++}`;
  return `${scheme}://${contract.place ?? 'public/default'}/contract-${unique}.raw`;
}

/** Sends texts, all calls at once. */
export async function sendTexts(producer: MessageProducer, texts: readonly string[]): Promise<void> {
  await Promise.all(texts.map((text) => producer.send(aMessage(text))));
}

export function aMessage(text: string, parts: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return { payload: Buffer.from(text), ...parts };
}

/** `['m0', 'm1', …]` */
export function texts(count: number, prefix = 'm'): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`);
}
