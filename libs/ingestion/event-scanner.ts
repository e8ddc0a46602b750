import { type JsonObject, MAX_EVENT_BYTES } from '#libs/kernel';
import { EventMembers, type EventMember } from './event-members.js';
import { MAX_TIME_MS } from './json-line.js';
import {
  behindBlanks,
  behindSpaces,
  CLOSING_BRACE,
  CLOSING_BRACKET,
  COMMA,
  JsonText,
  NOT_PLAIN,
  NumberReader,
  OPENING_BRACE,
  OPENING_BRACKET,
  QUOTE,
  plainTextEnd,
  textEnd,
  valueEnd,
  wordEnd,
} from './json-text.js';
import { isPlainNumber, isPlainText, type PlainField, plainFieldsOf } from './plain-field.js';
import { ScannedEvents } from './scanned-events.js';
import { parseIsoTime } from './timestamp.js';

const MAX_ID_LENGTH = 512;
/** Half of what an event may have: with all that comes around it, it is not too large. */
const MAX_PLAIN_BYTES = MAX_EVENT_BYTES / 2;
/** Digits and the minus come before letters. */
const LAST_OF_NUMBERS = 57;
const LETTER_N = 110;
const NOTHING = new JsonText(Buffer.alloc(0));
const COMMA_BYTES = Buffer.from(',');

/**
 * Reads bodies of flat events in one go: that they are JSON, that they are as their schema wants them, and what of them is data.
 * What it does not take for plain is left to JSON.parse, to {@link parseEvent} and to the schema: it says no too often, and
 * never yes where they would say no, or something else.
 */
export class EventScanner {
  readonly #members: EventMembers | undefined;
  readonly #requiredFields: number;
  readonly #numbers = new NumberReader();
  #json = NOTHING;
  // Of the event that is being read.
  #seenRequired = 0;
  #id: string | undefined;
  #timeMs = NaN;
  #hasTime = false;
  /** Stretches of members that are data: from, end, from, end, … What is behind `#dataLength` is of another event. */
  readonly #data: number[] = [0, 0];
  #dataLength = 0;

  /** @param schema JSON Schema of the data */
  constructor(schema: JsonObject) {
    const fields = plainFieldsOf(schema);
    this.#members = fields === undefined ? undefined : new EventMembers(fields);
    this.#requiredFields = [...(fields?.values() ?? [])].filter(({ isRequired }) => isRequired).length;
  }

  /**
   * The values of a body that is one event or an array of them; undefined: it has to be read by JSON.parse.
   *
   * @param body must be UTF-8: what it takes travels on as it is
   * @param values where they are put; what was there before is forgotten
   */
  scan(body: Buffer, values = new ScannedEvents()): ScannedEvents | undefined {
    if (this.#members === undefined) return undefined;
    this.#json = new JsonText(body);
    const at = behindBlanks(this.#json, 0);
    values.begin(body);
    const end =
      body[at] === OPENING_BRACKET ? this.#arrayEnd(at, values) : this.#eventEnd(at, values, this.#members);
    const isWhole = end !== NOT_PLAIN && behindBlanks(this.#json, end) === body.length;
    this.#json = NOTHING;
    return isWhole ? values : undefined;
  }

  #arrayEnd(from: number, values: ScannedEvents): number {
    const json = this.#json;
    for (let at = from; ;) {
      const end = this.#valueEnd(behindBlanks(json, at + 1), values);
      if (end === NOT_PLAIN) return NOT_PLAIN;
      at = behindBlanks(json, end);
      if (json.bytes[at] === CLOSING_BRACKET) return at + 1;
      if (json.bytes[at] !== COMMA) return NOT_PLAIN;
    }
  }

  #valueEnd(at: number, values: ScannedEvents): number {
    const plainEnd = this.#eventEnd(at, values, this.#members!);
    if (plainEnd !== NOT_PLAIN) return plainEnd;
    const end = objectEnd(this.#json, at);
    if (end === NOT_PLAIN) return NOT_PLAIN;
    try {
      values.addOther(JSON.parse(this.#json.toString(at, end)));
      return end;
    } catch {
      return NOT_PLAIN;
    }
  }

  /** Where the plain event ends that begins at `at`; it is added to `values`. */
  #eventEnd(at: number, values: ScannedEvents, members: EventMembers): number {
    if (this.#json.bytes[at] !== OPENING_BRACE) return NOT_PLAIN;
    members.beginEvent();
    this.#seenRequired = 0;
    this.#id = undefined;
    this.#timeMs = NaN;
    this.#hasTime = false;
    // An array that is emptied lets go of its memory, to be given other for the next event.
    this.#dataLength = 0;
    const end = this.#membersEnd(at, members);
    if (end - at > MAX_PLAIN_BYTES || this.#seenRequired !== this.#requiredFields) return NOT_PLAIN;
    if (end !== NOT_PLAIN) this.#addTo(values);
    return end;
  }

  #membersEnd(from: number, members: EventMembers): number {
    const json = this.#json;
    for (let at = from; ;) {
      const nameAt = behindSpaces(json, at + 1);
      const member = members.find(json, nameAt);
      if (member === undefined) return NOT_PLAIN;
      const end = this.#memberEnd(member, members.valueAt);
      if (end === NOT_PLAIN) return NOT_PLAIN;
      if (member.role === 'data') this.#addData(at, nameAt, end);
      at = behindSpaces(json, end);
      if (json.bytes[at] === CLOSING_BRACE) return at + 1;
      if (json.bytes[at] !== COMMA) return NOT_PLAIN;
    }
  }

  /** @param separatorAt the comma or brace before the member */
  #addData(separatorAt: number, from: number, end: number): void {
    const data = this.#data;
    const last = this.#dataLength - 1;
    // Nothing but spaces are between the member before and its comma.
    if (last > 0 && behindSpaces(this.#json, data[last]!) === separatorAt) {
      data[last] = end;
    } else {
      data[this.#dataLength++] = from;
      data[this.#dataLength++] = end;
    }
  }

  #addTo(values: ScannedEvents): void {
    const data = this.#data;
    if (this.#dataLength === 0) values.addPlain(this.#timeMs, 0, 0);
    else if (this.#dataLength === 2) values.addPlain(this.#timeMs, data[0]!, data[1]!);
    else values.addJoined(this.#timeMs, this.#joined());
    if (this.#id !== undefined) values.identify(this.#id);
  }

  #joined(): Buffer {
    const parts: Uint8Array[] = [];
    for (let i = 0; i < this.#dataLength; i += 2) {
      if (i > 0) parts.push(COMMA_BYTES);
      parts.push(this.#json.bytes.subarray(this.#data[i], this.#data[i + 1]));
    }
    return Buffer.concat(parts);
  }

  #memberEnd({ role, field }: EventMember, at: number): number {
    if (role === 'id') return this.#idEnd(at);
    if (role === 'time') return this.#timeEnd(at);
    if (field === undefined) return valueEnd(this.#json, at);
    if (field.isRequired) this.#seenRequired++;
    return this.#fieldEnd(field, at);
  }

  #fieldEnd(field: PlainField, at: number): number {
    const json = this.#json;
    const code = json.bytes[at]!;
    if (code === QUOTE) {
      const end = textEnd(json, at + 1);
      return end !== NOT_PLAIN && isPlainText(field, json, at + 1, end) ? end + 1 : NOT_PLAIN;
    }
    if (code > LAST_OF_NUMBERS) {
      const isAllowed = code === LETTER_N ? field.isNullable : field.isBoolean;
      return (isAllowed ? wordEnd(json, at) : undefined) ?? NOT_PLAIN;
    }
    const end = this.#numbers.read(json, at);
    return end !== NOT_PLAIN && isPlainNumber(field, this.#numbers.value) ? end : NOT_PLAIN;
  }

  #idEnd(at: number): number {
    const end = this.#json.bytes[at] === QUOTE ? plainTextEnd(this.#json, at + 1) : NOT_PLAIN;
    if (end === NOT_PLAIN || end === at + 1 || end - at > MAX_ID_LENGTH) return NOT_PLAIN;
    this.#id = this.#json.toString(at + 1, end);
    return end + 1;
  }

  #timeEnd(at: number): number {
    // Of two names of the time the one is data.
    if (this.#hasTime) return NOT_PLAIN;
    this.#hasTime = true;
    const end = this.#json.bytes[at] === QUOTE ? this.#isoTimeEnd(at) : this.#numberTimeEnd(at);
    return Math.abs(this.#timeMs) <= MAX_TIME_MS ? end : NOT_PLAIN;
  }

  #numberTimeEnd(at: number): number {
    const end = this.#numbers.read(this.#json, at);
    this.#timeMs = Math.floor(this.#numbers.value);
    return end;
  }

  #isoTimeEnd(at: number): number {
    const end = textEnd(this.#json, at + 1);
    if (end === NOT_PLAIN) return NOT_PLAIN;
    this.#timeMs = parseIsoTime(this.#json.toString(at + 1, end));
    return end + 1;
  }
}

/** Where the object ends that begins at `from`, if it is JSON at all. */
function objectEnd(json: JsonText, from: number): number {
  if (json.bytes[from] !== OPENING_BRACE) return NOT_PLAIN;
  let depth = 0;
  for (let at = from; at < json.bytes.length; at++) {
    const code = json.bytes[at]!;
    if (code === QUOTE) at = textEnd(json, at + 1);
    else if (code === OPENING_BRACE || code === OPENING_BRACKET) depth++;
    else if (code === CLOSING_BRACE || code === CLOSING_BRACKET) depth--;
    if (at === NOT_PLAIN) return NOT_PLAIN;
    if (depth === 0) return at + 1;
  }
  return NOT_PLAIN;
}
