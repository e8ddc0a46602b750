import { Inject, Injectable } from '@nestjs/common';
import { isJsonObject, type JsonObject } from '#libs/kernel';
import type { PipelineDefinition } from '#libs/pipeline';
import { COLLECTIONS, CommitStore, DocumentStore, taskName } from '#libs/storage';
import { isSameOrLater } from './close-id.js';

/** One close of one stream. */
export interface Close {
  readonly stream: string;
  readonly closeId: string;
}

/** How far a close has come, by what the tasks behind ingest have stored. */
@Injectable()
export class CloseProgress {
  constructor(
    @Inject(DocumentStore) private readonly documents: DocumentStore,
    @Inject(CommitStore) private readonly commits: CommitStore,
  ) {}

  /**
   * Until when each global task has closed the stream, by partition, epoch milliseconds; -Infinity where the stream
   * has no events, undefined where the task has not come to this close or a later one.
   */
  async closedUntil(
    pipeline: PipelineDefinition,
    { stream, closeId }: Close,
  ): Promise<(number | undefined)[]> {
    const partitions = Array.from({ length: pipeline.globalPartitions }, (_, partition) => partition);
    const ids = partitions.map((partition) => `${pipeline.name}/${partition}/${stream}`);
    const documents = await Promise.all(ids.map((id) => this.documents.get(COLLECTIONS.progress, id)));
    return documents.map((document) => closedUntil(document?.body, closeId));
  }

  /** The tasks that have not passed the close on; the local ones first, as the others wait for them. */
  async waitingFor(
    { name: pipeline, partitions }: PipelineDefinition,
    { closeId }: Close,
    closed: readonly (number | undefined)[],
  ): Promise<readonly string[]> {
    const facts = await this.commits.facts(pipeline, 'local');
    const local = Array.from({ length: partitions }, (_, partition) => partition)
      .filter((partition) => !hasReported(facts.get(partition), closeId))
      .map((partition) => taskName({ pipeline, stage: 'local', partition }));
    const global = closed.flatMap((untilMs, partition) =>
      untilMs === undefined ? [taskName({ pipeline, stage: 'global', partition })] : [],
    );
    return [...local, ...global];
  }
}

function closedUntil(body: JsonObject | undefined, closeId: string): number | undefined {
  const closed = body?.['closed'];
  if (!isJsonObject(closed) || typeof closed['closeId'] !== 'string') return undefined;
  if (!isSameOrLater(closed['closeId'], closeId)) return undefined;
  // A stream without events has no last one; JSON has no number for that.
  return typeof closed['untilMs'] === 'number' ? closed['untilMs'] : -Infinity;
}

function hasReported(facts: JsonObject | undefined, closeId: string): boolean {
  const closings = facts?.['closings'];
  return isJsonObject(closings) && Object.hasOwn(closings, closeId);
}
