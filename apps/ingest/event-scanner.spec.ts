import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type JsonObject, type JsonValue } from '#libs/kernel';
import { EventScanner, type OtherValue, parseEvent, type PlainEvent, ScannedEvents } from '#libs/ingestion';
import { shippedSchemas } from '#libs/schema';

const schema = shippedSchemas().get('web-request@1')!;
const RECEIVED_MS = 1_790_000_000_000;
const VISIT = { method: 'GET', path: '/', status: 200 };

function scan(text: string | Buffer): readonly (PlainEvent | OtherValue)[] | undefined {
  return listOf(new EventScanner(schema.jsonSchema).scan(Buffer.from(text as string)));
}

function listOf(events: ScannedEvents | undefined): readonly (PlainEvent | OtherValue)[] | undefined {
  if (events === undefined) return undefined;
  return Array.from({ length: events.length }, (_, index) => ({ ...events.at(index) }));
}

function kindsOf(text: string): string {
  return (
    scan(text)
      ?.map(({ kind }) => kind)
      .join() ?? 'left'
  );
}

/** What the slow way makes of a value, where it takes it. */
function slowly(value: JsonValue): object | undefined {
  const parsed = parseEvent(value, { receivedMs: RECEIVED_MS });
  if (parsed.kind === 'rejected' || schema.check(parsed.data) !== undefined) return undefined;
  return { id: parsed.id, timeMs: parsed.timeMs, data: parsed.data };
}

function dataOf({ json, from, end }: PlainEvent): JsonObject {
  return JSON.parse(`{${json.toString('utf8', from, end)}}`) as JsonObject;
}

/** S1. What the scanner takes is JSON, and each event is what the slow way would have made of it. */
function expectSame(body: Buffer): void {
  const scanned = scan(body);
  if (scanned === undefined) return;
  const parsed = JSON.parse(body.toString('utf8')) as JsonValue;
  const values = (Array.isArray(parsed) ? parsed : [parsed]) as readonly JsonValue[];
  expect(scanned).toHaveLength(values.length);
  for (const [index, item] of scanned.entries()) {
    if (item.kind === 'other') {
      expect(item.value).toEqual(values[index]);
      continue;
    }
    const { id } = item;
    const timeMs = Number.isNaN(item.timeMs) ? RECEIVED_MS : item.timeMs;
    expect({ id, timeMs, data: dataOf(item) }).toEqual(slowly(values[index]!));
    expect(item.json.subarray(item.from, item.end).includes(10)).toBe(false);
    expect(JSON.parse(`"${id ?? ''}"`)).toBe(id ?? '');
  }
}

const name = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...schema.fields.keys()) },
  { weight: 3, arbitrary: fc.constantFrom('id', 'time', 'timestamp', 'extra', 'data', '', '__proto__', 'é') },
  fc.string({ maxLength: 5, unit: 'grapheme' }),
);
const text = fc.oneof(
  fc.constantFrom(
    '',
    '/',
    '/a"b',
    'GET',
    '2026-01-31T12:00:00Z',
    '\\',
    '\u2028',
    '€'.repeat(11),
    'x'.repeat(300),
  ),
  fc.string({ unit: 'binary', maxLength: 12 }).map((value) => `/${value}`),
);
const number = fc.oneof(
  fc.constantFrom(
    0,
    -0,
    99,
    100,
    599,
    600,
    200.5,
    1e21,
    1e-7,
    123_456_789_012_345,
    1_234_567_890_123_456,
    -1,
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
);
const value: fc.Arbitrary<JsonValue> = fc.oneof(
  text,
  number,
  fc.boolean(),
  fc.constant(null),
  fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonValue>,
);
const members = fc.array(fc.tuple(name, value), { maxLength: 8 });
const good = fc.tuple(
  fc.constantFrom([], [['id', 'a-1']], [['time', 5]], [['timestamp', '2026-01-31T12:00:00+02:00']]),
  fc.shuffledSubarray(Object.entries(VISIT) as [string, JsonValue][], { minLength: 3 }),
  members,
);
/** With members that stand there twice, in any order, with spaces of many kinds. */
const event = fc
  .tuple(
    fc.oneof(
      good.map((parts) => parts.flat() as [string, JsonValue][]),
      members,
    ),
    spaces(),
  )
  .map(([all, space]) => {
    const printed = all.map(
      ([key, each]) => `${space}${JSON.stringify(key)}${space}:${space}${JSON.stringify(each)}`,
    );
    return `{${printed.join(',')}${space}}`;
  });
const body = fc.oneof(
  event,
  fc
    .tuple(fc.array(event, { maxLength: 4 }), spaces())
    .map(([all, space]) => `${space}[${all.join(`${space},${space}`)}]${space}`),
);

function spaces(): fc.Arbitrary<string> {
  return fc.oneof({ weight: 5, arbitrary: fc.constant('') }, fc.constantFrom(' ', '\t', '\n', '\r\n', '  '));
}

describe('an event scanner', () => {
  it('makes of a body what JSON.parse, parseEvent and the schema make of it, or leaves it to them', () => {
    fc.assert(fc.property(body, (printed) => expectSame(Buffer.from(printed))));
  });

  it('does so too where bytes of it are changed, missing or too many', () => {
    const damage = fc.tuple(fc.nat(), fc.nat(3), fc.uint8Array({ maxLength: 2 }));
    fc.assert(
      fc.property(body, damage, (printed, [place, removed, added]) => {
        const bytes = Buffer.from(printed);
        const at = place % (bytes.length + 1);
        const damaged = Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)]);
        // What is no UTF-8 does not get here.
        expectSame(Buffer.from(damaged.toString('utf8')));
      }),
    );
  });

  it('says the same of a body whatever it has read before', () => {
    fc.assert(
      fc.property(fc.array(body, { minLength: 2, maxLength: 4 }), (bodies) => {
        const scanner = new EventScanner(schema.jsonSchema);
        const into = new ScannedEvents();
        const shown = (each: ReturnType<typeof scan>): unknown =>
          each?.map((item) => (item.kind === 'plain' ? { ...item, json: undefined } : item));
        for (const each of bodies)
          expect(shown(listOf(scanner.scan(Buffer.from(each), into)))).toEqual(shown(scan(each)));
      }),
    );
  });

  it.each([
    ['{"method":"GET","path":"/","status":200}', 'plain'],
    ['[{"time":1780000000000,"method":"GET","path":"/","status":200}]', 'plain'],
    [
      '[{"id":"a","method":"GET","time":"2026-01-31T12:00:00Z","path":"/a\\nb","status":200,"x":[1,{"y":null}]}]',
      'plain',
    ],
    ['[{"method":"GÉT","path":"/€","status":200,"durationMs":12.25,"userAgent":null}]', 'plain'],
    [
      '[{"method":"GET","path":"/","status":200},{"data":{"method":"GET","path":"/","status":200}}]',
      'plain,other',
    ],
    ['[{"method":"GET","path":"\\/","status":200}]', 'other'],
    ['[{"method":"GET","path":"/","status":200,"status":201}]', 'other'],
    ['[{"method":"GET","path":"/","path":"/"}]', 'other'],
    ['[{"method":"GET","path":"/","status":2e2}]', 'other'],
    ['[{"method":"GET","path":"/"}]', 'other'],
    ['[{"time":5,"timestamp":6,"method":"GET","path":"/","status":200}]', 'other'],
    ['[{"id":"a\\"b","method":"GET","path":"/","status":200}]', 'other'],
    ['[{"id":null,"method":"GET","path":"/","status":200}]', 'other'],
    ['[{"method":"GET",\n"path":"/","status":200}]', 'other'],
    ['[{"method":"GET","path":"/","status":200},5]', 'left'],
    ['[{"method":"GET","path":"/","status":200},]', 'left'],
    ['[{"method":"GET","path":"/","status":0200}]', 'left'],
    ['[{"method":"GET","path":"/","status":200}', 'left'],
    ['{"method":"GET","path":"/","status":200,"id":"\\"}', 'left'],
    ['{"method":"GET","path":"/","status":200,"id":"a', 'left'],
    ['[]', 'left'],
    ['', 'left'],
  ])('takes %s for %s', (printed, kinds) => {
    expect(kindsOf(printed)).toBe(kinds);
    expectSame(Buffer.from(printed));
  });

  it('takes every field at its bound, and leaves what is beyond to the schema', () => {
    const takes = (fields: JsonObject): string => kindsOf(JSON.stringify([{ ...VISIT, ...fields }]));
    expect([
      takes({ status: 100 }),
      takes({ status: 599 }),
      takes({ status: 99 }),
      takes({ status: 600 }),
    ]).toEqual(['plain', 'plain', 'other', 'other']);
    expect([
      takes({ method: 'x'.repeat(32) }),
      takes({ method: 'x'.repeat(33) }),
      takes({ method: '' }),
    ]).toEqual(['plain', 'other', 'other']);
    expect([
      takes({ path: 'x' }),
      takes({ status: 200.5 }),
      takes({ method: null }),
      takes({ bytes: true }),
    ]).toEqual(['other', 'other', 'other', 'other']);
  });

  it('leaves an event of more than 128 KiB, so that nothing it takes is too large', () => {
    expect(kindsOf(JSON.stringify([{ ...VISIT, note: 'x'.repeat(120_000) }]))).toBe('plain');
    expect(kindsOf(JSON.stringify([{ ...VISIT, note: 'x'.repeat(132_000) }]))).toBe('other');
  });

  it('leaves everything where the schema says more than it can judge', () => {
    expect(
      new EventScanner({ type: 'object', properties: {}, minProperties: 1 }).scan(Buffer.from('{"a":1}')),
    ).toBe(undefined);
    const list = new EventScanner({ type: 'object', properties: { a: { enum: [1] } } });
    expect(listOf(list.scan(Buffer.from('[{"a":1},{"b":1}]')))?.map(({ kind }) => kind)).toEqual([
      'other',
      'plain',
    ]);
  });
});
