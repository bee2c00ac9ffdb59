#include "sim/report/json_report.h"

#include "engine/base/confidence.h"
#include "engine/base/format.h"

#include "engine/base/json.h"

namespace dvt::sim {
namespace {

using json::Writer;

class JsonReport {
 public:
  JsonReport(const Verdict& verdict, const ReportContext& context)
      : v_(verdict), context_(context), w_(out_, json::Style::pretty) {}

  std::string render() {
    const Measurements& m = v_.measured;
    w_.begin_object();
    w_.member("schemaVersion", 1);
    w_.member("scenario", v_.identity.scenario);
    w_.member("seed", v_.identity.seed);
    w_.member("fingerprint", v_.identity.fingerprint);
    w_.member("start", format_rfc3339(v_.identity.start, 9));
    seconds("warmup_seconds", m.warmup_end - Instant{});
    seconds("virtual_seconds", m.end - Instant{});
    w_.key("wall_seconds").raw(fmt::format("{:.3f}", context_.wall_seconds));
    w_.member("events_total", v_.identity.events_total);
    w_.member("kernel_events_total", v_.identity.kernel_events);
    runs_and_store();
    objectives();
    alerts();
    pauses();
    availability();
    budget();
    releases();
    cost();
    data_plane();
    capacity();
    faults();
    invariants();
    assertions();
    w_.key("counts").begin_object();
    for (const auto& [name, count] : m.counts) w_.member(name, count);
    w_.end_object();
    w_.key("absent_metrics").begin_array();
    for (const AbsentMetric& metric : m.absent_metrics) {
      w_.begin_object();
      w_.member("name", metric.name);
      w_.member("reason", metric.reason);
      w_.end_object();
    }
    w_.end_array();
    if (context_.interrupted) w_.member("interrupted", true);
    w_.member("passed", v_.passed);
    w_.member("decided_by", v_.decided_by);
    w_.member("reproduce", v_.identity.reproduce);
    w_.end_object();
    return std::move(out_) + "\n";
  }

 private:
  void seconds(std::string_view key, Duration duration) { w_.key(key).raw(format_seconds(duration)); }
  void seconds(std::string_view key, const std::optional<Duration>& duration) {
    w_.key(key);
    if (duration) {
      w_.raw(format_seconds(*duration));
    } else {
      w_.value(nullptr);
    }
  }
  void instant(std::string_view key, const std::optional<Instant>& at) {
    w_.key(key);
    if (at) {
      w_.value(format_rfc3339(v_.identity.start + (*at - Instant{}), 9));
    } else {
      w_.value(nullptr);
    }
  }

  void runs_and_store() {
    const RunCounts& r = v_.measured.runs;
    w_.key("runs").begin_object();
    w_.member("started", r.started)
        .member("completed", r.completed)
        .member("failed", r.failed)
        .member("cancelled", r.cancelled);
    w_.member("in_flight", r.in_flight).member("stuck", r.stuck);
    w_.end_object();
    const StoreResult& s = v_.measured.store;
    w_.key("store").begin_object();
    w_.member("events", s.events)
        .member("duplicates", s.duplicates)
        .member("write_errors", s.write_errors)
        .member("bytes", s.bytes);
    w_.end_object();
  }

  void objectives() {
    w_.key("objectives").begin_array();
    for (const ObjectiveResult& o : v_.objectives) {
      w_.begin_object();
      w_.member("name", o.name);
      w_.member("metric", o.metric);
      w_.key("target").raw(o.target.text());
      w_.key("observed");
      if (o.observed) {
        w_.raw(o.observed->text());
      } else {
        w_.value(nullptr);
      }
      w_.member("unit", to_string(o.target.unit));
      w_.member("n", o.n).member("good", o.good).member("bad", o.bad);
      w_.member("verdict", to_string(o.verdict));
      w_.member("reason", o.reason);
      w_.member("emergent", o.emergent);
      w_.key("windows").begin_object();
      w_.member("n", o.windows.n).member("failed", o.windows.failed);
      w_.end_object();
      w_.key("budget_left");
      if (o.budget_left) {
        w_.value(*o.budget_left);
      } else {
        w_.value(nullptr);
      }
      if (!o.beside.empty()) {
        w_.key("beside").begin_object();
        for (const Beside& beside : o.beside) w_.key(beside.name).raw(beside.value.text());
        w_.end_object();
      }
      w_.end_object();
    }
    w_.end_array();
  }

  void alerts() {
    w_.key("alerts").begin_array();
    for (const AlertResult& alert : v_.alerts) {
      w_.begin_object();
      w_.member("rule", alert.rule);
      w_.member("rule_set", alert.set);
      w_.member("severity", alert.severity);
      w_.member("evaluated", alert.evaluated);
      if (!alert.evaluated) w_.member("reason", alert.reason);
      w_.key("firings").begin_array();
      for (const Firing& firing : alert.firings) {
        w_.begin_object();
        instant("pending_at", firing.pending_at);
        instant("firing_at", firing.firing_at);
        instant("resolved_at", firing.resolved_at);
        w_.end_object();
      }
      w_.end_array();
      seconds("detection_seconds", alert.detection);
      w_.key("false_alarms");
      if (alert.false_alarms) {
        w_.value(*alert.false_alarms);
      } else {
        w_.value(nullptr);
      }
      alert_truth(alert);
      w_.end_object();
    }
    w_.end_array();
    escalation();
  }

  void escalation() {
    const EscalationResult& e = v_.escalation;
    w_.key("escalation").begin_object();
    w_.member("pages", e.pages());
    w_.member("acknowledged", e.acknowledged());
    w_.member("late", e.late());
    w_.member("escalated", e.escalated());
    seconds("without_owner_seconds", e.without_owner());
    w_.key("firings").begin_array();
    for (const PageResult& page : e.firings) {
      w_.begin_object();
      w_.member("rule", page.rule);
      w_.member("rule_set", page.rule_set);
      w_.member("severity", page.severity);
      instant("firing_at", page.firing_at);
      instant("acknowledged_at", page.acknowledged_at);
      w_.key("owner");
      if (page.owner) {
        w_.value(to_string(*page.owner));
      } else {
        w_.value(nullptr);
      }
      instant("resolved_at", page.resolved_at);
      seconds("without_owner_seconds", page.without_owner);
      w_.member("late", page.late);
      w_.key("notices").begin_array();
      for (const Notice& notice : page.notices) {
        w_.begin_object();
        instant("at", notice.at);
        w_.member("channel", to_string(notice.channel));
        w_.member("person", to_string(notice.person));
        w_.end_object();
      }
      w_.end_array();
      w_.end_object();
    }
    w_.end_array();
    w_.end_object();
  }

  void optional_number(std::string_view key, const std::optional<double>& value) {
    w_.key(key);
    if (value) {
      w_.value(*value);
    } else {
      w_.value(nullptr);
    }
  }

  void alert_truth(const AlertResult& alert) {
    w_.key("objective");
    if (alert.objective.empty()) {
      w_.value(nullptr);
    } else {
      w_.value(alert.objective);
    }
    w_.key("impact");
    if (!alert.impact) {
      w_.value(nullptr);
    } else {
      const ImpactTruth& truth = *alert.impact;
      w_.begin_object();
      w_.member("n", truth.n);
      w_.member("caught", truth.caught);
      w_.member("late", truth.late);
      w_.member("missed", truth.missed);
      w_.member("true_firings", truth.true_firings);
      optional_number("precision", alert.precision());
      optional_number("recall", alert.recall());
      seconds("detection_median_seconds", truth.median_detection());
      w_.end_object();
    }
    optional_number("budget_consumed", alert.budget_consumed);
    w_.key("false_alarm_share");
    if (!alert.false_alarms || alert.firings.empty()) {
      w_.value(nullptr);
    } else {
      const auto n = static_cast<std::int64_t>(alert.fired());
      const auto hits = static_cast<std::int64_t>(*alert.false_alarms);
      const confidence::Interval interval = confidence::share(hits, n, 0.95);
      w_.begin_object();
      w_.member("share", static_cast<double>(hits) / static_cast<double>(n));
      w_.member("low", interval.low);
      w_.member("high", interval.high);
      w_.end_object();
    }
    if (alert.failed_steps > 0) {
      w_.member("failed_steps", alert.failed_steps);
      w_.member("failure", alert.failure);
    }
  }

  void minutes_member(std::string_view key, Duration duration) {
    w_.key(key).value(static_cast<double>(duration.ns) / 6e10);
  }

  void availability() {
    const MinuteCounts counts = counted_minutes(v_.measured);
    w_.key("availability").begin_object();
    w_.member("minutes", counts.judged).member("good", counts.good);
    w_.member("bad_by_requests", counts.bad_requests).member("bad_by_writes", counts.bad_writes);
    w_.member("bad_by_probe", counts.bad_probe);
    w_.key("slices").begin_array();
    for (const BadSlice& slice : bad_slices(v_.measured)) {
      w_.begin_object();
      instant("from", slice.from);
      instant("to", slice.to);
      w_.member("bad_by_requests", slice.counts.bad_requests).member("bad_by_writes", slice.counts.bad_writes);
      w_.member("bad_by_probe", slice.counts.bad_probe);
      w_.end_object();
    }
    w_.end_array();
    w_.end_object();
  }

  void budget() {
    const BudgetResult& b = v_.budget;
    w_.key("budget").begin_object();
    w_.member("objective", b.policy.objective);
    w_.member("window", to_string(b.policy.window));
    minutes_member("total_minutes", b.status.total);
    minutes_member("consumed_minutes", b.status.consumed);
    w_.member("pace", b.status.pace);
    w_.member("state", to_string(b.status.state));
    w_.member("configured", b.configured);
    w_.member("enforced", b.configured && b.policy.enforce);
    w_.key("transitions").begin_array();
    for (const BudgetTransition& change : b.transitions) {
      w_.begin_object();
      instant("at", change.at);
      w_.member("state", to_string(change.state));
      minutes_member("consumed_minutes", change.consumed);
      minutes_member("total_minutes", change.total);
      w_.end_object();
    }
    w_.end_array();
    w_.end_object();
  }

  void releases() {
    const ReleaseSummary& r = v_.measured.releases;
    w_.key("releases").begin_object();
    w_.member("planned", r.planned).member("shipped", r.shipped).member("deferred", r.deferred);
    w_.member("waiting", r.waiting).member("dropped", r.dropped).member("incidents", r.incidents);
    seconds("delayed_seconds", r.delayed);
    w_.key("list").begin_array();
    for (const ReleaseRecord& one : r.list) {
      w_.begin_object();
      w_.member("name", one.name).member("number", one.number);
      instant("planned_at", one.planned_at);
      w_.member("fate", to_string(one.fate));
      instant("shipped_at", one.shipped_at);
      w_.member("incident", one.incident).member("together", one.together);
      w_.end_object();
    }
    w_.end_array();
    w_.end_object();
  }

  void cost_parts(std::string_view key, const CostParts& parts) {
    w_.key(key).begin_object();
    w_.member("compute_nano_dollars", parts.compute).member("storage_nano_dollars", parts.storage);
    w_.member("network_nano_dollars", parts.network);
    w_.end_object();
  }

  void cost() {
    const CostResult& c = v_.cost;
    w_.key("cost").begin_object();
    w_.member("completed_runs", c.completed);
    w_.member("per_run_nano_dollars", c.per_run.total());
    cost_parts("parts", c.per_run);
    w_.member("total_nano_dollars", c.total.total());
    cost_parts("total_parts", c.total);
    w_.member("idle_nano_dollars", c.idle);
    w_.member("idle_share", c.idle_share());
    w_.member("marginal_per_run_nano_dollars", c.marginal_per_run);
    w_.key("replicas").begin_array();
    for (const ReplicaCost& part : c.replicas) {
      w_.begin_object();
      w_.member("name", part.name).member("replicas", part.replicas);
      w_.member("cost_nano_dollars", part.cost).member("busy_nano_dollars", part.busy);
      w_.end_object();
    }
    w_.end_array();
    const auto shares = [&](std::string_view key, const std::vector<CostShare>& list) {
      w_.key(key).begin_array();
      for (const CostShare& share : list) {
        w_.begin_object();
        w_.member("name", share.name).member("completed_runs", share.completed);
        w_.member("marginal_nano_dollars", share.marginal.total());
        cost_parts("parts", share.marginal);
        w_.end_object();
      }
      w_.end_array();
    };
    shares("by_plan", c.by_plan);
    shares("by_tenant", c.by_tenant);
    w_.end_object();
  }

  // Informative only (SLOs §2): it never decides anything.
  void data_plane() {
    w_.key("data_plane").begin_array();
    for (const StepClassResult& one : v_.measured.data_plane) {
      const LatencySummary& seen = one.latency;
      const bool has_target = seen.threshold.ns > 0;
      w_.begin_object();
      w_.member("kind", one.kind).member("size", one.size).member("informative", true);
      seconds("target_seconds", has_target ? std::optional(seen.threshold) : std::nullopt);
      seconds("observed_seconds", seen.n > 0 ? std::optional(seen.percentiles.p99) : std::nullopt);
      w_.member("n", seen.n);
      w_.key("holds");
      if (has_target) {
        w_.value(100 * seen.good >= 99 * seen.n);
      } else {
        w_.value(nullptr);
      }
      w_.end_object();
    }
    w_.end_array();
  }

  void percentiles(std::string_view key, const Percentiles& p) {
    w_.key(key).begin_object();
    const auto figure = [&](std::string_view name, Duration value) {
      seconds(name, p.n > 0 ? std::optional<Duration>(value) : std::nullopt);
    };
    figure("p50", p.p50);
    figure("p99", p.p99);
    figure("max", p.max);
    w_.end_object();
  }
  void pause_group(const PauseGroup& group) {
    w_.member("n", group.n);
    percentiles("applied_seconds", group.applied);
    percentiles("last_scheduled_seconds", group.last_scheduled);
    percentiles("last_started_seconds", group.last_started);
    percentiles("drained_seconds", group.drained);
  }

  void pauses() {
    const PauseSummary& p = v_.measured.pauses;
    w_.key("pauses").begin_object();
    pause_group(p.all);
    w_.key("with_backlog").begin_object();
    pause_group(p.with_backlog);
    w_.end_object();
    w_.member("activities_started_after_pause", p.activities_started_after_pause);
    w_.member("retries_started_after_pause", p.retries_started_after_pause);
    w_.key("list").begin_array();
    for (const PauseRecord& pause : p.list) {
      w_.begin_object();
      w_.member("run_id", to_string(pause.run_id));
      instant("accepted_at", pause.accepted_at);
      seconds("applied_seconds", pause.applied);
      seconds("last_scheduled_seconds", pause.last_scheduled);
      seconds("last_started_seconds", pause.last_started);
      seconds("drained_seconds", pause.drained);
      w_.member("activities_started_after_pause", pause.activities_started());
      w_.member("queue_depth", pause.queue_depth).member("in_flight", pause.in_flight);
      w_.member("ended_by", to_string(pause.ended_by));
      w_.end_object();
    }
    w_.end_array();
    w_.member("list_truncated", p.list_truncated);
    w_.end_object();
  }

  void capacity() {
    w_.key("capacity").begin_array();
    for (const CapacityResult& part : v_.measured.capacity) {
      const LoadFigures& load = part.load;
      w_.begin_object();
      w_.member("resource", part.resource).member("servers", load.servers);
      const auto figure = [&](std::string_view name, double value) {
        w_.key(name);
        if (load.capacity > 0) {
          w_.value(value);
        } else {
          w_.value(nullptr);  // no service times: nothing to be busy with
        }
      };
      figure("utilisation", load.utilisation);
      w_.member("offered_per_second", load.offered);
      figure("capacity_per_second", load.capacity);
      w_.member("queue_mean", load.queue_mean).member("queue_max", load.queue_max);
      instant("queue_max_at", load.queue_max_at);
      seconds("drained_seconds", load.drained);
      seconds("drain_time_seconds", load.drain_time);
      w_.end_object();
    }
    w_.end_array();
  }

  void faults() {
    w_.key("faults").begin_array();
    for (const FaultSummary& fault : v_.measured.faults) {
      w_.begin_object();
      w_.member("name", fault.name);
      instant("injected_at", fault.injected_at);
      instant("healed_at", fault.healed_at);
      w_.member("count", fault.count);
      w_.member("strikes", fault.strikes);
      seconds("recovered_seconds", fault.recovered);
      w_.end_object();
    }
    w_.end_array();
  }

  void invariants() {
    w_.key("invariants").begin_array();
    for (const InvariantResult& invariant : v_.invariants) {
      w_.begin_object();
      w_.member("name", invariant.name).member("checks", invariant.checks).member("violations", invariant.violations);
      w_.key("known_fault");
      if (invariant.known_fault != 0) {
        w_.value(invariant.known_fault);
      } else {
        w_.value(nullptr);
      }
      w_.key("examples").begin_array();
      for (const std::string& example : invariant.examples) w_.value(example);
      w_.end_array();
      w_.end_object();
    }
    w_.end_array();
  }

  void assertions() {
    w_.key("assertions").begin_array();
    for (const AssertionResult& assertion : v_.assertions) {
      w_.begin_object();
      w_.member("text", assertion.text)
          .member("passed", assertion.passed)
          .member("observed", assertion.observed)
          .member("where", assertion.where);
      w_.end_object();
    }
    w_.end_array();
  }

  const Verdict& v_;
  const ReportContext& context_;
  std::string out_;
  Writer w_;
};

}  // namespace

std::string render_json(const Verdict& verdict, const ReportContext& context) {
  return JsonReport(verdict, context).render();
}

}  // namespace dvt::sim
