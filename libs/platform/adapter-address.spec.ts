import { describe, expect, test } from '@jest/globals';
import { defaultAdminAddress, parseBrokerAddress } from './adapter-address.js';

describe('the address of a broker', () => {
  test.each([
    ['embedded', 'embedded', undefined],
    ['ws://h:8080', 'websocket', 'http://h:8080'],
    ['wss://h:8443/', 'websocket', 'https://h:8443'],
    ['pulsar://h:6650', 'pulsar', 'http://h:8080'],
    ['pulsar://h', 'pulsar', 'http://h:8080'],
    ['pulsar+ssl://h:6651/', 'pulsar', 'https://h:8443'],
    ['pulsar://a:6650,b:6650', 'pulsar', 'http://a:8080'],
    ['pulsar://[::1]:6650', 'pulsar', 'http://[::1]:8080'],
  ])('%s picks %s; its REST API is at %s', (text, kind, admin) => {
    const address = parseBrokerAddress(text);
    expect(address.kind).toBe(kind);
    if (address.kind !== 'embedded') expect(defaultAdminAddress(address)).toBe(admin);
  });

  test.each([
    '',
    'redis://h',
    'http://h:8080',
    'pulsar://',
    'pulsar://token@h',
    'ws://u:p@h',
    'pulsar://h/x',
  ])('%s is refused, with what is wanted', (text) => {
    expect(() => parseBrokerAddress(text)).toThrow(/embedded, or .*ws:\/\/host:8080.*pulsar:\/\/host:6650/);
  });
});
