import type { Clock } from '#libs/kernel';
import type { CommitStore, DocumentStore, LeaseStore, ResultStore } from '#libs/storage';

export interface Stores {
  readonly commits: CommitStore;
  readonly leases: LeaseStore;
  readonly results: ResultStore;
  readonly documents: DocumentStore;
}

/** What a contract needs to try the stores of an adapter. */
export interface StoreFixture extends Stores {
  /** Closes the stores and opens them anew over the same data, as a restart does. */
  reopen(): Promise<Stores>;
  /** Where the contract says `isShared`: what another process opens beside the first. */
  openAnother?(): Promise<Stores>;
  /** Closes everything and removes the data. */
  dispose(): Promise<void>;
}

export interface StoreContract {
  /** Empty stores. `clock`: the store's clock where it has one; leases expire by it. */
  readonly open: (clock: Clock) => Promise<StoreFixture>;
  /** Several processes may have the data open at once. Default: one alone. */
  readonly isShared?: true;
  /** Its commits deliver rows and documents themselves. */
  readonly deliversResults?: true;
  /** Lets the store's clock pass by so much. Default: moves the clock that `open` got. */
  readonly passTime?: (ms: number) => Promise<void>;
}
