#!/usr/bin/env python3
"""Counts what the test runners really reported.

  tally.py RESULTS meson LABEL LOGBASE   adds the tests of one `meson test` run (LOGBASE.json and LOGBASE.junit.xml)
  tally.py RESULTS add OUTCOME NAME WHY  adds one check; OUTCOME is passed, failed or skipped
  tally.py RESULTS close                 names failures and skips, prints `N passed, N failed, N skipped`, exits 1 on
                                         a failure, and when nothing passed

RESULTS is a text file with a line per test: outcome, name and reason, tab-separated. A GoogleTest program counts by its
cases, any other test as one. With CI=true a skip for a missing package counts as failed.
"""

import collections
import json
import os
import re
import sys
import xml.etree.ElementTree

GOOD = {"OK", "EXPECTEDFAIL"}
MISSING_PACKAGE = re.compile(r"\bpackages?\b.*\bmissing\b|\bmissing\b.*\bpackages?\b", re.IGNORECASE | re.DOTALL)


def one_line(text):
    return " ".join((text or "").split())


def skip_reason(message):
    """GoogleTest writes `file:line`, a line break and the message."""
    lines = (message or "").splitlines()
    return one_line(" ".join(lines[1:]) if len(lines) > 1 and re.search(r":\d+$", lines[0].strip()) else message)


def gtest_cases(logbase):
    """Outcomes by meson's test name: {name: [(outcome, case, reason)]}."""
    cases = collections.defaultdict(list)
    path = logbase + ".junit.xml"
    if not os.path.exists(path):
        return cases
    for suite in xml.etree.ElementTree.parse(path).getroot():
        # `project.suite / test.GtestSuite`; tests of other protocols stand in a suite named like the project.
        name, _, group = suite.get("name").partition(".")[2].rpartition(".")
        if not name:
            continue
        for case in suite:
            title = f"{group}.{case.get('name')}"
            skipped = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                cases[name].append(("failed", title, "see the log"))
            elif skipped is not None:
                cases[name].append(("skipped", title, skip_reason(skipped.get("message") or skipped.text)))
            elif case.get("status") != "notrun":
                cases[name].append(("passed", title, ""))
    return cases


def meson_results(label, logbase):
    cases = gtest_cases(logbase)
    with open(logbase + ".json", encoding="utf-8") as file:
        tests = [json.loads(line) for line in file if line.strip()]
    for test in tests:
        name, result = test["name"], test["result"]
        short = f"{label}: {name.rpartition(' / ')[2]}"
        found = cases.get(name, [])
        for outcome, case, reason in found:
            yield outcome, f"{short}: {case}", reason
        if result in GOOD:
            if not found:
                yield "passed", short, ""
        elif result == "SKIP":
            if not found:
                said = [line for line in (test.get("stdout") or "").splitlines() if line.strip()]
                yield "skipped", short, one_line(said[-1] if said else "gave no reason").removeprefix("SKIP: ")
        elif not any(outcome == "failed" for outcome, _, _ in found):
            # Crashed or ran out of time: its cases, if any were written, do not tell.
            yield "failed", short, f"{result}, exit status {test.get('returncode')}"


def append(results, lines):
    with open(results, "a", encoding="utf-8") as file:
        for outcome, name, reason in lines:
            file.write(f"{outcome}\t{one_line(name)}\t{one_line(reason)}\n")


def close(results, in_ci):
    lines = []
    if os.path.exists(results):
        with open(results, encoding="utf-8") as file:
            lines = [line.rstrip("\n").split("\t") for line in file]
    counts = collections.Counter()
    for outcome, name, reason in lines:
        if outcome == "skipped" and in_ci and MISSING_PACKAGE.search(reason):
            outcome, reason = "failed", f"skipped in CI: {reason}"
        counts[outcome] += 1
        if outcome != "passed":
            print(f"{outcome}: {name}" + (f" ({reason})" if reason else ""))
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 0 if counts["failed"] == 0 and counts["passed"] > 0 else 1


def main(arguments):
    results, command, *rest = arguments
    if command == "meson" and len(rest) == 2:
        append(results, meson_results(*rest))
    elif command == "add" and len(rest) == 3 and rest[0] in ("passed", "failed", "skipped"):
        append(results, [tuple(rest)])
    elif command == "close" and not rest:
        return close(results, os.environ.get("CI") == "true")
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
