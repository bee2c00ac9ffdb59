#!/usr/bin/env python3
"""The speed of a whole production day, as ratios taken in one run of this script.

  whole_day.py BUILD_DIR [--rounds N] [--until T] [--no-tenfold]

Each round runs, one after the other: raw batched SQLite inserts of a day's rows (bench_store raw: the bound), the real
dvtsim on tests/scenarios/phase1-day.yaml with SQLite in memory, the same on the memory store, and the memory store with
ten times the runs and ten times the capacities. Medians over the rounds are printed, by wall clock and by processor
time: on a machine with other work only the second says anything. Exit status 1 when a run fails; a figure that
misses what is wanted is only marked.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
DAY = os.path.join(HERE, "..", "scenarios", "phase1-day.yaml")
# Ten times of all that would otherwise be overloaded by ten times the runs.
TENFOLD = [
    "workload.arrivals.scale=10",
    "topology.taskQueues={tq-control: {workers: 40}, tq-data: {workers: 100}}",
    "topology.stateStore.connections=500",
    "topology.projector.replicas=30",
    "topology.api.capacity=2000/s",
    "warehouses={default: {concurrency: 500}}",
]


def timed(command):
    """Runs the command; its output, wall seconds and processor seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # 1: an objective or an assertion was missed, which is no matter here.
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, wall, cpu


def day(dvtsim, arguments):
    """Store events, runs, wall seconds and processor seconds of one run, the whole process counted."""
    output, wall, cpu = timed([dvtsim, "run", DAY, "--output", "json", *arguments])
    result = json.loads(output)
    return result["store"]["events"], result["runs"]["started"], wall, cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--until", default="", help="a shorter day, for a quick look (e.g. 6h)")
    parser.add_argument("--no-tenfold", action="store_true")
    options = parser.parse_args()
    dvtsim = os.path.join(options.build, "sim/cli/dvtsim")
    bench = os.path.join(options.build, "tests/bench/bench_store")
    until = ["--until", options.until] if options.until else []
    tenfold = [word for setting in TENFOLD for word in ("--set", setting)]

    events = 0
    rounds = []
    for number in range(options.rounds):
        sqlite_events, runs, wall, cpu = day(dvtsim, until)
        figures = {"sqlite": (wall, cpu)}
        if events not in (0, sqlite_events):
            sys.exit(f"two runs of the same day stored {events} and {sqlite_events} events")
        events = sqlite_events
        raw = timed([bench, "raw", str(events)])[0].split()
        figures["raw"] = (float(raw[1]), float(raw[2]))
        memory_events, _, wall, cpu = day(dvtsim, [*until, "--store", "memory"])
        if memory_events != events:
            sys.exit(f"the memory store held {memory_events} events, SQLite {events}")
        figures["memory"] = (wall, cpu)
        if not options.no_tenfold:
            _, many, wall, cpu = day(dvtsim, [*until, "--store", "memory", *tenfold])
            figures["tenfold"] = (wall, cpu)
            figures["runs"] = many / runs
        rounds.append(figures)
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)

    print(f"{events:,} store events; medians of {options.rounds}; wall clock (processor time)")
    for name, what in (("raw", "raw SQLite"), ("sqlite", "whole day, SQLite"), ("memory", "whole day, memory store"),
                       ("tenfold", "ten times the runs, memory store")):
        if name not in rounds[0]:
            continue
        wall, cpu = (statistics.median(one[name][i] for one in rounds) for i in (0, 1))
        print(f"  {what:34} {wall:8.2f} s ({cpu:.2f} s)")

    def ratio(what, above, below, wanted, at_least):
        wall, cpu = (statistics.median(one[above][i] / one[below][i] for one in rounds) for i in (0, 1))
        met = cpu >= wanted if at_least else cpu <= wanted
        print(f"  {what:34} {wall:8.3f}   ({cpu:.3f})   wanted {'>=' if at_least else '<='} {wanted}"
              f"{'' if met else '   MISSED'}")

    ratio("day's event rate / raw rate", "raw", "sqlite", 0.25, True)
    ratio("memory store / SQLite", "memory", "sqlite", 0.7, False)
    if not options.no_tenfold:
        ratio("ten times the runs / once", "tenfold", "memory", 11.5, False)
        print(f"  {'runs started, ten times / once':34} {statistics.median(one['runs'] for one in rounds):8.3f}")


main()
