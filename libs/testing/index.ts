export { type BrokerContract, type BrokerFixture } from './broker-fixture.js';
export { describeBrokerContract } from './broker.contract.js';
export { aDocument, anEvent, aRow, receiveMany, textOf } from './builders.js';
export { forkTypeScript, killProcess } from './fork-typescript.js';
export { ManualClock } from './manual-clock.js';
