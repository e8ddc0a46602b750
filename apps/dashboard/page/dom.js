/**
 * @typedef {Node | string | number | null | undefined} Child
 * @typedef {Record<string, string | number | boolean | undefined>} Attributes
 */

/**
 * Makes an element. Text always becomes a text node: nothing that was sent to us is ever read as HTML.
 *
 * @param {string} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false)
      element.setAttribute(name, value === true ? '' : String(value));
  }
  fill(element, children);
  return element;
}

/**
 * Puts these in the place of what the element holds.
 *
 * @param {Element} element
 * @param {Child[]} children
 */
export function fill(element, children) {
  const nodes = children.filter((child) => child !== null && child !== undefined);
  element.replaceChildren(...nodes.map((child) => (child instanceof Node ? child : String(child))));
}

/**
 * The element of this id, which the page has.
 *
 * @param {string} id
 * @returns {HTMLElement}
 */
export function at(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}

/**
 * Writes a text only if it differs, so that what somebody has selected or a reader is reading stays.
 *
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const rendered = new WeakMap();

/**
 * Calls `render` only if what it depends on has changed since the last call for the element: focus and selection
 * inside survive.
 *
 * @param {Element} element
 * @param {unknown} input
 * @param {() => Child[]} render
 */
export function renderOn(element, input, render) {
  const text = JSON.stringify(input);
  if (rendered.get(element) === text) return;
  rendered.set(element, text);
  fill(element, render());
}
