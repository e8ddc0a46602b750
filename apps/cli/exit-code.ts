/** What the exit codes of `millrace` mean; docs/operations.md lists them. */
export const EXIT_CODE = {
  done: 0,
  /** The command has looked, and the answer is no: a pipeline file is wrong, a topic is not as wanted. */
  refused: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** The server was not there, or answered with an error. */
  unavailable: 3,
} as const;

export type ExitCode = (typeof EXIT_CODE)[keyof typeof EXIT_CODE];
