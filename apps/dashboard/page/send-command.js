/** Shows how to send a log to this very address, with a button that copies the command. */
export function offerCommands() {
  const command = `curl --data-binary @/var/log/nginx/access.log ${location.host}/v1/streams/web/logs`;
  for (const element of document.querySelectorAll('[data-command]')) element.textContent = command;
  for (const button of document.querySelectorAll('[data-copy]')) {
    button.addEventListener('click', () => void copy(command, button));
  }
}

/**
 * @param {string} text
 * @param {Element} button
 */
async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
  } catch {
    // Without https a browser may refuse: then the text is selected, and Ctrl+C does it.
    const code = button.parentElement?.querySelector('code');
    if (code) getSelection()?.selectAllChildren(code);
    button.textContent = 'Press Ctrl+C';
  }
  setTimeout(() => (button.textContent = 'Copy'), 2_000);
}
