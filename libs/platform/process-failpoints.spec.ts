import { describe, expect, it } from '@jest/globals';
import type { TaskId } from '#libs/storage';
import { ProcessFailpoints } from './process-failpoints.js';
import { parseFailpoints } from './setting-parsers.js';

const LOCAL: TaskId = { pipeline: 'web', stage: 'local', partition: 1 };
const GLOBAL: TaskId = { pipeline: 'web', stage: 'global', partition: 0 };

/** How often the process has been killed after each of these commits. */
function killsAfterCommits(text: string, tasks: readonly TaskId[]): readonly number[] {
  let kills = 0;
  const failpoints = new ProcessFailpoints(parseFailpoints(text), () => kills++);
  return tasks.map((task) => {
    failpoints.hit('before-commit', task);
    failpoints.hit('after-commit', task);
    return kills;
  });
}

describe('ProcessFailpoints', () => {
  it('kills at the n-th passing of a place by any task, and never again', () => {
    expect(killsAfterCommits('after-commit:3', [LOCAL, GLOBAL, GLOBAL, LOCAL])).toEqual([0, 0, 1, 1]);
  });

  it('counts the passings of one task where it is named', () => {
    expect(killsAfterCommits('web/local/1@after-commit:2', [LOCAL, GLOBAL, LOCAL])).toEqual([0, 0, 1]);
  });

  it('takes the first passing where no number is given, and several places', () => {
    expect(killsAfterCommits('web/global/0@before-commit, after-commit:3', [LOCAL, GLOBAL, LOCAL])).toEqual([
      0, 1, 2,
    ]);
  });

  it('does nothing without places', () => {
    expect(killsAfterCommits('', [LOCAL, GLOBAL])).toEqual([0, 0]);
  });

  it.each(['after-comit', 'after-commit:0', 'after-commit:x', '@after-commit'])('refuses %s', (text) => {
    expect(() => parseFailpoints(text)).toThrow('[task@]point[:passing], with one of the points');
  });
});
