import Bowser from 'bowser';
import { isbot } from 'isbot';
import { LRUCache } from 'lru-cache';
import type { EventData, Step } from './step.js';

/** A site sees some thousand different user agents; parsing one costs as much as a hundred look-ups. */
const CACHED_USER_AGENTS = 10_000;
/** Of all that are kept together: some may have 8 KiB each. */
const CACHED_CHARACTERS = 4_000_000;

interface UserAgentFields {
  readonly browser: string;
  readonly os: string;
  readonly device: string;
  readonly isBot: boolean;
}

const UNKNOWN = 'unknown';
/** No browser's name is longer: what is has been made of whatever the user agent holds. */
const MAX_NAME_LENGTH = 40;

/** `browser`, `os`, `device` (desktop, mobile, tablet, tv, bot, unknown) and `isBot`. No user agent: a bot. */
export function userAgentStep(from: string): Step {
  const cache = new LRUCache<string, UserAgentFields>({
    max: CACHED_USER_AGENTS,
    maxSize: CACHED_CHARACTERS,
    sizeCalculation: (_, userAgent) => userAgent.length + 1,
  });
  return (data: EventData): undefined => {
    const text = data[from];
    const userAgent = typeof text === 'string' ? text : '';
    let fields = cache.get(userAgent);
    if (fields === undefined) cache.set(userAgent, (fields = parseUserAgent(userAgent)));
    Object.assign(data, fields);
  };
}

function parseUserAgent(userAgent: string): UserAgentFields {
  const isBot = userAgent === '' || isbot(userAgent);
  if (userAgent === '') return { browser: UNKNOWN, os: UNKNOWN, device: 'bot', isBot };
  const parsed = Bowser.parse(userAgent);
  return {
    browser: named(parsed.browser.name),
    os: named(parsed.os.name),
    device: isBot ? 'bot' : (parsed.platform.type ?? UNKNOWN),
    isBot,
  };
}

function named(name: string | undefined): string {
  return name === undefined || name === '' || name.length > MAX_NAME_LENGTH ? UNKNOWN : name;
}
