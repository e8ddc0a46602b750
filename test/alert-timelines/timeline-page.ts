import type { Played } from './scenario.js';
import { timelinePicture } from './timeline-picture.js';

/** Where the files stand, from the root. */
export const PAGE = 'docs/alert-timelines.md';
const PICTURES = 'docs/images/alert-timelines';

const HEAD = `# Timelines of alerts

What each kind of rule, each state and each noise control does, minute by minute. Nothing here is drawn by hand: each picture is a run of the engine that a
pipeline runs, in virtual time (\`test/alert-timelines/scenarios.yaml\`), and a test says when one is no longer what it does.
\`MILLRACE_WRITE_TIMELINES=1 npm run jest -- test/alert-timelines\` writes them anew.

A value stands at the end of its window, which is one minute; ↻ is a correction. Triangles are notifications, with how many alerts they tell of;
where nothing else is said, a group waits 30 s before its first.
`;

/** The files of the page, by path from the root. */
export function timelineFiles(all: readonly Played[]): ReadonlyMap<string, string> {
  const pictures = all.map((played) => [pathOf(played), timelinePicture(played)] as const);
  return new Map([...pictures, [PAGE, [HEAD, ...all.map(section)].join('\n')]]);
}

function pathOf({ scenario }: Played): string {
  return `${PICTURES}/${scenario.name.replaceAll(' ', '-')}.svg`;
}

function section(played: Played): string {
  const { name, says, rules, policy } = played.scenario;
  const yaml = [
    'rules:',
    ...rules.split('\n').map((line) => `  ${line}`),
    ...(policy === undefined ? [] : [policy]),
  ];
  const path = pathOf(played).replace('docs/', '');
  return `## ${name}\n\n${says}\n\n\`\`\`yaml\n${yaml.join('\n')}\n\`\`\`\n\n![${inWords(played)}](${path})\n`;
}

/** For those who can't see the picture. */
function inWords({ transitions, test }: Played): string {
  const words = transitions.map(({ rule, status, since }) => {
    const minute = Math.round((Date.parse(since) - test.startMs) / 6_000) / 10;
    return `${minute}m ${rule} ${status}`;
  });
  return words.length === 0 ? 'nothing happens' : words.join(', ');
}
