import { createHash, randomInt } from 'node:crypto';
import { mkdir, readdir, realpath, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlatformError, type RetryAdvice } from './errors.js';

// A lock is a listening local socket inside the folder: the kernel takes it away with its process, kill -9 included,
// so there is no lock file to judge stale by age.
//
// L1. Each claim is a new name, `.lock-<generation>`: nobody ever removes and makes the same name, which would let
//     two claimants of a dead lock remove each other's fresh one.
// L2. A claimant first listens, then looks at all the others, and gives up if one of them answers. Of two claimants
//     at least one sees the other, so never do both succeed; where both give up, they try again after a random pause.

/** Another process has the data folder open. */
export class DataFolderBusyError extends PlatformError {
  readonly code = 'DATA_FOLDER_BUSY';
  readonly retry: RetryAdvice = 'never';
  constructor(folder: string) {
    super(
      `${folder} is in use by another process; stop it, or give this one another folder (MILLRACE_DATA_DIR)`,
      {
        context: { folder },
      },
    );
  }
}

/** The sole right to use a folder, until released or until the process ends, however it ends. */
export interface FolderLock {
  /** Gives the folder free. Safe to call again. */
  release(): Promise<void>;
}

/** What a socket's path may have in bytes: 108 on Linux and 104 on macOS, with the closing zero. */
const MAX_SOCKET_PATH_BYTES = 103;
const LOCK_NAME = /^\.lock-(\d+)$/;
/** Claimants that meet try again; more rounds than this without a winner does not happen by chance. */
const MAX_ROUNDS = 20;

/**
 * Makes the folder where it is missing and locks it against other processes of this machine. Not against other
 * machines: a network file system needs its own arrangement.
 *
 * @throws DataFolderBusyError while another holds it, this process included
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  await mkdir(folder, { recursive: true });
  const place = await realpath(folder);
  if (process.platform === 'win32') return await lockByPipe(place);
  const socketFolder = await socketFolderOf(place);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const lock = await claim(socketFolder, place);
    if (lock !== undefined) return lock;
    await pause(randomInt(5, 50));
  }
  throw new DataFolderBusyError(place);
}

/**
 * One attempt; undefined: another claimant was met. Not for outside of this file, but for its test.
 *
 * @param afterFirstLook what happens between the first look and listening
 */
export async function claim(
  socketFolder: string,
  place: string,
  afterFirstLook?: () => Promise<void>,
): Promise<FolderLock | undefined> {
  const former = await generationsIn(socketFolder);
  if (await anyAnswers(socketFolder, former)) throw new DataFolderBusyError(place);
  await afterFirstLook?.();
  const own = Math.max(0, ...former) + 1;
  const server = await listen(join(socketFolder, nameOf(own)));
  if (server === undefined) return undefined;
  const others = (await generationsIn(socketFolder)).filter((generation) => generation !== own);
  if (await anyAnswers(socketFolder, others)) {
    await close(server);
    return undefined;
  }
  // Whoever is about to listen on one of these will find this lock in its own second look (L2).
  await Promise.all(others.map((generation) => rm(join(socketFolder, nameOf(generation)), { force: true })));
  return { release: () => close(server) };
}

async function lockByPipe(place: string): Promise<FolderLock> {
  const server = await listen(`\\\\.\\pipe\\millrace-${hashOf(place)}`);
  if (server === undefined) throw new DataFolderBusyError(place);
  return { release: () => close(server) };
}

async function socketFolderOf(place: string): Promise<string> {
  if (Buffer.byteLength(join(place, nameOf(999_999_999))) <= MAX_SOCKET_PATH_BYTES) return place;
  const short = join(tmpdir(), `millrace-${hashOf(place)}`);
  await mkdir(short, { recursive: true, mode: 0o700 });
  return short;
}

async function generationsIn(socketFolder: string): Promise<number[]> {
  const names = await readdir(socketFolder);
  return names.flatMap((name) => {
    const match = LOCK_NAME.exec(name);
    return match === null ? [] : [Number(match[1])];
  });
}

async function anyAnswers(socketFolder: string, generations: readonly number[]): Promise<boolean> {
  const answers = await Promise.all(
    generations.map((generation) => answersAt(join(socketFolder, nameOf(generation)))),
  );
  return answers.includes(true);
}

function answersAt(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // Anything else (a full queue, say) means that somebody may well be there.
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}

/** Undefined: the name is taken. */
function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.destroy();
    });
    server.unref();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  // An error here says that it was closed before. Closing removes the socket's name.
  return new Promise((resolve) => server.close(() => resolve()));
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

function nameOf(generation: number): string {
  return `.lock-${generation}`;
}

function hashOf(place: string): string {
  return createHash('sha256').update(place).digest('hex').slice(0, 16);
}
