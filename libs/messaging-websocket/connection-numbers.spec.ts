import { describe, expect, it } from '@jest/globals';
import { ClockLead } from './clock-lead.js';
import { ConnectionNumbers } from './connection-numbers.js';

describe('the numbers of a connection', () => {
  const clock = { nowMs: () => 1_700_000_000_000 };

  it('go on from what is stored, while nothing waits', () => {
    const numbers = new ConnectionNumbers(clock);
    expect(numbers.begin(undefined, -1)).toBe(-1);
    expect(numbers.begin(undefined, 41)).toBe(41);
    expect([numbers.take(42), numbers.take(43)]).toEqual([true, true]);
  });

  it('are those of the messages: one that would get another waits for another connection', () => {
    const numbers = new ConnectionNumbers(clock);
    numbers.begin(undefined, -1);
    expect(numbers.take(500)).toBe(false);
    expect(numbers.begin({ sequenceId: 500 }, -1)).toBe(499);
    expect([numbers.take(500), numbers.take(502), numbers.take(501)]).toEqual([true, false, true]);
  });

  it('begin elsewhere once more turns out to be stored', () => {
    const numbers = new ConnectionNumbers(clock);
    numbers.begin(undefined, 7);
    expect(numbers.hasChanged(undefined, 7)).toBe(false);
    expect(numbers.hasChanged(undefined, 9)).toBe(true);
    expect(numbers.hasChanged({ sequenceId: 8 }, 7)).toBe(false);
    expect(numbers.hasChanged({ sequenceId: undefined }, 7)).toBe(true);
  });

  it('are told by the clock where messages have none, and never fall', () => {
    let nowMs = clock.nowMs();
    const numbers = new ConnectionNumbers({ nowMs: () => nowMs });
    numbers.begin(undefined, -1);
    expect(numbers.take(undefined)).toBe(false);
    const first = numbers.begin({ sequenceId: undefined }, -1);
    expect(first).toBe(nowMs * 1_000);
    expect([1, 2, 3].map(() => numbers.take(undefined))).toEqual([true, true, true]);
    expect(numbers.take(0)).toBe(false);
    nowMs -= 60_000;
    expect(numbers.begin(undefined, -1)).toBe(first + 3);
    expect(numbers.hasChanged(undefined, -1)).toBe(false);
  });

  it('run before the clock once the broker has dropped some, for all producers that share the lead', () => {
    const lead = new ClockLead();
    const [one, other] = [new ConnectionNumbers(clock, lead), new ConnectionNumbers(clock, lead)];
    const begin = (numbers: ConnectionNumbers): number => numbers.begin({ sequenceId: undefined }, -1);
    const first = begin(one);
    one.dropped();
    expect(begin(one)).toBe(first + 60_000 * 1_000);
    one.dropped();
    expect(begin(other)).toBe(first + 120_000 * 1_000);
  });

  it('of messages that have some are no matter of the clock', () => {
    const lead = new ClockLead();
    const numbers = new ConnectionNumbers(clock, lead);
    numbers.begin({ sequenceId: 5 }, -1);
    numbers.dropped();
    expect(lead.leadMs).toBe(0);
  });
});
