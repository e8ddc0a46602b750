import { encodeFrame, type MessageBroker } from '#libs/messaging';

export interface OpenMarkersOptions {
  readonly broker: MessageBroker;
  /** `raw` of the pipeline. */
  readonly topic: string;
  readonly partitions: number;
  /** Unique for the task and its process. */
  readonly producerName: string;
}

/** Stores the `open` marker of a stream in every partition of `raw`: other producers than ingest write none. */
export async function storeOpenMarkers(options: OpenMarkersOptions, stream: string): Promise<void> {
  const { broker, topic, partitions, producerName } = options;
  const frame = encodeFrame({ v: 1, kind: 'raw', markers: [{ type: 'open', stream }] }, []);
  await Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
      const producer = await broker.openProducer({ topic, partition, producerName });
      try {
        await producer.send(frame);
      } finally {
        await producer.close();
      }
    }),
  );
}
