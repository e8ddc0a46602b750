// Loaded into a process before its program (node --import). From SIGUSR2 on its monotonic clock stands still, like that of a virtual
// machine that is suspended (CLOCK_MONOTONIC does not count the time of a suspension): the process believes that no time has passed.

const running = performance.now.bind(performance);
let stoppedAtMs;
performance.now = () => stoppedAtMs ?? running();
process.on('SIGUSR2', () => (stoppedAtMs ??= running()));
