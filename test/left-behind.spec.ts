import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { ROOT } from './source-files.js';

// npm runs a script in a shell. A signal for npm ends npm and that shell, and not what the script has started.

const PROGRAM = `
process.on('SIGTERM', () => {
  console.log('told to stop');
  process.exit(0);
});
setInterval(() => undefined, 1_000);
console.log('it runs');
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-script-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('a script whose npm is told to stop passes that on', async () => {
  const workspace = pathToFileURL(join(ROOT, 'scripts/workspace.mjs')).href;
  const [program, script] = [join(folder, 'program.mjs'), join(folder, 'script.mjs')];
  writeFileSync(program, PROGRAM);
  writeFileSync(
    script,
    `import { runForeground } from '${workspace}';\nawait runForeground(['${program}']);\n`,
  );
  // Behind another command, no shell puts itself out of the way.
  const shell = spawn('sh', ['-c', `true && "${process.execPath}" "${script}"; true`], {
    env: { ...process.env, npm_lifecycle_event: 'start' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  shell.stdout.setEncoding('utf8');
  for await (const text of shell.stdout) {
    output += String(text);
    if (output === 'it runs\n') shell.kill('SIGKILL');
  }
  expect(output).toBe('it runs\ntold to stop\n');
}, 60_000);
