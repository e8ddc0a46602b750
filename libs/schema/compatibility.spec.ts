import 'reflect-metadata';
import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { IsIn, IsInt, IsOptional, IsString, Max, Min } from 'class-validator';
import fc from 'fast-check';
import { eventBreaks, registryBreaks, type SchemaBreak } from './compatibility.js';
import { type EventClass, jsonSchemaOf, type ObjectSchema, type PropertySchema } from './json-schema.js';
import { PUBLIC_SCHEMAS } from './public-schemas.js';

class Order {
  @IsString()
  shopId!: string;
  @IsInt()
  @Min(0)
  cents!: number;
  @IsOptional()
  @IsIn(['card', 'cash'])
  payment?: string;
}
class WithoutShop {
  @IsInt()
  @Min(0)
  cents!: number;
  @IsOptional()
  @IsIn(['card', 'cash'])
  payment?: string;
}
class WithTextCents {
  @IsString()
  shopId!: string;
  @IsString()
  cents!: string;
  @IsOptional()
  @IsIn(['card', 'cash'])
  payment?: string;
}
class WithMore extends Order {
  @IsString()
  country!: string;
}
class WithOptional extends Order {
  @IsOptional()
  @IsString()
  note?: string;
}
class Narrower {
  @IsOptional()
  @IsString()
  shopId?: string;
  @IsInt()
  @Min(1)
  @Max(1_000)
  cents!: number;
  @IsOptional()
  @IsIn(['card', 'voucher'])
  payment?: string;
}

const schemaOf = (eventClass: EventClass): ObjectSchema => jsonSchemaOf('order@1', eventClass);
const told = (breaks: readonly SchemaBreak[]): readonly string[] =>
  breaks.map(({ field, reader, reason }) => `${field} (${reader}): ${reason}`);

describe('a change of an event class', () => {
  const changes: readonly (readonly [name: string, changed: EventClass, breaks: readonly string[]])[] = [
    ['none', Order, []],
    ['a further optional field', WithOptional, []],
    [
      'a further required field',
      WithMore,
      ['country (stored events): is new and required; stored events have it not'],
    ],
    ['a field that is gone', WithoutShop, ['shopId (older readers): is gone; they read it by name']],
    [
      'another type',
      WithTextCents,
      [
        'cents (stored events): may not be integer any more; in stored events it may',
        'cents (older readers): may be string now; they expect integer',
      ],
    ],
    [
      'less and more than before',
      Narrower,
      [
        'shopId (older readers): may be absent now; they count on it',
        'shopId (older readers): may be null now; they expect string',
        'cents (stored events): has the minimum 1 now, it was 0',
        'cents (stored events): has the maximum 1000 now, it was none',
        'payment (stored events): may not be cash any more',
        'payment (older readers): may be voucher now',
      ],
    ],
  ];
  test.each(changes)('%s', (_name, changed, breaks) => {
    expect(told(eventBreaks(schemaOf(Order), schemaOf(changed)))).toEqual(breaks);
  });
});

// Whatever is not reported is compared with what a validator says of data.
const property: fc.Arbitrary<PropertySchema> = fc
  .record(
    {
      type: fc.constantFrom('string', 'integer', 'number', 'boolean', ['string', 'null'], ['number', 'null']),
      minimum: fc.integer({ min: -2, max: 2 }),
      maximum: fc.integer({ min: -1, max: 3 }),
      minLength: fc.integer({ min: 0, max: 2 }),
      maxLength: fc.integer({ min: 1, max: 3 }),
      enum: fc.uniqueArray(fc.constantFrom('a', 'bb', 1, 2, true, null), { minLength: 1 }),
    },
    { requiredKeys: ['type'] },
  )
  .map((drawn) => drawn as PropertySchema);
const schema: fc.Arbitrary<ObjectSchema> = fc
  .record({
    type: fc.constant('object' as const),
    properties: fc.dictionary(fc.constantFrom('x', 'y'), property),
    required: fc.constant([] as string[]),
  })
  .chain((drawn) => fc.subarray(Object.keys(drawn.properties)).map((required) => ({ ...drawn, required })));
const value = fc.constantFrom<unknown>('', 'a', 'bb', 'ccc', 'dddd', -2, 0, 1, 1.5, 2, 3, true, false, null);
const data = fc.dictionary(fc.constantFrom('x', 'y'), value);

describe('what is not reported as a break of stored events', () => {
  test('is read by the new schema wherever the old one took it', () => {
    const ajv = new Ajv2020({ strict: false });
    fc.assert(
      fc.property(
        schema,
        schema,
        fc.array(data, { minLength: 5, maxLength: 20 }),
        (older, newer, samples) => {
          // A field that the old schema does not name may hold anything: it is no promise of the old one.
          const named = samples.map((sample) =>
            Object.fromEntries(Object.entries(sample).filter(([field]) => field in older.properties)),
          );
          if (eventBreaks(older, newer).some(({ reader }) => reader === 'stored events')) return;
          for (const sample of named) {
            if (ajv.validate(older, sample)) expect(ajv.validate(newer, sample)).toBe(true);
          }
        },
      ),
    );
  });
});

describe('a change of a public schema', () => {
  const { results } = PUBLIC_SCHEMAS;
  const changed = (change: (text: string) => string): typeof results =>
    JSON.parse(change(JSON.stringify(results))) as typeof results;

  test('none breaks nothing', () => {
    for (const record of Object.values(PUBLIC_SCHEMAS)) expect(registryBreaks(record, record)).toEqual([]);
  });

  test('a field more or less breaks nothing while it has a default', () => {
    const less = { ...results, fields: results.fields.slice(1) };
    expect(registryBreaks(results, less)).toEqual([]);
    expect(registryBreaks(less, results)).toEqual([]);
  });

  test('a field without default is named', () => {
    const more = { ...results, fields: [...results.fields, { name: 'tenant', type: 'string' as const }] };
    expect(told(registryBreaks(results, more))).toEqual(['tenant (registry): is new, and has no default']);
  });

  test('another type is named, also within', () => {
    const text = changed((schemaText) =>
      schemaText.replace(
        '"name":"revision","type":["null","long"]',
        '"name":"revision","type":["null","string"]',
      ),
    );
    expect(told(registryBreaks(results, text))).toEqual([
      'revision (registry): is "string" now, it was "long"',
    ]);
    const { dead } = PUBLIC_SCHEMAS;
    const inner = JSON.parse(
      JSON.stringify(dead).replace(
        '"name":"line","type":["null","long"]',
        '"name":"line","type":["null","double"]',
      ),
    ) as typeof dead;
    expect(told(registryBreaks(dead, inner))).toEqual([
      'dead.line (registry): is "double" now, it was "long"',
    ]);
  });
});
