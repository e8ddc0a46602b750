import { type Clock, PlatformError } from '#libs/kernel';
import type { MessageBroker } from '#libs/messaging';
import { FACTS } from '#libs/observability';
import type { EnsureTopics } from './adapters.js';
import type { AdapterTools } from './open-adapters.js';
import { PulsarTopology, TopologyMismatchError } from './pulsar-topology.js';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Has the embedded log make its topics. On Pulsar, where others may have made them, it checks them, and puts them right
 * only where that is allowed. It waits for a broker that is away: an app may be started before it.
 */
export function topicEnsurer(broker: MessageBroker, tools: AdapterTools): EnsureTopics {
  const topology = PulsarTopology.of(tools.configuration, tools.clock);
  if (topology === undefined) {
    return async (topics) => void (await Promise.all(topics.map((topic) => broker.ensureTopic(topic))));
  }
  const { app, values } = tools.configuration;
  const mayApply = values.applyTopology ?? app === 'standalone';
  return (topics) =>
    insisting(tools, async () => {
      const differences = await (mayApply ? topology.apply(topics) : topology.differences(topics));
      if (!mayApply && differences.length > 0) throw new TopologyMismatchError(topology.address, differences);
      for (const difference of mayApply ? differences : []) {
        tools.telemetry.record(FACTS.topologyApplied, { ...difference });
      }
    });
}

async function insisting(
  { clock, telemetry }: Pick<AdapterTools, 'telemetry'> & { clock: Clock },
  action: () => Promise<void>,
): Promise<void> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof PlatformError) || error.retry === 'never') throw error;
      telemetry.record(FACTS.topologyAwaited, { code: error.code, detail: error.message, pauseMs });
      await pause(clock, pauseMs);
    }
  }
}

/** Unlike the clock's own sleep, it keeps the process alive: nothing else does yet. */
async function pause(clock: Clock, pauseMs: number): Promise<void> {
  const keepAlive = setInterval(() => undefined, LONGEST_PAUSE_MS);
  await clock.sleep(pauseMs);
  clearInterval(keepAlive);
}
