import { afterEach, describe, expect, it } from '@jest/globals';
import { FAILPOINTS } from '#libs/functions';
import { FAILPOINT_CASES, FailpointTrial, TRIED_CASES } from './failpoint-trial.js';
import { removeFolder, temporaryFolder } from './standalone-process.js';

let dataDir: string | undefined;
let trial: FailpointTrial | undefined;

afterEach(async () => {
  await trial?.end();
  trial = undefined;
  if (dataDir !== undefined) removeFolder(dataDir);
});

describe('the failpoints', () => {
  it('are all tried', () => {
    const tried = FAILPOINT_CASES.flatMap(({ dies }) => dies).map((each) => each.replace(/^.*@|:\d+$/g, ''));
    expect(FAILPOINTS.filter((point) => !tried.includes(point))).toEqual([]);
  });
});

describe('a process that dies at', () => {
  it.each(TRIED_CASES)(
    '$title loses nothing and doubles nothing',
    async (failpointCase) => {
      trial = new FailpointTrial((dataDir = temporaryFolder()));
      await trial.run(failpointCase);
    },
    600_000,
  );
});
