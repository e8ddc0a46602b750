import { describe, expect, it } from '@jest/globals';
import { classifyStep } from './classify.step.js';
import { type MaskOptions, maskStep } from './mask.step.js';
import { type RouteOptions, routeStep } from './route.step.js';
import type { EventData, Step } from './step.js';
import { userAgentStep } from './user-agent.step.js';
import { visitorStep } from './visitor.step.js';

function run(step: Step, data: EventData, timeMs = 0): EventData {
  const copy = { ...data };
  void step(copy, timeMs);
  return copy;
}

describe('userAgent', () => {
  const step = userAgentStep('userAgent');
  it.each([
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
      'Chrome',
      'Windows',
      'desktop',
      false,
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
      'Safari',
      'iOS',
      'mobile',
      false,
    ],
    [
      'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
      'Googlebot',
      'unknown',
      'bot',
      true,
    ],
    ['', 'unknown', 'unknown', 'bot', true],
    ['curl/8.5.0', 'unknown', 'unknown', 'bot', true],
  ])('reads %p', (userAgent, browser, os, device, isBot) => {
    expect(run(step, { userAgent })).toMatchObject({ browser, os, device, isBot });
  });

  it('takes no long text for the name of a browser', () => {
    expect(run(step, { userAgent: 'Mozilla/5.0 ('.repeat(600) })).toMatchObject({ browser: 'unknown' });
  });
});

describe('classify', () => {
  const step = classifyStep();
  it.each([
    ['/', 200, '/', false, true],
    ['/p/123', 200, '/p/:id', false, true],
    ['/p/123/reviews', 304, '/p/:id/reviews', false, true],
    ['/o/3f2b8c1e-5b7d-4c1a-9a53-0123456789ab', 200, '/o/:id', false, true],
    ['/facade', 200, '/facade', false, true],
    ['/static/app.9f3c.JS', 200, '/static/app.9f3c.JS', true, false],
    ['/v1.2/page', 200, '/v1.2/page', false, true],
    ['/p/123', 404, '/p/:id', false, false],
    ['/api/items/9', 200, '/api/items/:id', false, false],
    ['/robots.txt', 200, '/robots.txt', false, false],
  ])('%s with %p is route %s', (path, status, route, isAsset, isPageView) => {
    expect(run(step, { method: 'GET', path, status })).toMatchObject({ route, isAsset, isPageView });
  });

  it('takes no POST for a page view', () => {
    expect(run(step, { method: 'POST', path: '/', status: 200 })['isPageView']).toBe(false);
  });
});

describe('visitor', () => {
  const step = visitorStep({
    from: [['userId'], ['clientIp', 'userAgent']],
    rotateSaltMs: 1_000,
    secret: 's',
  });

  it('is the same for the same person within a period, and another in the next', () => {
    const ids = [0, 999, 1_000, -1].map((timeMs) => run(step, { userId: 'u' }, timeMs)['visitor']);
    expect(ids[0]).toBe(ids[1]);
    expect(new Set(ids).size).toBe(3);
  });

  it('takes the first alternative of which all is there', () => {
    const byAddress = run(step, { clientIp: '1.2.3.4', userAgent: 'x' })['visitor'];
    expect(run(step, { userId: 'u', clientIp: '1.2.3.4', userAgent: 'x' })['visitor']).not.toBe(byAddress);
    expect(run(step, { userId: '', clientIp: '1.2.3.4', userAgent: 'x' })['visitor']).toBe(byAddress);
    expect(run(step, { clientIp: '1.2.3.4' })).not.toHaveProperty('visitor');
  });

  it('is never what the sender says', () => {
    const step = visitorStep({ from: [['userId']], rotateSaltMs: 1_000, secret: 's' });
    expect(run(step, { visitor: 'me' })).toEqual({});
    expect(run(step, { visitor: 'me', userId: 'ann' })['visitor']).not.toBe('me');
  });

  it('does not give the secret or the address away', () => {
    expect(run(step, { userId: '1.2.3.4' })['visitor']).toMatch(/^[\w-]{16}$/);
  });
});

describe('mask', () => {
  const mask = (options: Partial<MaskOptions> = {}): Step =>
    maskStep({ fields: ['clientIp'], way: 'truncate', ipv4Bits: 24, ipv6Bits: 48, secret: 's', ...options });

  it.each([
    ['203.0.113.9', '203.0.113.0'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::'],
    ['2001:db8::1', '2001:db8:0::'],
    ['::1', '0:0:0::'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.0'],
    ['0:0:0:0:0:FFFF:192.0.2.1', '0:0:0:0:0:FFFF:192.0.2.0'],
    ['::192.0.2.1', '0:0:0::'],
    ['fe80::1%eth0', 'fe80:0:0::'],
    ['alice', '***'],
    [42, '***'],
  ])('%p becomes %p', (value, expected) => {
    expect(run(mask(), { clientIp: value })).toEqual({ clientIp: expected });
  });

  it.each([
    [{ ipv4Bits: 16 }, '203.0.113.9', '203.0.0.0'],
    [{ ipv4Bits: 20 }, '203.0.113.9', '203.0.112.0'],
    [{ ipv4Bits: 0 }, '203.0.113.9', '0.0.0.0'],
    [{ ipv4Bits: 32 }, '203.0.113.9', '203.0.113.9'],
    [{ ipv6Bits: 56 }, '2001:db8:1:234::1', '2001:db8:1:200::'],
    [{ ipv6Bits: 128 }, '1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    [{ ipv6Bits: 128, ipv4Bits: 16 }, '::ffff:192.0.2.1', '::ffff:192.0.0.0'],
    [{ ipv6Bits: 128 }, '64:ff9b::192.0.2.1', '64:ff9b:0:0:0:0:c000:201'],
  ])('with %p leaves so many bits', (options, value, expected) => {
    expect(run(mask(options), { clientIp: value })).toEqual({ clientIp: expected });
  });

  it('by hash keeps what is equal equal, and nothing else', () => {
    const hashed = (value: unknown, secret = 's'): unknown =>
      run(mask({ way: 'hash', secret }), { clientIp: value })['clientIp'];
    expect(hashed('a')).toBe(hashed('a'));
    expect(new Set([hashed('a'), hashed('b'), hashed('a', 't')]).size).toBe(3);
    expect(hashed('a')).toMatch(/^[\w-]{16}$/);
  });

  it('by drop takes the field away', () => {
    expect(run(mask({ way: 'drop' }), { clientIp: '::1', path: '/' })).toEqual({ path: '/' });
  });

  it('adds nothing where there is nothing', () => {
    expect(run(mask(), {})).toEqual({});
  });
});

describe('route', () => {
  const route = (options: Partial<RouteOptions> = {}): Step =>
    routeStep({ from: 'path', rules: [], maxValues: 50, maxRoutes: 1_000, ...options });
  const of = (step: Step, path: string): unknown => run(step, { path })['route'];

  it.each([
    ['/', '/'],
    ['/p/123', '/p/:id'],
    ['/p/123/reviews/', '/p/:id/reviews'],
    ['/o/3f2b8c1e-5b7d-4c1a-9a53-0123456789ab', '/o/:id'],
    ['/t/9f86d081884c7d659a2feaa0', '/t/:id'],
    ['/u/ann@example.com', '/u/:id'],
    ['/u/ann%40example.com', '/u/:id'],
    ['/log/2026-01-31', '/log/:id'],
    ['/about-us;jsessionid=1', '/about-us'],
    [`/${'a/'.repeat(20)}`, `/${'a/'.repeat(12)}*`],
  ])('%s is %s', (path, expected) => {
    expect(of(route(), path)).toBe(expected);
  });

  it('goes by the first rule that fits', () => {
    const step = route({ rules: ['/p/:product/reviews', '/p/new', '/static/*'] });
    expect(of(step, '/p/new/reviews')).toBe('/p/:product/reviews');
    expect(of(step, '/p/new')).toBe('/p/new');
    expect(of(step, '/static/a/b.css')).toBe('/static/*');
    expect(of(step, '/p/7')).toBe('/p/:id');
  });

  it('guards against places that have too many values', () => {
    const step = route({ maxValues: 3 });
    const routes = ['ann', 'bob', 'cid', 'dan', 'eva', 'ann'].map((name) => of(step, `/u/${name}/posts`));
    expect(routes).toEqual([
      ...['/u/ann/posts', '/u/bob/posts', '/u/cid/posts'],
      ...['/u/:id/posts', '/u/:id/posts', '/u/ann/posts'],
    ]);
  });

  it('never makes more routes than it may', () => {
    const step = route({ maxRoutes: 5 });
    const routes = new Set(
      Array.from({ length: 1_000 }, (_, i) => of(step, `/a${i % 40}x/b${i % 7}y/c${i}z`)),
    );
    expect(routes.size).toBeLessThanOrEqual(6);
    expect(routes).toContain('/:other');
  });
});
