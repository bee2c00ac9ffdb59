#include "sim/study/alert_report.h"

#include "engine/base/format.h"
#include "engine/base/json.h"
#include "sim/scenario/rule_file.h"

namespace dvt::sim {
namespace {

std::string median_text(const AlertTally& tally) {
  if (tally.impacts == 0) return "";
  const auto median = tally.median_detection();
  return median ? show_duration(*median) : "missed";
}

std::string count_text(std::uint64_t n) {
  return grouped(n);
}

std::string percent(double share) {
  return fmt::format("{:.1f} %", 100 * share);
}

std::string share_text(const AlertTally& tally) {
  if (tally.judged == 0) return "";
  const confidence::Interval interval = tally.false_share();
  return fmt::format("{} [{}, {}]", percent(tally.false_ratio()), percent(interval.low), percent(interval.high));
}

std::vector<Cell> figures(const AlertTally& tally, bool impacts) {
  std::vector<Cell> out{count_text(tally.firings)};
  for (const std::uint64_t n : {tally.impacts, tally.caught, tally.late, tally.missed})
    out.emplace_back(impacts ? count_text(n) : "");
  out.emplace_back(median_text(tally));
  out.emplace_back(tally.judged == 0 ? "" : count_text(tally.false_alarms));
  out.emplace_back(share_text(tally));
  return out;
}

std::vector<TextTable::Column> columns(std::string first) {
  const Align right = Align::right;
  return {{std::move(first)}, {"severity"},      {"fired", right},  {"impacts", right}, {"caught", right},
          {"late", right},    {"missed", right}, {"median", right}, {"false", right},   {"share, 95 %"}};
}

Style style_of(BacktestVerdict verdict) {
  if (verdict == BacktestVerdict::passed) return Style::good;
  return verdict == BacktestVerdict::failed ? Style::bad : Style::warning;
}

void tally_json(json::Writer& w, const AlertTally& tally) {
  for (const auto& [name, n] :
       {std::pair{"firings", tally.firings}, std::pair{"judged", tally.judged},
        std::pair{"false_alarms", tally.false_alarms}, std::pair{"impacts", tally.impacts},
        std::pair{"caught", tally.caught}, std::pair{"late", tally.late}, std::pair{"missed", tally.missed}})
    w.member(name, n);
  w.key("detection_median_seconds");
  if (const auto median = tally.median_detection()) {
    w.raw(format_seconds(*median));
  } else {
    w.value(nullptr);
  }
  w.key("false_alarm_share");
  if (tally.judged == 0) {
    w.value(nullptr);
    return;
  }
  const confidence::Interval interval = tally.false_share();
  w.begin_object();
  w.member("share", tally.false_ratio());
  w.member("low", interval.low);
  w.member("high", interval.high);
  w.end_object();
}

void problems_text(std::string& out, const std::vector<std::string>& problems) {
  for (const std::string& problem : problems) out += wrapped("run ended with an error: " + problem, 2);
}

void text_list(json::Writer& w, std::string_view key, const std::vector<std::string>& texts) {
  w.key(key).begin_array();
  for (const std::string& text : texts) w.value(text);
  w.end_array();
}

/// The outer object with what both results begin with; a result of either command.
template <class Result>
void begin_result(json::Writer& w, const Result& result) {
  w.begin_object();
  w.member("schemaVersion", 1);
  w.member("scenario", result.scenario);
  w.member("first_seed", result.first_seed);
  w.member("runs", result.runs);
  w.member("limit", result.limit);
}

template <class Rule>
void begin_rule(json::Writer& w, const Rule& rule) {
  w.begin_object();
  w.member("rule", rule.rule);
  w.member("rule_set", rule.set);
  w.member("severity", rule.severity);
}

void variant_json(json::Writer& w, const RuleVariant& variant) {
  w.begin_object();
  w.member("expr", variant.expr);
  w.member("for", format_prometheus_duration(variant.hold));
  tally_json(w, variant.tally);
  w.end_object();
}

}  // namespace

std::string render_backtest_text(const BacktestResult& result, Colour colour) {
  std::string out = fmt::format("{}: {} runs from seed {}; alerts act on nothing\n\n", result.scenario, result.runs,
                                result.first_seed);
  TextTable rules(columns("rule"));
  std::vector<std::string> apart;
  for (const RuleTally& rule : result.rules) {
    if (!rule.reason.empty()) apart.push_back(fmt::format("{}/{}: {}", rule.set, rule.rule, rule.reason));
    if (!rule.reason.empty() && rule.tally.firings == 0) continue;
    std::vector<Cell> cells{rule.set + "/" + rule.rule, rule.severity};
    for (Cell& cell : figures(rule.tally, !rule.objective.empty() && rule.tally.judged + rule.tally.impacts > 0))
      cells.push_back(std::move(cell));
    rules.add(std::move(cells));
  }
  out += rules.render(colour) + "\n";
  TextTable sets(columns("pages of the set"));
  for (const SetTally& set : result.sets) {
    std::vector<Cell> cells{{set.set, style_of(set.verdict)}, std::string(to_string(set.verdict))};
    for (Cell& cell : figures(set.pages, true)) cells.push_back(std::move(cell));
    sets.add(std::move(cells));
  }
  out += sets.render(colour) + "\n";
  for (const SetTally& set : result.sets) {
    const std::string limit = percent(result.limit);
    if (set.verdict == BacktestVerdict::inconclusive)
      out += wrapped(fmt::format("{}: {} judged firings with {} false ones decide nothing at {}: for 5 %, 59 without a "
                                 "false one are needed",
                                 set.set, set.pages.judged, set.pages.false_alarms, limit),
                     2);
    if (set.verdict == BacktestVerdict::failed)
      out += wrapped(fmt::format("{}: the share of false pages is above {}", set.set, limit), 2);
    if (set.verdict == BacktestVerdict::passed)
      out += wrapped(fmt::format("{}: the share of false pages is at most {} (95 %)", set.set, limit), 2);
  }
  for (const std::string& one : apart) out += wrapped(one, 2);
  problems_text(out, result.problems);
  return out;
}

std::string render_backtest_json(const BacktestResult& result) {
  std::string out;
  json::Writer w(out, json::Style::pretty);
  begin_result(w, result);
  w.key("rules").begin_array();
  for (const RuleTally& rule : result.rules) {
    begin_rule(w, rule);
    w.member("pages", is_page(rule.severity));
    w.member("objective", rule.objective);
    w.member("reason", rule.reason);
    tally_json(w, rule.tally);
    w.end_object();
  }
  w.end_array();
  w.key("rule_sets").begin_array();
  for (const SetTally& set : result.sets) {
    w.begin_object();
    w.member("rule_set", set.set);
    w.member("verdict", to_string(set.verdict));
    tally_json(w, set.pages);
    w.end_object();
  }
  w.end_array();
  text_list(w, "problems", result.problems);
  w.member("interrupted", result.interrupted);
  w.member("passed", exit_code(result) == 0);
  w.end_object();
  return out + "\n";
}

std::string render_review_text(const ReviewResult& result, Colour colour) {
  std::string out =
      fmt::format("{}: reviewed over {} runs from seed {}\n\n", result.scenario, result.runs, result.first_seed);
  TextTable rules({{"rule"},
                   {"fired", Align::right},
                   {"false", Align::right},
                   {"share, 95 %"},
                   {"caught", Align::right},
                   {"proposal"}});
  const auto caught = [](const AlertTally& tally) {
    return tally.impacts == 0 ? std::string() : fmt::format("{}/{}", tally.caught, tally.impacts);
  };
  for (const RuleReview& rule : result.rules) {
    std::string proposal = rule.above_limit ? "none" : "keep";
    if (rule.proposed) {
      proposal = fmt::format("for {}", format_prometheus_duration(rule.proposed->hold));
      if (rule.proposed->threshold != rule.now.threshold)
        proposal = fmt::format("{} instead of {}, {}", rule.proposed->threshold, rule.now.threshold, proposal);
      proposal += fmt::format(": {} of {} false, {} caught", rule.proposed->tally.false_alarms,
                              rule.proposed->tally.judged, caught(rule.proposed->tally));
    }
    rules.add({rule.set + "/" + rule.rule,
               count_text(rule.now.tally.firings),
               count_text(rule.now.tally.false_alarms),
               share_text(rule.now.tally),
               caught(rule.now.tally),
               {proposal, rule.above_limit ? Style::warning : Style::good}},
              rule.note);
  }
  out += "alerts: at most " + percent(result.limit) + " false\n" + rules.render(colour) + "\n";
  TextTable targets({{"objective"},
                     {"target", Align::right},
                     {"met in", Align::right},
                     {"worst p99", Align::right},
                     {"supported", Align::right},
                     {"advice"}});
  const auto seconds_text = [](double value) {
    return show_duration(Duration{static_cast<std::int64_t>(value * 1e9)});
  };
  for (const TargetReview& target : result.targets)
    targets.add({target.objective, seconds_text(target.target), fmt::format("{}/{}", target.met, target.runs),
                 seconds_text(target.worst), seconds_text(target.proposed), target.advice});
  out += "targets that this load supports\n" + targets.render(colour);
  problems_text(out, result.problems);
  return out;
}

std::string render_review_json(const ReviewResult& result) {
  std::string out;
  json::Writer w(out, json::Style::pretty);
  begin_result(w, result);
  w.key("rules").begin_array();
  for (const RuleReview& rule : result.rules) {
    begin_rule(w, rule);
    w.member("above_limit", rule.above_limit);
    w.key("now");
    variant_json(w, rule.now);
    w.key("proposed");
    if (rule.proposed) {
      variant_json(w, *rule.proposed);
    } else {
      w.value(nullptr);
    }
    w.member("note", rule.note);
    w.end_object();
  }
  w.end_array();
  w.key("targets").begin_array();
  for (const TargetReview& target : result.targets) {
    w.begin_object();
    w.member("objective", target.objective);
    w.member("unit", target.unit);
    w.member("target", target.target);
    w.member("worst", target.worst);
    w.member("runs", target.runs);
    w.member("met", target.met);
    w.member("proposed", target.proposed);
    w.member("advice", target.advice);
    w.end_object();
  }
  w.end_array();
  text_list(w, "problems", result.problems);
  w.member("interrupted", result.interrupted);
  w.end_object();
  return out + "\n";
}

}  // namespace dvt::sim
