// The health check of the image: does the app that runs in it answer its probe.

const PORTS = { standalone: 3000, dashboard: 3000, ingest: 3001, enrich: 3002, aggregate: 3003, alert: 3004 };
const TIMEOUT_MS = 4_000;

const port = process.env.MILLRACE_PORT || PORTS[process.env.APP];
try {
  const response = await fetch(`http://127.0.0.1:${port}/health/live`, {
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  process.exit(response.ok ? 0 : 1);
} catch {
  process.exit(1);
}
