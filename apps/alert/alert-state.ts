import type { StateCells, StateIdentity } from '#libs/functions';
import { isJsonObject, type JsonValue } from '#libs/kernel';

/**
 * Whose state it is. The version is raised with every change of what the cells of an alert task mean; 2: watermarks know
 * when they were told; 3: the members of a group are cells of their own. What former versions have stored: test/fixtures/state.
 */
export const ALERT_STATE: StateIdentity = {
  operator: 'alert',
  version: 3,
  migrations: { 2: toldAtNoTime, 3: membersApart },
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
