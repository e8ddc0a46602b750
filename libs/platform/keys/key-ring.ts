import { Clock } from '#libs/kernel';
import { COLLECTIONS, DocumentStore } from '#libs/storage';
import { Inject, Injectable } from '@nestjs/common';
import { Configuration } from '../configuration.js';
import {
  type ApiKey,
  allows,
  hashOf,
  idOf,
  isInForce,
  isTextOf,
  keyFromJson,
  type KeyScope,
  keyToJson,
  makeKey,
} from './api-key.js';
import {
  KeyLimitError,
  KeyMissingError,
  KeyRequestInvalidError,
  KeyScopeError,
  KeysNeededError,
  KeyUnknownError,
} from './key.errors.js';

/** How long a process goes by what it knows: so long a key that another has revoked may still open something. */
const REFRESH_MS = 2_000;
const MAX_KEYS = 1_000;
const KIND = 'api-key';
/** Those that take events, or show what became of them. */
const OPEN_APPS: readonly string[] = ['ingest', 'dashboard', 'standalone'];
/** Stands for MILLRACE_ADMIN_KEY in lists and in the log. */
const CONFIGURED_ID = 'configured';

/** The keys that there are, as the store keeps them, and what they open. */
@Injectable()
export class KeyRing {
  #keys: ReadonlyMap<string, ApiKey> = new Map();
  #readMs = -Infinity;
  #reading: Promise<void> | undefined;

  constructor(
    @Inject(DocumentStore) private readonly documents: DocumentStore,
    @Inject(Clock) private readonly clock: Clock,
    @Inject(Configuration) private readonly configuration: Configuration,
  ) {}

  /**
   * The key that a request shows; undefined: none is needed. None is as long as there are no keys and the process listens on
   * loopback, and where `MILLRACE_AUTH` says so.
   *
   * @throws KeyMissingError, KeyScopeError
   */
  async authorise(text: string | undefined, scope: KeyScope): Promise<ApiKey | undefined> {
    if (!(await this.areNeeded())) return undefined;
    const key = text === undefined ? undefined : this.#find(text);
    if (key === undefined) throw new KeyMissingError(scope, text !== undefined);
    if (!allows(key, scope)) throw new KeyScopeError(key.id, scope, key.scopes);
    return key;
  }

  /** Is it known at this moment that no request needs a key. */
  get isOpen(): boolean {
    if (this.configuration.values.auth === 'none') return true;
    return this.#isFresh && !this.#areNeeded();
  }

  /** Does a request need a key at present. */
  async areNeeded(): Promise<boolean> {
    if (this.configuration.values.auth === 'none') return false;
    await this.#refresh();
    return this.#areNeeded();
  }

  #areNeeded(): boolean {
    const { auth, adminKey, host } = this.configuration.values;
    return auth === 'keys' || adminKey !== undefined || this.#keys.size > 0 || !isLoopback(host);
  }

  /** @throws KeysNeededError if everybody could reach it, and no key was ever made */
  async assertSafe(): Promise<void> {
    const { app, values } = this.configuration;
    const { auth, adminKey, host } = values;
    // The others serve nothing but probes and metrics.
    if (!OPEN_APPS.includes(app) || auth === 'none' || adminKey !== undefined || isLoopback(host)) return;
    await this.#refresh();
    if (this.#keys.size === 0) throw new KeysNeededError(host);
  }

  /** Every key, the newest first. */
  async list(): Promise<readonly ApiKey[]> {
    await this.#read();
    return [...this.#keys.values()].sort((a, b) => b.createdMs - a.createdMs);
  }

  /** @throws KeyLimitError */
  async make(
    fields: Omit<ApiKey, 'id' | 'hash' | 'createdMs'>,
  ): Promise<{ readonly key: ApiKey; readonly text: string }> {
    await this.#read();
    if (this.#keys.size >= MAX_KEYS) await this.#forgetOldest();
    const made = makeKey({ ...fields, createdMs: this.clock.nowMs() });
    await this.#write(made.key);
    return made;
  }

  /**
   * A new key in the place of another, which stays in force for `overlapMs` more. A revoked one gets none: whoever takes it away means it.
   *
   * @throws KeyUnknownError, KeyLimitError, KeyRequestInvalidError
   */
  async rotate(id: string, overlapMs: number): Promise<{ readonly key: ApiKey; readonly text: string }> {
    const before = await this.#known(id);
    if (before.revokedMs !== undefined)
      throw new KeyRequestInvalidError(`key ${id} is revoked; make a new one`);
    const { name, scopes, eventsPerSecond, eventsPerDay } = before;
    const fields = {
      ...{ name, scopes },
      ...(eventsPerSecond === undefined ? {} : { eventsPerSecond }),
      ...(eventsPerDay === undefined ? {} : { eventsPerDay }),
    };
    const made = await this.make(fields);
    const expiresMs = Math.min(before.expiresMs ?? Infinity, this.clock.nowMs() + overlapMs);
    await this.#write({ ...before, expiresMs });
    return made;
  }

  /** From now on the key opens nothing: here at once, in other processes within 2 s. @throws KeyUnknownError */
  async revoke(id: string): Promise<ApiKey> {
    const key = await this.#known(id);
    const revoked = { ...key, revokedMs: key.revokedMs ?? this.clock.nowMs() };
    await this.#write(revoked);
    return revoked;
  }

  /** Makes room by the key that has opened nothing for the longest time. @throws KeyLimitError where all are in force */
  async #forgetOldest(): Promise<void> {
    const nowMs = this.clock.nowMs();
    const endMs = ({ expiresMs = Infinity, revokedMs = Infinity }: ApiKey): number =>
      Math.min(expiresMs, revokedMs);
    const past = [...this.#keys.values()].filter((key) => !isInForce(key, nowMs));
    const [oldest] = past.sort((a, b) => endMs(a) - endMs(b));
    if (oldest === undefined) throw new KeyLimitError(MAX_KEYS);
    await this.documents.remove(COLLECTIONS.settings, documentIdOf(oldest));
  }

  async #known(id: string): Promise<ApiKey> {
    await this.#read();
    const key = this.#keys.get(id);
    if (key === undefined) throw new KeyUnknownError(id);
    return key;
  }

  #find(text: string): ApiKey | undefined {
    const { adminKey } = this.configuration.values;
    if (adminKey !== undefined && isTextOf(text, { hash: hashOf(adminKey) }))
      return { id: CONFIGURED_ID, name: CONFIGURED_ID, scopes: ['admin'], hash: '', createdMs: 0 };
    const key = this.#keys.get(idOf(text) ?? '');
    return key !== undefined && isTextOf(text, key) && isInForce(key, this.clock.nowMs()) ? key : undefined;
  }

  async #refresh(): Promise<void> {
    if (!this.#isFresh) await this.#read();
  }

  get #isFresh(): boolean {
    return this.clock.monotonicMs() - this.#readMs < REFRESH_MS;
  }

  #read(): Promise<void> {
    this.#reading ??= this.#readAll().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #readAll(): Promise<void> {
    const where = { kind: KIND };
    const { documents } = await this.documents.find({
      collection: COLLECTIONS.settings,
      where,
      limit: MAX_KEYS,
    });
    const keys = documents.map(({ body }) => keyFromJson(body)).filter((key) => key !== undefined);
    this.#keys = new Map(keys.map((key) => [key.id, key]));
    this.#readMs = this.clock.monotonicMs();
  }

  async #write(key: ApiKey): Promise<void> {
    const id = documentIdOf(key);
    const fields = { kind: KIND };
    await this.documents.put([
      { collection: COLLECTIONS.settings, id, timeMs: key.createdMs, fields, body: keyToJson(key) },
    ]);
    // Whoever reads at this moment may have looked before.
    await this.#reading;
    await this.#read();
  }
}

function documentIdOf({ id }: ApiKey): string {
  return `api-keys/${id}`;
}

/** Is nobody but this machine able to come in. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
