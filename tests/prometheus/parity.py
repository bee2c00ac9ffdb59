#!/usr/bin/env python3
"""Holds dvtsim's alerts against a real Prometheus.

  parity.py DVTSIM EVALUATE SCENARIO...

For each scenario: run it, export series and rules, build Prometheus' own blocks from the series with promtool, and
compare. EVALUATE is the program of this folder that evaluates expressions over a recorded run.

  samples      samples in are samples out, bit for bit
  checks       `promtool check rules` and `promtool check metrics` accept what was exported
  values       every expression, the quantile of every objective among them, has the same elements with the same values
               at every point of the grid
  verdicts     every quantile of a five-minute window is on the same side of its threshold, in the same bucket or the
               next; a quantile that ties with its threshold is listed apart
  firings      pending, firing and resolved, derived here from Prometheus' raw conditions, are those of the run
  promtool     `promtool test rules` passes on the exported unit tests, `for` and `keep_firing_for` included

Prometheus listens on a free loopback port and is stopped at the end. Exit status 0: all equal; 1: differences, each
printed; 77: not compared, with the reason (a program is missing).
"""
import array
import contextlib
import json
import math
import os
import re
import shutil
import socket
import sqlite3
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


LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


def labels_of(text):
    return tuple(sorted(LABEL.findall(text or "")))


class Samples:
    """Series → its instants in milliseconds and its values, ascending; sixteen bytes a sample."""

    def __init__(self):
        self.series = {}
        self.keys = {}  # text of a series → its key

    def add(self, key, at, value):
        times, values = self.series.setdefault(key, (array.array("q"), array.array("d")))
        if times and at <= times[-1]:
            sys.exit(f"{key}: samples at {times[-1]} and {at} are not ascending")
        times.append(at)
        values.append(value)

    def count(self):
        return sum(len(times) for times, _ in self.series.values())


def exported_samples(path, samples):
    """Adds what an OpenMetrics file holds."""
    last = ""
    with open(path, encoding="utf-8") as file:
        for last in file:
            if last.startswith("#"):
                continue
            series, value, at = last.rsplit(" ", 2)
            key = samples.keys.get(series)
            if key is None:
                name, _, labels = series.partition("{")
                key = samples.keys[series] = (name, labels_of(labels))
            samples.add(key, round(float(at) * 1000), float(value))
    if last != "# EOF\n":
        sys.exit(f"{path} does not end in # EOF")


def dumped_samples(folder):
    samples = Samples()
    with subprocess.Popen(["promtool", "tsdb", "dump", folder], stdout=subprocess.PIPE, text=True) as dump:
        for line in dump.stdout:
            if not line.startswith("{"):
                continue
            series, value, at = line.rsplit(" ", 2)
            key = samples.keys.get(series)
            if key is None:
                pairs = dict(LABEL.findall(series))
                name = pairs.pop("__name__")
                key = samples.keys[series] = (name, tuple(sorted(pairs.items())))
            samples.add(key, int(at), float(value))
    if dump.returncode != 0:
        sys.exit(f"promtool tsdb dump exited {dump.returncode}")
    return samples


class Prometheus:
    def __init__(self, data, rule_file):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        config = os.path.join(data, "prometheus.yml")
        with open(config, "w", encoding="utf-8") as file:
            # The rules are loaded to be read, never evaluated: the data lies in the past.
            file.write(f"global: {{evaluation_interval: 1d}}\nrule_files: [{json.dumps(rule_file)}]\n")
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
        """labels → {instant: value}; None when Prometheus refuses to evaluate it somewhere."""
        found = {}
        # 11,000 points are the most that one answer holds.
        at = start
        while at <= end:
            to = min(end, at + 10_000 * step)
            data = urllib.parse.urlencode({"query": expr, "start": at, "end": to, "step": step}).encode()
            url = f"http://127.0.0.1:{self.port}/api/v1/query_range"
            try:
                with urllib.request.urlopen(url, data=data, timeout=300) as answer:
                    body = json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code == 422:
                    return None
                sys.exit(f"prometheus refuses {expr}: {error.read().decode()}")
            for series in body["data"]["result"]:
                labels = dict(series["metric"])
                labels.pop("__name__", None)
                values = found.setdefault(tuple(sorted(labels.items())), {})
                values.update((round(float(point[0])), float(point[1])) for point in series["values"])
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


def firings(held_by_labels, hold, keep, grid):
    """Pages of a rule, as Prometheus gives them: (pending, firing, resolved or None)."""
    active, kept = {}, {}
    fires = set()
    pages = []
    for at in grid:
        for labels, held in held_by_labels.items():
            if at in held:
                kept.pop(labels, None)
                since = active.setdefault(labels, at)
                if at - since >= hold:
                    fires.add(labels)
                continue
            if labels in fires and at - kept.setdefault(labels, at) < keep:
                continue
            active.pop(labels, None)
            kept.pop(labels, None)
            fires.discard(labels)
        open_page = bool(pages) and pages[-1][2] is None
        if fires and not open_page:
            pages.append([min(active[labels] for labels in fires), at, None])
        elif not fires and open_page:
            pages[-1][2] = at
    return [tuple(page) for page in pages]


def rules_in(prometheus):
    """(rule set, name) → (expression, seconds of `for`, of `keep_firing_for`), as Prometheus itself read the file."""
    with urllib.request.urlopen(f"http://127.0.0.1:{prometheus.port}/api/v1/rules", timeout=30) as answer:
        groups = json.load(answer)["data"]["groups"]
    rules, seen = {}, {}
    for group in groups:
        for rule in group["rules"]:
            if rule["type"] != "alerting":
                continue
            key = (rule["labels"]["rule_set"], rule["name"])
            seen[key] = seen.get(key, 0) + 1
            if seen[key] > 1:  # as dvtsim tells two alerts of one name apart
                key = (key[0], f"{key[1]}-{seen[key]}")
            rules[key] = (rule["query"], rule["duration"], rule.get("keepFiringFor", 0))
    return rules


# Expressions without a comparison, so that there is a value to compare at every point: each function and operator that
# dvtsim evaluates, once.
EXPRESSIONS = [
    "rate(dvt_runs_completed_total[5m])",
    "increase(dvt_statestore_write_duration_ms_count[7m])",
    "increase(dvt_statestore_write_duration_ms_count[5m] offset 10m)",
    "irate(dvt_statestore_write_duration_ms_count[1m])",
    "delta(dvt_projection_lag_events[3m])",
    "idelta(dvt_projection_lag_events[1m])",
    "deriv(dvt_projection_lag_seconds[5m])",
    "predict_linear(dvt_projection_lag_events[5m] offset 1m, 3600)",
    "resets(dvt_projection_lag_events[10m])",
    "changes(dvt_projection_lag_events[10m])",
    "avg_over_time(dvt_projection_lag_seconds[10m])",
    "min_over_time(dvt_workers_available[10m])",
    "max_over_time(dvt_projection_lag_seconds[10m])",
    "sum_over_time(dvt_projection_lag_seconds[10m])",
    "count_over_time(dvt_workers_available[10m])",
    "last_over_time(dvt_projection_lag_seconds[10m])",
    "present_over_time(dvt_workers_available[10m])",
    "quantile_over_time(0.9, dvt_projection_lag_seconds[10m])",
    "absent_over_time(dvt_pauses_nobody_counts{a='b'}[5m])",
    "absent(dvt_runs_completed_total{status='none', planId=~'x'})",
    "absent(sum(dvt_workers_available) < 0)",
    "abs(-max(dvt_projection_lag_seconds))",
    "ceil(dvt_projection_lag_seconds)",
    "floor(dvt_projection_lag_seconds)",
    "round(dvt_projection_lag_seconds, 0.25)",
    "sgn(dvt_projection_lag_seconds)",
    "clamp(dvt_projection_lag_seconds, 0.5, 2)",
    "clamp_min(dvt_projection_lag_seconds, 1)",
    "clamp_max(dvt_projection_lag_seconds, 1)",
    "scalar(max(dvt_projection_lag_events)) * vector(2) - time()",
    "sum(dvt_runs_completed_total)",
    "sum by (status, error_class) (rate(dvt_runs_completed_total[10m]))",
    "sum without (planId, error_code) (rate(dvt_runs_completed_total[10m]))",
    "avg by (domain) (dvt_workers_available)",
    "avg(rate(dvt_statestore_write_duration_ms_bucket[5m]))",
    "min(dvt_workers_available)",
    "max(dvt_workers_available)",
    "count by (status) (dvt_runs_completed_total)",
    "histogram_quantile(0.5, sum by (le) (rate(dvt_outbox_delivery_duration_ms_bucket[5m])))",
    "histogram_quantile(0.9, rate(dvt_statestore_write_duration_ms_bucket[10m]))",
    "histogram_quantile(0.99, dvt_run_completion_duration_seconds)",
    "histogram_quantile(2, sum by (le) (dvt_statestore_write_duration_ms_bucket))",
    "histogram_quantile(0.01, sum(dvt_statestore_write_duration_ms_bucket) by (le))",
    "rate(dvt_runs_completed_total{status='failed'}[10m]) / rate(dvt_runs_completed_total[10m])",
    "dvt_runs_completed_total / ignoring(status, error_code, error_class) group_left "
    "sum by (planId) (dvt_runs_completed_total)",
    "sum by (domain) (dvt_workers_available) * on() group_left(adapter) max by (adapter) (dvt_projection_lag_events)",
    "dvt_workers_available > bool 5",
    "dvt_workers_available == on(domain) dvt_workers_available",
    "dvt_workers_available and on(domain) dvt_workers_available{domain!='tq-data'}",
    "dvt_workers_available unless on(domain) dvt_workers_available{domain=~'tq-d.*'}",
    "dvt_workers_available{domain='tq-data'} or on(domain) dvt_workers_available",
    "dvt_projection_lag_events / on() dvt_workers_available",
    "-1 + 2 * 3 / 4 - max(dvt_projection_lag_events) / -7",
]

# What a long run is compared by: metrics of rules and objectives, two hundred series at most.
MONTH_METRICS = [
    "dvt_projection_lag_events", "dvt_projection_lag_seconds", "dvt_projection_gaps_total", "dvt_workers_available",
    "dvt_adapter_last_heartbeat_seconds", "dvt_runs_completed_total", "dvt_run_control_plane_duration_seconds",
    "dvt_statestore_write_errors_total", "dvt_plan_persist_duration_ms", "dvt_ui_refresh_duration_ms",
    "dvt_outbox_delivery_duration_ms",
]


def metric_of(name):
    return re.sub(r"_(bucket|sum|count)$", "", name)


def recorded_of(metrics, run_folder):
    with contextlib.closing(sqlite3.connect(f"file:{run_folder}/run.db?mode=ro", uri=True)) as db:
        names = {metric_of(row[0]) for row in db.execute("SELECT DISTINCT name FROM series ORDER BY name")}
    return [name for name in metrics if name in names]


def covered(expr, chosen):
    """Whether all metrics of an expression were exported; an empty choice is everything."""
    names = {metric_of(name) for name in re.findall(r"dvt_\w+", expr)}
    return not chosen or names <= set(chosen)


# The objectives' quantiles: metric, share and threshold (domain §13), over a five-minute window.
QUANTILES = [
    ("dvt_plan_persist_duration_ms", 0.99, 300),
    ("dvt_ui_refresh_duration_ms", 0.99, 1000),
    ("dvt_pause_to_quiescence_ms", 0.99, 1000),
    ("dvt_statestore_write_duration_ms", 0.99, 10),
    ("dvt_statestore_write_duration_ms", 0.99, 20),
    ("dvt_outbox_delivery_duration_ms", 0.99, 5000),
    ("dvt_outbox_delivery_duration_ms", 0.99, 30000),
    ("dvt_run_control_plane_duration_seconds", 0.99, 5),
    ("dvt_run_control_plane_duration_seconds", 0.99, 30),
    ("dvt_run_completion_duration_seconds", 0.5, 30),
]


def evaluated_here(evaluate, run_folder, expressions):
    """For each expression: labels → {instant: value}, and the instants at which it could not be evaluated."""
    done = subprocess.run([evaluate, run_folder], input="\n".join(" ".join(e.split()) for e in expressions) + "\n",
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{evaluate} {run_folder}: {done.stderr}")
    found = [({}, set()) for _ in expressions]
    known = {}
    for line in done.stdout.splitlines():
        index, at, value, labels = line.split("\t")
        values, failed = found[int(index)]
        at = int(at) // 1000
        if value == "error":
            failed.add(at)
            continue
        if labels not in known:
            known[labels] = tuple(sorted((k, v) for k, v in json.loads(labels).items() if v))
        values.setdefault(known[labels], {})[at] = float(value)
    return found


def same(a, b):
    if a == b or (math.isnan(a) and math.isnan(b)):
        return True
    return abs(a - b) <= 1e-9 * max(abs(a), abs(b))  # the order of a sum over series is not Prometheus' contract


def bucket(bounds, value):
    return sum(1 for bound in bounds if bound < value)


class Comparison:
    def __init__(self):
        self.wrong = []
        self.values = self.inexact = self.verdicts = 0
        self.ties = []

    def differ(self, text):
        self.wrong.append(text)

    def compare_values(self, what, ours, theirs, start):
        """Counts elements at points of the grid; tells of the first difference only."""
        values, failed = ours
        if theirs is None:
            if not failed:
                self.differ(f"{what}: Prometheus cannot evaluate it, dvtsim can")
            return
        if failed:
            self.differ(f"{what}: dvtsim cannot evaluate it at {min(failed) - start} s, Prometheus can")
            return
        differences, first = 0, None
        for labels in sorted(set(values) | set(theirs)):
            mine, others = values.get(labels, {}), theirs.get(labels, {})
            for at in sorted(set(mine) | set(others)):
                self.values += 1
                if at in mine and at in others and same(mine[at], others[at]):
                    self.inexact += mine[at] != others[at] and not math.isnan(mine[at])
                    continue
                differences += 1
                if first is None or at < first[0]:
                    first = (at, labels, mine.get(at), others.get(at))
        if differences:
            at, labels, mine, others = first
            self.differ(f"{what}: {differences} values differ, first at {at - start} s {dict(labels)}: "
                        f"dvtsim {mine}, Prometheus {others}")

    def compare_verdicts(self, metric, threshold, bounds, ours, theirs, start):
        values = ours[0].get((), {})
        others = theirs.get((), {}) if theirs else {}
        if set(values) != set(others):
            self.differ(f"{metric}: {len(values)} windows here, {len(others)} in Prometheus")
        for at in sorted(set(values) & set(others)):
            mine, other = values[at], others[at]
            if math.isnan(mine) or math.isnan(other):
                if math.isnan(mine) != math.isnan(other):
                    self.differ(f"{metric}: at {at - start} s one has a quantile and the other none")
                continue
            self.verdicts += 1
            if abs(mine - threshold) <= 1e-9 * threshold or abs(other - threshold) <= 1e-9 * threshold:
                self.ties.append(f"{metric} at {at - start} s: dvtsim {mine}, Prometheus {other}, "
                                 f"threshold {threshold}")
            elif (mine > threshold) != (other > threshold):
                self.differ(f"{metric}: at {at - start} s dvtsim {mine}, Prometheus {other}: not the same side of "
                            f"{threshold}")
            if abs(bucket(bounds, mine) - bucket(bounds, other)) > 1:
                self.differ(f"{metric}: at {at - start} s dvtsim {mine}, Prometheus {other}: more than a bucket apart")


def promtool_tests(dvtsim, out, work, comparison):
    folder = os.path.join(work, "promtool")
    must([dvtsim, "export", "promtool-tests", out, "-o", folder])
    code, text, err = run(["promtool", "test", "rules", "tests.yaml"], cwd=folder)
    with open(os.path.join(folder, "tests.yaml"), encoding="utf-8") as file:
        content = file.read()
    if code != 0:
        comparison.differ("promtool test rules: " + " | ".join((text + err).splitlines()[:12]))
    return content.count("- eval_time:"), content.count("exp_labels:")


def compare(dvtsim, evaluate, scenario, work):
    out = os.path.join(work, "run")
    code, text, err = run([dvtsim, "run", scenario, "--store", "memory", "--output", "json", "-q", "--out", out])
    if code not in (0, 3):
        sys.exit(f"dvtsim run {scenario} exited {code}:\n{err}")
    result = json.loads(text)
    metrics, rule_file, data = (os.path.join(work, name) for name in ("metrics.om", "rules.yaml", "tsdb"))
    # Over many days a share of the series is enough, and memory and time allow no more.
    chosen = recorded_of(MONTH_METRICS, out) if result["virtual_seconds"] > 3 * 86400 else []
    must([dvtsim, "export", "openmetrics", out, "-o", metrics] + [f"--metric={name}" for name in chosen])
    must([dvtsim, "export", "rules", out, "-o", rule_file])
    must(["promtool", "check", "rules", rule_file])
    comparison = Comparison()
    files = [metrics]
    if os.path.isdir(metrics):
        files = sorted(os.path.join(metrics, name) for name in os.listdir(metrics))
    exported = Samples()
    for path in files:
        must(["promtool", "tsdb", "create-blocks-from", "openmetrics", path, data])
        exported_samples(path, exported)
    check_metrics(files[0], comparison)

    os.makedirs(os.path.join(data, "wal"))  # promtool dumps no folder without one
    dumped = dumped_samples(data)
    if exported.series != dumped.series:
        lost = [key for key in exported.series if dumped.series.get(key) != exported.series[key]]
        comparison.differ(f"{exported.count()} samples in, {dumped.count()} out; {len(lost)} series lost or changed, "
                          f"such as {lost[:3]}")

    start, warm = unix(result["start"]), result["warmup_seconds"]
    at = next(times for times, _ in exported.series.values() if len(times) > 1)
    step = (at[1] - at[0]) // 1000
    end = start + math.floor(result["virtual_seconds"] / step) * step
    grid = range(int(start), int(end) + 1, step)
    bounds = {}
    for name, labels in exported.series:
        if name.endswith("_bucket"):
            bound = dict(labels)["le"]
            if bound != "+Inf":
                bounds.setdefault(name[:-len("_bucket")], set()).add(float(bound))
    samples, series = exported.count(), len(exported.series)
    del dumped, exported

    prometheus = Prometheus(data, rule_file)
    compared = held = pages = 0
    try:
        rules = rules_in(prometheus)
        alerts = [alert for alert in result["alerts"] if alert["evaluated"]
                  and covered(rules[(alert["rule_set"], alert["rule"])][0], chosen)]
        expressions = [rules[(alert["rule_set"], alert["rule"])][0] for alert in alerts]
        bare = [expr for expr in EXPRESSIONS if covered(expr, chosen)]
        expressions += bare
        quantiles = [one for one in QUANTILES if one[0] in bounds]
        expressions += [f"histogram_quantile({q}, sum by (le) (increase({metric}_bucket[5m])))"
                        for metric, q, _ in quantiles]
        ours = evaluated_here(evaluate, out, expressions)
        for index, alert in enumerate(alerts):
            expr, hold, keep = rules[(alert["rule_set"], alert["rule"])]
            theirs = prometheus.query_range(expr, grid[0], grid[-1], step)
            name = f"{alert['rule_set']}/{alert['rule']}"
            comparison.compare_values(name, ours[index], theirs, int(start))
            if theirs is None:
                continue
            expected = [page for page in firings(theirs, hold, keep, grid) if page[1] >= start + warm]
            found = [tuple(None if one[key] is None else round(unix(one[key]))
                           for key in ("pending_at", "firing_at", "resolved_at")) for one in alert["firings"]]
            compared += 1
            held += bool(theirs)
            pages += len(expected)
            if found != expected:
                def shown(page):
                    return tuple(None if t is None else round(t - start) for t in page)
                comparison.differ(f"{name}: dvtsim {[shown(p) for p in found]}, "
                                  f"Prometheus {[shown(p) for p in expected]} (seconds from the start)")
        for index, expr in enumerate(bare, len(alerts)):
            theirs = prometheus.query_range(expr, grid[0], grid[-1], step)
            comparison.compare_values(expr, ours[index], theirs, int(start))
        for index, (metric, _, threshold) in enumerate(quantiles, len(alerts) + len(bare)):
            theirs = prometheus.query_range(expressions[index], grid[0], grid[-1], step)
            comparison.compare_values(expressions[index], ours[index], theirs, int(start))
            comparison.compare_verdicts(metric, threshold, sorted(bounds[metric]), ours[index], theirs, int(start))
    finally:
        prometheus.stop()
    checks, expected_alerts = promtool_tests(dvtsim, out, work, comparison)
    print(f"{os.path.basename(scenario)}: {samples:,} samples of {series:,} series in and out, {compared} rules "
          f"({held} of them held somewhere) and {len(bare)} expressions at {len(grid):,} grid points, {comparison.values:,} values the same ({comparison.inexact:,} of them to nine "
          f"digits only), {comparison.verdicts:,} verdicts of five-minute windows, {len(comparison.ties)} ties, "
          f"{pages} firings, {checks:,} promtool checks with {expected_alerts:,} alerts"
          + ("" if not comparison.wrong else ": DIFFERENT"))
    for line in comparison.ties[:20]:
        print("  tie: " + line)
    for line in comparison.wrong:
        print("  " + line)
    return not comparison.wrong


def check_metrics(path, comparison):
    """promtool reads the text format: one scrape, the last sample of every series. Its hints about names are the
    contract's (milliseconds, planId); anything else is a difference."""
    last = {}
    heads = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("# EOF"):
                break
            if line.startswith("#"):
                heads.append(line)
                last[line] = line
                continue
            last[line.rsplit(" ", 2)[0]] = line.rsplit(" ", 1)[0] + "\n"
    text = "".join(last.values())
    for family in {head.split()[2] for head in heads}:
        # In the text format a counter's family has its _total.
        if f"\n{family}_total" in text and f"# TYPE {family} counter" in text:
            text = text.replace(f"# HELP {family} ", f"# HELP {family}_total ")
            text = text.replace(f"# TYPE {family} ", f"# TYPE {family}_total ")
    done = subprocess.run(["promtool", "check", "metrics"], input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    hints = ("use base unit", "should not contain abbreviated units", "'snake_case' not 'camelCase'")
    bad = [line for line in done.stdout.splitlines() if line and not any(hint in line for hint in hints)]
    if bad:
        comparison.differ("promtool check metrics: " + " | ".join(bad[:5]))


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    for program in ("prometheus", "promtool"):
        if shutil.which(program) is None:
            print(f"SKIP: {program} is not here: package prometheus is missing")
            sys.exit(77)
    equal = True
    for scenario in sys.argv[3:]:
        with tempfile.TemporaryDirectory() as work:
            equal = compare(sys.argv[1], sys.argv[2], scenario, work) and equal
    sys.exit(0 if equal else 1)


main()
