import type { MessageBroker } from '#libs/messaging';
import type { WantedTopic } from '#libs/pulsar-admin';
import type { CommitStore, DocumentStore, LeaseStore, ResultStore } from '#libs/storage';

/** Makes topics, or checks that they are there as wanted. @throws TopicMismatchError, TopologyMismatchError */
export type EnsureTopics = (topics: readonly WantedTopic[]) => Promise<void>;

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
    readonly ensureTopics: EnsureTopics,
    /** Closes them all, in the right order. */
    readonly close: () => Promise<void>,
  ) {}
}
