import { isJsonObject, type JsonObject } from '#libs/kernel';
import type { LiveMessage, TaskStatus } from '#libs/messaging';
import type { FoundRow } from '#libs/storage';

/**
 * A message of a `live` topic; undefined for what is none: anybody may write to a topic, and a bad message must
 * not stop the good ones.
 */
export function parseLiveMessage(payload: Uint8Array): LiveMessage | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload).toString());
    return isJsonObject(value) && isLiveMessage(value) ? (value as unknown as LiveMessage) : undefined;
  } catch {
    return undefined;
  }
}

function isLiveMessage(value: JsonObject): boolean {
  if (value['type'] === 'points') return Array.isArray(value['rows']) && value['rows'].every(isRow);
  return value['type'] === 'stage' && isJsonObject(value['status']) && isTaskStatus(value['status']);
}

function isRow(value: unknown): boolean {
  const row = value as Partial<FoundRow> | null;
  return (
    typeof row?.stream === 'string' && Number.isFinite(row.windowStartMs) && Number.isFinite(row.windowEndMs)
  );
}

function isTaskStatus(value: JsonObject): boolean {
  const status = value as unknown as Partial<TaskStatus>;
  return typeof status.stage === 'string' && Number.isFinite(status.partition);
}
