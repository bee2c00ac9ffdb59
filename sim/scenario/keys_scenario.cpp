// The rows of the top level and of its small sections.
#include "sim/scenario/keys.h"

namespace dvt::sim {

template <>
const ObjectTable& table<Metadata>() {
  static const ObjectTable made = [] {
    TableBuilder<Metadata> t("{name, description, labels, tier}");
    t.field("name", &Metadata::name, "Name of the scenario.")
        .required()
        .example("pause-storm")
        .check(
            [](const std::string& name) {
              return !name.empty() && name.size() <= 200 && name.find('\n') == std::string::npos;
            },
            "one line of 1 to 200 characters");
    t.field("description", &Metadata::description, "What it is about.").example("\"a storm of pauses\"");
    t.field("labels", &Metadata::labels, "Free texts by name.").example("{team: engine}");
    t.field("tier", &Metadata::tier, "Test tier: quick runs always, full and nightly on demand.").example("quick");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<Alerts>() {
  static const ObjectTable made = [] {
    TableBuilder<Alerts> t("alert rules");
    t.field("ruleSets", &Alerts::rule_sets, "The shipped rule sets to evaluate: upstream (faults included), corrected.")
        .example("[upstream, corrected]")
        .replaces();
    t.field("files", &Alerts::files, "More rules, in Prometheus' format.").example("[my-rules.yaml]");
    t.field("actOnRun", &Alerts::act_on_run, "Operations react to alerts (`on`); false: alerts are only evaluated.")
        .example("true");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<Cost>() {
  static const ObjectTable made = [] {
    TableBuilder<Cost> t("prices");
    t.field("replicaHour", &Cost::replica_hour, "One replica for an hour.").example("0.045 USD");
    t.field("gbMonth", &Cost::gb_month, "One GB stored for a month.").example("0.12 USD");
    t.field("gbMoved", &Cost::gb_moved, "One GB moved.").example("0.01 USD");
    t.field("priceDate", &Cost::price_date, "Day of these prices.").example("2026-01-01");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<MetricsSpec>() {
  static const ObjectTable made = [] {
    TableBuilder<MetricsSpec> t("metrics");
    t.field("stepLabels", &MetricsSpec::step_labels, "Fill the stepId label.").example("true");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<Scenario>() {
  using S = Scenario;
  static const ObjectTable made = [] {
    TableBuilder<S> t("a scenario");
    constant_key(t, "apiVersion", "dvtsim/v1", "Version of the language.");
    constant_key(t, "kind", "Scenario", "What the file is.");
    t.field("metadata", &S::metadata, "Name and labels.").required().example("{name: pause-storm}");
    t.field("seed", &S::seed, "Root of all random streams.").example("42");
    t.field("start", &S::start, "The instant at which virtual time begins.").example("2026-01-01T00:00:00Z");
    t.field("duration", &S::duration, "Length of the run.")
        .required()
        .example("2h")
        .range(nanoseconds(1), Distribution::kMax);
    t.field("warmup", &S::warmup, "Observations, alerts and budget before it do not count; faults and state do.")
        .example("5m");
    t.field("sampleInterval", &S::sample_interval, "Grid of scrapes and rule evaluations.")
        .example("15s")
        .range(milliseconds(1), days(1));
    t.field("schedule", &S::schedule, "Order of events of the same instant: as inserted, or permuted from a stream.")
        .example("shuffled");
    t.field("knownFaults", &S::known_faults,
            "Faults of the production design: reproduced (upstream) or mended (fixed), all or by number.")
        .example("{7: fixed}");
    t.field("record", &S::record, "What is kept beside the measurements.").example("{histories: failed}");
    t.field("provenance", &S::provenance, "Where a value comes from, by its path.")
        .example("{topology.stateStore.writeLatency: measured}");
    t.field("workload", &S::workload, "What is asked of the control plane.")
        .required()
        .example("{plans: {a: {synthetic: {steps: 4}}}, arrivals: {rate: 35/m}}");
    t.field("topology", &S::topology, "The control plane's parts.").example("{projector: {replicas: 3}}");
    t.field("warehouses", &S::warehouses, "What runs the steps. None given: one that runs dbt, spark and custom.")
        .example("{bq: {kinds: [dbt, spark, custom]}}")
        .replaces()
        .not_empty();
    t.field("faults", &S::faults, "What goes wrong, composed in the order written.")
        .example("{slow: {kind: latency, target: warehouse/bq, factor: 6}}");
    t.field("operations", &S::operations, "What operators do.").example("{p30: {at: 45m, signal: PAUSE}}");
    t.field("releases", &S::releases, "Releases that may cause incidents.")
        .example("{weekly: {every: 7d, type: feature}}");
    t.field("budgetPolicy", &S::budget_policy, "The error budget policy, closed into the simulation; absent: none.")
        .example("{objective: availability}");
    t.field("objectives", &S::objectives, "builtin, or further objectives beside them, here or in an OpenSLO file.")
        .example("builtin");
    t.field("alerts", &S::alerts, "Which alert rules are evaluated.").example("{ruleSets: [corrected]}");
    t.field(
         "escalation", &S::escalation,
         "Whom an alert reaches, and when: the documents' chain by severity, or none: who is on call is paged at once.")
        .example("none");
    t.field("invariants", &S::invariants, "Which invariants must hold.")
        .example("{except: [timers-fire-once: \"the clock is skewed\"]}");
    t.field("cost", &S::cost, "Prices of the control plane.").example("{replicaHour: 0.045 USD}");
    t.field("metrics", &S::metrics, "What is measured in more detail.").example("{stepLabels: true}");
    t.field("assertions", &S::assertions,
            "When present, only they and the invariants decide the exit code; otherwise the objectives do.")
        .example("[runs.failed == 0]")
        .replaces();
    return t.build();
  }();
  return made;
}

const ObjectTable& scenario_table() {
  return table<Scenario>();
}

}  // namespace dvt::sim
