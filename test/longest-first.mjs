import Sequencer from '@jest/test-sequencer';

/** What takes minutes where there is time, the longest first: begun last, it would run on alone. */
const LONGEST = [
  'test/e2e/pulsar-failpoints.e2e-spec.ts',
  'test/e2e/fences.e2e-spec.ts',
  'test/e2e/mongodb-sessions.e2e-spec.ts',
  'test/exactly-once/simulator.spec.ts',
  'test/e2e/failpoints.e2e-spec.ts',
  'test/e2e/slow-store.e2e-spec.ts',
  'test/e2e/pulsar-broker-kill.e2e-spec.ts',
  'test/e2e/pulsar-stopped-process.e2e-spec.ts',
];

/** The order in which spec files begin. */
export default class LongestFirst extends Sequencer {
  sort(tests) {
    const rankOf = ({ path }) => {
      const rank = LONGEST.findIndex((each) => path.replaceAll('\\', '/').endsWith(`/${each}`));
      return rank < 0 ? LONGEST.length : rank;
    };
    return super.sort(tests).toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}
