import type { Outputs, TaskLogic } from '#libs/functions';
import type { JsonObject, JsonValue, StreamEvent } from '#libs/kernel';
import { decodeFrame, type FrameHeader } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import { parsePipeline } from '#libs/pipeline';
import { shippedSchemas } from '#libs/schema';
import type { ResultStore } from '#libs/storage';
import { ManualClock } from '#libs/testing';

// What a fixture of stored state is made of and tried with: a pipeline with every window and many aggregators, an hour of
// events for it, and a stage that is run without broker and store.

const START_MS = Date.UTC(2026, 0, 1);
const STEP_MS = 20_000;
const EVENTS = 90;

const TEXT = `
apiVersion: millrace/v1
kind: Pipeline
metadata: {name: web}
spec:
  event: web-request@1
  partitions: 1
  time: {maxOutOfOrderness: 10s, maxFutureSkew: 5m, idleAfter: 10s}
  aggregate:
    - name: by_method
      window: {tumbling: 1m, allowedLateness: 2m}
      by: [stream, method]
      measures:
        requests: count
        errors: {count: status >= 500}
        bytes: {sum: bytes}
        slowest: {max: durationMs}
        fastest: {min: durationMs}
        usual: {mean: durationMs}
        spread: {stddev: durationMs}
        duration: {quantiles: [0.5, 0.99], of: durationMs}
        paths: {distinct: path}
        pace: rate
    - name: by_path
      window: {hopping: 5m, every: 1m}
      by: [stream]
      measures: {paths: {top: 3, of: path}, first: {first: path}, last: {last: path}}
    - name: recent
      window: {sliding: 2m}
      by: [stream]
      measures: {requests: count}
    - name: visits
      window: {session: 3m, maxLength: 30m}
      by: [stream, method]
      measures: {requests: count, length: duration, landing: {first: path}}
    - name: tens
      window: {count: 10}
      by: [stream]
      measures: {requests: count, bytes: {sum: bytes}}
  alerts:
    rules:
      - {name: many-errors, severity: info, summary: Many errors, for: 1m, threshold: {series: by_method, value: errors, above: 1}}
`;

const pipeline = {
  ...parsePipeline({ file: 'web.yaml', text: TEXT, include: () => undefined }, { schemas: shippedSchemas() }),
  globalPartitions: 1,
};

/** What every stage of the pipeline is made with. */
export const STAGE = {
  pipeline,
  partition: 0,
  topic: (noun: string): string => noun,
  partitionsOf: (): number => 1,
  telemetry: new Telemetry({ logLevel: 'silent' }),
  clock: new ManualClock(START_MS),
  results: {
    putOpenWindows: () => Promise.resolve(),
    removeOpenWindows: () => Promise.resolve(),
  } as unknown as ResultStore,
  publisher: { publish: (): void => undefined },
};

/** A frame as a stage takes it. */
export interface GivenFrame {
  readonly kind: FrameHeader['kind'];
  readonly header: JsonObject;
  readonly items: readonly JsonValue[];
}

/** What a stage has put out: frames for the next stage, and what people see. */
export interface PutOut {
  readonly frames: readonly GivenFrame[];
  readonly rows: readonly JsonValue[];
  readonly messages: readonly { readonly topic: string; readonly data: JsonValue }[];
}

/** The events, one frame each; every ninth is late, some are bursts of errors. */
export function eventFrames(): readonly GivenFrame[] {
  return Array.from({ length: EVENTS }, (_, n) => {
    const timeMs = START_MS + (n % 9 === 8 ? n - 6 : n) * STEP_MS;
    const isQuiet = n % 60 > 40;
    const data = {
      method: n % 3 === 0 ? 'POST' : isQuiet ? 'HEAD' : 'GET',
      path: `/p/${(n * n) % 11}`,
      status: n % 30 < 12 ? 503 : 200,
      bytes: (n * 37) % 1_000,
      durationMs: 1 + ((n * 13) % 101) / 3,
    };
    const event: StreamEvent = {
      id: `e${n}`,
      stream: 'web',
      timeMs,
      receivedMs: timeMs,
      type: 'web-request@1',
      data,
    };
    return { kind: 'enriched', header: {}, items: [event as unknown as JsonValue] };
  });
}

/**
 * Gives frames to a stage, one commit each, as the task that `producer` names.
 *
 * @param onCommit told what each commit would store
 */
export async function giveFrames(
  logic: TaskLogic,
  frames: readonly GivenFrame[],
  from = 0,
  onCommit: (changes: readonly (readonly [string, JsonValue | undefined])[]) => void = () => undefined,
): Promise<PutOut> {
  const put = {
    frames: [] as GivenFrame[],
    rows: [] as JsonValue[],
    messages: [] as PutOut['messages'][number][],
  };
  const outputs = collectInto(put);
  for (const [index, { kind, header, items }] of frames.entries()) {
    const position = [0, from + index, 0, 0] as const;
    const delivery = {
      topic: kind,
      partition: 0,
      position,
      payload: Buffer.alloc(0),
      publishTimeMs: START_MS,
      properties: {},
    };
    const producer = kind === 'partials' ? 'web/local/0' : 'web/global/0';
    const frame = { header: { ...header, v: 1 as const, kind }, items };
    await logic.apply({ delivery, frame, ...(kind === 'enriched' ? {} : { producer }) }, outputs);
    while (logic.flush(outputs, Infinity) === 'more') continue;
    // A commit takes what has changed.
    onCommit([...logic.changes()]);
  }
  return put;
}

function collectInto(put: {
  readonly frames: GivenFrame[];
  readonly rows: JsonValue[];
  readonly messages: PutOut['messages'][number][];
}): Outputs {
  return {
    bytes: 0,
    row: (row) => put.rows.push(plain(row)),
    document: () => undefined,
    message: (topic, _partition, { payload, properties = {} }) => {
      if (topic === 'partials' || topic === 'judged') {
        const { header, items } = decodeFrame(payload, topic);
        put.frames.push(plain({ kind: topic, header, items }) as unknown as GivenFrame);
      } else {
        put.messages.push({
          topic,
          data: plain({ id: properties['ce_id'], data: JSON.parse(Buffer.from(payload).toString()) }),
        });
      }
    },
    afterDelivery: () => undefined,
  };
}

function plain(value: unknown): JsonValue {
  return JSON.parse(JSON.stringify(value)) as JsonValue;
}
