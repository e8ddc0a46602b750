import { LogLineParser, parseEvent } from '#libs/ingestion';
import { isStreamName, type JsonValue, type StreamEvent } from '#libs/kernel';
import type { PipelineDefinition } from '#libs/pipeline';

/** What ingest refused, with what is known of it. */
export interface RefusedItem {
  readonly stream: string;
  /** When it first came, epoch milliseconds. */
  readonly receivedMs: number;
  readonly original: string;
  readonly isLogLine: boolean;
}

export type Reparsed =
  | { readonly kind: 'parsed'; readonly event: Pick<StreamEvent, 'timeMs' | 'key' | 'data' | 'type'> }
  | { readonly kind: 'rejected'; readonly code: string; readonly reason: string };

/** Reads once more what ingest has refused, by the pipeline as it is now. */
export function reparse(item: RefusedItem, pipeline: PipelineDefinition): Reparsed {
  if (!isStreamName(item.stream)) return rejected('STREAM_NAME_INVALID', 'its stream has no legal name');
  const parsed = item.isLogLine
    ? new LogLineParser(pipeline.ingest.logFormats).parse(item.original)
    : parsedValue(item);
  if (parsed.kind === 'rejected') return rejected(parsed.code, parsed.reason);
  const problem = pipeline.schema.check(parsed.data);
  if (problem !== undefined) return rejected('EVENT_DATA_INVALID', problem.reason);
  const key = 'key' in parsed ? parsed.key : undefined;
  const { timeMs, data } = parsed;
  return {
    kind: 'parsed',
    event: { timeMs, data, type: pipeline.eventType, ...(key === undefined ? {} : { key }) },
  };
}

function parsedValue({ original, receivedMs }: RefusedItem): ReturnType<typeof parseEvent> | Rejection {
  let value: JsonValue;
  try {
    value = JSON.parse(original) as JsonValue;
  } catch (error) {
    return rejected('EVENT_NOT_JSON', `it is not JSON: ${(error as Error).message}`);
  }
  return parseEvent(value, { receivedMs });
}

type Rejection = Extract<Reparsed, { kind: 'rejected' }>;

function rejected(code: string, reason: string): Rejection {
  return { kind: 'rejected', code, reason };
}
