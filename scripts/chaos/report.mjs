// What a run has shown, in words.

export function reportText(report) {
  const { minutes, seed, events, wantedRate, reachedRate, rows, sentAgain } = report;
  const lines = [
    `${minutes.toFixed(1)} minutes with seed ${seed}: ${events} events, ${reachedRate} a second of ${wantedRate} wanted, ${sentAgain} requests sent again; ${rows} rows, ${report.transitions} transitions of alerts, ${report.deadLetters} dead letters`,
    ...Object.entries(report.faults).map(([kind, count]) => {
      const recoveryMs = report.recoveryMs[kind];
      return `  ${kind.padEnd(8)} ${count} times, results current again after at most ${seconds(recoveryMs)}`;
    }),
    `longest pause of a key: ${seconds(report.longestPauseMs)}${report.longestPauseOf ? ` (${report.longestPauseOf})` : ''}`,
    ...(report.without.length > 0 ? [`without ${report.without.join(', ')}`] : []),
    ...(report.uncleanEnds.length > 0 ? [`did not end cleanly: ${report.uncleanEnds.join(', ')}`] : []),
    ...report.examples.map((example) => `  ${example}`),
    `lost: ${report.lost}, doubled: ${report.doubled}, differing: ${report.differing}`,
    ...(report.folder === undefined ? [] : [`the record, the logs and the results are in ${report.folder}`]),
  ];
  return lines.join('\n');
}

function seconds(ms) {
  return `${(ms / 1_000).toFixed(1)} s`;
}
