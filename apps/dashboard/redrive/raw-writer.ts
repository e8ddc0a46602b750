import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import type { StreamEvent } from '#libs/kernel';
import { encodeFrame, MessageBroker, partitionOf } from '#libs/messaging';
import type { PipelineDefinition } from '#libs/pipeline';
import { Pipelines } from '#libs/platform';

const MAX_FRAME_EVENTS = 500;
const MAX_FRAME_BYTES = 256 * 1024;

/** An event and what decides its partition. */
export interface RawEvent {
  readonly event: StreamEvent;
  readonly key: string;
}

/** Writes events into `raw`. Frames have no numbers: enrich drops repeats of what was sent again by its ids. */
@Injectable()
export class RawWriter {
  constructor(
    private readonly broker: MessageBroker,
    private readonly pipelines: Pipelines,
  ) {}

  /** Resolves when all of them are stored. Where it throws, some may be. */
  async write(pipeline: PipelineDefinition, events: readonly RawEvent[]): Promise<void> {
    const byPartition = Map.groupBy(events, ({ key }) => partitionOf(key, pipeline.partitions));
    for (const [partition, found] of byPartition) {
      const topic = this.pipelines.topic(pipeline.name, 'raw');
      const producerName = `redrive-${randomUUID()}`;
      const producer = await this.broker.openProducer({ topic, partition, producerName });
      try {
        for (const lines of framesOf(found)) await producer.send(encodeFrame({ v: 1, kind: 'raw' }, lines));
      } finally {
        await producer.close();
      }
    }
  }
}

function framesOf(events: readonly RawEvent[]): readonly (readonly string[])[] {
  const frames: string[][] = [];
  let bytes = Infinity;
  for (const { event } of events) {
    const line = JSON.stringify(event);
    const lineBytes = Buffer.byteLength(line);
    const isFull = bytes + lineBytes > MAX_FRAME_BYTES || (frames.at(-1)?.length ?? 0) >= MAX_FRAME_EVENTS;
    if (isFull) {
      frames.push([]);
      bytes = 0;
    }
    frames.at(-1)?.push(line);
    bytes += lineBytes;
  }
  return frames;
}
