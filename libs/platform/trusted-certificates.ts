import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { PlatformError, type RetryAdvice } from '#libs/kernel';

/** A file of certificates that can't be used. */
export class CertificatesUnreadableError extends PlatformError {
  readonly code = 'CERTIFICATES_UNREADABLE';
  readonly retry: RetryAdvice = 'never';
  constructor(file: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`no certificates in ${file}: ${reason}`, { cause, context: { file, reason } });
  }
}

/**
 * Trusts the certificates of a file (PEM) beside those that are trusted anyway, in this process: for WebSockets and
 * for REST alike, of which `fetch` takes no certificates of its own.
 *
 * @throws CertificatesUnreadableError
 */
export function trustAlso(file: string): void {
  try {
    setDefaultCACertificates([...getCACertificates('default'), readFileSync(file, 'utf8')]);
  } catch (error) {
    throw new CertificatesUnreadableError(file, error);
  }
}
