/** Where to ask, and with which key. */
export interface KeyedAddress {
  readonly url: string;
  readonly key: string | undefined;
}

/** Takes the key out of an address in which it stands where a user does: `http://mrk_…@host:3000`. A key that was given by itself goes first. */
export function keyedAddress(url: string, key?: string): KeyedAddress {
  const address = new URL(url);
  const inAddress = decoded(address.username);
  address.username = '';
  address.password = '';
  return { url: address.href, key: key ?? (inAddress === '' ? undefined : inAddress) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
