// The three renderings of a verdict, against golden files, and the promises that hold for any verdict.
#include <gtest/gtest.h>

#include <sstream>

#include "engine/base/json.h"
#include "sim/report/assumptions.h"
#include "sim/report/json_report.h"
#include "sim/report/junit.h"
#include "sim/report/text_report.h"
#include "tests/sim/report/golden.h"
#include "tests/sim/report/sample_verdict.h"

namespace dvt::sim {
namespace {

using test::expect_golden;
using test::sample_scenario;
using test::sample_verdict;

ReportContext context() {
  ReportContext out;
  out.wall_seconds = 1.234;
  return out;
}

std::vector<std::string> keys_of(const json::Value& value) {
  std::vector<std::string> keys;
  for (const json::Member& member : value.as_object()) keys.push_back(member.key);
  return keys;
}

json::Value parsed(const std::string& text) {
  auto value = json::parse(text);
  EXPECT_TRUE(value.has_value());
  return std::move(value.value());
}

// ---- JSON ----

TEST(JsonReport, RendersTheSampleAsItAlwaysDid) {
  expect_golden("sample.json", render_json(sample_verdict(), context()));
}

TEST(JsonReport, KeepsTheContractsKeysInTheirOrder) {
  const json::Value report = parsed(render_json(sample_verdict(), context()));
  const std::vector<std::string> contract = {"schemaVersion",
                                             "scenario",
                                             "seed",
                                             "fingerprint",
                                             "start",
                                             "warmup_seconds",
                                             "virtual_seconds",
                                             "wall_seconds",
                                             "events_total",
                                             "kernel_events_total",
                                             "runs",
                                             "store",
                                             "objectives",
                                             "alerts",
                                             "pauses",
                                             "budget",
                                             "cost",
                                             "faults",
                                             "invariants",
                                             "assertions",
                                             "counts",
                                             "passed",
                                             "reproduce"};
  std::vector<std::string> found;
  for (const std::string& key : keys_of(report)) {
    if (std::find(contract.begin(), contract.end(), key) != contract.end()) found.push_back(key);
  }
  EXPECT_EQ(found, contract);
  EXPECT_EQ(keys_of(*report.find("runs")),
            (std::vector<std::string>{"started", "completed", "failed", "cancelled", "in_flight", "stuck"}));
  EXPECT_EQ(keys_of(*report.find("store")),
            (std::vector<std::string>{"events", "duplicates", "write_errors", "bytes"}));
  for (const char* key : {"name", "metric", "target", "observed", "unit", "n", "good", "bad", "verdict", "reason",
                          "emergent", "windows"}) {
    EXPECT_NE(report.find("objectives")->as_array().front().find(key), nullptr) << key;
  }
  for (const char* key : {"rule", "rule_set", "severity", "firings", "detection_seconds", "false_alarms"}) {
    EXPECT_NE(report.find("alerts")->as_array().front().find(key), nullptr) << key;
  }
  for (const char* key : {"n", "applied_seconds", "last_scheduled_seconds", "last_started_seconds", "drained_seconds",
                          "with_backlog", "activities_started_after_pause", "list"}) {
    EXPECT_NE(report.find("pauses")->find(key), nullptr) << key;
  }
  for (const char* key :
       {"run_id", "accepted_at", "applied_seconds", "last_scheduled_seconds", "last_started_seconds", "drained_seconds",
        "activities_started_after_pause", "queue_depth", "in_flight", "ended_by"}) {
    EXPECT_NE(report.find("pauses")->find("list")->as_array().front().find(key), nullptr) << key;
  }
  for (const char* key : {"name", "injected_at", "healed_at", "count", "recovered_seconds"}) {
    EXPECT_NE(report.find("faults")->as_array().front().find(key), nullptr) << key;
  }
  for (const char* key : {"window", "total_minutes", "consumed_minutes", "pace", "state", "transitions"})
    EXPECT_NE(report.find("budget")->find(key), nullptr) << key;
  for (const char* key : {"per_run_nano_dollars", "parts"}) EXPECT_NE(report.find("cost")->find(key), nullptr) << key;
}

TEST(JsonReport, SaysTheSameForTheSameRunWhateverTheWallClockSaid) {
  ReportContext slow = context();
  slow.wall_seconds = 99;
  std::istringstream a(render_json(sample_verdict(), context()));
  std::istringstream b(render_json(sample_verdict(), slow));
  std::string x, y;
  while (std::getline(a, x) && std::getline(b, y)) {
    if (x.find("wall_seconds") == std::string::npos) {
      EXPECT_EQ(x, y);
    }
  }
}

TEST(JsonReport, WritesDurationsAsExactDecimalSeconds) {
  const std::string text = render_json(sample_verdict(), context());
  EXPECT_NE(text.find("\"observed\": 4.312000001"), std::string::npos);
  EXPECT_NE(text.find("\"accepted_at\": \"2026-01-01T00:45:00.000000000Z\""), std::string::npos);
}

TEST(JsonReport, OfAnEmptyRunIsWholeToo) {
  const json::Value report = parsed(render_json(Verdict{}, ReportContext{}));
  EXPECT_TRUE(report.find("objectives")->as_array().empty());
  EXPECT_TRUE(report.find("pauses")->find("applied_seconds")->find("p99")->is_null());
  EXPECT_FALSE(report.find("passed")->as_bool());
}

// ---- Text ----

TEST(TextReport, RendersTheSampleAsItAlwaysDid) {
  expect_golden("sample.txt", render_text(sample_verdict(), sample_scenario(), context(), Colour::off));
  expect_golden("sample-colour.txt", render_text(sample_verdict(), sample_scenario(), context(), Colour::on));
}

std::string without_colour(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\033') {
      out += text[i];
      continue;
    }
    i = text.find('m', i);
  }
  return out;
}

TEST(TextReport, IsTheSameUnderTheColours) {
  EXPECT_EQ(without_colour(render_text(sample_verdict(), sample_scenario(), context(), Colour::on)),
            render_text(sample_verdict(), sample_scenario(), context(), Colour::off));
}

TEST(TextReport, FitsAHundredColumnsWhereItIsLaidOutByUs) {
  std::istringstream lines(render_text(sample_verdict(), sample_scenario(), context(), Colour::off));
  std::string line;
  while (std::getline(lines, line)) {
    EXPECT_LE(display_width(line), 100U) << line;
    EXPECT_TRUE(line.empty() || line.back() != ' ') << "'" << line << "'";
  }
}

TEST(TextReport, SaysUndecidedWhenNothingWasChecked) {
  Verdict verdict;
  verdict.decided_by = "no objective could be decided";
  EXPECT_NE(render_text(verdict, Scenario{}, {}, Colour::off).find("UNDECIDED  no objective could be decided"),
            std::string::npos);
}

TEST(Assumptions, TakeTheNearestMarkAndTellDefaultsFromWhatTheScenarioSet) {
  Scenario scenario = sample_scenario();
  scenario.provenance = {{"topology", Provenance::assumed}, {"topology.stateStore", Provenance::measured}};
  const auto origin_of = [&](std::string_view path) {
    for (const Assumption& one : assumptions(scenario)) {
      if (one.path == path) return one.origin;
    }
    return std::string("missing");
  };
  EXPECT_EQ(origin_of("topology.stateStore.writeLatency"), "measured");
  EXPECT_EQ(origin_of("topology.api.latency"), "assumed");
  scenario.provenance.clear();
  EXPECT_EQ(origin_of("topology.stateStore.writeLatency"), "scenario");
  EXPECT_EQ(origin_of("topology.api.latency"), "default");
}

// ---- Table and figures ----

TEST(TextTable, AlignsByWhatATerminalShows) {
  TextTable table({{"name", Align::left}, {"n", Align::right}});
  table.add({"café", "5"});
  table.add({"数据仓库", "1,234"});
  EXPECT_EQ(table.render(Colour::off),
            "  name          n\n"
            "  café          5\n"
            "  数据仓库  1,234\n");
}

TEST(TextTable, PutsANoteBelowWhereItDoesNotFit) {
  TextTable table({{"", Align::left}, {"", Align::left}});
  table.add({"a", "b"}, "short");
  table.add({"a", "b"}, std::string(60, 'x') + " " + std::string(60, 'y'));
  EXPECT_EQ(table.render(Colour::off),
            "  a  b  short\n  a  b\n     " + std::string(60, 'x') + "\n     " + std::string(60, 'y') + "\n");
}

TEST(TextTable, ColoursCellsWithoutMovingThem) {
  TextTable table({{"", Align::left}, {"", Align::right}});
  table.add({{"✗", Style::bad}, {"1", Style::plain}});
  EXPECT_EQ(table.render(Colour::on), "  \033[31;1m✗\033[0m  1\n");
}

TEST(DisplayWidth, CountsColumnsAndNotBytes) {
  EXPECT_EQ(display_width("µs"), 2U);
  EXPECT_EQ(display_width("✓ ▲ ×"), 5U);
  EXPECT_EQ(display_width("数据"), 4U);
  EXPECT_EQ(display_width("e\xCC\x81"), 1U);  // combining accent
  EXPECT_EQ(display_width("🚀"), 2U);
  EXPECT_EQ(display_width("\xFF\xC3"), 2U);  // no UTF-8: a column a byte
}

TEST(Figures, ReadWell) {
  EXPECT_EQ(show_duration({}), "0 s");
  EXPECT_EQ(show_duration(nanoseconds(999'900)), "999.9 µs");
  EXPECT_EQ(show_duration(nanoseconds(7'961'234)), "7.961 ms");
  EXPECT_EQ(show_duration(nanoseconds(4'312'000'001)), "4.312 s");
  EXPECT_EQ(show_duration(seconds(119)), "119 s");
  EXPECT_EQ(show_duration(minutes(2)), "2 m");
  EXPECT_EQ(show_duration(minutes(17) + seconds(5)), "17 m 5 s");
  EXPECT_EQ(show_duration(hours(24)), "24 h");
  EXPECT_EQ(show_duration(hours(52)), "2 d 4 h");
  EXPECT_EQ(show_duration(Duration{-1'500'000'000}), "-1.5 s");
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1'000), "1,000");
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
  EXPECT_EQ(show_bytes(999), "999 B");
  EXPECT_EQ(show_bytes(31'400'000), "31.4 MB");
  EXPECT_EQ(show_bytes(999'900'000), "1 GB");
}

// ---- JUnit ----

TEST(JUnit, RendersEveryOutcome) {
  expect_golden(
      "junit.xml",
      render_junit("dvtsim", {{"hello.yaml seed 1", JUnitOutcome::passed, 0.25, {}},
                              {"pause & <storm>.yaml seed 2", JUnitOutcome::failed, 1.5,
                               "1 of 2 assertions failed\n\"runs.failed == 0\" at storm.yaml:4:5\x01"},
                              {"broken.yaml", JUnitOutcome::error, 0, "broken.yaml:3:1: unknown key 'duratoin'"},
                              {"month.yaml", JUnitOutcome::skipped, 0, "tier nightly"}}));
}

}  // namespace
}  // namespace dvt::sim
