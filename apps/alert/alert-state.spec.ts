import { describe, expect, it } from '@jest/globals';
import type { JsonValue } from '#libs/kernel';
import { ALERT_STATE } from './alert-state.js';

describe('the state of alerts', () => {
  it('of version 2 has groups whose members become cells of their own', () => {
    const head = { labels: { rule: 'r' }, createdMs: 1, sequence: 2, dueMs: 3 };
    const [a, b] = [{ event: { rule: 'r' } }, { event: { rule: 'r' }, isTold: true }];
    const before = new Map<string, JsonValue>([
      ['group/rule="r"', { ...head, members: { aa: a, bb: b } }],
      ['watermark/0/web', { watermarkMs: 5, atMs: 6 }],
    ]);
    expect([...(ALERT_STATE.migrations?.[3]?.(before) ?? [])]).toEqual([
      ['group/rule="r"', head],
      ['member/aa/rule="r"', a],
      ['member/bb/rule="r"', b],
      ['watermark/0/web', { watermarkMs: 5, atMs: 6 }],
    ]);
  });
});
