#include "sim/report/text_report.h"

#include "engine/base/format.h"

#include <algorithm>
#include <map>

#include "sim/report/assumptions.h"

namespace dvt::sim {
namespace {

std::string show(const Quantity& quantity) {
  switch (quantity.unit) {
    case Unit::seconds:
      return show_duration(quantity.duration);
    case Unit::share:
      return fmt::format("{:.5g} %", quantity.number * 100);
    case Unit::dollars:
      return fmt::format("${:.4g}", quantity.number);
    case Unit::runs_per_day:
      return grouped(static_cast<std::uint64_t>(quantity.number)) + "/day";
    case Unit::gaps:
    case Unit::events:
      return grouped(static_cast<std::uint64_t>(quantity.number));
  }
  return quantity.text();
}

Cell sign(ObjectiveVerdict verdict) {
  switch (verdict) {
    case ObjectiveVerdict::pass:
      return {"✓", Style::good};
    case ObjectiveVerdict::fail:
      return {"✗", Style::bad};
    case ObjectiveVerdict::insufficient:
      return {"?", Style::warning};
    case ObjectiveVerdict::not_measured:
      return {"·", Style::dim};
    case ObjectiveVerdict::not_applicable:
      return {"–", Style::dim};
  }
  return {"?"};
}

std::string at(Instant instant) {
  return show_duration(Duration{instant.ns});
}
const char* plural(std::uint64_t n) {
  return n == 1 ? "" : "s";
}

class TextReport {
 public:
  TextReport(const Verdict& verdict, const Scenario& scenario, const ReportContext& context, Colour colour)
      : v_(verdict), scenario_(scenario), context_(context), colour_(colour) {}

  std::string render() {
    header();
    objectives();
    alerts();
    bad_minutes();
    budget();
    cost();
    data_plane();
    pauses();
    capacity();
    faults();
    invariants();
    assertions();
    rests_on();
    end();
    return std::move(out_);
  }

 private:
  std::string paint(Style style, std::string_view text) const { return dvt::sim::paint(colour_, style, text); }
  void title(const std::string& text) { out_ += "\n" + paint(Style::bold, text) + "\n"; }
  void line(const std::string& text) { out_ += "  " + text + "\n"; }

  void header() {
    const Measurements& m = v_.measured;
    out_ += paint(Style::bold, v_.identity.scenario) +
            fmt::format("  seed {}  fingerprint {}\n", v_.identity.seed, v_.identity.fingerprint);
    out_ += fmt::format("virtual {}{} in {:.2f} s, {} facts, {} kernel events\n", show_duration(m.end - Instant{}),
                        m.warmup_end > Instant{} ? fmt::format(" (warm-up {})", show_duration(m.warmup_end - Instant{}))
                                                 : std::string(),
                        context_.wall_seconds, grouped(v_.identity.events_total), grouped(v_.identity.kernel_events));
    const RunCounts& r = m.runs;
    out_ += fmt::format("runs    {} started, {} completed, {} failed, {} cancelled, {} in flight, {} stuck\n",
                        grouped(r.started), grouped(r.completed), grouped(r.failed), grouped(r.cancelled),
                        grouped(r.in_flight), grouped(r.stuck));
    out_ += fmt::format("store   {} events, {} duplicates, {} write errors, {}\n", grouped(m.store.events),
                        grouped(m.store.duplicates), grouped(m.store.write_errors), show_bytes(m.store.bytes));
    if (context_.interrupted)
      out_ += paint(Style::warning, "interrupted: what follows is about the part that ran") + "\n";
  }

  void objectives() {
    title("objectives");
    TextTable table({{"", Align::left},
                     {"name", Align::left},
                     {"target", Align::right},
                     {"observed", Align::right},
                     {"n", Align::right},
                     {"budget left", Align::right}});
    for (const ObjectiveResult& o : v_.objectives) {
      std::string note = o.reason;
      if (note.empty() && o.windows.failed > 0) {
        note = fmt::format("{} of {} {} windows missed", grouped(o.windows.failed), grouped(o.windows.n),
                           o.name == "availability" ? "4-hour" : "5-minute");
      }
      table.add({sign(o.verdict),
                 o.name,
                 show(o.target),
                 {o.observed ? show(*o.observed) : "", o.verdict == ObjectiveVerdict::fail ? Style::bad : Style::plain},
                 o.n > 0 ? grouped(o.n) : "",
                 o.budget_left ? fmt::format("{:.1f} %", *o.budget_left * 100) : ""},
                std::move(note));
    }
    out_ += table.render(colour_);
  }

  void alerts() {
    std::size_t silent = 0;
    std::size_t unevaluated = 0;
    std::size_t absent = 0;  // of those: for want of a metric
    title("alerts");
    for (const AlertResult& alert : v_.alerts) {
      if (!alert.evaluated) ++unevaluated;
      if (!alert.evaluated && alert.reason.starts_with("its metric")) ++absent;
      if (alert.evaluated && alert.firings.empty()) ++silent;
      if (!alert.firings.empty()) fired(alert);
    }
    std::string rest = fmt::format("{} rule{} silent", silent, plural(silent));
    if (absent > 0) rest += fmt::format(", {} not evaluated (metric absent)", absent);
    if (unevaluated > absent) rest += fmt::format(", {} not evaluated:", unevaluated - absent);
    line(paint(Style::dim, rest));
    for (const AlertResult& alert : v_.alerts) {
      if (!alert.evaluated && !alert.reason.starts_with("its metric"))
        out_ += wrapped(fmt::format("{}: {}", alert.rule, alert.reason), 4);
      if (alert.failed_steps > 0)
        out_ += wrapped(
            fmt::format("{}: could not be evaluated at {} points: {}", alert.rule, alert.failed_steps, alert.failure),
            4);
    }
    escalation();
  }

  void escalation() {
    const EscalationResult& e = v_.escalation;
    const std::size_t n = e.firings.size();
    if (n == 0) return;
    std::string text = fmt::format("{} of {} firing{} paged somebody, {} acknowledged; {} without an owner in all",
                                   e.pages(), n, plural(n), e.acknowledged(), show_duration(e.without_owner()));
    if (e.late() > 0) text += fmt::format("; {} not owned within the response target", e.late());
    if (e.escalated() > 0) text += fmt::format("; {} went beyond the person on call", e.escalated());
    out_ += wrapped(text, 2);
  }

  void fired(const AlertResult& alert) {
    Duration firing;
    bool still = false;
    for (const Firing& one : alert.firings) {
      firing += one.resolved_at.value_or(v_.measured.end) - one.firing_at;
      still = still || !one.resolved_at;
    }
    std::string text =
        fmt::format("{} ({}) fired {}×, first at {}, for {} in all{}", alert.rule, alert.severity, alert.firings.size(),
                    at(alert.firings.front().firing_at), show_duration(firing), still ? ", still firing" : "");
    if (alert.detection) text += fmt::format("; detected in {}", show_duration(*alert.detection));
    if (alert.false_alarms && *alert.false_alarms > 0) text += fmt::format("; {} false", *alert.false_alarms);
    if (scenario_.alerts.rule_sets.size() + scenario_.alerts.files.size() > 1) text = alert.set + "/" + text;
    std::string lines = wrapped("▲ " + text, 2);
    lines.replace(lines.find("▲"), std::string_view("▲").size(), paint(Style::bad, "▲"));
    out_ += lines;
  }

  void bad_minutes() {
    const std::vector<BadSlice> slices = bad_slices(v_.measured);
    if (slices.empty()) return;
    title("bad minutes of the control plane");
    constexpr std::size_t kShown = 10;
    for (std::size_t i = 0; i < std::min(slices.size(), kShown); ++i) {
      const MinuteCounts& why = slices[i].counts;
      std::string text =
          fmt::format("{} to {}: {} minute{}", at(slices[i].from), at(slices[i].to), why.bad(), plural(why.bad()));
      const auto add = [&](std::uint64_t n, const char* what) {
        if (n > 0) text += fmt::format(", {} by {}", n, what);
      };
      add(why.bad_requests, "requests");
      add(why.bad_writes, "writes");
      add(why.bad_probe, "the probe");
      line(text);
    }
    if (slices.size() > kShown) line(paint(Style::dim, fmt::format("and {} more stretches", slices.size() - kShown)));
  }

  static std::string minutes_text(Duration duration) {
    return fmt::format("{:.5g} min", static_cast<double>(duration.ns) / 6e10);
  }

  void budget() {
    const BudgetResult& b = v_.budget;
    if (!b.configured && b.status.consumed.ns == 0) return;
    title("error budget");
    const double share = b.status.total.ns > 0
                             ? static_cast<double>(b.status.consumed.ns) / static_cast<double>(b.status.total.ns)
                             : 0.0;
    line(fmt::format("{} {}: {} of {} consumed ({:.3g} %) at {}, pace {:.3g}, {}", b.policy.objective,
                     to_string(b.policy.window), minutes_text(b.status.consumed), minutes_text(b.status.total),
                     share * 100, at(v_.measured.end), b.status.pace, to_string(b.status.state)));
    for (const BudgetTransition& change : b.transitions)
      line(fmt::format("{} at {}, {} of {} consumed", to_string(change.state), at(change.at),
                       minutes_text(change.consumed), minutes_text(change.total)));
    const ReleaseSummary& r = v_.measured.releases;
    if (r.planned == 0) return;
    out_ += wrapped(
        fmt::format("releases: {} planned, {} shipped, {} deferred ({} still waiting), {} dropped, {} incident{}; "
                    "delayed by {} in all",
                    r.planned, r.shipped, r.deferred, r.waiting, r.dropped, r.incidents, plural(r.incidents),
                    show_duration(r.delayed)),
        2);
    if (!b.configured) {
      line("no policy: every release goes out when it is due");
    } else if (!b.policy.enforce) {
      line("the policy is not enforced: every release goes out when it is due");
    } else if (r.deferred + r.dropped == 0) {
      line("the policy never acted");
    }
  }

  void cost() {
    const CostResult& c = v_.cost;
    if (c.completed == 0) return;
    title("cost of the control plane");
    const auto dollars = [](std::int64_t nanos) { return fmt::format("${:.4g}", static_cast<double>(nanos) / 1e9); };
    out_ += wrapped(fmt::format("{} for {} run{}: {} a run (compute {}, storage {}, network {}), marginal {}",
                                dollars(c.total.total()), grouped(c.completed), plural(c.completed),
                                dollars(c.per_run.total()), dollars(c.per_run.compute), dollars(c.per_run.storage),
                                dollars(c.per_run.network), dollars(c.marginal_per_run)),
                    2);
    line(fmt::format("{:.1f} % of the compute stands idle; prices of {}", c.idle_share() * 100,
                     scenario_.cost.price_date.text));
  }

  void data_plane() {
    if (v_.measured.data_plane.empty()) return;
    title("data plane (informative)");
    TextTable table({{"steps", Align::left},
                     {"target p99", Align::right},
                     {"observed", Align::right},
                     {"n", Align::right},
                     {"", Align::left}});
    for (const StepClassResult& one : v_.measured.data_plane) {
      const bool has_target = one.latency.threshold.ns > 0;
      const bool above = has_target && one.latency.percentiles.p99 > one.latency.threshold;
      table.add({one.kind + " " + one.size, has_target ? show_duration(one.latency.threshold) : "",
                 show_duration(one.latency.percentiles.p99), grouped(one.latency.n), above ? "above" : ""});
    }
    out_ += table.render(colour_);
  }

  void pauses() {
    const PauseSummary& p = v_.measured.pauses;
    if (p.all.n == 0) return;
    title("pauses");
    std::string ended;
    for (std::size_t i = 0; i < 5; ++i) {
      if (p.ended_by[i] == 0) continue;
      std::string why(to_string(static_cast<PauseEnd>(i)));
      std::replace(why.begin(), why.end(), '_', ' ');
      ended += fmt::format("{}{} {}", ended.empty() ? "; observation ended by: " : ", ", why, grouped(p.ended_by[i]));
    }
    out_ += wrapped(fmt::format("{} accepted, {} activities started after acceptance{}", grouped(p.all.n),
                                grouped(p.activities_started_after_pause), ended),
                    2);
    TextTable table(
        {{"", Align::left}, {"n", Align::right}, {"p50", Align::right}, {"p99", Align::right}, {"max", Align::right}});
    const auto row = [&](const std::string& name, const Percentiles& figures) {
      if (figures.n == 0) return;
      table.add({name, grouped(figures.n), show_duration(figures.p50), show_duration(figures.p99),
                 show_duration(figures.max)});
    };
    row("applied", p.all.applied);
    row("last scheduled", p.all.last_scheduled);
    row("last started", p.all.last_started);
    row("drained", p.all.drained);
    row("last started, with backlog", p.with_backlog.last_started);
    row("drained, with backlog", p.with_backlog.drained);
    out_ += table.render(colour_);
  }

  void capacity() {
    if (v_.measured.capacity.empty()) return;
    title("capacity");
    TextTable table({{"", Align::left},
                     {"servers", Align::right},
                     {"busy", Align::right},
                     {"offered", Align::right},
                     {"can serve", Align::right},
                     {"queue mean", Align::right},
                     {"max", Align::right},
                     {"drained in", Align::right},
                     {"at this load", Align::right}});
    for (const CapacityResult& part : v_.measured.capacity) {
      const LoadFigures& load = part.load;
      const bool serves = load.capacity > 0;
      table.add({part.resource, fmt::format("{:.4g}", load.servers),
                 serves ? fmt::format("{:.1f} %", load.utilisation * 100) : "", fmt::format("{:.4g}/s", load.offered),
                 serves ? fmt::format("{:.4g}/s", load.capacity) : "", fmt::format("{:.3g}", load.queue_mean),
                 grouped(load.queue_max), load.drained ? show_duration(*load.drained) : "not yet",
                 load.drain_time ? show_duration(*load.drain_time) : ""});
    }
    out_ += table.render(colour_);
  }

  void faults() {
    if (v_.measured.faults.empty()) return;
    title("faults");
    for (const FaultSummary& fault : v_.measured.faults) {
      if (fault.count == 0) {
        line(paint(Style::warning, fault.name + " never struck"));
        continue;
      }
      std::string text = fmt::format("{} {} episode{}", fault.name, grouped(fault.count), plural(fault.count));
      if (fault.injected_at)
        text += fmt::format(", {} {}", fault.count == 1 ? "at" : "first at", at(*fault.injected_at));
      if (fault.healed_at)
        text += fmt::format(", {} at {}", fault.count == 1 ? "healed" : "last healed", at(*fault.healed_at));
      text += fault.recovered ? ", recovered in " + show_duration(*fault.recovered) : std::string(", not recovered");
      line(text);
    }
  }

  void invariants() {
    if (v_.invariants.empty()) return;
    std::uint64_t checks = 0;
    std::size_t violated = 0;
    std::size_t known = 0;
    for (const InvariantResult& i : v_.invariants) {
      checks += i.checks;
      if (i.violations > 0) ++(i.known_fault != 0 ? known : violated);
    }
    title("invariants");
    line(fmt::format("{} {} rules, {} checks, {} violated{}",
                     violated == 0 ? paint(Style::good, "✓") : paint(Style::bad, "✗"), v_.invariants.size(),
                     grouped(checks), violated,
                     known > 0 ? fmt::format(", {} broken by known faults", known) : std::string()));
    for (const InvariantResult& i : v_.invariants) {
      if (i.violations == 0) continue;
      const bool explained = i.known_fault != 0;
      line(fmt::format(
          "  {} {}×, {}", i.name, grouped(i.violations),
          explained ? paint(Style::dim, fmt::format("known fault {}", i.known_fault)) : paint(Style::bad, "violated")));
      // The first example shows what a known fault does; a violation shows all its evidence.
      for (std::size_t e = 0; e < i.examples.size() && (e == 0 || !explained); ++e) {
        const std::string text = wrapped(i.examples[e], 6);
        out_ += explained ? paint(Style::dim, text.substr(0, text.size() - 1)) + "\n" : text;
      }
    }
  }

  void assertions() {
    if (v_.assertions.empty()) return;
    title("assertions");
    for (const AssertionResult& a : v_.assertions) {
      line((a.passed ? paint(Style::good, "✓") : paint(Style::bad, "✗")) + " " + a.text);
      if (!a.passed) out_ += fmt::format("      {}\n      at {}\n", a.observed, a.where);
    }
  }

  void rests_on() {
    title("what this rests on");
    std::string driven;
    std::string emergent;
    for (const ObjectiveResult& o : v_.objectives) {
      if (o.verdict != ObjectiveVerdict::pass && o.verdict != ObjectiveVerdict::fail) continue;
      std::string& list = o.emergent ? emergent : driven;
      list += (list.empty() ? "" : ", ") + o.name;
    }
    if (!driven.empty()) out_ += wrapped("input-driven, mostly repeating an assumed latency: " + driven, 2);
    if (!emergent.empty()) out_ += wrapped("emergent: " + emergent, 2);
    TextTable table(
        {{"parameter", Align::left}, {"value", Align::left}, {"feeds", Align::left}, {"from", Align::left}});
    for (const Assumption& one : assumptions(scenario_)) {
      table.add({one.path, one.value, one.feeds, {one.origin, one.origin == "measured" ? Style::good : Style::plain}});
    }
    out_ += table.render(colour_);
    std::string on;
    for (int fault = 1; fault <= 10; ++fault) {
      if (!scenario_.known_faults.fixed(fault)) on += fmt::format("{}{}", on.empty() ? "" : " ", fault);
    }
    line(on.empty() ? "known faults of the production design: all mended"
                    : "known faults of the production design that are on: " + on);
    for (const auto& [name, reason] : scenario_.invariants.except) {
      line(paint(Style::warning, fmt::format("invariant {} is left out{}", name, reason.empty() ? "" : ": " + reason)));
    }
    if (!v_.measured.absent_metrics.empty()) absent();
  }

  void absent() {
    std::map<std::string, std::string> by_reason;
    for (const AbsentMetric& metric : v_.measured.absent_metrics) {
      std::string& names = by_reason[metric.reason];
      names += (names.empty() ? "" : " ") + metric.name;
    }
    for (const auto& [reason, names] : by_reason) {
      const std::string text = wrapped(fmt::format("absent ({}): {}", reason, names), 2);
      out_ += paint(Style::dim, text.substr(0, text.size() - 1)) + "\n";
    }
  }

  void end() {
    out_ += "\n";
    switch (v_.exit_code) {
      case ExitCode::passed:
        out_ += paint(Style::good, "PASSED");
        break;
      case ExitCode::nothing_checked:
        out_ += paint(Style::warning, "UNDECIDED");
        break;
      case ExitCode::aborted:
        out_ += paint(Style::bad, "ABORTED");
        break;
      default:
        out_ += paint(Style::bad, "FAILED");
        break;
    }
    out_ += "  " + v_.decided_by + "\n";
    out_ += "reproduce: " + v_.identity.reproduce + "\n";
  }

  const Verdict& v_;
  const Scenario& scenario_;
  const ReportContext& context_;
  Colour colour_;
  std::string out_;
};

}  // namespace

std::string render_text(const Verdict& verdict, const Scenario& scenario, const ReportContext& context, Colour colour) {
  return TextReport(verdict, scenario, context, colour).render();
}

}  // namespace dvt::sim
