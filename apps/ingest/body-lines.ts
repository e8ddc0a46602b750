import type { LongLine, TextLine } from '#libs/ingestion';
import { MAX_EVENT_BYTES } from '#libs/kernel';
import type { ItemPlace } from './intake-item.js';
import type { IntakeReceipt, IntakeRequest } from './intake-request.js';

/** Takes one line that is neither blank nor too long. */
export type LineTaker = (
  text: string,
  place: ItemPlace & { readonly line: number },
  intake: IntakeRequest,
) => void;

/** Takes in the lines of a body, a chunk's worth at a time, in constant memory: while there is no room, nothing more is read from the sender. */
export async function takeLines(
  chunks: AsyncIterable<Iterable<TextLine>>,
  intake: IntakeRequest,
  take: LineTaker,
): Promise<IntakeReceipt> {
  let index = 0;
  for await (const lines of chunks) {
    intake.touch();
    for (const line of lines) {
      const place = { index: index++, line: line.number };
      if ('tooLong' in line) rejectLong(line, place, intake);
      else take(line.text, place, intake);
    }
    if (!intake.hasRoom) await intake.untilRoom();
  }
  return await intake.receipt();
}

function rejectLong(line: LongLine, place: ItemPlace, intake: IntakeRequest): void {
  const { bytes, head } = line;
  const detail = `the line has ${bytes} bytes; it may have ${MAX_EVENT_BYTES}`;
  intake.reject({ code: 'LINE_TOO_LONG', detail }, place, { original: () => ({ text: head, bytes }) });
}
