import type { ClientSession, Collection } from 'mongodb';
import {
  compareVersions,
  type CommitVersion,
  type DeliveryFence,
  DeliveryFencedError,
  taskName,
} from '#libs/storage';
import { NAMES } from '../collection-names.js';
import type { MongodbConnection } from '../mongodb-connection.js';

interface TaskFenceRecord extends CommitVersion {
  readonly _id: string;
}

/** The newest commit of each task whose documents were delivered: an older one is refused. */
export class TaskFences {
  readonly #fences: Collection<TaskFenceRecord>;

  constructor(connection: MongodbConnection) {
    this.#fences = connection.collection<TaskFenceRecord>(NAMES.fences);
  }

  /**
   * Inside the transaction that writes: of two who pass at once one has to begin again, and finds the other.
   *
   * @throws DeliveryFencedError
   */
  async pass({ task, version }: DeliveryFence, session: ClientSession): Promise<void> {
    const _id = `documents ${taskName(task)}`;
    const stored = await this.#fences.findOne({ _id }, { session });
    if (stored !== null && compareVersions(stored, version) > 0) {
      const { incarnation, epoch, commitSeq } = stored;
      const newest = `incarnation ${incarnation}, epoch ${epoch}, commit ${commitSeq}`;
      throw new DeliveryFencedError(taskName(task), version, `${newest} was delivered`);
    }
    const { incarnation, epoch, commitSeq } = version;
    await this.#fences.updateOne(
      { _id },
      { $set: { incarnation, epoch, commitSeq } },
      { session, upsert: true },
    );
  }
}
