import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AlertTrial } from './alert-trial.js';
import { removeFolder, temporaryFolder } from './standalone-process.js';
import { WebhookReceiver } from './webhook-receiver.js';

// A process is killed at every step from a match to the alert, its notification and the webhook, then started again. Each
// transition is one message, each notification one, and a webhook that comes twice has the same key and the same body.

/** Each case starts two processes: all of them where there is time. */
const HAS_TIME = (fc.readConfigureGlobal().numRuns ?? 200) >= 2_000;

const STEPS = [
  ...['pattern/0@before-apply', 'pattern/0@before-commit', 'pattern/0@after-commit:1'],
  ...['pattern/0@before-deliver-messages', 'pattern/0@after-deliver-messages'],
  ...['alert/0@after-load', 'alert/0@after-redeliver', 'alert/0@before-apply', 'alert/0@after-apply:2'],
  ...['alert/0@before-commit:1', 'alert/0@before-commit:2', 'alert/0@before-commit:3'],
  ...['alert/0@after-commit:1', 'alert/0@after-commit:2', 'alert/0@after-commit:3'],
  ...['alert/0@before-deliver-rows:1', 'alert/0@after-deliver-rows:1'],
  ...['alert/0@before-deliver-messages:1', 'alert/0@before-deliver-messages:2'],
  ...['alert/0@after-deliver-messages:1', 'alert/0@after-deliver-messages:2'],
  ...['alert/0@before-acknowledge', 'alert/0@after-acknowledge'],
];
const ALWAYS: readonly string[] = ['alert/0@after-commit:2', 'alert/0@after-deliver-messages:1'];

let folder: string;
let receiver: WebhookReceiver;
let trial: AlertTrial | undefined;

beforeEach(async () => {
  folder = temporaryFolder();
  receiver = await WebhookReceiver.start();
});

afterEach(async () => {
  await trial?.end();
  receiver.close();
  removeFolder(folder);
});

async function expectToldOnce(tried: AlertTrial): Promise<void> {
  const alerts = await tried.messages('alerts');
  expect(alerts.map(({ data }) => [data['status'], data['sequence']])).toEqual([
    ['firing', 0],
    ['resolved', 1],
  ]);
  expect(new Set(alerts.map(({ data }) => data['episode'])).size).toBe(1);
  const notifications = await tried.messages('notifications');
  expect(notifications.map(({ data }) => data['status'])).toEqual(['firing', 'resolved']);
  const ids = notifications.map(({ id }) => id);
  expect(new Set(ids).size).toBe(2);
  expect([...new Set(receiver.posts.map(({ key }) => key))]).toEqual(ids);
  for (const id of ids)
    expect(new Set(receiver.posts.filter(({ key }) => key === id).map(({ body }) => body)).size).toBe(1);
}

describe('a process that dies on the way from a match to those who are told of it, at', () => {
  it.each(HAS_TIME ? STEPS : ALWAYS)(
    '%s, tells each transition once',
    async (step) => {
      trial = new AlertTrial(folder, receiver, `web/${step}`);
      expect(await trial.run()).toBe(1);
      await expectToldOnce(trial);
    },
    600_000,
  );
});

describe('a process that dies while a receiver has its post and has not answered', () => {
  it('posts the same again, under the same key', async () => {
    const tried = (trial = new AlertTrial(folder, receiver));
    receiver.onPost = async () => {
      receiver.onPost = () => undefined;
      await tried.process.kill();
    };
    // The next process may be told by now that it has been told: the kill has come first.
    expect(await tried.run()).toBeLessThanOrEqual(1);
    await expectToldOnce(tried);
    const [first, second] = receiver.posts;
    expect(second).toEqual(first);
    expect(receiver.posts).toHaveLength(3);
  }, 600_000);
});
