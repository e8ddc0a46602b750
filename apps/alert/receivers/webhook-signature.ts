import { createHmac } from 'node:crypto';

/**
 * The headers of a webhook as Standard Webhooks has them (standardwebhooks.com): `webhook-id` is the same for every
 * attempt, `webhook-signature` is `v1,` and the Base64 of HMAC-SHA256 over `<id>.<timestamp>.<body>`, `webhook-timestamp` in
 * seconds: a receiver refuses what is too old, so that nobody can send it again.
 *
 * @param secret undefined: unsigned
 */
export function webhookHeaders(
  { id, body, nowMs }: { readonly id: string; readonly body: string; readonly nowMs: number },
  secret: string | undefined,
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(nowMs / 1_000));
  const headers = { 'idempotency-key': id, 'webhook-id': id, 'webhook-timestamp': timestamp };
  if (secret === undefined) return headers;
  const signature = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
}
