import { encodeFrame, type FrameHeader, type OutgoingMessage } from '#libs/messaging';

/** Small enough that a reader which is behind takes many steps, large enough that the cost of a message is spread. */
const MAX_FRAME_BYTES = 250 * 1024;

/** Lines on their way into frames of one topic and partition; each frame is handed on when it is full. */
export class FrameLines {
  #lines: string[] = [];
  #bytes = 0;

  constructor(
    private readonly header: FrameHeader,
    private readonly send: (message: OutgoingMessage) => void,
  ) {}

  add(line: string): void {
    const lineBytes = Buffer.byteLength(line) + 1;
    if (this.#bytes > 0 && this.#bytes + lineBytes > MAX_FRAME_BYTES) this.end();
    this.#lines.push(line);
    this.#bytes += lineBytes;
  }

  /** Sends what is there. With `progress` also an empty frame: it rides behind everything that was added. */
  end(progress?: FrameHeader['progress']): void {
    if (this.#lines.length === 0 && progress === undefined) return;
    const header = progress === undefined ? this.header : { ...this.header, progress };
    this.send(encodeFrame(header, this.#lines));
    this.#lines = [];
    this.#bytes = 0;
  }
}
