/** A replica set, or what a DNS record says of one; credentials, options and database as MongoDB writes them. */
const ADDRESS = /^mongodb(\+srv)?:\/\/(?:[^@/?]*@)?[^@/?\s]+(?:\/([^?/]*))?(?:\?.*)?$/;
const DATABASE = /^[^/\\. "$*<>:|?\0]{1,38}$/;

export interface MongodbAddress {
  readonly kind: 'mongodb';
  /** As the driver takes it, credentials included. */
  readonly address: string;
  /** The one that the address names. */
  readonly database: string | undefined;
}

/** Undefined: it is none. @throws RangeError that says what is wanted */
export function parseMongodbAddress(text: string): MongodbAddress | undefined {
  const found = ADDRESS.exec(text);
  if (found === null) return undefined;
  const database = found[2] === undefined || found[2] === '' ? undefined : parseDatabase(unescaped(found[2]));
  return { kind: 'mongodb', address: text, database };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RangeError(`the name of a database, in which %25 stands for %; found ${text}`);
  }
}

/** @throws RangeError that says what is wanted */
export function parseLookupAddress(text: string): MongodbAddress {
  const address = parseMongodbAddress(text);
  if (address?.database === undefined)
    throw new RangeError('the address of a database: mongodb://user:password@host:27017/database');
  return address;
}

/** @throws RangeError that says what is wanted */
export function parseDatabase(text: string): string {
  if (!DATABASE.test(text))
    throw new RangeError(
      'the name of a database: at most 38 characters, none of / \\ . " $ * < > : | ? and no space',
    );
  return text;
}

/** Without user and password, whatever is wrong with the rest: `mongodb://***@a:27017/?replicaSet=rs0`. */
export function withoutCredentials(text: string): string {
  return text.replace(/^([a-z+]+:\/\/).*@/is, '$1***@').replace(/(password|secret|token)=[^&]*/gi, '$1=***');
}
