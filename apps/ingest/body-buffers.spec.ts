import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BodyBuffers } from './body-buffers.js';

const piece = fc.tuple(fc.nat(50_000), fc.nat(255)).map(([bytes, fill]) => Buffer.alloc(bytes, fill));

describe('buffers of bodies', () => {
  it('hold what was put in, also beside others and where the memory was another body before', () => {
    const body = fc.record({ pieces: fc.array(piece, { maxLength: 4 }), isLetGo: fc.boolean() });
    fc.assert(
      fc.property(fc.array(body, { maxLength: 6 }), (bodies) => {
        const buffers = new BodyBuffers();
        const held: (readonly [Buffer, Buffer])[] = [];
        for (const { pieces, isLetGo } of bodies) {
          const wanted = Buffer.concat(pieces);
          const joined = buffers.joined(pieces, wanted.length);
          expect(joined.equals(wanted)).toBe(true);
          if (isLetGo) buffers.letGo(joined);
          else held.push([joined, wanted]);
        }
        for (const [joined, wanted] of held) expect(joined.equals(wanted)).toBe(true);
      }),
    );
  });

  it('are used again', () => {
    const buffers = new BodyBuffers();
    const first = buffers.joined([Buffer.from('one'), Buffer.from('two')], 6);
    buffers.letGo(first);
    const second = buffers.joined([Buffer.from('three')], 5);
    expect(second.buffer).toBe(first.buffer);
    expect(second.toString()).toBe('three');
  });

  it('take back nothing that is not theirs', () => {
    const buffers = new BodyBuffers();
    const foreign = Buffer.alloc(128 * 1024);
    buffers.letGo(foreign);
    expect(buffers.joined([Buffer.from('a')], 1).buffer).not.toBe(foreign.buffer);
  });
});
