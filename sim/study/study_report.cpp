#include "sim/study/study_report.h"

#include <algorithm>

#include "engine/base/detmath.h"
#include "engine/base/format.h"
#include "engine/base/json.h"

namespace dvt::sim {
namespace {

// As AssertValue's texts, but for estimates: rounded to what is worth reading, negative too.
std::string show(ValueKind kind, double number) {
  switch (kind) {
    case ValueKind::duration:
      return show_duration({detmath::round_to_int64(number)});
    case ValueKind::share:
      return fmt::format("{:.4g}%", number * 100);
    case ValueKind::money:
      return fmt::format("{:.4g} USD", number / 1e9);
    case ValueKind::bytes:
      return fmt::format("{:.4g} B", number);
    case ValueKind::rate:
      return fmt::format("{:.4g}/s", number);
    default:
      return fmt::format("{:.6g}", number);
  }
}

std::string percent_text(double share) {
  return fmt::format("{:.1f}%", share * 100);
}

std::string share_text(std::int64_t hits, std::int64_t n, double level) {
  const confidence::Interval interval = confidence::share(hits, n, level);
  return fmt::format("{} of {} ({} to {})", hits, n, percent_text(interval.low), percent_text(interval.high));
}

std::string_view unit(ValueKind kind) {
  switch (kind) {
    case ValueKind::duration:
      return "seconds";
    case ValueKind::share:
      return "fraction";
    case ValueKind::money:
      return "nano_dollars";
    case ValueKind::bytes:
      return "bytes";
    case ValueKind::rate:
      return "per_second";
    case ValueKind::word:
    case ValueKind::boolean:
      return "word";
    case ValueKind::number:
      break;
  }
  return "number";
}

ValueKind kind_of(std::string_view name) {
  for (const ValueKind kind :
       {ValueKind::duration, ValueKind::share, ValueKind::money, ValueKind::bytes, ValueKind::rate, ValueKind::word})
    if (unit(kind) == name) return kind;
  return ValueKind::number;
}

// Durations come back as the whole nanoseconds that they were.
double from_unit(ValueKind kind, double number) {
  return kind == ValueKind::duration ? static_cast<double>(detmath::round_to_int64(number * 1e9)) : number;
}

double in_unit(ValueKind kind, double number) {
  return kind == ValueKind::duration ? number / 1e9 : number;
}

bool is_word(const StudyMeasure& measure) {
  return unit(measure.kind) == "word";
}

std::string_view to_string(Sufficient sufficient) {
  return sufficient == Sufficient::yes ? "yes" : sufficient == Sufficient::no ? "no" : "undecided";
}

std::string signed_text(ValueKind kind, double number) {
  return (number > 0 ? "+" : "") + show(kind, number);
}

class Text {
 public:
  Text(const StudyResult& result, Colour colour)
      : r_(result), colour_(colour), level_(result.plan.replications.confidence.fraction()) {}

  std::string render() {
    line(paint(colour_, Style::bold, r_.plan.name));
    for (std::size_t c = 0; c < r_.runs.size(); ++c) cell(c);
    const std::vector<Comparison> comparisons = compare(r_.plan, r_.runs);
    for (const Comparison& one : comparisons) comparison(one);
    if (r_.search) search(*r_.search);
    if (r_.interrupted) line(paint(colour_, Style::warning, "Interrupted: what is shown is partial."));
    return std::move(out_);
  }

 private:
  void line(std::string_view text) {
    out_ += text;
    out_ += '\n';
  }

  void cell(std::size_t index) {
    const CellRuns& runs = r_.runs[index];
    const CellSummary summary = summarise(r_.plan.measures, runs.runs, level_);
    line("");
    if (r_.plan.cells[index].label() != r_.plan.name) line(paint(colour_, Style::bold, r_.plan.cells[index].label()));
    if (summary.n == 0) {
      line("  no runs");
      return;
    }
    line(fmt::format("  passed: {} runs{}", share_text(summary.passed, summary.n, level_),
                     runs.precise ? "" : "; the interval asked for was not reached"));
    if (summary.violated > 0)
      line(paint(colour_, Style::bad, fmt::format("  {} runs violated an invariant", summary.violated)));
    if (summary.broken > 0) line(paint(colour_, Style::bad, fmt::format("  {} runs broke down", summary.broken)));
    TextTable numbers({{"  measure"},
                       {"n", Align::right},
                       {"mean", Align::right},
                       {fmt::format("± {:.4g}%", level_ * 100), Align::right},
                       {"median", Align::right},
                       {"min", Align::right},
                       {"max", Align::right}});
    TextTable words({{"  measure"}, {"runs"}});
    bool any_number = false;
    bool any_word = false;
    std::string silent;
    for (const MeasureSummary& one : summary.measures) {
      const ValueKind kind = one.measure.kind;
      if (one.n == 0) {
        silent += fmt::format("{}{}", silent.empty() ? "" : ", ", one.measure.path);
      } else if (is_word(one.measure)) {
        any_word = true;
        std::string name = "  " + one.measure.path;
        for (const auto& [word, times] : one.words) {
          words.add({Cell(name), Cell(fmt::format("{} {}", word, share_text(times, one.n, level_)))});
          name.clear();
        }
      } else {
        any_number = true;
        numbers.add({Cell("  " + one.measure.path), Cell(std::to_string(one.n)), Cell(show(kind, one.mean.mean)),
                     Cell(one.n < 2 ? std::string("?") : show(kind, one.mean.half_width)), Cell(show(kind, one.median)),
                     Cell(show(kind, one.min)), Cell(show(kind, one.max))});
      }
    }
    if (any_number) out_ += numbers.render(colour_);
    if (any_word) out_ += words.render(colour_);
    if (!silent.empty()) out_ += wrapped("no value in any run: " + silent, 2);
    problems(runs.runs);
  }

  // The first few runs that did not pass, each with the seed that repeats it.
  void problems(const std::vector<Replication>& runs) {
    constexpr std::size_t kShown = 3;
    std::size_t shown = 0;
    std::size_t all = 0;
    for (const Replication& run : runs) {
      if (run.exit_code == 0) continue;
      if (++all > kShown) continue;
      ++shown;
      line(fmt::format("  seed {} ends with {}: {}", run.seed, run.exit_code, run.problem));
    }
    if (all > shown) line(fmt::format("  and {} more that did not pass", all - shown));
  }

  void comparison(const Comparison& one) {
    line("");
    line(fmt::format("{} against {}", r_.plan.cells[one.cell].label(), r_.plan.cells[one.baseline].label()));
    TextTable table({{"  measure"}, {"seeds", Align::right}, {"difference", Align::right}, {"interval"}, {""}});
    for (const Comparison::Difference& d : one.differences) {
      std::vector<Cell> cells{Cell("  " + d.measure.path), Cell(std::to_string(d.n))};
      const Cell mark(d.significant ? "differs" : "", Style::bold);
      if (d.n == 0) {
        table.add(std::move(cells), "no value in both");
      } else if (is_word(d.measure)) {
        std::string changes;
        for (const auto& [change, times] : d.changes) changes += fmt::format(", {} in {}", change, times);
        cells.insert(cells.end(), {Cell(""), Cell(""), mark});
        table.add(std::move(cells), fmt::format("same in {}{}", d.same, changes));
      } else {
        const confidence::Interval interval = d.mean.interval();
        cells.emplace_back(signed_text(d.measure.kind, d.mean.mean));
        cells.emplace_back(d.n < 2 ? std::string("?")
                                   : fmt::format("{} to {}", signed_text(d.measure.kind, interval.low),
                                                 signed_text(d.measure.kind, interval.high)));
        cells.push_back(mark);
        table.add(std::move(cells));
      }
    }
    out_ += table.render(colour_);
  }

  void search(const SearchResult& search) {
    const SearchSpec& spec = *r_.plan.search;
    const bool minimise = !spec.minimise.empty();
    line("");
    line(fmt::format("{} {} in {}..{} such that {}", minimise ? "smallest" : "greatest",
                     minimise ? spec.minimise : spec.maximise, spec.in.low, spec.in.high, spec.such_that));
    TextTable table({{"  value", Align::right}, {"held", Align::right}, {"runs", Align::right}, {"suffices"}});
    for (const Trial& trial : search.trials)
      table.add({Cell(std::to_string(trial.value)), Cell(std::to_string(trial.held)), Cell(std::to_string(trial.n)),
                 Cell(std::string(to_string(trial.sufficient)))});
    out_ += table.render(colour_);
    if (search.best) {
      line(fmt::format("  {}: it holds in at least {:.4g}% of runs, at {:.4g}% confidence{}", *search.best,
                       spec.share.fraction() * 100, spec.confidence.fraction() * 100,
                       search.inconclusive ? "; a value beyond it could not be decided" : ""));
    } else if (search.inconclusive) {
      line("  could not be decided: allow more runs (replications.max)");
    } else {
      line("  nothing in the range suffices");
    }
    if (!search.problem.empty()) line(paint(colour_, Style::bad, "  " + search.problem));
  }

  const StudyResult& r_;
  Colour colour_;
  double level_;
  std::string out_;
};

class Json {
 public:
  explicit Json(const StudyResult& result)
      : r_(result), level_(result.plan.replications.confidence.fraction()), w_(out_, json::Style::pretty) {}

  std::string render() {
    w_.begin_object();
    w_.member("schemaVersion", 1);
    w_.member("study", r_.plan.name);
    w_.member("confidence", level_);
    w_.key("cells").begin_array();
    for (std::size_t c = 0; c < r_.runs.size(); ++c) cell(c);
    w_.end_array();
    w_.key("comparisons").begin_array();
    for (const Comparison& one : compare(r_.plan, r_.runs)) comparison(one);
    w_.end_array();
    if (r_.plan.compare) {
      w_.key("compare").begin_object();
      w_.member("baseline", r_.plan.compare->baseline);
      w_.key("measures").begin_array();
      for (const std::string& path : r_.plan.compare->measures) w_.value(path);
      w_.end_array();
      w_.end_object();
    }
    if (r_.search) search(*r_.search);
    if (r_.interrupted) w_.member("interrupted", true);
    w_.member("exit_code", exit_code(r_));
    w_.end_object();
    return std::move(out_) + "\n";
  }

 private:
  void number(std::string_view key, ValueKind kind, double value) { w_.member(key, in_unit(kind, value)); }

  void cell(std::size_t index) {
    const CellRuns& runs = r_.runs[index];
    const StudyCell& cell = r_.plan.cells[index];
    const CellSummary summary = summarise(r_.plan.measures, runs.runs, level_);
    w_.begin_object();
    w_.member("variant", cell.variant);
    w_.key("vary").begin_object();
    for (const SetOverride& set : cell.varied) w_.member(set.path, set.value);
    w_.end_object();
    w_.member("n", summary.n);
    w_.member("precise", runs.precise);
    w_.member("passed", summary.passed);
    w_.member("violated", summary.violated);
    w_.member("broken", summary.broken);
    w_.key("measures").begin_array();
    for (const MeasureSummary& one : summary.measures) measure(one);
    w_.end_array();
    w_.key("runs").begin_array();
    for (const Replication& run : runs.runs) replication(run);
    w_.end_array();
    w_.end_object();
  }

  void measure(const MeasureSummary& one) {
    const ValueKind kind = one.measure.kind;
    w_.begin_object();
    w_.member("path", one.measure.path);
    w_.member("unit", unit(kind));
    w_.member("n", one.n);
    w_.member("absent", one.absent);
    if (is_word(one.measure)) {
      w_.key("words").begin_object();
      for (const auto& [word, times] : one.words) w_.member(word, times);
      w_.end_object();
    } else if (one.n > 0) {
      number("mean", kind, one.mean.mean);
      if (one.n > 1) number("half_width", kind, one.mean.half_width);
      number("median", kind, one.median);
      number("min", kind, one.min);
      number("max", kind, one.max);
    }
    w_.end_object();
  }

  void replication(const Replication& run) {
    w_.begin_object();
    w_.member("seed", run.seed);
    w_.member("exit_code", run.exit_code);
    w_.member("fingerprint", run.fingerprint);
    w_.key("values").begin_array();
    for (std::size_t i = 0; i < run.values.size(); ++i) {
      const std::optional<AssertValue>& value = run.values[i];
      const StudyMeasure& measure = r_.plan.measures.at(i);
      if (!value) {
        w_.value(nullptr);
      } else if (is_word(measure)) {
        w_.value(value->show());
      } else {
        w_.value(in_unit(measure.kind, value->number));
      }
    }
    w_.end_array();
    if (!run.problem.empty()) w_.member("problem", run.problem);
    w_.end_object();
  }

  void comparison(const Comparison& one) {
    w_.begin_object();
    w_.member("variant", r_.plan.cells[one.cell].variant);
    w_.member("baseline", r_.plan.cells[one.baseline].variant);
    w_.key("vary").begin_object();
    for (const SetOverride& set : r_.plan.cells[one.cell].varied) w_.member(set.path, set.value);
    w_.end_object();
    w_.key("differences").begin_array();
    for (const Comparison::Difference& d : one.differences) {
      w_.begin_object();
      w_.member("path", d.measure.path);
      w_.member("unit", unit(d.measure.kind));
      w_.member("n", d.n);
      w_.member("same", d.same);
      if (is_word(d.measure)) {
        w_.key("changes").begin_object();
        for (const auto& [change, times] : d.changes) w_.member(change, times);
        w_.end_object();
      } else if (d.n > 0) {
        number("mean", d.measure.kind, d.mean.mean);
        if (d.n > 1) number("half_width", d.measure.kind, d.mean.half_width);
      }
      w_.member("significant", d.significant);
      w_.end_object();
    }
    w_.end_array();
    w_.end_object();
  }

  void search(const SearchResult& search) {
    const SearchSpec& spec = *r_.plan.search;
    w_.key("search").begin_object();
    w_.member(spec.minimise.empty() ? "maximise" : "minimise", spec.minimise.empty() ? spec.maximise : spec.minimise);
    w_.member("such_that", spec.such_that);
    w_.member("share", spec.share.fraction());
    w_.member("confidence", spec.confidence.fraction());
    w_.key("best");
    if (search.best) {
      w_.value(*search.best);
    } else {
      w_.value(nullptr);
    }
    w_.member("inconclusive", search.inconclusive);
    w_.key("trials").begin_array();
    for (const Trial& trial : search.trials) {
      w_.begin_object();
      w_.member("value", trial.value);
      w_.member("held", trial.held);
      w_.member("n", trial.n);
      w_.member("sufficient", to_string(trial.sufficient));
      w_.end_object();
    }
    w_.end_array();
    if (!search.problem.empty()) w_.member("problem", search.problem);
    w_.end_object();
  }

  const StudyResult& r_;
  double level_;
  std::string out_;
  json::Writer w_;
};

// A study's JSON back into values. Every look-up says what is missing.
class Reader {
 public:
  Reader(std::string where, const json::Value& root) : where_(std::move(where)), root_(root) {}

  StudyResult read() {
    StudyResult out;
    out.plan.name = text(root_, "study");
    out.plan.replications.confidence.ppb = detmath::round_to_int64(member(root_, "confidence").as_double() * 1e9);
    for (const json::Value& one : list(root_, "cells")) cell(one, out);
    if (const json::Value* compare = root_.find("compare")) {
      out.plan.compare = CompareSpec{text(*compare, "baseline"), {}, {}};
      for (const json::Value& path : list(*compare, "measures")) out.plan.compare->measures.push_back(path.as_string());
    }
    return out;
  }

 private:
  const json::Value& member(const json::Value& object, std::string_view key) const {
    const json::Value* found = object.find(key);
    if (found == nullptr) throw Error(fmt::format("{}: no study's result: \"{}\" is missing", where_, key));
    return *found;
  }
  const std::string& text(const json::Value& object, std::string_view key) const {
    const std::string* found = member(object, key).if_string();
    if (found == nullptr) throw Error(fmt::format("{}: \"{}\" is no text", where_, key));
    return *found;
  }
  const json::Array& list(const json::Value& object, std::string_view key) const {
    const json::Array* found = member(object, key).if_array();
    if (found == nullptr) throw Error(fmt::format("{}: \"{}\" is no list", where_, key));
    return *found;
  }
  std::int64_t whole(const json::Value& object, std::string_view key) const {
    const std::optional<std::int64_t> found = member(object, key).if_int();
    if (!found) throw Error(fmt::format("{}: \"{}\" is no whole number", where_, key));
    return *found;
  }

  void cell(const json::Value& from, StudyResult& out) {
    StudyCell made;
    made.variant = text(from, "variant");
    made.scenario.metadata.name = out.plan.name;
    const json::Object* vary = member(from, "vary").if_object();
    if (vary == nullptr) throw Error(fmt::format("{}: \"vary\" is no map", where_));
    for (const json::Member& set : *vary) made.varied.push_back({set.key, set.value.as_string()});
    std::vector<StudyMeasure> measures;
    for (const json::Value& one : list(from, "measures"))
      measures.push_back({text(one, "path"), kind_of(text(one, "unit"))});
    if (out.plan.cells.empty()) out.plan.measures = measures;
    if (measures != out.plan.measures) throw Error(fmt::format("{}: the cells have different measures", where_));
    CellRuns runs;
    runs.precise = member(from, "precise").if_bool().value_or(false);
    for (const json::Value& one : list(from, "runs")) runs.runs.push_back(replication(one, measures));
    out.plan.cells.push_back(std::move(made));
    out.runs.push_back(std::move(runs));
  }

  Replication replication(const json::Value& from, const std::vector<StudyMeasure>& measures) const {
    Replication run;
    run.seed = static_cast<std::uint64_t>(whole(from, "seed"));
    run.exit_code = static_cast<int>(whole(from, "exit_code"));
    run.fingerprint = text(from, "fingerprint");
    if (from.find("problem") != nullptr) run.problem = text(from, "problem");
    const json::Array& values = list(from, "values");
    if (values.size() != measures.size()) throw Error(fmt::format("{}: a run without all its values", where_));
    for (std::size_t i = 0; i < values.size(); ++i) {
      std::optional<AssertValue> value;
      if (const std::string* word = values[i].if_string()) {
        value = AssertValue::of_word(*word);
      } else if (const std::optional<double> number = values[i].if_double()) {
        value = AssertValue{measures[i].kind, from_unit(measures[i].kind, *number), false, {}};
      }
      run.values.push_back(std::move(value));
    }
    return run;
  }

  std::string where_;
  const json::Value& root_;
};

}  // namespace

StudyResult read_study_json(std::string_view text, const std::string& where) {
  json::Limits limits;
  limits.max_bytes = std::size_t{1} << 30;
  const auto root = json::parse(text, limits);
  if (!root.has_value())
    throw Error(fmt::format("{}:{}:{}: {}", where, root.error().line, root.error().col, root.error().message));
  return Reader(where, root.value()).read();
}

void merge_study(StudyResult& into, StudyResult part, const std::string& where) {
  const auto same = [](const StudyCell& a, const StudyCell& b) {
    return a.variant == b.variant && a.grid_label() == b.grid_label();
  };
  if (into.plan.name != part.plan.name || into.plan.measures != part.plan.measures ||
      !std::equal(into.plan.cells.begin(), into.plan.cells.end(), part.plan.cells.begin(), part.plan.cells.end(), same))
    throw Error(fmt::format("{}: a part of another study: name, cells or measures differ", where));
  for (std::size_t c = 0; c < into.runs.size(); ++c) {
    std::vector<Replication>& runs = into.runs[c].runs;
    into.runs[c].precise = into.runs[c].precise && part.runs[c].precise;
    for (Replication& run : part.runs[c].runs) {
      const auto at = std::lower_bound(runs.begin(), runs.end(), run.seed,
                                       [](const Replication& a, std::uint64_t seed) { return a.seed < seed; });
      if (at == runs.end() || at->seed != run.seed) {
        runs.insert(at, std::move(run));
      } else if (at->fingerprint != run.fingerprint || at->exit_code != run.exit_code) {
        throw Error(fmt::format("{}: seed {} of {} has another result than before", where, run.seed,
                                into.plan.cells[c].label()));
      }
    }
  }
}

int exit_code(const StudyResult& result) {
  std::int64_t n = 0;
  std::int64_t failed = 0;
  bool precise = true;
  bool broken = false;
  bool violated = false;
  for (const CellRuns& cell : result.runs) {
    precise = precise && cell.precise;
    for (const Replication& run : cell.runs) {
      ++n;
      broken = broken || run.exit_code == 1 || run.exit_code == 2;
      violated = violated || run.exit_code == 5;
      failed += run.exit_code == 3 || run.exit_code == 4 ? 1 : 0;
    }
  }
  if (broken || (result.search && !result.search->problem.empty())) return 1;
  if (violated) return 5;
  if (result.search && !result.search->best && !result.search->inconclusive) return 3;
  if (result.runs.size() == 1 && failed > 0) return 3;
  if (!precise || (result.search && result.search->inconclusive)) return 7;
  if (n == 0 && !result.search) return 7;
  return 0;
}

std::string render_study_text(const StudyResult& result, Colour colour) {
  return Text(result, colour).render();
}

std::string render_study_json(const StudyResult& result) {
  return Json(result).render();
}

}  // namespace dvt::sim
