export { type BrokerContract, type BrokerFixture } from './broker-fixture.js';
export { describeBrokerContract } from './broker.contract.js';
export { aDocument, anEvent, aRow, receiveMany, textOf } from './builders.js';
export { describeCommitStoreContract } from './commit-store.contract.js';
export { describeDocumentStoreContract } from './document-store.contract.js';
export { forkTypeScript, killProcess } from './fork-typescript.js';
export { describeLeaseStoreContract } from './lease-store.contract.js';
export { FunctionTestDriver } from './test-drivers.js';
export type {
  CrashPoint,
  DriverOutput,
  FunctionTestOptions,
  GivenEvent,
  LateEvent,
  StoredState,
} from './function-test-options.js';
export { ManualClock } from './manual-clock.js';
export { describeResultStoreContract } from './result-store.contract.js';
export {
  describeWithMongodb,
  describeWithPulsar,
  type MongodbAddresses,
  type PulsarAddresses,
} from './running-servers.js';
export { type StoreContract, type StoreFixture, type Stores } from './store-fixture.js';
export type { CallFault } from './simulator/fault-plan.js';
export { KEPT_SEEDS } from './simulator/kept-seeds.js';
export type { Damage } from './simulator/oracle.js';
export { type ScriptedFault, ScriptedFaults } from './simulator/scripted-faults.js';
export { SeededRandom } from './simulator/seeded-random.js';
export type { SimulatedProcess } from './simulator/simulated-process.js';
export { type SimulatedFence, Simulation, type SimulationOptions } from './simulator/simulation.js';
export { type SeedOutcome, simulateSeed } from './simulator/simulator.js';
export { SIMULATED_FENCES } from './simulator/simulator-arguments.js';
export { describeFailure, simulateSeeds, type SimulatorReport } from './simulator/simulator-report.js';
export { WindowTestDriver, type WindowTestOptions } from './window-test-driver.js';
export { JoinTestDriver } from './join-test-driver.js';
export { type GivenFrame, TaskTestDriver } from './task-test-driver.js';
