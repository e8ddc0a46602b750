import { until } from './until.js';

/** For a machine that has much else to do. */
const PATIENCE_MS = 180_000;

/** Until an app says so, and names the reasons. What it says. */
export async function untilReadyIs(
  url: string,
  status: number,
  ...reasons: readonly string[]
): Promise<string> {
  const { text } = await until(
    () => readiness(url),
    (answer) => answer.status === status && reasons.every((reason) => answer.text.includes(reason)),
    PATIENCE_MS,
  );
  return text;
}

/** Status 0: there was no answer. */
async function readiness(url: string): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const response = await fetch(`${url}/health/ready`);
    return { status: response.status, text: await response.text() };
  } catch (error) {
    return { status: 0, text: String(error) };
  }
}
