const ZERO = 48;
const LETTER_A = 97;
/** Steps are worked out in 32 bits. */
const LARGEST_STEP = 2 ** 30;

/** A whole number that is printed in a text. As it changes, only those of its digits are written that change. */
export class PrintedNumber {
  #value = 0;
  // The values that have as many digits. None, as long as it stands nowhere.
  #least = Infinity;
  #largest = -Infinity;
  #bytes: Buffer = Buffer.alloc(0);
  #end = 0;

  /** @param base of its digits, of which those above nine are lower case letters */
  constructor(private readonly base: 10 | 36) {}

  get value(): number {
    return this.#value;
  }

  /** It stands in `bytes` now, before `end`. A value that is negative, or too large to be exact, never changes. */
  standsIn(bytes: Buffer, end: number, value: number): void {
    this.#bytes = bytes;
    this.#end = end;
    this.#value = value;
    const digits = value.toString(this.base).length;
    const isPlain = value >= 0 && this.base ** digits <= Number.MAX_SAFE_INTEGER;
    this.#least = isPlain ? (digits === 1 ? 0 : this.base ** (digits - 1)) : Infinity;
    this.#largest = isPlain ? this.base ** digits - 1 : -Infinity;
  }

  /** Can it become `value` where it stands. */
  fits(value: number): boolean {
    return value >= this.#least && value <= this.#largest && Math.abs(value - this.#value) <= LARGEST_STEP;
  }

  /** @param value one that {@link fits} */
  become(value: number): void {
    const bytes = this.#bytes;
    const { base } = this;
    let step = (value - this.#value) | 0;
    this.#value = value;
    for (let at = this.#end - 1; step !== 0; at--) {
      const sum = digitOf(bytes[at]!) + step;
      // Mostly it is the last digit, and nothing is carried: to divide would take longer than all else.
      const digit = sum >= 0 && sum < base ? sum : remainder(sum, base);
      bytes[at] = digit < 10 ? ZERO + digit : LETTER_A - 10 + digit;
      step = digit === sum ? 0 : ((sum - digit) / base) | 0;
    }
  }
}

function remainder(value: number, base: number): number {
  const rest = value % base;
  return rest < 0 ? rest + base : rest;
}

function digitOf(code: number): number {
  return code < LETTER_A ? code - ZERO : code - LETTER_A + 10;
}
