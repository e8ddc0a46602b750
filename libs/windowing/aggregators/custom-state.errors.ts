import { PlatformError } from '#libs/kernel';

/** The state of a custom aggregator has grown beyond its bound: it would not fit into messages any more. */
export class CustomStateTooLargeError extends PlatformError {
  readonly code = 'CUSTOM_STATE_TOO_LARGE';
  readonly retry = 'never';

  constructor(aggregator: string, encodedChars: number, maxEncodedChars: number) {
    super(
      `the state of the aggregator ${aggregator} takes ${encodedChars} characters, ${maxEncodedChars} are allowed`,
      {
        context: { aggregator, encodedChars, maxEncodedChars },
      },
    );
  }
}
