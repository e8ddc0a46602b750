import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  describeCommitStoreContract,
  describeDocumentStoreContract,
  describeLeaseStoreContract,
  describeResultStoreContract,
  type StoreContract,
} from '#libs/testing';
import { EmbeddedStore } from './embedded-store.js';

const contract: StoreContract = {
  deliversResults: true,
  open: async (clock) => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-store-'));
    let store = await EmbeddedStore.open({ folder, clock });
    const { commits, leases, results, documents } = store;
    return {
      commits,
      leases,
      results,
      documents,
      reopen: async () => {
        await store.close();
        store = await EmbeddedStore.open({ folder, clock });
        return store;
      },
      dispose: async () => {
        await store.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
};

describeCommitStoreContract('the embedded store', contract);
describeLeaseStoreContract('the embedded store', contract);
describeResultStoreContract('the embedded store', contract);
describeDocumentStoreContract('the embedded store', contract);
