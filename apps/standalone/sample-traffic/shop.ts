import type { SeededRandom } from './seeded-random.js';

// The web site that the sample traffic visits: a small shop. What it has, and where people go from where.

export const HOST = 'shop.example.com';

export type Place =
  | 'home'
  | 'category'
  | 'product'
  | 'search'
  | 'article'
  | 'cart'
  | 'checkout'
  | 'thanks'
  | 'account'
  | 'help';

const CATEGORIES = ['ropes', 'lamps', 'clothing', 'navigation', 'galley', 'safety'];
const PRODUCTS = [
  'anchor-chain-8mm',
  'bilge-pump-12v',
  'brass-cleat',
  'canvas-duffel',
  'deck-lamp',
  'enamel-mug',
  'folding-grill',
  'hand-compass',
  'life-jacket-150n',
  'mooring-rope-14mm',
  'oilskin-coat',
  'signal-flags',
  'teak-stool',
  'tide-clock',
];
const ARTICLES = [
  'how-to-splice-a-rope',
  'ten-knots',
  'winter-storage',
  'reading-tide-tables',
  'choosing-an-anchor',
];
const WORDS = ['rope', 'lamp', 'anchor', 'coat', 'compass', 'pump', 'mug', 'flag'];

/** Where to next, by weight; `undefined` is away. */
const WALKS: Readonly<Record<Place, readonly (readonly [Place | undefined, number])[]>> = {
  home: [
    ['category', 40],
    ['search', 14],
    ['product', 18],
    ['article', 8],
    ['help', 3],
    [undefined, 17],
  ],
  category: [
    ['product', 62],
    ['category', 16],
    ['search', 6],
    [undefined, 16],
  ],
  product: [
    ['product', 30],
    ['category', 18],
    ['cart', 16],
    ['search', 6],
    ['article', 4],
    [undefined, 26],
  ],
  search: [
    ['product', 58],
    ['search', 18],
    ['category', 6],
    [undefined, 18],
  ],
  article: [
    ['article', 22],
    ['product', 20],
    ['home', 10],
    [undefined, 48],
  ],
  cart: [
    ['checkout', 46],
    ['product', 26],
    ['category', 8],
    [undefined, 20],
  ],
  checkout: [
    ['thanks', 68],
    ['cart', 12],
    [undefined, 20],
  ],
  thanks: [
    ['home', 14],
    ['account', 20],
    [undefined, 66],
  ],
  account: [
    ['product', 24],
    ['help', 14],
    ['home', 16],
    [undefined, 46],
  ],
  help: [
    ['account', 16],
    ['home', 20],
    ['product', 10],
    [undefined, 54],
  ],
};

/** Where visits begin. */
const LANDINGS: readonly (readonly [Place, number])[] = [
  ['home', 42],
  ['product', 26],
  ['article', 17],
  ['category', 11],
  ['account', 4],
];

export function landing(random: SeededRandom): Place {
  return random.weighted(LANDINGS);
}

export function placeAfter(place: Place, random: SeededRandom): Place | undefined {
  return random.weighted(WALKS[place]);
}

/** What a visitor asks for when going somewhere. */
export interface Target {
  readonly method: 'GET' | 'POST' | 'HEAD';
  readonly path: string;
  readonly query?: string;
  /** Half of its answers take less; milliseconds. */
  readonly medianMs: number;
  /** Half of its answers are smaller. */
  readonly medianBytes: number;
}

/** What is asked for in each place. */
const TARGETS: Readonly<Record<Place, (random: SeededRandom) => Target>> = {
  home: () => page('/', 42, 18_400),
  category: (random) => page(`/categories/${random.pick(CATEGORIES)}`, 66, 24_100),
  // The square makes a few products popular.
  product: (random) =>
    page(`/products/${PRODUCTS[Math.floor(random.next() ** 2 * PRODUCTS.length)] ?? ''}`, 54, 21_700),
  search: (random) => ({ ...page('/search', 118, 15_900), query: `q=${random.pick(WORDS)}` }),
  article: (random) => page(`/blog/${random.pick(ARTICLES)}`, 31, 27_300),
  cart: (random) => (random.chance(0.6) ? form('/cart', 74, 3_100) : page('/cart', 48, 9_200)),
  checkout: () => page('/checkout', 96, 11_800),
  thanks: () => form('/checkout/confirm', 212, 5_200),
  account: () => page('/account', 58, 8_700),
  help: (random) => page(random.chance(0.5) ? '/help/delivery' : '/help/returns', 27, 12_600),
};

export function targetOf(place: Place, random: SeededRandom): Target {
  return TARGETS[place](random);
}

function page(path: string, medianMs: number, medianBytes: number): Target {
  return { method: 'GET', path, medianMs, medianBytes };
}

function form(path: string, medianMs: number, medianBytes: number): Target {
  return { method: 'POST', path, medianMs, medianBytes };
}

/** What a page brings along on a first look, and what changes from page to page. */
const STYLES = ['/assets/app.4f1c.css', '/assets/app.9b20.js', '/assets/fonts/inter.woff2', '/favicon.ico'];

export function assetsOf(isFirstPage: boolean, random: SeededRandom): readonly Target[] {
  const pictures = Array.from({ length: 1 + random.below(3) }, () => `/images/${random.pick(PRODUCTS)}.webp`);
  return [...(isFirstPage ? STYLES : []), ...pictures].map((path) => ({
    method: 'GET',
    path,
    medianMs: 3.4,
    medianBytes: path.startsWith('/images') ? 38_000 : 16_500,
  }));
}

/** What the script of a page asks for after a while. */
export const STOCK: Target = { method: 'GET', path: '/api/stock', medianMs: 23, medianBytes: 640 };

/** What those ask for who look for holes; none of it is there. */
export const PROBED_PATHS = [
  '/wp-login.php',
  '/.env',
  '/admin/',
  '/phpmyadmin/index.php',
  '/.git/config',
  '/xmlrpc.php',
  '/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php',
];

/** Links that somebody has got wrong, or that are older than the shop. */
export const BROKEN_PATHS = [
  '/products/rubber-dinghy',
  '/blog/summer-sale',
  '/index.html',
  '/categories/sails',
];
