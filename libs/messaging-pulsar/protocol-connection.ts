import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { encodeFields, decodeFields, type Fields, type FieldValue, messageIn } from './protobuf.js';

/** The commands that are used, with the number of their type. The field that carries one has the same number. */
export const COMMAND = {
  connect: 2,
  connected: 3,
  producer: 5,
  success: 13,
  error: 14,
  closeProducer: 15,
  producerSuccess: 17,
  lookup: 23,
  lookupResponse: 24,
} as const;

type CommandName = keyof typeof COMMAND;

export interface ProtocolAddress {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
}

export interface ProtocolOptions {
  readonly signal: AbortSignal;
  /** PEM texts to trust instead of Node's own. */
  readonly ca?: Buffer;
}

/** An answer of the broker. */
export interface Answer {
  readonly command: number;
  readonly fields: Fields;
}

/** Bounds what a broken peer can make us keep: no answer to these commands is near it. */
const MAX_FRAME_BYTES = 1_000_000;

/** A connection that speaks Pulsar's binary protocol, one command and its answer after the other. */
export class ProtocolConnection {
  #bytes: Buffer = Buffer.alloc(0);

  private constructor(
    private readonly socket: Socket,
    private readonly signal: AbortSignal,
  ) {}

  /** @throws what the socket throws; the signal's reason */
  static async open(
    { host, port, isTls }: ProtocolAddress,
    { signal, ca }: ProtocolOptions,
  ): Promise<ProtocolConnection> {
    signal.throwIfAborted();
    const socket = isTls
      ? connectTls({ host, port, servername: host, ...(ca === undefined ? {} : { ca }) })
      : connectTcp({ host, port });
    const connection = new ProtocolConnection(socket, signal);
    await connection.#next(isTls ? 'secureConnect' : 'connect');
    return connection;
  }

  /** Sends a command and gives what is answered to it; what comes in between, as pings, is passed over. */
  async ask(
    command: CommandName,
    fields: readonly (readonly [number, FieldValue | undefined])[],
    awaited: readonly CommandName[],
  ): Promise<Answer> {
    const type = COMMAND[command];
    const body = encodeFields([
      [1, type],
      [type, encodeFields(fields)],
    ]);
    const head = Buffer.alloc(8);
    head.writeUInt32BE(body.length + 4, 0);
    head.writeUInt32BE(body.length, 4);
    this.socket.write(Buffer.concat([head, body]));
    const wanted = new Set<number>([...awaited, 'error' as const].map((name) => COMMAND[name]));
    for (;;) {
      const answer = await this.#answer();
      if (wanted.has(answer.command)) return answer;
    }
  }

  close(): void {
    this.socket.destroy();
  }

  async #answer(): Promise<Answer> {
    for (;;) {
      const frame = this.#takeFrame();
      if (frame !== undefined) {
        const fields = decodeFields(frame);
        const command = Number(fields.get(1));
        return { command, fields: messageIn(fields, command) };
      }
      const chunk = await this.#next('data');
      this.#bytes = Buffer.concat([this.#bytes, chunk as Buffer]);
    }
  }

  #takeFrame(): Buffer | undefined {
    if (this.#bytes.length < 8) return undefined;
    const totalBytes = this.#bytes.readUInt32BE(0);
    if (totalBytes > MAX_FRAME_BYTES) throw new RangeError(`a command of ${totalBytes} bytes`);
    if (this.#bytes.length < totalBytes + 4) return undefined;
    const frame = this.#bytes.subarray(8, 8 + this.#bytes.readUInt32BE(4));
    this.#bytes = this.#bytes.subarray(totalBytes + 4);
    return frame;
  }

  /** The first argument of the next event of that name. Data that comes while nobody waits stays in the socket. */
  #next(event: 'connect' | 'secureConnect' | 'data'): Promise<unknown> {
    const { socket, signal } = this;
    return new Promise((resolve, reject) => {
      const onEvent = (value?: unknown): void => finish(() => resolve(value));
      const onError = (error: Error): void => finish(() => reject(error));
      const onClose = (): void => finish(() => reject(new Error('the broker closed the connection')));
      const onAbort = (): void => finish(() => reject(signal.reason as Error));
      function finish(settle: () => void): void {
        socket.pause();
        socket.off(event, onEvent).off('error', onError).off('close', onClose);
        signal.removeEventListener('abort', onAbort);
        settle();
      }
      socket.once(event, onEvent).once('error', onError).once('close', onClose);
      signal.addEventListener('abort', onAbort, { once: true });
      if (event === 'data') socket.resume();
    });
  }
}
