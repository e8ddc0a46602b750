"""Recounts a combined log the slow way: sessions, visits and top paths. Shares no code with Millrace.

Reads the log on standard input, writes JSON: {"sessions": [...], "visits": {...}, "paths": {...}}.
Times are epoch milliseconds.
"""
import collections
import datetime
import json
import re
import sys

LINE = re.compile(r'^(\S+) \S+ (\S+) \[([^\]]+)\] "(\S+) (\S+) \S+" (\d+) \S+ "[^"]*" "([^"]*)"$')
GAP, CUT, DAY, MINUTE = 30 * 60_000, 12 * 3_600_000, 24 * 3_600_000, 60_000
ASSETS = ('.js', '.png', '.css')

requests = []
for text in sys.stdin:
    address, user, stamp, method, target, status, agent = LINE.match(text.rstrip('\n')).groups()
    when = datetime.datetime.strptime(stamp, '%d/%b/%Y:%H:%M:%S %z')
    path = target.split('?')[0]
    is_bot = 'Googlebot' in agent
    is_page = (method == 'GET' and status in ('200', '304') and not path.endswith(ASSETS)
               and not path.startswith('/api/') and path != '/robots.txt')
    # Who it is changes with the salt at midnight.
    time = int(when.timestamp()) * 1000
    visitor = (user, time // DAY)
    requests.append((time, visitor, path, is_bot, is_page))

by_visitor = collections.defaultdict(list)
for time, visitor, path, is_bot, _ in requests:
    if not is_bot:
        by_visitor[visitor].append(time)

sessions = []
for times in by_visitor.values():
    times.sort()
    run = [times[0]]
    for time in times[1:] + [None]:
        if time is None or time - run[-1] >= GAP or time // CUT != run[-1] // CUT:
            end = min(run[-1] + GAP, (run[-1] // CUT + 1) * CUT)
            sessions.append([run[0], end, len(run), run[-1] - run[0]])
            run = []
        run.append(time)

visits = collections.Counter()
minutes = collections.defaultdict(collections.Counter)
for time, visitor, path, is_bot, is_page in requests:
    if is_page and not is_bot:
        visits[time // MINUTE * MINUTE] += 1
        minutes[time // MINUTE * MINUTE][path] += 1

paths = {}
for minute in minutes:
    for start in range(minute - 4 * MINUTE, minute + MINUTE, MINUTE):
        window = collections.Counter()
        for offset in range(5):
            window.update(minutes.get(start + offset * MINUTE, {}))
        paths[start] = dict(window)

json.dump({'sessions': sorted(sessions), 'visits': visits, 'paths': paths}, sys.stdout)
