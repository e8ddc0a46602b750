import type { TopicSpec } from '#libs/messaging';

/** The topics of the simulated pipeline: the shape of the product, with fewer stages. */
export const PIPELINE = 'sim';
const topic = (noun: string): string => `persistent://public/default/${PIPELINE}.${noun}`;

export const RAW = topic('raw');
export const ENRICHED = topic('enriched');
export const PARTIALS = topic('partials');
/** Public: numbers of messages by key. */
export const RESULTS = topic('results');
/** Public: one message a bad event. */
export const DEAD = topic('dead');
export const TOTALS_SERIES = 'totals';
export const TOTALS_COLLECTION = 'totals';

export function topicSpecs(partitions: number): readonly TopicSpec[] {
  return [
    { name: RAW, partitions, subscriptions: ['enrich'] },
    { name: ENRICHED, partitions, subscriptions: ['local'] },
    { name: PARTIALS, partitions, subscriptions: ['global'] },
    { name: RESULTS, partitions },
    { name: DEAD, partitions: 1 },
  ];
}
