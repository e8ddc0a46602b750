import { afterEach, it } from '@jest/globals';
import { describeWithPulsar } from '#libs/testing';
import { FailpointTrial, TRIED_CASES } from './failpoint-trial.js';
import { PulsarNamespace } from './pulsar-namespace.js';
import { removeFolder, temporaryFolder } from './standalone-process.js';

describeWithPulsar('a process that dies over a real broker at', (addresses) => {
  let dataDir: string | undefined;
  let trial: FailpointTrial | undefined;
  let namespace: PulsarNamespace | undefined;

  afterEach(async () => {
    await trial?.end();
    await namespace?.remove();
    trial = undefined;
    if (dataDir !== undefined) removeFolder(dataDir);
  }, 600_000);

  it.each(TRIED_CASES)(
    '$title loses nothing and doubles nothing',
    async (failpointCase) => {
      namespace = await PulsarNamespace.make(addresses);
      trial = new FailpointTrial((dataDir = temporaryFolder()), namespace.settings);
      await trial.run(failpointCase);
    },
    600_000,
  );
});
