import type { StateCells, StateIdentity } from '#libs/functions';
import { isJsonObject } from '#libs/kernel';

/**
 * Whose state it is. The version is raised with every change of what the cells of an alert task mean; 2: watermarks know
 * when they were told. What former versions have stored: test/fixtures/state.
 */
export const ALERT_STATE: StateIdentity = { operator: 'alert', version: 2, migrations: { 2: toldAtNoTime } };

function toldAtNoTime(cells: StateCells): StateCells {
  return new Map(
    [...cells].map(([name, value]) =>
      name.startsWith('watermark/') && !isJsonObject(value)
        ? ([name, { watermarkMs: value, atMs: 0 }] as const)
        : ([name, value] as const),
    ),
  );
}
