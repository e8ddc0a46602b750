import { InvalidArgumentError } from 'commander';

/** Where to ask. */
export const URL_OPTION = [
  '--url <url>',
  'where the dashboard or standalone listens; with a key, where one is needed: http://KEY@host:3000',
  readUrl,
  'http://127.0.0.1:3000',
] as const;

/** Reads a whole number between two bounds, both included. */
export function integerFrom(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`wanted a whole number from ${min} to ${max}`);
  };
}

function readUrl(text: string): string {
  if (/^https?:$/.test(URL.parse(text)?.protocol ?? '')) return text;
  throw new InvalidArgumentError('wanted an address such as http://127.0.0.1:3000');
}
