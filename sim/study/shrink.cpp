#include "sim/study/shrink.h"

#include <algorithm>

#include "engine/base/format.h"
#include "sim/study/ddmin.h"
#include "sim/study/execute.h"

namespace dvt::sim {
namespace {

class Shrinker {
 public:
  Shrinker(Scenario scenario, Failure failure, const std::function<bool()>& go_on)
      : best_(std::move(scenario)), failure_(std::move(failure)), go_on_(go_on) {}

  ShrinkResult run() {
    // Passes from what saves most to what saves least, until a whole round changes nothing.
    bool smaller = true;
    while (smaller && go_on_()) {
      const Scenario before = best_;
      time();
      list(&Scenario::faults);
      list(&Scenario::operations);
      workload();
      topology();
      fault_details();
      smaller = !(best_ == before);
    }
    assert_it();
    return {std::move(best_), failure_, runs_, go_on_()};
  }

 private:
  bool fails(const Scenario& candidate) {
    if (!go_on_()) return false;
    ++runs_;
    return failure_of(candidate) == failure_;
  }
  bool keep_if_fails(Scenario candidate) {
    if (candidate == best_ || !fails(candidate)) return false;
    best_ = std::move(candidate);
    return true;
  }
  template <class Change>
  bool attempt(Change change) {
    Scenario candidate = best_;
    change(candidate);
    return keep_if_fails(std::move(candidate));
  }

  // ddmin never tries the empty list.
  template <class T>
  void list(T Scenario::*member) {
    if ((best_.*member).empty()) return;
    if (attempt([&](Scenario& s) { (s.*member).clear(); })) return;
    const auto shortest = ddmin(best_.*member, [&](const T& part) {
      Scenario candidate = best_;
      candidate.*member = part;
      return fails(candidate);
    });
    best_.*member = shortest;
  }

  // Halves what is not needed, then quarters, down to a sixteenth of the first length.
  void time() {
    // A run that is cut short always has something in flight: that would be another failure.
    if (failure_.what.find("runs.in_flight") != std::string::npos) return;
    const Duration smallest{best_.duration.ns / 16};
    for (Duration step{best_.duration.ns / 2}; step > smallest && step.ns > 0; step.ns /= 2)
      while (attempt([&](Scenario& s) { s.duration = {s.duration.ns - std::min(step.ns, s.duration.ns - 1)}; })) {
      }
    attempt([](Scenario& s) { s.warmup = {}; });
  }

  void workload() {
    // So many runs at once are easier to follow than any rate.
    for (const std::int64_t runs : {1, 2, 3, 5, 10, 30}) {
      if (best_.workload.arrivals.runs && *best_.workload.arrivals.runs <= runs) break;
      const bool done = attempt([&](Scenario& s) {
        s.workload.arrivals = Arrivals{};
        s.workload.arrivals.runs = runs;
        s.workload.stages.clear();
      });
      if (done) break;
    }
    if (!best_.workload.arrivals.runs) {
      attempt([](Scenario& s) { s.workload.stages.clear(); });
      while (best_.workload.arrivals.scale > 0.02 &&
             attempt([](Scenario& s) { s.workload.arrivals.scale = s.workload.arrivals.scale / 2; })) {
      }
    }
    while (best_.workload.plans.size() > 1) {
      bool dropped = false;
      for (std::size_t i = 0; i < best_.workload.plans.size() && !dropped; ++i)
        dropped = attempt(
            [&](Scenario& s) { s.workload.plans.erase(s.workload.plans.begin() + static_cast<std::ptrdiff_t>(i)); });
      if (!dropped) break;
    }
    for (std::size_t i = best_.workload.signals.size(); i-- > 0;)
      attempt(
          [&](Scenario& s) { s.workload.signals.erase(s.workload.signals.begin() + static_cast<std::ptrdiff_t>(i)); });
    attempt([](Scenario& s) { s.workload.reads.rate = {}; });
    attempt([](Scenario& s) { s.workload.clients = {}; });
    attempt([](Scenario& s) { s.workload.approval.reset(); });
    attempt([](Scenario& s) { s.workload.tenants = {}; });
    for (std::size_t i = 0; i < best_.warehouses.size(); ++i)
      attempt([&](Scenario& s) { s.warehouses[i].errors = {}; });
  }

  template <class T>
  void reset(T Topology::*member) {
    attempt([&](Scenario& s) { s.topology.*member = Topology{}.*member; });
  }
  void topology() {
    reset(&Topology::adapter);
    reset(&Topology::interpreter);
    reset(&Topology::activity_options);
    reset(&Topology::task_queues);
    reset(&Topology::conductor);
    reset(&Topology::api);
    reset(&Topology::projector);
    reset(&Topology::outbox);
    reset(&Topology::bus);
    reset(&Topology::signals);
    reset(&Topology::oncall);
    attempt([](Scenario& s) {
      const auto backend = s.topology.state_store.backend;
      const auto commit = s.topology.state_store.commit;
      s.topology.state_store = {};
      s.topology.state_store.backend = backend;
      s.topology.state_store.commit = commit;
    });
    attempt([](Scenario& s) { s.schedule = Scenario{}.schedule; });
  }

  void fault_details() {
    for (std::size_t i = 0; i < best_.faults.size(); ++i) {
      attempt([&](Scenario& s) { s.faults[i].every.reset(); });
      attempt([&](Scenario& s) { s.faults[i].jitter = {}; });
      attempt([&](Scenario& s) { s.faults[i].ramp = {}; });
      attempt([&](Scenario& s) { s.faults[i].until.reset(); });
      attempt([&](Scenario& s) { s.faults[i].probability = percent(100); });
      attempt([&](Scenario& s) { s.faults[i].share = percent(100); });
      attempt([&](Scenario& s) { s.faults[i].max_down = percent(100); });
    }
  }

  void assert_it() {
    if (!failure_.what.starts_with("invariant ")) {
      std::erase_if(best_.assertions, [&](const AssertionSpec& one) { return one.text != failure_.what; });
      return;
    }
    AssertionSpec assertion;
    assertion.text = fmt::format("invariants.{}.violations == 0", failure_.what.substr(10));
    best_.assertions = {assertion};
  }

  Scenario best_;
  Failure failure_;
  const std::function<bool()>& go_on_;
  std::size_t runs_ = 0;
};

// A message's figures (times, positions) change from run to run.
std::string without_figures(std::string text) {
  text.erase(std::min(text.find('\n'), text.size()));
  std::erase_if(text, [](char c) { return c >= '0' && c <= '9'; });
  return text;
}

}  // namespace

Failure failure_of(const Scenario& scenario) {
  try {
    const Executed executed = execute(scenario, {});
    const Verdict& verdict = executed.verdict;
    Failure failure{static_cast<int>(verdict.exit_code), {}};
    if (failure.exit_code == 5) {
      for (const InvariantResult& invariant : verdict.invariants)
        if (invariant.violations > 0 && invariant.known_fault == 0) return {5, "invariant " + invariant.name};
      return failure;
    }
    for (const AssertionResult& assertion : verdict.assertions)
      if (!assertion.passed) return {failure.exit_code, assertion.text};
    if (failure.exit_code == 3) failure.what = verdict.decided_by;
    return failure;
  } catch (const Error& error) {
    return {2, without_figures(error.what())};
  } catch (const std::exception& error) {
    return {1, without_figures(error.what())};
  }
}

ShrinkResult shrink(const Scenario& scenario, const Failure& failure, const std::function<bool()>& go_on) {
  return Shrinker(scenario, failure, go_on).run();
}

}  // namespace dvt::sim
