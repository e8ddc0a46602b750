import type { JsonObject, JsonValue } from '#libs/kernel';
import type { GroupMember, GroupMembers, NotificationGroup } from './notification-group.js';

interface OpenGroup {
  head: NotificationGroup;
  readonly members: Map<string, GroupMember>;
}

const GROUP = 'group/';
const MEMBER = 'member/';

/**
 * Every group with its members, by the key of the group. Groups and members are cells of their own, so that what becomes
 * of one alert costs a commit that alert, however many share its group.
 */
export class GroupBook {
  readonly #groups = new Map<string, OpenGroup>();
  /** Names of cells. */
  readonly #changed = new Set<string>();

  /** True: it was one of its cells. A group may come behind its members. */
  load(name: string, value: JsonValue): boolean {
    if (name.startsWith(GROUP))
      this.#open(name.slice(GROUP.length)).head = value as unknown as NotificationGroup;
    else if (name.startsWith(MEMBER)) {
      const [fingerprint, key] = memberOf(name);
      this.#open(key).members.set(fingerprint, value as unknown as GroupMember);
    } else return false;
    return true;
  }

  get size(): number {
    return this.#groups.size;
  }

  has(key: string): boolean {
    return this.#groups.has(key);
  }

  head(key: string): NotificationGroup | undefined {
    return this.#groups.get(key)?.head;
  }

  members(key: string): GroupMembers {
    return this.#groups.get(key)?.members ?? new Map<string, GroupMember>();
  }

  *heads(): Iterable<readonly [key: string, head: NotificationGroup]> {
    for (const [key, { head }] of this.#groups) yield [key, head];
  }

  putHead(key: string, head: NotificationGroup): void {
    this.#open(key).head = head;
    this.#changed.add(GROUP + key);
  }

  /** @param member undefined: it is gone */
  putMember(key: string, fingerprint: string, member: GroupMember | undefined): void {
    const { members } = this.#open(key);
    if (members.get(fingerprint) === member) return;
    if (member === undefined) members.delete(fingerprint);
    else members.set(fingerprint, member);
    this.#changed.add(cellOf(fingerprint, key));
  }

  /** A group in which nobody is left is none. */
  removeIfEmpty(key: string): void {
    if (this.#groups.get(key)?.members.size !== 0) return;
    this.#groups.delete(key);
    this.#changed.add(GROUP + key);
  }

  *changes(): Iterable<readonly [name: string, value: JsonValue | undefined]> {
    const names = [...this.#changed];
    this.#changed.clear();
    for (const name of names) yield [name, this.#valueOf(name)];
  }

  *cells(): Iterable<readonly [name: string, value: JsonValue]> {
    for (const [key, { head, members }] of this.#groups) {
      yield [GROUP + key, toJson(head)];
      for (const [fingerprint, member] of members) yield [cellOf(fingerprint, key), toJson(member)];
    }
  }

  #valueOf(name: string): JsonValue | undefined {
    if (name.startsWith(GROUP)) return toJson(this.head(name.slice(GROUP.length)));
    const [fingerprint, key] = memberOf(name);
    return toJson(this.members(key).get(fingerprint));
  }

  #open(key: string): OpenGroup {
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const fresh = { head: NO_HEAD, members: new Map<string, GroupMember>() };
    this.#groups.set(key, fresh);
    return fresh;
  }
}

/** Of a group whose own cell has not been loaded yet. */
const NO_HEAD: NotificationGroup = { labels: {}, createdMs: 0, sequence: 0, dueMs: 0 };

function cellOf(fingerprint: string, key: string): string {
  return `${MEMBER}${fingerprint}/${key}`;
}

function memberOf(name: string): readonly [fingerprint: string, key: string] {
  const slash = name.indexOf('/', MEMBER.length);
  return [name.slice(MEMBER.length, slash), name.slice(slash + 1)];
}

/** They are made of JSON already; their types say more than JSON's can. */
function toJson(value: NotificationGroup | GroupMember): JsonObject;
function toJson(value: NotificationGroup | GroupMember | undefined): JsonObject | undefined;
function toJson(value: NotificationGroup | GroupMember | undefined): JsonObject | undefined {
  return value as unknown as JsonObject | undefined;
}
