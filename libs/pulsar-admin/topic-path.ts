/** A topic's full name, taken apart. */
export interface TopicPath {
  readonly domain: 'persistent' | 'non-persistent';
  readonly tenant: string;
  readonly namespace: string;
  /** Without the partition. */
  readonly localName: string;
}

const FULL_NAME =
  /^(?<domain>persistent|non-persistent):\/\/(?<tenant>[^/]+)\/(?<namespace>[^/]+)\/(?<localName>.+)$/;

/** @throws RangeError where it is no full name */
export function parseTopic(topic: string): TopicPath {
  const groups = FULL_NAME.exec(topic)?.groups as TopicPath | undefined;
  if (groups === undefined) {
    throw new RangeError(`${topic} is no topic's full name; wanted: persistent://tenant/namespace/topic`);
  }
  return groups;
}

/** `persistent/tenant/namespace/topic`, as it stands in the paths of Pulsar's REST and WebSocket API. */
export function topicPath(topic: string, partition?: number): string {
  const { domain, tenant, namespace, localName } = parseTopic(topic);
  const name = partition === undefined ? localName : `${localName}-partition-${partition}`;
  return [domain, ...[tenant, namespace, name].map(encodeURIComponent)].join('/');
}

/** The full name of one partition: `persistent://tenant/namespace/topic-partition-3`. */
export function partitionTopic(topic: string, partition: number): string {
  return `${topic}-partition-${partition}`;
}
