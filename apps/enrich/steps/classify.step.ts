import type { EventData, Step } from './step.js';

const ASSET_EXTENSIONS = new Set(
  'css js mjs map png jpg jpeg gif svg webp avif ico woff woff2 ttf otf eot mp4 webm mp3 wasm'.split(' '),
);
/** Fetched by machines for machines: neither page nor asset. */
const MACHINE_PATHS = /^\/(?:api|robots\.txt|sitemap[^/]*\.xml|\.well-known|health|metrics)(?:\/|$)/;
/** A segment that is a number, a UUID, or 16 and more hexadecimal digits. */
const IDENTIFIER = /\/(?:\d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,})(?=\/|$)/gi;

/**
 * `route`: the path with identifiers replaced (`/p/123` → `/p/:id`). `isAsset`: by the file's extension.
 * `isPageView`: a page that was shown: GET, answered 2xx or 304, no asset, not made for machines.
 */
export function classifyStep(): Step {
  return (data: EventData): undefined => {
    const path = typeof data['path'] === 'string' ? data['path'] : '/';
    const isAsset = ASSET_EXTENSIONS.has(extensionOf(path));
    data['route'] = path.replace(IDENTIFIER, '/:id');
    data['isAsset'] = isAsset;
    data['isPageView'] =
      !isAsset && data['method'] === 'GET' && wasShown(data['status']) && !MACHINE_PATHS.test(path);
  };
}

function extensionOf(path: string): string {
  const dot = path.lastIndexOf('.');
  return dot > path.lastIndexOf('/') ? path.slice(dot + 1).toLowerCase() : '';
}

function wasShown(status: unknown): boolean {
  return typeof status === 'number' && ((status >= 200 && status < 300) || status === 304);
}
