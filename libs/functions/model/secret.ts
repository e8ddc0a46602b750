import { inspect } from 'node:util';

/** A secret that shows itself to nobody who does not ask: not in logs, not as text, not as JSON. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }

  [inspect.custom](): string {
    return 'Secret(***)';
  }
}

/** Below this, a text is too common to be looked for. */
const MIN_HIDDEN_LENGTH = 4;

/** The secrets of a function: hands them out, and takes them out of texts that are kept. */
export class Secrets {
  readonly #secrets: ReadonlyMap<string, Secret>;

  constructor(values: ReadonlyMap<string, string> = new Map()) {
    this.#secrets = new Map([...values].map(([name, value]) => [name, new Secret(value)]));
  }

  get(name: string): Secret | undefined {
    return this.#secrets.get(name);
  }

  /** The text with `***` in place of every secret: messages of errors tend to quote what they were given. */
  hideIn(text: string): string {
    let hidden = text;
    for (const secret of this.#secrets.values()) {
      const value = secret.reveal();
      if (value.length >= MIN_HIDDEN_LENGTH) hidden = hidden.replaceAll(value, '***');
    }
    return hidden;
  }
}
