import { describeBrokerContract } from '../broker.contract.js';
import { NO_FAULTS } from './fault-plan.js';
import { ModelBroker } from './model-broker.js';
import { ModelLog } from './model-log.js';
import { SeededRandom } from './seeded-random.js';
import { SimulatedProcess } from './simulated-process.js';
import { VirtualTime } from './virtual-time.js';

describeBrokerContract('the model of a broker', {
  capabilities: { durable: true, shared: true, nonPersistent: true },
  open: async () => {
    const time = new VirtualTime();
    time.runByItself();
    const world = { time, random: new SeededRandom(1), faults: NO_FAULTS, startMs: Date.now() };
    const log = new ModelLog();
    const open = (): ModelBroker => new ModelBroker(log, new SimulatedProcess('test', world));
    let broker = open();
    return {
      broker,
      reopen: async () => {
        await broker.close();
        return (broker = open());
      },
      dispose: () => broker.close(),
    };
  },
});
