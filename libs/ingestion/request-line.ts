/** What a request line says. */
export interface RequestLine {
  readonly method: string;
  /** Begins with `/`. */
  readonly path: string;
  /** Absent where there is no `?`, or nothing after it. */
  readonly query?: string;
  readonly protocol?: string;
  /** Only where the target was a whole URL. */
  readonly host?: string;
}

/** Where a request went: the target of a request line, cut up. */
export type RequestTarget = Pick<RequestLine, 'path' | 'query' | 'host'>;

const MAX_METHOD_LENGTH = 32;

/**
 * Cuts `GET /a?b HTTP/1.1`; undefined if it is none. The target may hold spaces (some clients send them), the
 * protocol may be missing (HTTP/0.9).
 */
export function parseRequestLine(text: string): RequestLine | undefined {
  const methodEnd = text.indexOf(' ');
  if (methodEnd < 0 || !isMethod(text, methodEnd)) return undefined;
  const lastSpace = text.lastIndexOf(' ');
  const hasProtocol = lastSpace > methodEnd && text.startsWith('HTTP/', lastSpace + 1);
  const target = parseTarget(text.slice(methodEnd + 1, hasProtocol ? lastSpace : text.length));
  if (target === undefined) return undefined;
  const method = text.slice(0, methodEnd);
  return hasProtocol ? { method, ...target, protocol: text.slice(lastSpace + 1) } : { method, ...target };
}

/** Letters, digits, `-` and `_`: every registered method, and no TLS handshake or other noise. */
function isMethod(text: string, end: number): boolean {
  if (end < 1 || end > MAX_METHOD_LENGTH) return false;
  for (let i = 0; i < end; i++) {
    const code = text.charCodeAt(i);
    const letter = code | 32;
    const isDigit = code >= 48 && code <= 57;
    if (!(letter >= 97 && letter <= 122) && !isDigit && code !== 45 && code !== 95) return false;
  }
  return true;
}

/** Cuts `/a?b` or `http://host/a?b`; undefined if it is neither. */
export function parseTarget(target: string): RequestTarget | undefined {
  if (target.charCodeAt(0) === 47) return splitQuery(target);
  const schemeEnd = target.indexOf('://');
  if (schemeEnd < 0 || schemeEnd > 5 || !/^https?$/i.test(target.slice(0, schemeEnd))) return undefined;
  const authorityAt = schemeEnd + 3;
  const authorityLength = target.slice(authorityAt).search(/[/?#]/);
  const authorityEnd = authorityLength < 0 ? target.length : authorityAt + authorityLength;
  const host = hostOf(target.slice(authorityAt, authorityEnd));
  if (host === '') return undefined;
  const rest = target.slice(authorityEnd);
  return { ...splitQuery(rest.startsWith('/') ? rest : `/${rest}`), host };
}

function splitQuery(target: string): RequestTarget {
  const mark = target.indexOf('?');
  if (mark < 0) return { path: target };
  const path = target.slice(0, mark);
  return mark === target.length - 1 ? { path } : { path, query: target.slice(mark + 1) };
}

/** `user@host:80` without user and port; an IPv6 address keeps its brackets, and without any it has no port. */
export function hostOf(authority: string): string {
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const portAt = host.indexOf(':', host.startsWith('[') ? host.indexOf(']') : 0);
  const isBareAddress = portAt >= 0 && host.includes(':', portAt + 1);
  return portAt < 0 || isBareAddress ? host : host.slice(0, portAt);
}
