import fc from 'fast-check';

// How many cases a property test tries where it does not say so itself: MILLRACE_TEST_RUNS, 200 by default. Run by
// jest before each spec.
fc.configureGlobal({ numRuns: Number(process.env['MILLRACE_TEST_RUNS'] ?? 200) });
