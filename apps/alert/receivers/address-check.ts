import { lookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { PlatformError, type RetryAdvice } from '#libs/kernel';

/** A receiver's address leads into a private network, and is not allowed to. */
export class ReceiverAddressPrivateError extends PlatformError {
  readonly code = 'RECEIVER_ADDRESS_PRIVATE';
  readonly retry: RetryAdvice = 'never';
  constructor(host: string, address: string) {
    super(
      `${host} is ${address}, an address that is not public; allowPrivate: true of the receiver allows it`,
      {
        context: { host, address },
      },
    );
  }
}

/** Networks that are not the public internet: RFC 6890 and those after it. */
const NOT_PUBLIC = new BlockList();
for (const [network, prefix] of [
  ...[
    ['0.0.0.0', 8] as const,
    ['10.0.0.0', 8] as const,
    ['100.64.0.0', 10] as const,
    ['127.0.0.0', 8] as const,
  ],
  ...[['169.254.0.0', 16] as const, ['172.16.0.0', 12] as const, ['192.0.0.0', 24] as const],
  ...[['192.0.2.0', 24] as const, ['192.168.0.0', 16] as const, ['198.18.0.0', 15] as const],
  ...[['198.51.100.0', 24] as const, ['203.0.113.0', 24] as const, ['224.0.0.0', 4] as const],
  ...[['192.88.99.0', 24] as const, ['240.0.0.0', 4] as const],
] as const)
  NOT_PUBLIC.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  // IPv4 addresses in other clothes: compatible (`::1` among them), translated, behind NAT64 and 6to4.
  ...[['::', 96] as const, ['::ffff:0:0:0', 96] as const, ['64:ff9b::', 96] as const],
  ...[['64:ff9b:1::', 48] as const, ['3fff::', 20] as const, ['5f00::', 16] as const],
  ...[['100::', 64] as const, ['2001::', 23] as const, ['2001:db8::', 32] as const, ['2002::', 16] as const],
  ...[['fc00::', 7] as const, ['fe80::', 10] as const, ['fec0::', 10] as const, ['ff00::', 8] as const],
] as const)
  NOT_PUBLIC.addSubnet(network, prefix, 'ipv6');

/** Is it an address of the public internet. IPv4 written as IPv6 is judged as IPv4. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  return !NOT_PUBLIC.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** @throws ReceiverAddressPrivateError for an address in the place of a name, which nobody looks up */
export function assertPublicHost(url: URL): void {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw new ReceiverAddressPrivateError(host, host);
}

/** What is asked for the addresses of a name. */
export type Resolve = (
  host: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * Looks names up, and fails for one that has any address that is not public. It is asked when a connection is made, for each
 * anew, and the connection goes to what was checked: no later answer of a name server can lead it elsewhere.
 */
export function publicLookup(resolve: Resolve = lookup): LookupFunction {
  return (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const hidden = addresses.find(({ address }) => !isPublicAddress(address));
      if (hidden !== undefined) return callback(new ReceiverAddressPrivateError(host, hidden.address), []);
      const [first] = addresses;
      if (options.all === true || first === undefined) return callback(null, addresses);
      callback(null, first.address, first.family);
    });
  };
}
