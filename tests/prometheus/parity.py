#!/usr/bin/env python3
"""Holds dvtsim's alerts against a real Prometheus.

  parity.py DVTSIM SCENARIO...

For each scenario: run it, export series and rules, build Prometheus' own blocks from the series with promtool, and
compare. Samples in must be samples out, bit for bit. The rules must pass `promtool check rules`. Then a Prometheus on a
free loopback port evaluates each rule's expression at each point of the sampling grid; from its raw conditions this
script derives pending, firing and resolved by the rules' `for`, and every firing that dvtsim reported must be among
them with the same three instants, and no other. Exit status 0: all equal; 1: differences, each printed; 77: not
compared, with the reason (a program is missing).
"""
import json
import math
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timezone


def run(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, **options)
    return done.returncode, done.stdout, done.stderr


def must(command):
    code, out, err = run(command)
    if code != 0:
        sys.exit(f"{' '.join(command)} exited {code}:\n{out}{err}")
    return out


def unix(text):
    """An instant of dvtsim (nine digits) as UNIX seconds; on the grid these are exact."""
    whole, _, digits = text.rstrip("Z").partition(".")
    moment = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return int(moment.timestamp()) + int(digits or 0) / 1e9


SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+) (\S+)$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


def labels_of(text):
    return tuple(sorted(LABEL.findall(text or "")))


def exported_samples(path):
    """(name, labels, milliseconds) → value, of an OpenMetrics file."""
    samples = {}
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    if lines[-1] != "# EOF":
        sys.exit(f"{path} does not end in # EOF")
    for line in lines:
        if line.startswith("#"):
            continue
        name, labels, value, at = SAMPLE.match(line).groups()
        key = (name, labels_of(labels), round(float(at) * 1000))
        if key in samples:
            sys.exit(f"{path}: twice the same sample: {line}")
        samples[key] = float(value)
    return samples


def dumped_samples(folder):
    samples = {}
    for line in must(["promtool", "tsdb", "dump", folder]).splitlines():
        if not line.startswith("{"):
            continue
        labels, value, at = line.rsplit(" ", 2)
        pairs = dict(LABEL.findall(labels))
        name = pairs.pop("__name__")
        samples[(name, tuple(sorted(pairs.items())), int(at))] = float(value)
    return samples


class Prometheus:
    def __init__(self, data):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        config = os.path.join(data, "prometheus.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write("global: {}\n")
        self.log = open(os.path.join(data, "prometheus.log"), "w", encoding="utf-8")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={data}",
             "--storage.tsdb.retention.time=100y", f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=error"],
            stdout=self.log, stderr=self.log)
        for _ in range(600):
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        self.stop()
        sys.exit("prometheus did not become ready; see " + self.log.name)

    def query_range(self, expr, start, end, step):
        """A list of (labels, set of instants at which it holds)."""
        found = {}
        # 11,000 points are the most that one answer holds.
        at = start
        while at <= end:
            to = min(end, at + 10_000 * step)
            data = urllib.parse.urlencode({"query": expr, "start": at, "end": to, "step": step}).encode()
            url = f"http://127.0.0.1:{self.port}/api/v1/query_range"
            with urllib.request.urlopen(url, data=data, timeout=120) as answer:
                body = json.load(answer)
            for series in body["data"]["result"]:
                labels = dict(series["metric"])
                labels.pop("__name__", None)
                held = found.setdefault(tuple(sorted(labels.items())), set())
                held.update(round(float(point[0])) for point in series["values"])
            at = to + step
        return found

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def firings(held_by_labels, hold, grid):
    """Pages of a rule, as Prometheus gives them: (pending, firing, resolved or None)."""
    active = {}
    fires = set()
    pages = []
    for at in grid:
        for labels, held in held_by_labels.items():
            if at in held:
                since = active.setdefault(labels, at)
                if at - since >= hold:
                    fires.add(labels)
            else:
                active.pop(labels, None)
                fires.discard(labels)
        open_page = bool(pages) and pages[-1][2] is None
        if fires and not open_page:
            pages.append([min(active[labels] for labels in fires), at, None])
        elif not fires and open_page:
            pages[-1][2] = at
    return [tuple(page) for page in pages]


def rules_in(path):
    """(rule set, name) → (expression, seconds of `for`): the file is dvtsim's own, one key a line."""
    rules = {}
    name = expr = None
    hold = 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            key, _, value = line.strip().lstrip("- ").partition(": ")
            if key == "alert":
                name, hold = value, 0
            elif key == "expr":
                expr = value[1:-1]
            elif key == "for":
                hold = int(value.rstrip("s"))
            elif key == "labels":
                rules[(re.search(r"rule_set: (\w+)", value).group(1), name)] = (expr, hold)
    return rules


def compare(dvtsim, scenario, work):
    out = os.path.join(work, "run")
    code, text, err = run([dvtsim, "run", scenario, "--output", "json", "-q", "--out", out])
    if code not in (0, 3):
        sys.exit(f"dvtsim run {scenario} exited {code}:\n{err}")
    result = json.loads(text)
    metrics, rule_file, data = (os.path.join(work, name) for name in ("metrics.om", "rules.yaml", "tsdb"))
    must([dvtsim, "export", "openmetrics", out, "-o", metrics])
    must([dvtsim, "export", "rules", out, "-o", rule_file])
    must(["promtool", "check", "rules", rule_file])
    files = [metrics]
    if os.path.isdir(metrics):
        files = sorted(os.path.join(metrics, name) for name in os.listdir(metrics))
    exported = {}
    for path in files:
        must(["promtool", "tsdb", "create-blocks-from", "openmetrics", path, data])
        exported.update(exported_samples(path))

    os.makedirs(os.path.join(data, "wal"))  # promtool dumps no folder without one
    wrong = []
    dumped = dumped_samples(data)
    if exported != dumped:
        lost = [key for key in exported if key not in dumped or dumped[key] != exported[key]]
        wrong.append(f"{len(exported)} samples in, {len(dumped)} out; {len(lost)} lost or changed, such as {lost[:3]}")

    start, warm = unix(result["start"]), result["warmup_seconds"]
    at = sorted({key[2] for key in exported})
    step = (at[1] - at[0]) // 1000
    end = start + math.floor(result["virtual_seconds"] / step) * step
    grid = range(int(start), int(end) + 1, step)
    rules = rules_in(rule_file)
    compared = pages = conditions = 0
    prometheus = Prometheus(data)
    try:
        for alert in result["alerts"]:
            if not alert["evaluated"]:
                continue
            expr, hold = rules[(alert["rule_set"], alert["rule"])]
            held = prometheus.query_range(expr, grid[0], grid[-1], step)
            theirs = [page for page in firings(held, hold, grid) if page[1] >= start + warm]
            ours = [(unix(one["pending_at"]), unix(one["firing_at"]),
                     unix(one["resolved_at"]) if one["resolved_at"] else None) for one in alert["firings"]]
            compared += 1
            pages += len(theirs)
            conditions += sum(len(points) for points in held.values())
            if [tuple(map(lambda t: t and round(t), page)) for page in ours] != theirs:
                def shown(page):
                    return tuple(None if t is None else round(t - start) for t in page)
                wrong.append(f"{alert['rule_set']}/{alert['rule']}: dvtsim {[shown(p) for p in ours]}, "
                             f"Prometheus {[shown(p) for p in theirs]} (seconds from the start)")
    finally:
        prometheus.stop()
    print(f"{os.path.basename(scenario)}: {len(exported):,} samples in and out, {compared} rules at {len(grid)} grid "
          f"points, {conditions:,} of them held, {pages} firings" + ("" if not wrong else ": DIFFERENT"))
    for line in wrong:
        print("  " + line)
    return not wrong


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    for program in ("prometheus", "promtool"):
        if shutil.which(program) is None:
            print(f"SKIP: {program} is not here: package prometheus is missing")
            sys.exit(77)
    equal = True
    for scenario in sys.argv[2:]:
        with tempfile.TemporaryDirectory() as work:
            equal = compare(sys.argv[1], scenario, work) and equal
    sys.exit(0 if equal else 1)


main()
