/** Which broker: the scheme picks the client. */
export interface BrokerAddress {
  readonly kind: 'embedded';
}

/** Which store. */
export interface StoreAddress {
  readonly kind: 'embedded';
}

/** @throws RangeError that says what is wanted */
export function parseBrokerAddress(text: string): BrokerAddress {
  if (text === 'embedded') return { kind: 'embedded' };
  throw new RangeError('embedded');
}

/** @throws RangeError that says what is wanted */
export function parseStoreAddress(text: string): StoreAddress {
  if (text === 'embedded') return { kind: 'embedded' };
  throw new RangeError('embedded');
}
