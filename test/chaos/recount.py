"""Counts a chaos run again, from what its sender has written down, and compares: `python3 recount.py FOLDER …`.

Shares no code with Millrace, and needs nothing but Python. Reads in each FOLDER

    sent.ndjson                    every batch as it was sent, before it was sent
    answers.ndjson                 what ingest answered to it
    rows-*, retracted-*, alerts, dead-letters (.ndjson), streams.json        as the HTTP API gave them
    topic-results, -alerts, -late, -dead (.ndjson)                           as the public topics hold them
    stored-rows.ndjson             names of the rows in the database

and writes one line of JSON: how many rows, transitions and dead letters there had to be, how many of all of that are lost, doubled
or differing, the first of them by name, and the longest pause between two results of one key. Times are epoch milliseconds.
test/chaos/pipeline.yaml and alerts.yaml say what is computed; what they say is written down here once more.
"""
import collections
import datetime
import json
import os
import sys

STREAM = 'shop'
SECOND = 1_000
OUT_OF_ORDER, QUIET = 26 * SECOND, 8 * SECOND
WINDOW, HOP_SIZE, GAP, CUT = 2 * SECOND, 10 * SECOND, 6 * SECOND, 60 * SECOND
LIMIT, CLEAR, FOR, KEEP = 0.3, 0.2, 4 * SECOND, 4 * SECOND
# Nothing between these two is ever sent: an event is on time, or final everywhere.
ON_TIME, FAR_TOO_LATE = 10 * SECOND, 60 * SECOND
# A visitor of whom nothing has come for so long has no open session.
SETTLED = 30 * SECOND
EXAMPLES = 20


class Findings:
    """What is not as it has to be."""

    def __init__(self):
        self.counts = collections.Counter(lost=0, doubled=0, differing=0)
        self.by_kind = collections.Counter()
        self.examples = []

    def add(self, how, kind, text):
        self.counts[how] += 1
        self.by_kind[f'{kind} {how}'] += 1
        # The first of each kind, rather than twenty of one.
        if self.by_kind[f'{kind} {how}'] <= EXAMPLES // 4 and len(self.examples) < EXAMPLES:
            self.examples.append(f'{kind} {how}: {text}')

    def compare(self, kind, expected, found):
        """Both are maps from names to values."""
        for name, value in expected.items():
            if name not in found:
                self.add('lost', kind, f'{name}, which is {shown(value)}')
            elif found[name] != value:
                self.add('differing', kind, f'{name} is {shown(found[name])}, and should be {shown(value)}')
        for name, value in found.items():
            if name not in expected:
                self.add('differing', kind, f'{name} is {shown(value)}, and should not be there')

    def named(self, kind, items):
        """A map from (name, value); a name that comes twice is doubled."""
        result = {}
        for name, value in items:
            if name in result:
                self.add('doubled', kind, f'{name}: {shown(value)}')
            result[name] = value
        return result


class Expected:
    """What has to come of what was sent."""

    def __init__(self):
        self.rows = {}
        self.late = {}
        self.dead = {}
        self.transitions = {}
        self.fates = collections.Counter()
        self.events = 0
        self.newest = None
        self.optional = set()
        self._hosts = {}
        self._paths = {}
        self._visitors = collections.defaultdict(list)
        self._incidents = collections.Counter()
        self._swept = None

    def batch(self, key, lines):
        """Gives what ingest has to answer."""
        answer = dict(accepted=0, duplicates=0, rejected=0)
        seen = set()
        for number, line in enumerate(lines, 1):
            code, ident, event = read(line)
            name = f'!{ident}' if code else ident
            if ident is not None and name in seen:
                answer['duplicates'] += 1
                continue
            seen.add(name)
            if code:
                answer['rejected'] += 1
                self.dead[ident or f'{key}:{number}'] = dict(code=code, line=number, original=line)
            else:
                answer['accepted'] += 1
                self.event(ident, event)
        return answer

    def event(self, ident, event):
        time, data = event['time'], event['data']
        self.events += 1
        if data['path'] == '/health':
            self.fates['filtered'] += 1
            return
        if self.newest is not None and time < self.newest - ON_TIME:
            assert time < self.newest - FAR_TOO_LATE, f'{ident} is neither on time nor far too late'
            return self.too_late(ident, data)
        self.newest = time if self.newest is None else max(self.newest, time)
        self.fates['counted'] += 1
        self.count(ident, time, data)
        if self._swept is None or self.newest > self._swept + 10 * SECOND:
            self._swept = self.newest
            self.settle(self.newest - SETTLED)

    def too_late(self, ident, data):
        self.fates['late'] += 1
        for series in ['by_host', 'sessions'] + (['by_path'] if data['method'] == 'GET' else []):
            self.late[f'{ident}/{series}'] = series

    def count(self, ident, time, data):
        start = time // WINDOW * WINDOW
        host = self._hosts.setdefault((start, data['host']), dict(requests=0, errors=0, slow=0, bytes=0, slowest=0, visitors=set()))
        host['requests'] += 1
        host['errors'] += data['status'] >= 500
        host['slow'] += data['durationMs'] > 1000
        host['bytes'] += data['bytes']
        host['slowest'] = max(host['slowest'], data['durationMs'])
        host['visitors'].add(data['userId'])
        if data['method'] == 'GET':
            for first in range(start - HOP_SIZE + WINDOW, start + WINDOW, WINDOW):
                path = self._paths.setdefault((first, data['path']), dict(requests=0, bytes=0, first=(time, ident, data['userId'])))
                path['requests'] += 1
                path['bytes'] += data['bytes']
                path['first'] = min(path['first'], (time, ident, data['userId']))
        self._visitors[data['userId']].append((time, ident, data['path'], data['bytes']))
        if data['status'] == 599:
            self._incidents[(data['userId'], time)] += 1

    def settle(self, before):
        """Visitors of whom nothing more can come that belongs to what they did before then."""
        for visitor in [each for each, requests in self._visitors.items() if requests[-1][0] < before]:
            self.sessions(visitor, sorted(self._visitors.pop(visitor)))

    def sessions(self, visitor, requests):
        run = []
        for request in requests + [None]:
            if run and (request is None or request[0] - run[-1][0] >= GAP or request[0] // CUT != run[-1][0] // CUT):
                start, last = run[0][0], run[-1][0]
                end = min(last + GAP, (last // CUT + 1) * CUT)
                self.rows[f'sessions {start}-{end} {visitor}'] = dict(
                    requests=len(run), length=last - start, bytes=sum(each[3] for each in run), landing=run[0][2], exit=run[-1][2])
                run = []
            run.append(request)

    def finish(self):
        self.settle(float('inf'))
        for (start, host), row in self._hosts.items():
            row['visitors'] = dict(estimate=len(row['visitors']), standardError=0)
            self.rows[f'by_host {start}-{start + WINDOW} {host}'] = row
        for (start, path), row in self._paths.items():
            row['first'] = row['first'][2]
            self.rows[f'by_path {start}-{start + HOP_SIZE} {path}'] = row
        for host in {host for _, host in self._hosts}:
            rows = sorted((start, row) for (start, other), row in self._hosts.items() if other == host)
            self.judge(host, rows)
        self.incidents()

    def judge(self, host, rows):
        """host-broken: a threshold with `clear`, `for` and `keepFiringFor`, row by row."""
        status, episode = 'inactive', None

        def change(to, reason, at, value):
            nonlocal status
            self.transition('host-broken', host, episode, (status, to, reason, at, value))
            status = to

        for start, row in rows:
            at, value = start + WINDOW, row['errors'] / row['requests']
            verdict = 'breach' if value > LIMIT else 'clear' if value <= CLEAR else 'between'
            if status == 'recovering' and episode['clear'] + KEEP < at:
                change('resolved', 'recovered', episode['clear'] + KEEP, None)
            if status in ('inactive', 'resolved'):
                if verdict == 'breach':
                    status, episode = 'inactive', dict(start=start, since=at, count=0, fired=None)
                    change('pending', 'breach', at, value)
            elif status == 'pending':
                if verdict != 'breach':
                    change('inactive', 'recovered', at, value)
                elif at - episode['since'] >= FOR:
                    episode['fired'] = at
                    change('firing', 'held', at, value)
            elif status == 'firing':
                if verdict == 'clear':
                    episode['clear'] = at
                    change('recovering', 'recovered', at, value)
            elif verdict != 'clear':
                change('firing', 'relapsed', at, value)
            elif at - episode['clear'] >= KEEP:
                change('resolved', 'recovered', at, value)

    def incidents(self):
        """checkout-broken: three events of one time, and then quiet."""
        for (visitor, time), count in self._incidents.items():
            if count < 3:
                continue
            episode = dict(start=time, count=0, fired=time)
            self.transition('checkout-broken', visitor, episode, ('inactive', 'firing', 'breach', time, count))
            name = self.transition('checkout-broken', visitor, episode, ('firing', 'resolved', 'recovered', time + QUIET, None))
            # Told when the watermark passes, which is that of the partition that is furthest behind.
            passed = self.newest - OUT_OF_ORDER
            if time + QUIET > passed - 2 * SECOND:
                self.optional.add(name)

    def transition(self, rule, label, episode, told):
        name = f"{rule} {label} {episode['start']}/{episode['count']}"
        episode['count'] += 1
        self.transitions[name] = (*told, episode['fired'])
        return name


def read(line):
    """What is wrong with a line, its id if it has one, and the event."""
    try:
        event = json.loads(line)
    except ValueError:
        return 'EVENT_NOT_JSON', None, None
    if not isinstance(event, dict):
        return 'EVENT_NOT_OBJECT', None, None
    ident, data = event.get('id'), event['data']
    if not isinstance(event['time'], int):
        return 'TIME_INVALID', ident, None
    if not 100 <= data['status'] <= 599 or not data['path'].startswith('/'):
        return 'EVENT_DATA_INVALID', ident, None
    return None, ident, event


def lines_of(folder, name):
    with open(os.path.join(folder, f'{name}.ndjson'), encoding='utf8') as file:
        for line in file:
            yield json.loads(line)


def ms(text):
    """Of a time in ISO 8601, UTC."""
    if text is None:
        return None
    time = datetime.datetime.strptime(text, '%Y-%m-%dT%H:%M:%S.%fZ').replace(tzinfo=datetime.timezone.utc)
    return round(time.timestamp() * 1_000)


def shown(value):
    text = json.dumps(value, default=str)
    return text if len(text) <= 300 else f'{text[:300]}…'


def key_of(key):
    return '/'.join(str(value) for name, value in sorted(key.items()) if name != 'stream')


def expect(folder, findings):
    expected = Expected()
    answers = {each['batch']: each for each in lines_of(folder, 'answers')}
    for sent in lines_of(folder, 'sent'):
        wanted = expected.batch(sent['key'], sent['lines'])
        given = answers.pop(sent['batch'], None)
        if given is None:
            findings.add('lost', 'answer', f"batch {sent['key']} has none")
            continue
        for answer in [given['answer'], given.get('again')]:
            if answer is not None and answer != wanted:
                findings.add('differing', 'answer', f"batch {sent['key']}: {shown(answer)}, and should be {shown(wanted)}")
    expected.finish()
    return expected


def check_rows(folder, expected, findings):
    series = sorted({name.split(' ')[0] for name in expected.rows})
    found = {}
    for name in series:
        rows = ((f"{name} {ms(row['windowStart'])}-{ms(row['windowEnd'])} {key_of(row['key'])}", row) for row in lines_of(folder, f'rows-{name}'))
        found.update(findings.named('row', rows))
        for row in lines_of(folder, f'retracted-{name}'):
            findings.add('differing', 'row', f'{name}: {shown(row)} was taken back, and there was no reason to')
    for name, row in found.items():
        if row['phase'] != 'final' or row['revision'] != 0:
            findings.add('differing', 'row', f"{name} is {row['phase']} in revision {row['revision']}, and should be final in revision 0")
    findings.compare('row', expected.rows, {name: row['measures'] for name, row in found.items()})


def check_stored(folder, expected, findings):
    stored = findings.named('stored row', ((f"{row['series']} {row['id']}", None) for row in lines_of(folder, 'stored-rows')))
    if len(stored) != len(expected.rows):
        how = 'lost' if len(stored) < len(expected.rows) else 'doubled'
        findings.add(how, 'stored row', f'there are {len(stored)} in the database, and should be {len(expected.rows)}')


def check_results(folder, expected, findings):
    """Gives the longest time between two messages of one key of a series that has rows all the time."""
    found, messages = {}, collections.defaultdict(list)
    ids = set()
    for message in lines_of(folder, 'topic-results'):
        row = message['data']
        name = f"{row['series']} {row['windowStartMs']}-{row['windowEndMs']} {key_of(row['key'])}"
        if message['id'] in ids:
            findings.add('doubled', 'message on results', f"{message['id']}: {name}")
        ids.add(message['id'])
        found[name] = row['measures']
        if row['series'] != 'sessions':
            messages[f"{row['series']} {key_of(row['key'])}"].append(message['publishedMs'])
    findings.compare('message on results', expected.rows, found)
    pauses = [(after - before, name, before) for name, times in messages.items() for before, after in zip(sorted(times), sorted(times)[1:])]
    return max(pauses, default=(0, '', 0))


def transition_of(event):
    label = key_of(event['labels'])
    name = f"{event['rule']} {label} {ms(event['startedAt'])}/{event['sequence']}"
    fired = ms(event.get('firedAt'))
    return name, (event['from'], event['status'], event['reason'], ms(event['since']), event['value'], fired)


def check_alerts(folder, expected, findings):
    messages = list(lines_of(folder, 'topic-alerts'))
    findings.named('message on alerts', ((message['id'], message['data']) for message in messages))
    for message in messages:
        event = message['data']
        wanted = f"{event['fingerprint']}-{ms(event['startedAt'])}/{event['sequence']}"
        if message['id'] != wanted:
            findings.add('differing', 'message on alerts', f"{message['id']} should have the id {wanted}")
    compare_transitions('message on alerts', dict(transition_of(message['data']) for message in messages), expected, findings)
    history = [event for alert in lines_of(folder, 'alerts') for event in alert['history']]
    compare_transitions('alert', findings.named('alert', (transition_of(event) for event in history)), expected, findings)


def compare_transitions(kind, found, expected, findings):
    optional = {name for name in expected.optional if name not in found}
    findings.compare(kind, {name: value for name, value in expected.transitions.items() if name not in optional}, found)


def check_dead(folder, expected, findings):
    kept = ((letter['eventId'], {name: letter.get(name) for name in ('code', 'line', 'original')}) for letter in lines_of(folder, 'dead-letters'))
    findings.compare('dead letter', expected.dead, findings.named('dead letter', kept))
    told = ((message['id'], message['data']['dead']) for message in lines_of(folder, 'topic-dead'))
    told = {name: {each: dead.get(each) for each in ('code', 'line', 'original')} for name, dead in findings.named('message on dead', told).items()}
    findings.compare('message on dead', expected.dead, told)


def check_late(folder, expected, findings):
    told = ((message['id'], message['data']['series']) for message in lines_of(folder, 'topic-late'))
    findings.compare('message on late', expected.late, findings.named('message on late', told))


def check_fates(folder, expected, findings):
    with open(os.path.join(folder, 'streams.json'), encoding='utf8') as file:
        streams = {each['stream']: each['fates'] for each in json.load(file)}
    wanted = dict(counted=0, late=0, future=0, filtered=0, dead=len(expected.dead), **{})
    wanted.update(expected.fates)
    # How often what was sent again had been stored before is chance.
    found = {name: streams.get(STREAM, {}).get(name) for name in wanted}
    findings.compare('fate', wanted, found)


def main(folder):
    findings = Findings()
    expected = expect(folder, findings)
    check_rows(folder, expected, findings)
    check_stored(folder, expected, findings)
    pause, pause_of, paused_at = check_results(folder, expected, findings)
    check_alerts(folder, expected, findings)
    check_dead(folder, expected, findings)
    check_late(folder, expected, findings)
    check_fates(folder, expected, findings)
    at = datetime.datetime.fromtimestamp(paused_at / 1_000, datetime.timezone.utc).strftime('%H:%M:%S')
    json.dump(dict(
        events=expected.events, rows=len(expected.rows), sessions=sum(name.startswith('sessions ') for name in expected.rows),
        transitions=len(expected.transitions), deadLetters=len(expected.dead), late=expected.fates['late'],
        **findings.counts, findings=findings.by_kind, examples=findings.examples,
        longestPauseMs=pause, longestPauseOf=f'{pause_of}, from {at}' if pause else ''), sys.stdout)
    sys.stdout.write('\n')


if __name__ == '__main__':
    for each in sys.argv[1:]:
        main(each)
