#include "sim/study/swarm.h"

#include <algorithm>

#include "engine/base/detmath.h"
#include "engine/base/format.h"
#include "engine/base/json.h"
#include "sim/kernel/random_streams.h"
#include "sim/scenario/fault_kinds.h"
#include "sim/scenario/scalars.h"
#include "sim/scenario/words.h"
#include "sim/study/execute.h"

namespace dvt::sim {
namespace {

// Apart from the streams of the run itself.
constexpr std::uint64_t kSwarmRoot = 0x7377'6172'6d00'0000;  // "swarm"

// Trouble ends here; arrivals end a little before.
constexpr double kTrouble = 0.6;
constexpr double kArrivals = 0.55;

class SwarmDraws {
 public:
  SwarmDraws(const Scenario& base, std::uint64_t seed) : base_(base), random_(seed ^ kSwarmRoot) {}

  std::vector<SetOverride> draw() {
    set("knownFaults", "fixed");
    set("assertions", "[runs.in_flight == 0, runs.stuck == 0]");
    topology();
    workload();
    faults();
    return std::move(sets_);
  }

 private:
  void set(std::string path, std::string value) { sets_.push_back({std::move(path), std::move(value)}); }

  // A draw belongs to its knob: numbers never change once given.
  double uniform(std::uint64_t knob, std::uint64_t part = 0) const {
    Draws draws(random_, Purpose::operation, knob, part);
    return draws.uniform();
  }
  std::int64_t between(std::uint64_t knob, std::int64_t low, std::int64_t high, std::uint64_t part = 0) const {
    return low + detmath::floor_to_int64(uniform(knob, part) * static_cast<double>(high - low + 1));
  }
  bool chance(std::uint64_t knob, double share, std::uint64_t part = 0) const { return uniform(knob, part) < share; }
  Duration part_of_run(double share) const {
    return milliseconds(detmath::floor_to_int64(share * static_cast<double>(base_.duration.ns) / 1e6));
  }

  // Each knob is turned in about half of all seeds, so that a seed has several at once and most at their defaults.
  void whole(std::uint64_t knob, const char* path, std::int64_t low, std::int64_t high) {
    if (chance(knob, 0.5)) set(path, std::to_string(between(knob, low, high, 1)));
  }
  void word_of(std::uint64_t knob, const char* path, std::initializer_list<const char*> words) {
    if (!chance(knob, 0.5)) return;
    set(path, words.begin()[between(knob, 0, static_cast<std::int64_t>(words.size()) - 1, 1)]);
  }
  void duration(std::uint64_t knob, const char* path, Duration low, Duration high) {
    if (!chance(knob, 0.5)) return;
    set(path, format_duration(milliseconds(between(knob, low.ns / 1'000'000, high.ns / 1'000'000, 1))));
  }

  // Within what carries the load: a backlog that never drains would be no news.
  void topology() {
    if (chance(1, 0.3)) {
      set("topology.interpreter", "{kind: dataflow}");
    } else {
      whole(2, "topology.interpreter.continueAsNewAfterLayers", 1, 3);
    }
    whole(3, "topology.projector.replicas", 1, 6);
    whole(4, "topology.projector.batch", 1, 40);
    duration(5, "topology.projector.flush", milliseconds(10), seconds(2));
    whole(6, "topology.outbox.relays", 1, 4);
    whole(7, "topology.outbox.batch", 1, 200);
    duration(8, "topology.outbox.lease", seconds(2), seconds(40));
    whole(9, "topology.stateStore.connections", 3, 60);
    whole(10, "topology.taskQueues.tq-data.workers", 4, 12);
    whole(11, "topology.taskQueues.tq-data.slots", 6, 12);
    whole(12, "topology.taskQueues.tq-control.workers", 1, 6);
    whole(13, "topology.taskQueues.tq-data.stickyCache", 1, 50);
    whole(14, "topology.taskQueues.tq-control.stickyCache", 1, 50);
    duration(15, "topology.taskQueues.tq-data.restartDelay", seconds(1), seconds(30));
    duration(16, "topology.taskQueues.tq-control.restartDelay", seconds(1), seconds(30));
    whole(17, "topology.signals.processors", 1, 4);
    word_of(18, "schedule", {"fifo", "shuffled"});
    word_of(19, "topology.stateStore.failOpen", {"[]", "[StepStarted]"});
  }

  void workload() {
    const Duration arrivals = part_of_run(kArrivals);
    const Rate rate = base_.workload.arrivals.rate;
    set("workload.stages", fmt::format("[{{for: {}, rate: {}}}]", format_duration(arrivals), format_value(rate)));
    set("workload.arrivals.rate", "0.001/w");  // the language has no rate of nothing
    if (chance(40, 0.5)) set("workload.arrivals.scale", fmt::format("{:.2f}", 0.3 + 1.4 * uniform(40, 1)));
    if (chance(41, 0.5))
      set("workload.signals", fmt::format("{{PAUSE: {{rate: {}/m, select: {{status: RUNNING}}, resumeAfter: {{uniform: "
                                          "{{min: 100ms, max: 40s}}}}}}}}",
                                          between(41, 1, 20, 1)));
    // A RESUME that failed in the time of trouble is not sent again by itself: when all is healed, an operator looks
    // for what is still paused.
    for (const int percent_of_run : {62, 70, 78})
      set(fmt::format("operations.swarm-resume-{}", percent_of_run),
          fmt::format("{{at: {}, signal: RESUME, reason: swarm, select: {{status: PAUSED}}}}",
                      format_duration(part_of_run(percent_of_run / 100.0))));
    if (chance(42, 0.5))
      set("operations.swarm-cancel",
          fmt::format(
              "{{at: {}, signal: CANCEL, reason: swarm, select: {{status: RUNNING, fraction: {}%}}, spread: {}}}",
              format_duration(part_of_run(0.1 + 0.4 * uniform(42, 1))), between(42, 5, 60, 2),
              format_duration(milliseconds(between(42, 0, 20'000, 3)))));
    if (chance(43, 0.3)) set("workload.clients.timeout", format_duration(milliseconds(between(43, 200, 9000, 1))));
    for (const WarehouseSpec& warehouse : base_.warehouses)
      if (chance(44, 0.5))
        set("warehouses." + warehouse.name + ".errors",
            fmt::format("{{rate: {}%, codes: {{transient_error: 80%, timeout: 20%}}, permanent: {}%}}",
                        between(44, 1, 20, 1), between(44, 0, 30, 2)));
  }

  std::vector<std::string> places(TargetKind kind) const {
    switch (kind) {
      case TargetKind::projector:
        return {"projector", "projector/random(1)"};
      case TargetKind::outbox:
        return {"outbox", "outbox/0"};
      case TargetKind::bus: {
        std::vector<std::string> out{"bus"};
        for (const SubscriptionSpec& one : base_.topology.bus.subscriptions) out.push_back("bus/" + one.name);
        return out;
      }
      case TargetKind::worker:
        return {"worker/tq-control/*", "worker/tq-data/*", "worker/tq-data/0", "worker/tq-control/0"};
      case TargetKind::warehouse: {
        std::vector<std::string> out;
        for (const WarehouseSpec& one : base_.warehouses) out.push_back("warehouse/" + one.name);
        return out;
      }
      case TargetKind::store_disk:
        return {};  // needs a file and a physical commit for each append: scenarios of their own
      case TargetKind::link_worker_store:
        return {"link/worker/store"};
      case TargetKind::clock_worker:
        return {"clock/worker"};
      case TargetKind::api:
        return {"api"};
      case TargetKind::store:
        return {"store"};
      case TargetKind::adapter:
        return {"adapter"};
      case TargetKind::signals:
        return {"signals"};
      case TargetKind::plans:
        return {"plans"};
    }
    return {};
  }

  // What the reader refuses, given this base.
  bool makes_sense(FaultKind kind, TargetKind target) const {
    if (kind == FaultKind::corrupt && target == TargetKind::store)
      return base_.topology.state_store.backend != StoreBackend::memory;
    if (kind == FaultKind::throttle && target == TargetKind::adapter) return !base_.topology.adapter.capacity.is_zero();
    if (kind == FaultKind::throttle && target == TargetKind::bus) return !base_.topology.bus.throughput.is_zero();
    return true;
  }

  void faults() {
    struct Choice {
      const FaultKindInfo* kind;
      std::string target;
    };
    std::vector<Choice> choices;
    for (const FaultKindInfo& kind : fault_kinds())
      for (const TargetKind target : kind.modelled) {
        if (!makes_sense(kind.kind, target)) continue;
        for (std::string& place : places(target)) choices.push_back({&kind, std::move(place)});
      }
    const std::int64_t count = between(60, 0, 5);
    const Duration trouble = part_of_run(kTrouble);
    for (std::int64_t i = 0; i < count; ++i) {
      const auto number = static_cast<std::uint64_t>(i);
      const std::uint64_t knob = 100 + number;
      const Choice& choice =
          choices[static_cast<std::size_t>(between(knob, 0, static_cast<std::int64_t>(choices.size()) - 1))];
      const auto takes = [&](std::string_view parameter) {
        return std::find(choice.kind->parameters.begin(), choice.kind->parameters.end(), parameter) !=
               choice.kind->parameters.end();
      };
      std::string text = fmt::format("kind: {}, target: {}, until: {}", word(choice.kind->kind), choice.target,
                                     format_duration(trouble));
      const Duration at = part_of_run(0.05 + 0.45 * uniform(knob, 1));
      text += fmt::format(", at: {}", format_duration(at));
      if (choice.kind->has_length) {
        // Short episodes and long ones; none outlasts the time of trouble.
        const double longest = static_cast<double>((trouble - at).ns) / 1e6;
        const double share = uniform(knob, 2);
        text += fmt::format(", for: {}",
                            format_duration(milliseconds(1 + detmath::floor_to_int64(longest * share * share))));
      }
      if (!choice.kind->has_length && chance(knob, 0.5, 3))
        text += fmt::format(", every: {{poisson: {}/m}}", between(knob, 1, 6, 4));
      if (takes("factor")) text += fmt::format(", factor: {}", between(knob, 2, 40, 5));
      if (takes("share") && choice.target != "store" && choice.target != "link/worker/store")
        text += fmt::format(", share: {}%", between(knob, 1, 40, 6));
      if (takes("offset"))
        text += fmt::format(", offset: {}", format_duration(milliseconds(between(knob, 10, 90'000, 11))));
      if (takes("jitter") && chance(knob, 0.5, 7)) text += fmt::format(", jitter: {}%", between(knob, 1, 90, 8));
      if (takes("maxDown") && choice.target.starts_with("worker/"))
        text += fmt::format(", maxDown: {}%", chance(knob, 0.3, 9) ? 100 : between(knob, 20, 90, 10));
      set(fmt::format("faults.swarm{}", i), "{" + text + "}");
    }
  }

  const Scenario& base_;
  PhiloxRandom random_;
  std::vector<SetOverride> sets_;
};

std::string fault_name(const Fault& fault) {
  return fmt::format("{} {}", word(fault.kind), fault.target.text);
}

}  // namespace

std::string_view to_string(SwarmClass found) {
  switch (found) {
    case SwarmClass::fine:
      return "fine";
    case SwarmClass::crash:
      return "crash";
    case SwarmClass::safety:
      return "safety";
    case SwarmClass::liveness:
      return "liveness";
    case SwarmClass::unknown:
      break;
  }
  return "unknown";
}

std::vector<SetOverride> draw_swarm(const Scenario& base, std::uint64_t seed) {
  return SwarmDraws(base, seed).draw();
}

SwarmRun run_swarm_seed(const std::string& file, const Scenario& base, const std::vector<SetOverride>& overrides,
                        std::uint64_t seed) {
  SwarmRun out;
  out.seed = seed;
  std::vector<SetOverride> all = overrides;
  for (SetOverride& one : draw_swarm(base, seed)) all.push_back(std::move(one));
  auto read = read_runnable(file, all);
  if (!read.has_value()) {
    out.found = SwarmClass::unknown;
    out.problem = read.error().front().text();
    return out;
  }
  const Scenario& scenario = read.value();
  std::vector<StudyMeasure> measures;
  for (const Fault& fault : scenario.faults) {
    out.faults.push_back(fault_name(fault));
    measures.push_back({"faults." + fault.name + ".count", ValueKind::number});
  }
  const Replication run = run_once(scenario, seed, measures, "");
  for (std::size_t i = 0; i < measures.size(); ++i)
    if (run.values[i] && run.values[i]->number > 0) out.struck.push_back(out.faults[i]);
  out.fingerprint = run.fingerprint;
  out.problem = run.problem;
  out.virtual_seconds = static_cast<double>(scenario.duration.ns) / 1e9;
  out.found = run.exit_code == 0   ? SwarmClass::fine
              : run.exit_code == 1 ? SwarmClass::crash
              : run.exit_code == 5 ? SwarmClass::safety
              : run.exit_code == 3 ? SwarmClass::liveness
                                   : SwarmClass::unknown;
  return out;
}

std::map<SwarmClass, std::size_t> SwarmResult::count() const {
  std::map<SwarmClass, std::size_t> out;
  for (const SwarmRun& run : runs) ++out[run.found];
  return out;
}

std::map<std::string, std::pair<std::size_t, std::size_t>> SwarmResult::coverage() const {
  std::map<std::string, std::pair<std::size_t, std::size_t>> out;
  const auto once = [](std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
  };
  for (const SwarmRun& run : runs) {
    for (const std::string& fault : once(run.faults)) ++out[fault].first;
    for (const std::string& fault : once(run.struck)) ++out[fault].second;
  }
  return out;
}

int exit_code(const SwarmResult& result) {
  const auto count = result.count();
  if (count.contains(SwarmClass::crash)) return 1;
  if (count.contains(SwarmClass::safety)) return 5;
  if (count.contains(SwarmClass::liveness)) return 6;
  if (count.contains(SwarmClass::unknown) || result.runs.empty()) return 7;
  return 0;
}

std::string render_swarm_text(const SwarmResult& result, const std::string& file) {
  std::string out = fmt::format("{}: {} seeds", result.scenario, result.runs.size());
  for (const auto& [found, times] : result.count()) out += fmt::format(", {} {}", times, to_string(found));
  out += "\n";
  for (const SwarmRun& run : result.runs) {
    if (run.found == SwarmClass::fine) continue;
    out += fmt::format("  seed {} {}: {}\n", run.seed, to_string(run.found), run.problem);
    for (const std::string& fault : run.faults) out += fmt::format("    {}\n", fault);
    out += fmt::format("    dvtsim shrink {} --swarm --seed {}\n", file, run.seed);
  }
  out += "faults, seeds that drew them, and in which they struck:\n";
  for (const auto& [fault, seeds] : result.coverage())
    out += fmt::format("  {:<44} {:>5} {:>5}\n", fault, seeds.first, seeds.second);
  if (result.interrupted) out += "Interrupted: what is shown is partial.\n";
  return out;
}

std::string render_swarm_json(const SwarmResult& result) {
  std::string out;
  json::Writer w(out, json::Style::pretty);
  w.begin_object();
  w.member("schemaVersion", 1);
  w.member("scenario", result.scenario);
  w.key("classes").begin_object();
  const auto count = result.count();
  for (const SwarmClass found :
       {SwarmClass::fine, SwarmClass::crash, SwarmClass::safety, SwarmClass::liveness, SwarmClass::unknown}) {
    const auto at = count.find(found);
    w.member(to_string(found), at == count.end() ? std::size_t{0} : at->second);
  }
  w.end_object();
  w.key("faults").begin_array();
  for (const auto& [fault, seeds] : result.coverage()) {
    w.begin_object();
    w.member("fault", fault);
    w.member("drawn", seeds.first);
    w.member("struck", seeds.second);
    w.end_object();
  }
  w.end_array();
  w.key("runs").begin_array();
  for (const SwarmRun& run : result.runs) {
    w.begin_object();
    w.member("seed", run.seed);
    w.member("class", to_string(run.found));
    w.member("fingerprint", run.fingerprint);
    if (!run.problem.empty()) w.member("problem", run.problem);
    w.end_object();
  }
  w.end_array();
  if (result.interrupted) w.member("interrupted", true);
  w.member("exit_code", exit_code(result));
  w.end_object();
  return out + "\n";
}

}  // namespace dvt::sim
