// Tells Millrace which pages are seen, and for how long. Put it on a page:
//   <script defer src="/beacon.js" data-url="https://ingest.example" data-stream="web" data-key="mrk_…"></script>
(() => {
  'use strict';
  const { url, stream = 'web', key } = document.currentScript.dataset;
  const route = `${url}/v1/streams/${stream}/events${key ? `?key=${encodeURIComponent(key)}` : ''}`;
  const random = () => Array.from(crypto.getRandomValues(new Uint32Array(3)), (n) => n.toString(36)).join('');

  // A text needs no preflight, and a beacon outlives its page.
  const send = (data) => {
    const event = { id: random(), time: Date.now(), data: { ...data, ...visit } };
    const body = JSON.stringify(event);
    if (!navigator.sendBeacon?.(route, body))
      void fetch(route, { method: 'POST', body, keepalive: true }).catch(() => {});
  };

  const session = () => {
    try {
      return (sessionStorage.millraceSession ??= random());
    } catch {
      return undefined;
    }
  };
  const visit = {
    status: 200,
    host: location.hostname,
    userAgent: navigator.userAgent,
    sessionId: session(),
  };

  let page;
  let seenMs = 0;
  let shownAt;
  const pause = () => {
    if (shownAt !== undefined) seenMs += performance.now() - shownAt;
    shownAt = undefined;
  };
  const resume = () => (shownAt ??= document.visibilityState === 'visible' ? performance.now() : undefined);

  const leave = () => {
    pause();
    if (page === undefined || seenMs < 1) return;
    send({ method: 'LEAVE', path: page, durationMs: Math.round(seenMs) });
    seenMs = 0;
  };
  const enter = (referrer) => {
    if (page === location.pathname) return;
    leave();
    page = location.pathname;
    resume();
    send({
      method: 'GET',
      path: page,
      query: location.search.slice(1) || undefined,
      referrer: referrer || undefined,
    });
  };

  // Pages that change without loading.
  for (const name of ['pushState', 'replaceState']) {
    const original = history[name];
    history[name] = function (...args) {
      const before = location.href;
      const result = original.apply(this, args);
      enter(before);
      return result;
    };
  }
  addEventListener('popstate', () => enter());
  // The last moment at which a phone lets a page do anything.
  document.addEventListener('visibilitychange', () =>
    document.visibilityState === 'hidden' ? leave() : resume(),
  );
  addEventListener('pagehide', leave);
  enter(document.referrer);
})();
