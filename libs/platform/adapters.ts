import type { MessageBroker } from '#libs/messaging';
import type { CommitStore, DocumentStore, LeaseStore, ResultStore } from '#libs/storage';

export interface AdapterPorts {
  readonly broker: MessageBroker;
  readonly commits: CommitStore;
  readonly leases: LeaseStore;
  readonly results: ResultStore;
  readonly documents: DocumentStore;
}

/** The adapters that a process runs on, opened as one and closed as one. */
export class Adapters {
  constructor(
    readonly ports: AdapterPorts,
    /** Closes them all, in the right order. */
    readonly close: () => Promise<void>,
  ) {}
}
