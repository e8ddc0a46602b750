const ADDRESS = /^#key=([\w-]+)$/;

/**
 * Takes the key to read with out of the address, where it stands as `#key=…`: no server and no log sees it there. The cookie
 * lasts as long as the browser is open.
 */
export function takeKey() {
  const key = ADDRESS.exec(location.hash)?.[1];
  if (key === undefined) return;
  document.cookie = `millrace_key=${key}; Path=/; SameSite=Strict`;
  history.replaceState(history.state, '', `${location.pathname}${location.search}`);
}
