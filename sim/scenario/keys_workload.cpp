// The rows of `workload`.
#include "sim/scenario/keys.h"

namespace dvt::sim {

bool is_size(const std::string& text) {
  return text == "small" || text == "medium" || text == "large";
}

namespace {

bool is_materialization(const std::string& text) {
  for (std::string_view known : {"", "view", "table", "incremental", "test", "seed", "snapshot"}) {
    if (text == known) return true;
  }
  return false;
}

// domain §2: ids never contain '|'; the plan model checks the rest.
bool is_id(const std::string& text) {
  return !text.empty() && text.find('|') == std::string::npos && text.size() <= 500;
}

template <class Body, class V>
std::function<std::optional<V>(const PlanSpec&)> get_body(V Body::*member) {
  return [member](const PlanSpec& plan) -> std::optional<V> {
    const Body* body = std::get_if<Body>(&plan.body);
    return body != nullptr ? std::optional<V>(body->*member) : std::nullopt;
  };
}

template <class Body, class V>
std::function<void(PlanSpec&, V)> set_body(V Body::*member) {
  return [member](PlanSpec& plan, V value) {
    if (!std::holds_alternative<Body>(plan.body)) plan.body = Body{};
    std::get<Body>(plan.body).*member = std::move(value);
  };
}

template <class Body>
std::function<std::optional<Body>(const PlanSpec&)> get_whole() {
  return [](const PlanSpec& plan) -> std::optional<Body> {
    const Body* body = std::get_if<Body>(&plan.body);
    return body != nullptr ? std::optional<Body>(*body) : std::nullopt;
  };
}

template <class Body>
std::function<void(PlanSpec&, Body)> set_whole() {
  return [](PlanSpec& plan, Body body) { plan.body = std::move(body); };
}

}  // namespace

bool Codec<Skew>::read(Reading& reading, const Node& node, Skew& out) {
  if (node.is_word("uniform")) {
    out = {};
    return true;
  }
  if (node.is_mapping()) return ObjectCodec<Skew>::read(reading, node, out);
  reading.error(node.mark, fmt::format("expected uniform or {{zipf: exponent}}, found {}", describe(node)));
  return false;
}
Node Codec<Skew>::write(const Skew& value, const WriteContext& context) {
  return value.zipf == 0 ? Node::scalar("uniform") : ObjectCodec<Skew>::write(value, context);
}

template <>
const ObjectTable& table<Skew>() {
  static const ObjectTable made = [] {
    TableBuilder<Skew> t("{zipf}");
    t.field("zipf", &Skew::zipf, "Exponent of a Zipf law: tenant k has weight 1 / k^exponent.")
        .required()
        .example("1.1")
        .above(0)
        .max(10);
    return t.build();
  }();
  return made;
}

const TypeInfo& Codec<Skew>::type() {
  static const TypeInfo info = [] {
    TypeInfo made = scalar_type("word or map", "uniform | {zipf: exponent}", json::Object{{"const", "uniform"}});
    made.object = &table<Skew>();
    return made;
  }();
  return info;
}

bool EntryName<BackgroundSignal>::set(Reading& reading, Mark mark, BackgroundSignal& entry, std::string_view text) {
  if (const auto signal = from_word<SignalType>(text)) {
    entry.signal = *signal;
    if (*signal == SignalType::pause) return true;
    reading.error(mark, "not modelled yet; PAUSE is");
    return false;
  }
  std::vector<std::string_view> known;
  for (const auto& entry_word : Words<SignalType>::list) known.push_back(entry_word.text);
  reading.error(mark, fmt::format("no such signal{}", Reading::suggestion(text, known)));
  return false;
}

template <>
const ObjectTable& table<Select>() {
  static const ObjectTable made = [] {
    TableBuilder<Select> t("a selection of runs");
    t.field("status", &Select::status,
            "Runs in this state (default: PAUSED for RESUME, FAILED for RETRY_RUN, RUNNING otherwise).")
        .example("RUNNING");
    t.field("fraction", &Select::fraction, "The share of them, drawn.").example("30%");
    t.field("plan", &Select::plan, "Runs of this plan of workload.plans, or any.").example("small");
    t.custom<std::string>(
         "tenant",
         [](const Select& select) -> std::optional<std::string> {
           return select.tenant ? std::to_string(*select.tenant) : "any";
         },
         [](Select& select, const std::string& text) {
           select.tenant.reset();
           const auto number = parse_integer(text, 1'000'000);
           if (number.has_value()) select.tenant = static_cast<std::int64_t>(number.value());
         },
         "Runs of this tenant, counted from 0, or any.")
        .example("3")
        .check([](const std::string& text) { return text == "any" || parse_integer(text, 1'000'000).has_value(); },
               "any, or a tenant's number from 0");
    t.field("sameAs", &Select::same_as, "Exactly the runs that this operation chose; excludes the other keys.")
        .example("p30");
    t.finish([](Reading& reading, const Node& node, Select& select) {
      const Select plain = {
          .status = {}, .fraction = percent(100), .plan = "any", .tenant = {}, .same_as = select.same_as};
      if (!select.same_as.empty() && !(select == plain))
        reading.error(node.mark, "sameAs excludes the other keys of a selection");
    });
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<Tenants>() {
  static const ObjectTable made = [] {
    TableBuilder<Tenants> t("the tenants");
    t.field("count", &Tenants::count, "Number of tenants.").example("12").range(1, 100'000);
    t.custom<Skew>(
         "skew", [](const Tenants& tenants) { return std::optional(Skew{tenants.zipf}); },
         [](Tenants& tenants, Skew skew) { tenants.zipf = skew.zipf; }, "How runs spread over tenants.")
        .example("{zipf: 1.1}");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<PlanStep>() {
  static const ObjectTable made = [] {
    TableBuilder<PlanStep> t("a step {stepId, kind, size, dependsOn}");
    t.field("stepId", &PlanStep::step_id, "Id, unique in the plan.")
        .required()
        .example("load")
        .check(is_id, "1 to 500 characters without '|'");
    t.field("kind", &PlanStep::kind, "What runs it: dbt, spark, custom, or another kind of some warehouse.")
        .required()
        .example("dbt")
        .check(is_id, "1 to 500 characters without '|'");
    t.field("size", &PlanStep::size, "Size of its data; chooses a warehouse duration.")
        .example("medium")
        .check(is_size, std::string(kSizes));
    t.field("materialization", &PlanStep::materialization, "dbt materialization; its duration wins over the size's.")
        .example("view")
        .check(is_materialization, "view, table, incremental, test, seed or snapshot");
    t.field("dependsOn", &PlanStep::depends_on,
            "Steps to wait for. If no step has this key, the steps run one after the other.")
        .example("[a]");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<SyntheticPlan>() {
  static const ObjectTable made = [] {
    TableBuilder<SyntheticPlan> t("a made-up plan {steps, layers, kind, size}");
    t.field("steps", &SyntheticPlan::steps, "Number of steps.").example("40").range(1, 10'000);
    t.field("layers", &SyntheticPlan::layers, "Number of layers; each step depends on all of the layer before.")
        .example("8")
        .range(1, 10'000);
    t.field("kind", &SyntheticPlan::kind, "Kind of every step.")
        .example("spark")
        .check(is_id, "1 to 500 characters without '|'");
    t.field("size", &SyntheticPlan::size, "Size of every step.").example("medium").check(is_size, std::string(kSizes));
    t.finish([](Reading& reading, const Node& node, SyntheticPlan& plan) {
      if (plan.layers > plan.steps)
        reading.error(node.mark, fmt::format("{} layers need at least as many steps, not {}", plan.layers, plan.steps));
    });
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<DbtPlan>() {
  static const ObjectTable made = [] {
    TableBuilder<DbtPlan> t("a dbt project {manifest, runResults, select, threads}");
    t.field("manifest", &DbtPlan::manifest, "manifest.json of the project.")
        .required()
        .example("target/manifest.json")
        .not_empty();
    t.field("runResults", &DbtPlan::run_results, "run_results.json: recorded durations and outcomes.")
        .example("target/run_results.json");
    t.field("select", &DbtPlan::select, "Resource types that become steps.")
        .example("[model, test]")
        .replaces()
        .not_empty()
        .check(
            [](const std::vector<std::string>& types) {
              for (const std::string& type : types) {
                if (type != "model" && type != "seed" && type != "test" && type != "snapshot") return false;
              }
              return true;
            },
            "among model, seed, test, snapshot");
    t.field("threads", &DbtPlan::threads,
            "true: at most as many steps of a run at once as the project had threads, by its run results.")
        .example("true");
    t.finish([](Reading& reading, const Node& node, DbtPlan& plan) {
      if (plan.threads && plan.run_results.empty())
        reading.error(node.mark, "threads needs runResults: they say how many threads there were");
    });
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<PlanSpec>() {
  static const ObjectTable made = [] {
    TableBuilder<PlanSpec> t("a plan: one of steps, synthetic, dbt, file, workflow");
    t.field("weight", &PlanSpec::weight, "Weight with which a run takes this plan; 0: never by chance.")
        .example("8")
        .range(0, 1e9);
    t.field(
         "unchecked", &PlanSpec::unchecked,
         "true: `steps` reach the workflow though they are no valid plan, as if no planner had looked at them (known "
         "fault 4).")
        .example("true");
    t.custom<std::vector<PlanStep>>("steps", get_body(&InlinePlan::steps), set_body(&InlinePlan::steps),
                                    "The steps, written out.")
        .example("[{stepId: a, kind: dbt, size: small}]")
        .default_text("")
        .replaces()
        .not_empty();
    t.custom<SyntheticPlan>("synthetic", get_whole<SyntheticPlan>(), set_whole<SyntheticPlan>(),
                            "A made-up plan of equal steps.")
        .example("{steps: 40, layers: 8, kind: spark, size: medium}");
    t.custom<DbtPlan>("dbt", get_whole<DbtPlan>(), set_whole<DbtPlan>(), "The plan of a dbt project.")
        .example("{manifest: target/manifest.json}");
    t.custom<FilePath>("file", get_body(&PlanFile::file), set_body(&PlanFile::file),
                       "A plan's JSON, or what `import` wrote.")
        .example("plan.json")
        .not_empty();
    t.custom<std::string>("workflow", get_body(&WorkflowPlan::workflow), set_body(&WorkflowPlan::workflow),
                          "A registered C++ workflow instead of a plan.")
        .example("order-saga")
        .not_empty();
    t.custom<JsonText>("input", get_body(&WorkflowPlan::input), set_body(&WorkflowPlan::input),
                       "Input of the workflow.")
        .example("{}");
    t.field("requiresCapabilities", &PlanSpec::requires_capabilities,
            "Capabilities the plan needs of its adapter, such as signal.pause.native.")
        .example("[signal.pause.native]");
    t.field("fallbackBehavior", &PlanSpec::fallback,
            "What happens when the adapter lacks one: reject the plan's runs, emulate it with what the adapter has, or "
            "run without it.")
        .example("emulate");
    t.field("targetAdapter", &PlanSpec::target, "The only adapter the plan may run on, or any.").example("temporal");
    t.finish([](Reading& reading, const Node& node, PlanSpec& plan) {
      const bool says_metadata = !plan.requires_capabilities.empty() || plan.target != engine::TargetAdapter::any ||
                                 plan.fallback != engine::FallbackBehavior::reject;
      if (node.find("file") != nullptr && says_metadata)
        reading.error(node.mark,
                      "requiresCapabilities, fallbackBehavior and targetAdapter stand in the plan file's metadata");
      const auto bodies = present(node, {"steps", "synthetic", "dbt", "file", "workflow"});
      if (bodies.size() != 1) {
        reading.error(node.mark,
                      fmt::format("expected exactly one of steps, synthetic, dbt, file, workflow{}",
                                  bodies.empty() ? "" : fmt::format(", found {}", fmt::join(bodies, " and "))));
      }
      if (plan.unchecked && node.find("steps") == nullptr) reading.error(node.mark, "unchecked belongs to steps");
      if (node.find("input") != nullptr && node.find("workflow") == nullptr)
        reading.error(node.mark, "input needs workflow");
    });
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<Diurnal>() {
  static const ObjectTable made = [] {
    TableBuilder<Diurnal> t("{amplitude, peak}");
    t.field("amplitude", &Diurnal::amplitude, "Amplitude of the sine over the UTC day, as a share of the rate.")
        .example("40%");
    t.field("peak", &Diurnal::peak, "Time of day (UTC) of the highest rate.")
        .example("14h")
        .range(Duration{}, hours(24));
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<Arrivals>() {
  static const ObjectTable made = [] {
    TableBuilder<Arrivals> t("how runs arrive");
    t.field("process", &Arrivals::process, "The arrival process; gamma has cv, trace has file, column, unit.")
        .example("poisson");
    t.field("rate", &Arrivals::rate, "Mean arrival rate of runs; needed unless runs or a trace is given.")
        .example("35/m")
        .default_text("");
    t.field("scale", &Arrivals::scale, "Multiplies every rate.").example("2").above(0).max(1e6);
    t.field("diurnal", &Arrivals::diurnal, "Daily rhythm of the rate.").example("{amplitude: 40%, peak: 14h}");
    t.field("cv", &Arrivals::cv, "gamma: coefficient of variation of the gaps.").example("2").above(0).max(100);
    t.field("file", &Arrivals::file, "trace: CSV file with one row per run.").example("arrivals.csv");
    t.field("column", &Arrivals::column, "trace: its column of arrival times since the start.").example("submit_time");
    t.custom<TimeUnit>(
         "unit", [](const Arrivals& a) { return std::optional(TimeUnit{a.unit}); },
         [](Arrivals& a, TimeUnit unit) { a.unit = unit.value; }, "trace: unit of bare numbers in the column.")
        .example("ms")
        .above(TimeUnit{});
    t.field("runs", &Arrivals::runs, "Instead of a rate: so many runs at once, at the start.")
        .example("1000")
        .range(1, 10'000'000);
    t.finish([](Reading& reading, const Node& node, Arrivals& arrivals) {
      const bool trace = arrivals.process == ArrivalProcess::trace;
      if (arrivals.runs && !arrivals.rate.is_zero()) reading.error(node.mark, "give rate or runs, not both");
      if (!trace && node.find("rate") == nullptr && node.find("runs") == nullptr)
        reading.error(node.mark, "\"rate\" is missing (rate, such as 35/m), or \"runs\" for all at once");
      if (trace && (arrivals.file.empty() || arrivals.column.empty()))
        reading.error(node.mark, "process: trace needs file and column");
      if (!trace && (!arrivals.file.empty() || !arrivals.column.empty()))
        reading.error(node.mark, "file and column belong to process: trace");
      if (arrivals.process != ArrivalProcess::gamma && arrivals.cv != 1)
        reading.error(node.mark, "cv belongs to process: gamma");
    });
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<Stage>() {
  static const ObjectTable made = [] {
    TableBuilder<Stage> t("a stage {for, rate, ramp}");
    t.field("for", &Stage::length, "Length of the stage.").required().example("20m").above(Duration{});
    t.field("rate", &Stage::rate, "Arrival rate in it.").required().example("70/m");
    t.field("ramp", &Stage::ramp, "Time inside `for` in which the rate changes linearly from the one before.")
        .example("5m");
    t.finish([](Reading& reading, const Node& node, Stage& stage) {
      if (stage.length < stage.ramp) reading.error(node.mark, "ramp is longer than the stage");
    });
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<BackgroundSignal>() {
  static const ObjectTable made = [] {
    TableBuilder<BackgroundSignal> t("background signals {rate, select, resumeAfter}");
    t.field("rate", &BackgroundSignal::rate, "Poisson rate of the signal.").required().example("2/m");
    t.field("select", &BackgroundSignal::select, "Which runs; each signal goes to one of them, drawn.")
        .example("{status: RUNNING}");
    t.field("resumeAfter", &BackgroundSignal::resume_after,
            "PAUSE only: a RESUME follows after this time; absent: none.")
        .example("{uniform: {min: 1m, max: 10m}}");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<Reads>() {
  static const ObjectTable made = [] {
    TableBuilder<Reads> t("status reads");
    t.field("rate", &Reads::rate, "Poisson rate of status requests.").example("5/s");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<Clients>() {
  static const ObjectTable made = [] {
    TableBuilder<Clients> t("the API's clients");
    t.field("timeout", &Clients::timeout, "How long a client waits for an answer.").example("10s").above(Duration{});
    t.field("retries", &Clients::retries, "How often it tries again.").example("3").range(0, 100);
    t.field("backoff", &Clients::backoff, "Pause before the first retry; doubles.").example("1s");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<Workload>() {
  static const ObjectTable made = [] {
    TableBuilder<Workload> t("the workload");
    t.field("tenants", &Workload::tenants, "Who runs plans.").example("{count: 12, skew: {zipf: 1.1}}");
    t.field("plans", &Workload::plans, "What is run: plans by name; weights choose per run.")
        .required()
        .not_empty()
        .example("{small: {synthetic: {steps: 4}}}");
    t.field("arrivals", &Workload::arrivals, "When runs are requested.").required().example("{rate: 35/m}");
    t.field("stages", &Workload::stages,
            "Rates that override arrivals.rate from the start, one after the other; then it holds again.")
        .example("[{for: 20m, rate: 35/m}]")
        .replaces();
    t.field("signals", &Workload::signals, "Background operator traffic, by signal.").example("{PAUSE: {rate: 2/m}}");
    t.field("reads", &Workload::reads, "Status requests.").example("{rate: 5/s}");
    t.field("clients", &Workload::clients, "How clients of the API wait and retry.")
        .example("{timeout: 10s, retries: 3, backoff: 1s}");
    t.field("approval", &Workload::approval, "Time a run waits for its approval; none: runs need none.")
        .absent_word("none")
        .example("5m");
    t.field("probe", &Workload::probe,
            "Time between synthetic no-op runs, by which availability is judged; none: no probes. They begin with a "
            "minute, belong to a plan and a tenant of their own, and count in no other objective.")
        .absent_word("none")
        .default_text("1m")
        .example("5m")
        .check([](const Duration& every) { return every > Duration{} && every.ns % minutes(1).ns == 0; },
               "whole minutes");
    return t.build();
  }();
  return made;
}

}  // namespace dvt::sim
