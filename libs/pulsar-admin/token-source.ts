import { readFile, stat } from 'node:fs/promises';
import { TokenUnreadableError } from './pulsar-admin.errors.js';

/** Where the bearer token of a broker comes from. Asked again for every connection and every request. */
export interface TokenSource {
  /** The token as it is now; undefined where the broker wants none. @throws TokenUnreadableError (backoff) */
  token(): Promise<string | undefined>;
}

/** For a broker without authentication. */
export const NO_TOKEN: TokenSource = { token: () => Promise.resolve(undefined) };

/** A token in a file, read again when the file has changed: by whatever renews it, in place or by a new link. */
export class FileTokenSource implements TokenSource {
  #known: { readonly mark: string; readonly token: string } | undefined;

  constructor(private readonly file: string) {}

  async token(): Promise<string> {
    const mark = await this.#mark();
    if (this.#known?.mark !== mark) this.#known = { mark, token: await this.#read() };
    return this.#known.token;
  }

  // Of what the path leads to, not of the link: Kubernetes renews a mounted secret by turning a link.
  async #mark(): Promise<string> {
    try {
      const { ino, size, mtimeNs, ctimeNs } = await stat(this.file, { bigint: true });
      return [ino, size, mtimeNs, ctimeNs].join('.');
    } catch (error) {
      throw this.#unreadable(error);
    }
  }

  async #read(): Promise<string> {
    const text = await readFile(this.file, 'utf8').catch((error: unknown) => {
      throw this.#unreadable(error);
    });
    const token = text.trim();
    if (token === '') throw new TokenUnreadableError(this.file, 'the file is empty');
    if (!/^[\x21-\x7e]+$/.test(token)) {
      throw new TokenUnreadableError(this.file, 'one line without blanks is wanted, the token alone');
    }
    return token;
  }

  #unreadable(cause: unknown): TokenUnreadableError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new TokenUnreadableError(this.file, reason, cause);
  }
}
