#!/usr/bin/env node
import { runCommandLine } from './command-line.js';

process.exitCode = await runCommandLine(process.argv.slice(2), {
  out: (text) => console.log(text),
  complain: (text) => console.error(text),
});
