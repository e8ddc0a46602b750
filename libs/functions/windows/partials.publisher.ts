import type { Outputs } from '../task-logic.js';
import { FRAME_VERSION, partitionOf } from '#libs/messaging';
import type { Partial, StreamProgress } from '#libs/windowing';
import { FrameLines } from './frame-lines.js';
import { placementKey } from './placement.js';

/** Where deltas go. */
export interface PartialsTarget {
  /** Full name of `<pipeline>.partials`. */
  readonly topic: string;
  readonly partitions: number;
}

/**
 * Puts the deltas and the progress of one commit into frames.
 *
 * P1. Progress rides in the last frame to each target, so that no watermark is ever ahead of a delta before it.
 * P2. Every change of progress reaches every target, by an empty frame if need be: the minimum over all tasks would
 *     otherwise stand still where this task has nothing to add.
 */
export function publishPartials(
  target: PartialsTarget,
  {
    partials,
    progress,
  }: { partials: readonly Partial[]; progress: Readonly<Record<string, StreamProgress>> | undefined },
  outputs: Outputs,
): void {
  const frames = Array.from(
    { length: target.partitions },
    (_, partition) =>
      new FrameLines({ v: FRAME_VERSION, kind: 'partials' }, (message) =>
        outputs.message(target.topic, partition, message),
      ),
  );
  for (const partial of partials) {
    frames[partitionOf(placementKey(partial), target.partitions)]!.add(JSON.stringify(partial));
  }
  for (const frame of frames) frame.end(progress);
}
