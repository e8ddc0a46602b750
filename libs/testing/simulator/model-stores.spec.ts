import { describeCommitStoreContract } from '../commit-store.contract.js';
import { describeDocumentStoreContract } from '../document-store.contract.js';
import { describeLeaseStoreContract } from '../lease-store.contract.js';
import { describeResultStoreContract } from '../result-store.contract.js';
import type { StoreContract, Stores } from '../store-fixture.js';
import { NO_FAULTS } from './fault-plan.js';
import { ModelCommitStore, ModelLeaseStore, ModelTasks } from './model-commits.js';
import { ModelDocumentStore, ModelResults, ModelResultStore } from './model-results.js';
import { SeededRandom } from './seeded-random.js';
import { SimulatedProcess } from './simulated-process.js';
import { VirtualTime } from './virtual-time.js';

let time: VirtualTime;

const contract: StoreContract = {
  open: async () => {
    time = new VirtualTime();
    time.runByItself();
    const world = { time, random: new SeededRandom(1), faults: NO_FAULTS, startMs: 0 };
    const tasks = new ModelTasks();
    const rows = new ModelResults();
    const open = (): Stores => {
      const process = new SimulatedProcess('test', world);
      return {
        commits: new ModelCommitStore(tasks, process),
        leases: new ModelLeaseStore(tasks, process),
        results: new ModelResultStore(rows, process),
        documents: new ModelDocumentStore(rows, process),
      };
    };
    const reopen = async (): Promise<Stores> => {
      // Open windows live in the process that shows them.
      rows.openWindows.clear();
      return open();
    };
    return { ...open(), reopen, dispose: async () => undefined };
  },
  passTime: async (ms) => {
    await new Promise<void>((resolve) => void time.after(ms, resolve));
  },
};

describeCommitStoreContract('the model of a store', contract);
describeLeaseStoreContract('the model of a store', contract);
describeResultStoreContract('the model of a store', contract);
describeDocumentStoreContract('the model of a store', contract);
