/**
 * Why the server lets nobody read: `missing`: it was given no key; `unknown`: none that is in force; `scope`: one that may do
 * other things.
 *
 * @typedef {{kind: 'missing' | 'unknown' | 'scope', detail: string}} Refusal
 */

const ADDRESS = /^#key=([\w-]+)$/;
const COOKIE = /(?:^|;\s*)millrace_key=/;

/**
 * Takes the key to read with out of the address, where it stands as `#key=…`: no server and no log sees it there. The cookie
 * lasts as long as the browser is open.
 *
 * @returns {boolean} was there one
 */
export function takeKey() {
  const key = ADDRESS.exec(location.hash)?.[1];
  if (key === undefined) return false;
  document.cookie = `millrace_key=${key}; Path=/; SameSite=Strict`;
  history.replaceState(history.state, '', `${location.pathname}${location.search}`);
  return true;
}

/**
 * A stream of events does not say why it was refused: a request for something small does.
 *
 * @returns {Promise<Refusal | undefined>} undefined: it was not for want of a key
 */
export async function askWhyRefused() {
  try {
    const response = await fetch('/v1/pipelines', { cache: 'no-store' });
    if (response.status !== 401 && response.status !== 403) return undefined;
    const { detail = '' } = /** @type {{detail?: string}} */ (await response.json());
    if (response.status === 403) return { kind: 'scope', detail };
    return { kind: COOKIE.test(document.cookie) ? 'unknown' : 'missing', detail };
  } catch {
    return undefined;
  }
}
