import type { TaskId } from '#libs/storage';

/** The places where a test may end the process, in the order in which a message passes them. */
export const FAILPOINTS = [
  'after-frame-stored',
  'after-acquire',
  'after-load',
  'after-redeliver',
  'before-frame',
  'after-frame',
  'before-covering-commit',
  'after-covering-commit',
  'before-apply',
  'after-apply',
  'before-commit',
  'after-commit',
  'before-deliver-rows',
  'after-deliver-rows',
  'before-deliver-messages',
  'after-deliver-messages',
  'before-acknowledge',
  'after-acknowledge',
] as const;

export type Failpoint = (typeof FAILPOINTS)[number];

/** Told of every place that is passed; it need not return. Without one nothing is told. */
export interface Failpoints {
  /** @param task whose work passes the place; ingest names itself as the stage */
  hit(point: Failpoint, task: TaskId): void;
}
