import { describe, expect, it } from '@jest/globals';
import { type Delivery, PRODUCER_PROPERTY, SEQUENCE_PROPERTY } from '#libs/messaging';
import { ProducerMemory } from './producer-memory.js';

function numbered(sequence: number, producer = 'ingest-1'): Delivery {
  return {
    topic: 't',
    partition: 0,
    position: [0, sequence, 0, 0],
    payload: new Uint8Array(),
    publishTimeMs: 0,
    producerName: producer,
    properties: { [PRODUCER_PROPERTY]: producer, [SEQUENCE_PROPERTY]: String(sequence) },
  };
}

describe('the numbers of a producer', () => {
  it('tell what came before, and what never came', () => {
    const memory = new ProducerMemory();
    const looks = [3, 4, 4, 3, 5, 9, 8, 10].map((sequence) => memory.look(numbered(sequence)));
    expect(looks.map(({ isRepeat }) => isRepeat)).toEqual([
      false,
      false,
      true,
      true,
      false,
      false,
      true,
      false,
    ]);
    expect(looks.map(({ missing }) => missing)).toEqual([0, 0, 0, 0, 0, 3, 0, 0]);
  });

  it('are kept over a restart, for each producer', () => {
    const memory = new ProducerMemory();
    memory.look(numbered(7));
    const next = new ProducerMemory();
    next.restore(new Map([...memory.cells()]));
    expect(next.look(numbered(9))).toEqual({ isRepeat: false, missing: 1 });
    expect(next.look(numbered(40, 'ingest-2'))).toEqual({ isRepeat: false, missing: 0 });
  });

  it('are not believed of a producer that gives another name', () => {
    const foreign = { ...numbered(5), producerName: 'somebody' };
    const memory = new ProducerMemory();
    for (const delivery of [foreign, foreign])
      expect(memory.look(delivery)).toEqual({ isRepeat: false, missing: 0 });
  });
});
