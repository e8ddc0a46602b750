import { behindColon, behindSpaces, JsonText, NOT_PLAIN, QUOTE, plainTextEnd, stands } from './json-text.js';
import type { PlainField } from './plain-field.js';

/** What a member of an event is: `special` makes more of it than fields side by side. */
export type MemberRole = 'data' | 'id' | 'time' | 'special';

export interface EventMember {
  /** With quotes and colon, as it mostly stands. */
  readonly text: JsonText;
  readonly role: MemberRole;
  readonly field: PlainField | undefined;
  /** The event that had it last, so that none has it twice. */
  event: number;
  /** What stood behind it last time: events of a sender have the same members in the same order. */
  next: EventMember | undefined;
}

/** Envelopes, CloudEvents, and what no object has as a field. */
const ROLES: ReadonlyMap<string, MemberRole> = new Map([
  ['id', 'id'],
  ['time', 'time'],
  ['timestamp', 'time'],
  ['data', 'special'],
  ['specversion', 'special'],
  ['__proto__', 'special'],
]);
/** Senders may make up any number of names. */
const MAX_MEMBERS = 1_000;

/** The members that events have, found again where they are expected. */
export class EventMembers {
  readonly #byName = new Map<string, EventMember>();
  readonly #first: EventMember = memberOf('', undefined);
  #before = this.#first;
  #event = 0;
  /** Where the value begins of the member that was found last. */
  valueAt = 0;

  constructor(private readonly fields: ReadonlyMap<string, PlainField>) {}

  beginEvent(): void {
    this.#event++;
    this.#before = this.#first;
  }

  /** The member whose name stands at `at`; undefined: none that can be read, a special one, or one that was there before. */
  find(json: JsonText, at: number): EventMember | undefined {
    const expected = this.#before.next;
    if (expected === undefined || expected.event === this.#event || !stands(expected.text, json, at))
      return this.#findByName(json, at);
    expected.event = this.#event;
    this.#before = expected;
    this.valueAt = behindSpaces(json, at + expected.text.bytes.length);
    return expected;
  }

  #findByName(json: JsonText, at: number): EventMember | undefined {
    const member = this.#read(json, at);
    if (member === undefined || member.event === this.#event || member.role === 'special') return undefined;
    member.event = this.#event;
    this.#before.next = member;
    this.#before = member;
    return member;
  }

  #read(json: JsonText, at: number): EventMember | undefined {
    const end = json.bytes[at] === QUOTE ? plainTextEnd(json, at + 1) : NOT_PLAIN;
    if (end === NOT_PLAIN) return undefined;
    this.valueAt = behindColon(json, end + 1);
    return this.valueAt === NOT_PLAIN ? undefined : this.#known(json.toString(at + 1, end));
  }

  #known(name: string): EventMember | undefined {
    const known = this.#byName.get(name);
    if (known !== undefined || this.#byName.size >= MAX_MEMBERS) return known;
    const member = memberOf(name, this.fields.get(name));
    this.#byName.set(name, member);
    return member;
  }
}

function memberOf(name: string, field: PlainField | undefined): EventMember {
  const role = ROLES.get(name) ?? 'data';
  return { text: new JsonText(Buffer.from(`"${name}":`)), role, field, event: 0, next: undefined };
}
