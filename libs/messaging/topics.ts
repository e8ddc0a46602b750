/** Where a pipeline's topics live. */
export interface TopicNamespace {
  readonly tenant: string;
  readonly namespace: string;
}

/** The nouns of a pipeline's topics; see docs/wire-format.md for what each carries. */
export type TopicNoun =
  | 'raw'
  | 'enriched'
  | 'partials'
  | 'judged'
  | 'results'
  | 'late'
  | 'dead'
  | 'alerts'
  | 'notifications'
  | 'live';

/** `persistent://tenant/namespace/pipeline.noun`; `live` is not persistent. */
export function topicName(place: TopicNamespace, pipeline: string, noun: TopicNoun): string {
  const scheme = noun === 'live' ? 'non-persistent' : 'persistent';
  return `${scheme}://${place.tenant}/${place.namespace}/${pipeline}.${noun}`;
}
