import type { StateCells, StateChanges, StateIdentity } from '#libs/functions';
import { isJsonObject, type JsonObject, type JsonValue } from '#libs/kernel';

/**
 * Whose state it is. The version is raised with every change of what the cells of an alert task mean; 2: watermarks know
 * when they were told; 3: the members of a group are cells of their own. What former versions have stored: test/fixtures/state.
 */
export const ALERT_STATE: StateIdentity = {
  operator: 'alert',
  version: 3,
  migrations: { 2: toldAtNoTime, 3: membersApart },
  downgrades: { 1: withoutTimes, 2: membersTogether },
};

function toldAtNoTime(cells: StateCells): StateCells {
  return new Map(
    [...cells].map(([name, value]) =>
      name.startsWith('watermark/') && !isJsonObject(value)
        ? ([name, { watermarkMs: value, atMs: 0 }] as const)
        : ([name, value] as const),
    ),
  );
}

function membersApart(cells: StateCells): StateCells {
  return new Map(
    [...cells].flatMap(([name, value]): [string, JsonValue][] => {
      const members = name.startsWith('group/') && isJsonObject(value) ? value['members'] : undefined;
      if (!isJsonObject(value) || !isJsonObject(members)) return [[name, value]];
      const head = Object.fromEntries(Object.entries(value).filter(([field]) => field !== 'members'));
      const key = name.slice('group/'.length);
      const apart = Object.entries(members).map(([fingerprint, member]): [string, JsonValue] => [
        `member/${fingerprint}/${key}`,
        member ?? null,
      ]);
      return [[name, head], ...apart];
    }),
  );
}

function withoutTimes(changes: StateChanges): StateChanges {
  return new Map(
    [...changes].map(([name, value]) =>
      name.startsWith('watermark/') && isJsonObject(value)
        ? ([name, value['watermarkMs']] as const)
        : ([name, value] as const),
    ),
  );
}

/** A group whole, whatever of it has changed. Which rules are in use is not known there. */
function membersTogether(changes: StateChanges, all: () => StateCells): StateChanges {
  const others = [...changes].filter(([name]) => groupOf(name) === undefined && !name.startsWith('rules/'));
  const groups = new Set([...changes.keys()].flatMap((name) => groupOf(name) ?? []));
  if (groups.size === 0) return new Map(others);
  const cells = all();
  const members = membersOf(groups, cells);
  const whole = [...groups].map((group) => {
    const head = cells.get(`group/${group}`);
    const value = isJsonObject(head) ? { ...head, members: members.get(group) ?? {} } : head;
    return [`group/${group}`, value] as const;
  });
  return new Map([...others, ...whole]);
}

function membersOf(groups: ReadonlySet<string>, cells: StateCells): ReadonlyMap<string, JsonObject> {
  const members = new Map<string, Record<string, JsonValue>>();
  for (const [name, value] of cells) {
    const group = name.startsWith('member/') ? groupOf(name) : undefined;
    if (group === undefined || !groups.has(group)) continue;
    const theirs = members.get(group) ?? {};
    theirs[name.slice('member/'.length, name.length - group.length - 1)] = value;
    members.set(group, theirs);
  }
  return members;
}

/** The key of the group that a cell is of; undefined: of none. */
function groupOf(name: string): string | undefined {
  if (name.startsWith('group/')) return name.slice('group/'.length);
  return /^member\/[^/]*\/(.*)$/s.exec(name)?.[1];
}
