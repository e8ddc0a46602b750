import { parseEvent } from '#libs/ingestion';
import type { LineTaker } from './body-lines.js';
import { type ItemPlace, type Original, originalText } from './intake-item.js';
import type { IntakeRequest } from './intake-request.js';

const MAX_SHOWN_LENGTH = 80;

/** Takes a line of JSON as one event. */
export const takeJsonLine: LineTaker = (text, place, intake) => {
  const original = (): Original => originalText(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const detail = `the line is not JSON: ${error instanceof Error ? error.message : String(error)}`;
    intake.reject({ code: 'EVENT_NOT_JSON', detail }, place, { original });
    return;
  }
  takeValue(value, place, { intake, original });
};

interface ValueOptions {
  readonly intake: IntakeRequest;
  readonly original: () => Original;
  /** The sender has said that it is one. */
  readonly isCloudEvent?: boolean;
}

/** Takes a value of JSON as one event, or refuses it. */
export function takeValue(
  value: unknown,
  place: ItemPlace,
  { intake, original, isCloudEvent = false }: ValueOptions,
): void {
  const parsed = parseEvent(value, { receivedMs: intake.receivedMs, isCloudEvent });
  if (parsed.kind === 'rejected') {
    const { code, reason: detail, path, id } = parsed;
    intake.reject({ code, detail, path }, place, { original, id });
    return;
  }
  const { id, type } = parsed;
  const wanted = intake.eventType;
  if (type !== undefined && type !== wanted) {
    const detail = `/type is ${type.slice(0, MAX_SHOWN_LENGTH)}; the pipeline takes ${wanted}`;
    intake.reject({ code: 'TYPE_UNKNOWN', detail, path: '/type' }, place, { original, id });
    return;
  }
  intake.take(parsed, place, original);
}
