/**
 * A combined log of even traffic with a stretch in which every third request fails, and some lines that are none.
 * Its time is March 2025.
 */
export function burstLog(options: {
  minutes: number;
  perMinute: number;
  burstAt: number;
  burstMinutes: number;
  broken: number;
}): string {
  const lines: string[] = [];
  for (let minute = 0; minute < options.minutes; minute++) {
    const isBurst = minute >= options.burstAt && minute < options.burstAt + options.burstMinutes;
    for (let n = 0; n < options.perMinute; n++) {
      const second = String(Math.floor((n * 60) / options.perMinute)).padStart(2, '0');
      const stamp = `28/Mar/2025:22:${String(minute).padStart(2, '0')}:${second} +0000`;
      const status = isBurst && n % 3 === 0 ? 503 : 200;
      lines.push(
        `203.0.113.${n} - - [${stamp}] "GET /p/${n} HTTP/1.1" ${status} 512 "-" "Mozilla/5.0 (X11; Linux)"`,
      );
    }
  }
  for (let n = 0; n < options.broken; n++) lines.push(`no line of a log ${n}`);
  return `${lines.join('\n')}\n`;
}
