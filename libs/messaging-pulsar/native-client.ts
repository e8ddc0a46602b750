// The surface of npm's pulsar-client 1.18 that is used here. Its own types can't be: the package is optional, and what is
// built without it has to compile without it. Its readers are not here: a read that fails, for instance since its time is
// over, frees memory that it never had, and the process ends (1.18.0, ReaderReadNextWorker). See pulsar-reader.ts.

export interface NativeModule {
  readonly Client: new (options: NativeClientOptions) => NativeClient;
  readonly MessageId: NativeMessageIds;
  readonly AuthenticationToken: new (options: { readonly token: () => Promise<string> }) => object;
}

export interface NativeClientOptions {
  readonly serviceUrl: string;
  readonly operationTimeoutSeconds: number;
  readonly connectionTimeoutMs: number;
  readonly authentication?: object;
  readonly tlsTrustCertsFilePath?: string;
  readonly tlsValidateHostname: boolean;
  /** 0 debug, 1 info, 2 warning, 3 error. */
  readonly logLevel: number;
  readonly log: (level: number, file: string, line: number, message: string) => void;
}

export interface NativeClient {
  createProducer(options: NativeProducerOptions): Promise<NativeProducer>;
  subscribe(options: NativeConsumerOptions): Promise<NativeConsumer>;
  close(): Promise<unknown>;
}

export interface NativeProducerOptions {
  readonly topic: string;
  readonly producerName: string;
  /** Messages without a number get those behind it. */
  readonly initialSequenceId: number;
  readonly batchingEnabled: false;
  readonly sendTimeoutMs: number;
  readonly maxPendingMessages: number;
  readonly blockIfQueueFull: false;
}

export interface NativeProducer {
  send(message: NativeOutgoing): Promise<NativeMessageId>;
  close(): Promise<unknown>;
  isConnected(): boolean;
}

export interface NativeOutgoing {
  readonly data: Buffer;
  readonly properties: Readonly<Record<string, string>>;
  readonly eventTimestamp?: number;
  readonly sequenceId?: number;
  readonly partitionKey?: string;
}

export interface NativeConsumerOptions {
  readonly topic: string;
  readonly subscription: string;
  readonly subscriptionType: 'Exclusive';
  readonly subscriptionInitialPosition: 'Earliest';
  readonly receiverQueueSize: number;
}

export interface NativeConsumer {
  /** Without a limit of time it waits outside Node's thread pool, and fails when the consumer is closed. */
  receive(): Promise<NativeMessage>;
  acknowledgeCumulativeId(id: NativeMessageId): Promise<unknown>;
  isConnected(): boolean;
  /** Removes the subscription and closes. */
  unsubscribe(): Promise<unknown>;
  close(): Promise<unknown>;
}

export interface NativeMessage {
  getProperties(): Readonly<Record<string, string>>;
  getData(): Buffer;
  getMessageId(): NativeMessageId;
  getPublishTimestamp(): number;
  /** 0 where there is none. */
  getEventTimestamp(): number;
  /** Empty where there is none. */
  getPartitionKey(): string;
  getProducerName(): string;
}

export interface NativeMessageId {
  serialize(): Buffer;
}

export interface NativeMessageIds {
  deserialize(bytes: Buffer): NativeMessageId;
}
