/** Where a topic is that a function names, and over how many partitions keys are spread. */
export interface TopicPlace {
  /** Full name. */
  readonly name: string;
  readonly partitions: number;
}

/** Finds the topics that a definition declares, by their short names (`web.checkouts`). */
export type FunctionTopics = (topic: string) => TopicPlace;
