import { SystemClock } from '#libs/kernel';
import { EmbeddedStore } from './embedded-store.js';

// A process for stored-data.spec.ts: commits and delivers as fast as it can, says which commits are done, until it is killed.
const task = { pipeline: 'web', stage: 'local', partition: 0 };
const store = await EmbeddedStore.open({ folder: process.argv[2] ?? '', clock: new SystemClock() });
const lease = await store.leases.acquire(task, `process-${process.pid}`, 60_000);
if (lease === undefined) throw new Error('the lease of a former process is void, so it must be free');
process.on('disconnect', () => process.exit());

for (let version = lease.version; ; version = { ...version, commitSeq: version.commitSeq + 1 }) {
  const commitSeq = version.commitSeq + 1;
  // Several pages, filled with the number of the commit.
  const bytes = Buffer.alloc(40_000);
  for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(commitSeq, at);
  const outcome = await store.commits.commit(task, version, {
    commitId: `c${commitSeq}`,
    progress: { commitSeq },
    facts: {},
    state: { kind: commitSeq % 10 === 0 ? 'base' : 'delta', bytes },
    outbox: bytes.subarray(0, 9_000),
    deliveredCommitSeq: commitSeq - 1,
  });
  if (outcome.kind !== 'committed') throw new Error(`fenced by ${JSON.stringify(outcome.stored)}`);
  const windowStartMs = commitSeq * 60_000;
  const row = {
    pipeline: 'web',
    series: 'requests',
    stream: 'demo',
    key: {},
    windowStartMs,
    windowEndMs: windowStartMs + 60_000,
  };
  await store.results.deliver(
    { task, version: { ...version, commitSeq } },
    { rows: [{ ...row, measures: { commitSeq }, revision: 0, task: 0 }], documents: [] },
  );
  process.send?.(commitSeq);
}
