import { ProducerBusyError } from '#libs/messaging';
import { partitionTopic } from '#libs/pulsar-admin';
import { BrokerDialogue, type BrokerSource, ServerRefusal } from './broker-dialogue.js';
import { type Fields, numberIn, textIn } from './protobuf.js';

// The broker says which number of a producer it has stored last when the producer is opened. The Node client is told, and
// does not pass it on. So the name is opened and closed here, in the same words, just before the client opens it.

export interface ProducerPlace {
  readonly topic: string;
  readonly partition: number;
  readonly producerName: string;
}

const MAX_REDIRECTS = 5;
const CONNECT_RESPONSE = 1;
/** Pulsar's ServerError. */
const PRODUCER_BUSY = 16;
const PRODUCER_ID = 1;

/**
 * The highest sequence id that the broker has stored of this producer; −1 if it knows none.
 *
 * @throws ProducerBusyError, BrokerUnauthorizedError, BrokerUnavailableError (all backoff)
 */
export async function lastSequenceId(source: BrokerSource, place: ProducerPlace): Promise<number> {
  return BrokerDialogue.hold(source, async (dialogue) => {
    await connectToOwner(dialogue, place);
    const opened = await openProducer(dialogue, place);
    // Awaited: else the client would find the name in use.
    await dialogue.ask(
      'closeProducer',
      [
        [1, PRODUCER_ID],
        [2, 2],
      ],
      'success',
    );
    return numberIn(opened, 3, -1);
  });
}

async function connectToOwner(dialogue: BrokerDialogue, { topic, partition }: ProducerPlace): Promise<void> {
  const name = partitionTopic(topic, partition);
  let isAuthoritative = false;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const answer = await dialogue.ask(
      'lookup',
      [
        [1, name],
        [2, hops],
        [3, isAuthoritative],
      ],
      'lookupResponse',
    );
    const ownerUrl = textIn(answer, dialogue.isTls ? 2 : 1) ?? '';
    if (numberIn(answer, 3, CONNECT_RESPONSE) === CONNECT_RESPONSE) {
      const isThroughProxy = numberIn(answer, 8, 0) === 1;
      if (!isThroughProxy) return dialogue.connect(ownerUrl);
      return dialogue.connect(dialogue.source.serviceUrl, new URL(ownerUrl).host);
    }
    isAuthoritative = numberIn(answer, 5, 0) === 1;
    await dialogue.connect(ownerUrl);
  }
  throw new Error(`more than ${MAX_REDIRECTS} brokers in a row say that another has ${name}`);
}

async function openProducer(
  dialogue: BrokerDialogue,
  { topic, partition, producerName }: ProducerPlace,
): Promise<Fields> {
  try {
    return await dialogue.ask(
      'producer',
      [
        [1, partitionTopic(topic, partition)],
        [2, PRODUCER_ID],
        [3, 1],
        [4, producerName],
      ],
      'producerSuccess',
    );
  } catch (error) {
    const isBusy = error instanceof ServerRefusal && error.serverError === PRODUCER_BUSY;
    throw isBusy ? new ProducerBusyError(topic, partition, producerName) : error;
  }
}
