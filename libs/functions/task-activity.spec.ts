import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '#libs/testing';
import { TaskActivity } from './task-activity.js';

describe('what a task spends its time on', () => {
  it('is told by reason, the longest wait first', () => {
    const clock = new ManualClock(0);
    const activity = new TaskActivity(clock);
    const spend = (doing: string, ms: number): void => {
      activity.enter(doing);
      clock.advance(ms);
    };
    spend('work', 1_000);
    spend('user code', 2_000);
    spend('commit', 500);
    spend('deliver:results', 1_500);
    activity.countMessage(100);
    expect(activity.figures()).toEqual({
      waitingFor: 'user code',
      waitingShare: 0.4,
      waits: { 'user code': 0.4, 'deliver:results': 0.3, commit: 0.1, input: 0 },
      busyShare: 0.2,
      eventsPerSecond: 20,
      messagesPerSecond: 0.2,
    });
    // A new span: what was is forgotten.
    spend('input', 5_000);
    expect(activity.figures()).toMatchObject({ waitingFor: 'input', waitingShare: 1 });
  });
});
