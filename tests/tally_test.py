#!/usr/bin/env python3
"""The count is what the runners reported: crashes count as failures, and a missing package is no excuse in CI."""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tally  # noqa: E402


class Tally(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.results = os.path.join(self.folder.name, "results")
        self.logbase = os.path.join(self.folder.name, "log")

    def tearDown(self):
        self.folder.cleanup()

    def meson(self, tests, junit=""):
        with open(self.logbase + ".json", "w", encoding="utf-8") as file:
            for name, result, stdout in tests:
                file.write(json.dumps({"name": name, "result": result, "stdout": stdout, "returncode": 1}) + "\n")
        with open(self.logbase + ".junit.xml", "w", encoding="utf-8") as file:
            file.write(f"<testsuites>{junit}</testsuites>")
        tally.main([self.results, "meson", "release", self.logbase])

    def close(self, in_ci=False):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            status = tally.close(self.results, in_ci)
        return status, said.getvalue().splitlines()

    def test_counts_gtest_cases_and_other_tests_as_one(self):
        self.meson([("p:tier1 / kernel", "OK", ""), ("p:tier1 / script", "OK", "")],
                   '<testsuite name="p.p:tier1 / kernel.Timers"><testcase name="A" status="run"/>'
                   '<testcase name="B" status="run"/><testcase name="C" status="notrun"/></testsuite>'
                   '<testsuite name="p"><testcase name="p:tier1 / script"/></testsuite>')
        self.assertEqual(self.close(), (0, ["3 passed, 0 failed, 0 skipped"]))

    def test_names_failures_and_skips_with_their_reason(self):
        self.meson([("p:tier1 / kernel", "FAIL", "")],
                   '<testsuite name="p.p:tier1 / kernel.Timers"><testcase name="A" status="run"><failure message="x"/>'
                   '</testcase><testcase name="B" status="run"><skipped message="a/b.cpp:3&#x0A;no data here"/>'
                   '</testcase></testsuite>')
        status, lines = self.close()
        self.assertEqual(status, 1)
        self.assertIn("failed: release: kernel: Timers.A (see the log)", lines)
        self.assertIn("skipped: release: kernel: Timers.B (no data here)", lines)
        self.assertEqual(lines[-1], "0 passed, 1 failed, 1 skipped")

    def test_a_crash_after_good_cases_is_a_failure(self):
        self.meson([("p:tier1 / kernel", "FAIL", "")],
                   '<testsuite name="p.p:tier1 / kernel.Timers"><testcase name="A" status="run"/></testsuite>')
        self.assertEqual(self.close()[1][-1], "1 passed, 1 failed, 0 skipped")

    def test_a_timeout_without_cases_is_a_failure(self):
        self.meson([("p:tier1 / kernel", "TIMEOUT", "")])
        self.assertEqual(self.close()[1][-1], "0 passed, 1 failed, 0 skipped")

    def test_a_missing_package_is_a_failure_in_ci_alone(self):
        self.meson([("p:tier1 / a", "OK", ""), ("p:tier1 / bytes", "SKIP", "fine so far\nSKIP: package locales is missing\n")])
        self.assertEqual(self.close(), (0, ["skipped: release: bytes (package locales is missing)",
                                            "1 passed, 0 failed, 1 skipped"]))
        self.assertEqual(self.close(in_ci=True)[0], 1)
        self.assertEqual(self.close(in_ci=True)[1][-1], "1 passed, 1 failed, 0 skipped")

    def test_a_skip_for_absent_data_is_none_in_ci(self):
        self.meson([("p:tier1 / a", "OK", ""), ("p:tier1 / b", "SKIP", "SKIP: ../shared/data is absent")])
        self.assertEqual(self.close(in_ci=True)[0], 0)

    def test_nothing_run_is_not_success(self):
        self.assertEqual(self.close(), (1, ["0 passed, 0 failed, 0 skipped"]))


if __name__ == "__main__":
    unittest.main()
