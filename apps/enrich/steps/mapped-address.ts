import { isIPv4 } from 'node:net';

const MAPPED = /^(?:0{0,4}:){2,5}ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i;

/** `::ffff:192.0.2.1`, as a server that listens for both writes it (RFC 4291, 2.5.5.2), is the IPv4 address in it; else the text itself. */
export function withoutMapping(address: string): string {
  const inner = MAPPED.exec(address)?.[1];
  return inner !== undefined && isIPv4(inner) ? inner : address;
}
