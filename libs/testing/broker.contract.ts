import { describe } from '@jest/globals';
import { describeConsumers } from './broker-consumers.contract.js';
import type { BrokerContract } from './broker-fixture.js';
import { describeProducers } from './broker-producers.contract.js';
import { describeTopics } from './broker-topics.contract.js';

/**
 * Everything that the docs of libs/messaging promise, tried on an adapter. Its spec is this call.
 */
export function describeBrokerContract(name: string, contract: BrokerContract): void {
  describe(`${name} keeps the contract of a broker:`, () => {
    describeTopics(contract);
    describeProducers(contract);
    describeConsumers(contract);
  });
}
