import { type MongodbAddress, parseMongodbAddress } from './mongodb-address.js';

/** Which broker: the scheme picks the client. */
export type BrokerAddress =
  | { readonly kind: 'embedded' }
  /** Pulsar over its WebSocket API: `ws://host:8080` or `wss://host:8443`. */
  | { readonly kind: 'websocket'; readonly address: string }
  /** Pulsar by its native client: `pulsar://host:6650` or `pulsar+ssl://host:6651`; several hosts with commas between. */
  | { readonly kind: 'pulsar'; readonly address: string };

/** Which store. */
export type StoreAddress = { readonly kind: 'embedded' } | MongodbAddress;

/** @throws RangeError that says what is wanted */
export function parseBrokerAddress(text: string): BrokerAddress {
  if (text === 'embedded') return { kind: 'embedded' };
  if (PULSAR_ADDRESS.test(text)) return { kind: 'pulsar', address: text.replace(/\/$/, '') };
  const address = addressIn(text);
  switch (address?.protocol) {
    case 'ws:':
    case 'wss:':
      return { kind: 'websocket', address: address.href.replace(/\/+$/, '') };
    default:
      throw new RangeError(BROKERS);
  }
}

const BROKERS =
  'embedded, or the address of a Pulsar: ws://host:8080, wss://host:8443, pulsar://host:6650 or pulsar+ssl://host:6651';
const PULSAR_ADDRESS = /^pulsar(\+ssl)?:\/\/[^\s/,@?#]+(,[^\s/,@?#]+)*\/?$/;

/** Pulsar's REST API where nobody says where it is: on the same host, at the port that it has by default. */
export function defaultAdminAddress({ kind, address }: Exclude<BrokerAddress, { kind: 'embedded' }>): string {
  if (kind === 'websocket') return address.replace(/^ws/, 'http');
  const [scheme, hosts = ''] = address.split('://');
  const host = (hosts.split(',')[0] ?? '').replace(/:\d+$/, '');
  return scheme === 'pulsar' ? `http://${host}:8080` : `https://${host}:8443`;
}

/** A host, and no more than a path: what is secret does not belong into an address. */
function addressIn(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.host === '' || url.username + url.password + url.search + url.hash !== '' ? undefined : url;
}

/** @throws RangeError that says what is wanted */
export function parseAdminAddress(text: string): string {
  const address = addressIn(text);
  if (address === undefined || !['http:', 'https:'].includes(address.protocol))
    throw new RangeError("the address of Pulsar's REST API: http://host:8080 or https://host:8443");
  return address.href.replace(/\/+$/, '');
}

const STORES = 'embedded, or the address of a MongoDB replica set: mongodb://host:27017/?replicaSet=rs0';

/** @throws RangeError that says what is wanted */
export function parseStoreAddress(text: string): StoreAddress {
  if (text === 'embedded') return { kind: 'embedded' };
  const mongodb = parseMongodbAddress(text);
  if (mongodb !== undefined) return mongodb;
  throw new RangeError(STORES);
}
