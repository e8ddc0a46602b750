import { describe, expect, it } from '@jest/globals';
import {
  IsBoolean,
  IsEmail,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Matches,
  Min,
  ValidateIf,
} from 'class-validator';
import { SchemaRegistry, shippedSchemas, WebRequest } from './index.js';

class Checkout {
  @IsString()
  shopId!: string;
  @IsOptional()
  @IsIn(['card', 'cash'])
  payment?: string;
  @IsOptional()
  @IsBoolean()
  gift?: boolean;
}
class Counted {
  @Min(1)
  @IsInt()
  pieces!: number;
}
class WithEmail {
  @IsEmail()
  email!: string;
}
class WithCondition {
  @ValidateIf(() => false)
  @IsString()
  name!: string;
}
class WithFlags {
  @Matches(/^a/i)
  name!: string;
}
class Plain {
  name!: string;
}

describe('SchemaRegistry', () => {
  it('holds what comes with Millrace, and the classes of a user beside it', () => {
    const registry = shippedSchemas();
    const schema = registry.register(Checkout, { name: 'checkout', version: 2 });
    expect(registry.names()).toEqual(['checkout@2', 'web-request@1']);
    expect(registry.get('checkout@2')).toBe(schema);
    expect([...schema.fields]).toEqual(
      expect.arrayContaining([
        ['shopId', 'string'],
        ['payment', 'string'],
        ['gift', 'boolean'],
      ]),
    );
    expect(schema.check({ shopId: 'a', payment: null, gift: true })).toBeUndefined();
    expect(schema.check({ shopId: 'a', payment: 'shells' })).toMatchObject({
      path: '/payment',
      found: 'shells',
    });
  });

  it('shares nothing with another registry', () => {
    shippedSchemas().register(Checkout, { name: 'checkout', version: 1 });
    expect(shippedSchemas().get('checkout@1')).toBeUndefined();
  });

  it('keeps whole numbers whole, in whatever order the decorators stand', () => {
    const schema = new SchemaRegistry().register(Counted, { name: 'counted', version: 1 });
    expect(schema.check({ pieces: 1 })).toBeUndefined();
    expect(schema.check({ pieces: 1.5 })).toMatchObject({ path: '/pieces' });
  });

  it('refuses a name that is taken or not allowed', () => {
    const registry = shippedSchemas();
    const register = (name: string, version: number) => () => registry.register(Checkout, { name, version });
    expect(() => registry.register(WebRequest, { name: 'web-request', version: 1 })).toThrow('already');
    expect(register('Checkout', 1)).toThrow('lower-case');
    expect(register('checkout', 0)).toThrow('from 1');
    expect(register('checkout', 1.5)).toThrow('from 1');
  });

  it.each([
    [WithEmail, 'email: isEmail has no exact counterpart'],
    [WithCondition, 'name: this decorator has no exact counterpart'],
    [WithFlags, 'name: a pattern has to be a regular expression without flags'],
    [Plain, 'no decorators'],
  ])('refuses a class that would be checked differently as JSON Schema: %p', (eventClass, reason) => {
    expect(() => new SchemaRegistry().register(eventClass, { name: 'x', version: 1 })).toThrow(reason);
  });
});
