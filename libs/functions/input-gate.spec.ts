import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BEFORE_FIRST, comparePositions, type Covers, type Position } from '#libs/messaging';
import { admitCovered, admitSequenced } from './input-gate.js';

function at(entry: number): Position {
  return entry < 0 ? BEFORE_FIRST : [0, entry, 0, 0];
}

describe('messages that their producer numbers', () => {
  it.each([
    [undefined, 7, 'apply'],
    [6, 7, 'apply'],
    [7, 7, 'repeat'],
    [9, 7, 'repeat'],
    [5, 7, 'gap'],
  ])('after %p, number %p: %s', (lastSeen, sequence, kind) => {
    expect(admitSequenced(lastSeen, sequence).kind).toBe(kind);
  });
});

describe('frames that say what they cover', () => {
  it.each([
    // applied  after  upTo
    [undefined, -1, 0, 'apply'],
    [undefined, 4, 6, 'apply'],
    [3, 3, 4, 'apply'],
    [3, 2, 3, 'repeat'],
    [3, 1, 2, 'repeat'],
    [3, 4, 5, 'gap'],
    // Heartbeats cover nothing.
    [3, 3, 3, 'apply'],
    [3, 2, 2, 'repeat'],
    [3, 4, 4, 'gap'],
  ])('applied up to %p, covers (%p, %p]: %s', (applied, after, upTo, kind) => {
    const covers = { after: at(after), upTo: at(upTo) };
    expect(admitCovered(applied === undefined ? undefined : at(applied), covers).kind).toBe(kind);
  });

  it('applies every stretch of the input once, whatever restarts repeat', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 30 }),
        fc.array(fc.nat(1_000), { maxLength: 5 }),
        (lengths, restarts) => {
          const frames = framesOf(lengths);
          const applied = runWithRestarts(frames, restarts);
          expect(applied).toEqual(frames);
        },
      ),
    );
  });
});

/** Frames end to end over an input of which each frame takes so many entries. */
function framesOf(lengths: readonly number[]): Covers[] {
  let end = -1;
  return lengths.map((length) => ({ after: at(end), upTo: at((end += length)) }));
}

/** A writer that now and then goes back to an earlier frame and writes all again from there; a reader at the gate. */
function runWithRestarts(frames: readonly Covers[], restarts: readonly number[]): readonly Covers[] {
  const written: Covers[] = [...frames];
  for (const restart of restarts) written.push(...frames.slice(restart % frames.length));
  const applied: Covers[] = [];
  let upTo: Position | undefined;
  for (const frame of written) {
    const admission = admitCovered(upTo, frame);
    expect(admission.kind).not.toBe('gap');
    if (admission.kind === 'repeat') continue;
    expect(upTo === undefined || comparePositions(upTo, frame.upTo) < 0).toBe(true);
    applied.push(frame);
    upTo = frame.upTo;
  }
  return applied;
}
