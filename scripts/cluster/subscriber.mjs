// A downstream service of the cluster: writes a line for each transition of an alert. It is what a class under @Subscriber is in
// TypeScript (docs/subscribing.md); JavaScript has no decorators yet, so they are called.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DIST } from '../workspace.mjs';

const { startSubscriber } = await lib('platform');
const { OnAlert, Subscriber } = await lib('transport');

class AlertLog {
  write(alert, { id }) {
    const stream = alert.labels.stream ?? alert.pipeline;
    process.stdout.write(`${alert.rule} of ${stream} is ${alert.status}: ${alert.summary} (${id})\n`);
  }
}

const { write } = Object.getOwnPropertyDescriptors(AlertLog.prototype);
OnAlert()(AlertLog.prototype, 'write', write);
Subscriber('cluster-log')(AlertLog);

await startSubscriber({ subscribers: [AlertLog] });

function lib(name) {
  return import(pathToFileURL(join(DIST, 'libs', name, 'index.js')).href);
}
