import { SystemClock } from '#libs/kernel';
import type { TopicDifference, WantedTopic } from '#libs/pulsar-admin';
import { Configuration, ConfigurationInvalidError } from './configuration.js';
import { Pipelines } from './pipelines.js';
import { PulsarTopology } from './pulsar-topology.js';
import { topicsOf } from './topics.js';

/** What the pipelines of a configuration need of its Pulsar, for people who look after it. */
export class PipelineTopology {
  private constructor(
    private readonly topology: PulsarTopology,
    private readonly topics: readonly WantedTopic[],
  ) {}

  /**
   * With the settings of the apps: from the environment, and from arguments such as `--broker`.
   *
   * @throws ConfigurationInvalidError, PipelineFileMissingError, PipelineInvalidError
   */
  static load(args: readonly string[]): PipelineTopology {
    const configuration = Configuration.load('cli', process.env, args);
    const topology = PulsarTopology.of(configuration, new SystemClock());
    if (topology === undefined) {
      const wanted = 'a Pulsar: the embedded log has no topology of its own, e.g. --broker ws://host:8080';
      throw new ConfigurationInvalidError([`MILLRACE_BROKER is 'embedded', wanted ${wanted}`]);
    }
    return new PipelineTopology(topology, topicsOf(Pipelines.load(configuration)));
  }

  /** Pulsar's REST API. */
  get address(): string {
    return this.topology.address;
  }

  get topicCount(): number {
    return this.topics.length;
  }

  /** What is not as wanted. Changes nothing. @throws PlatformError of the admin client */
  differences(): Promise<readonly TopicDifference[]> {
    return this.topology.differences(this.topics);
  }

  /** Puts it right, and says what it did. @throws TopologyMismatchError where that can't be */
  apply(): Promise<readonly TopicDifference[]> {
    return this.topology.apply(this.topics);
  }
}
