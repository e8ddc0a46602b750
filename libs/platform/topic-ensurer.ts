import type { MessageBroker } from '#libs/messaging';
import { FACTS } from '#libs/observability';
import type { EnsureTopics } from './adapters.js';
import type { AdapterTools } from './open-adapters.js';
import { PulsarTopology, TopologyMismatchError } from './pulsar-topology.js';

/**
 * Has the embedded log make its topics. On Pulsar, where others may have made them, it checks them, and puts them right
 * only where that is allowed.
 */
export function topicEnsurer(broker: MessageBroker, tools: AdapterTools): EnsureTopics {
  const topology = PulsarTopology.of(tools.configuration, tools.clock);
  if (topology === undefined) {
    return async (topics) => void (await Promise.all(topics.map((topic) => broker.ensureTopic(topic))));
  }
  const { app, values } = tools.configuration;
  const mayApply = values.applyTopology ?? app === 'standalone';
  return async (topics) => {
    const differences = await (mayApply ? topology.apply(topics) : topology.differences(topics));
    if (!mayApply && differences.length > 0) throw new TopologyMismatchError(topology.address, differences);
    for (const difference of mayApply ? differences : []) {
      tools.telemetry.record(FACTS.topologyApplied, { ...difference });
    }
  };
}
