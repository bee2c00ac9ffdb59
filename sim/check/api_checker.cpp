#include "sim/check/api_checker.h"

#include "engine/base/format.h"

#include <algorithm>

namespace dvt::sim {
namespace {

// Between the deferral queue and its decision lies one write; retries of a failed one put it back into the queue.
constexpr Duration kWriteGrace = minutes(1);

}  // namespace

void RunAtApi::reset() {
  admitted = false;
  decided.clear();
  accepted.clear();
}

ApiChecker::ApiChecker(const InvariantConfig& config)
    : config_(config),
      once_("runs-are-admitted-once", config),
      limit_("admission-keeps-its-limit", config),
      recorded_first_("effects-have-a-decision-record", config),
      one_decision_("one-decision-per-signal-id", config),
      rate_("signal-limit-per-run", config),
      settled_("deferred-signals-are-settled", config) {}

std::vector<Invariant*> ApiChecker::invariants() {
  return {&once_, &limit_, &recorded_first_, &one_decision_, &rate_, &settled_};
}

void ApiChecker::run_admitted(RunOrdinal ordinal, Instant at) {
  once_.checked();
  RunAtApi* run = runs_.open(ordinal);
  if (run == nullptr || run->admitted) {
    once_.broken(at, ordinal, [] { return "the run was handed to the provider twice"; });
    return;
  }
  run->admitted = true;
  ++admitted_;
  limit_.checked();
  if (config_.runs_in_flight_max > 0 && admitted_ > config_.runs_in_flight_max) {
    limit_.broken(at, ordinal, [&] {
      return fmt::format("{} runs in flight, {} are allowed", admitted_, config_.runs_in_flight_max);
    });
  }
}

void ApiChecker::run_started(RunOrdinal ordinal, PlanOrdinal, Instant at) {
  once_.checked();
  const RunAtApi* run = runs_.find(ordinal);
  if (run == nullptr || !run->admitted)
    once_.broken(at, ordinal, [] { return "the provider started a run that admission had not let go"; });
}

void ApiChecker::run_closed(const RunClosed& fact) {
  const RunAtApi* run = runs_.find(fact.run);
  if (run != nullptr && run->admitted) --admitted_;
  runs_.close(fact.run);
}

void ApiChecker::decision_stored(const SignalDecision& decision, Instant at) {
  one_decision_.checked();
  RunAtApi* run = runs_.open(decision.run);  // nullptr: closed; a late refusal, or RETRY_RUN
  if (run != nullptr) {
    const bool is_new = run->decided.insert(decision.signal_id).second;
    if (!is_new && !decision.replaces) {
      one_decision_.broken(at, decision.run,
                           [&] { return fmt::format("signal id {} was decided a second time", decision.signal_id); });
    }
  }
  if (decision.status != DecisionStatus::accepted) {
    recorded_.erase(decision.signal);
    return;
  }
  // Written again because nobody knew what had become of it: one signal all the same.
  const bool written_before = recorded_.contains(decision.signal);
  recorded_[decision.signal] = decision.run;
  if (written_before || run == nullptr || config_.signals_per_run == 0) return;
  rate_.checked();
  // By the instants at which the decisions were made: the writes after them take their own time.
  auto& window = run->accepted;
  window.insert(std::upper_bound(window.begin(), window.end(), decision.decided_at), decision.decided_at);
  while (window.front() <= window.back() - minutes(1)) window.pop_front();
  if (window.size() > config_.signals_per_run) {
    rate_.broken(at, decision.run, [&] {
      return fmt::format("{} signals in a minute, {} are allowed", window.size(), config_.signals_per_run);
    });
  }
}

void ApiChecker::signal_decided(const SignalFact& fact) {
  if (fact.status == DecisionStatus::deferred) {
    deferred_.emplace(fact.signal, Deferred{fact.run, true, fact.at});
    return;
  }
  if (fact.was_deferred) {
    settled_.checked();
    if (deferred_.erase(fact.signal) == 0) {
      settled_.broken(fact.at, fact.run, [&] {
        return fmt::format("signal {} was decided as a deferred one, and none waited", fact.signal);
      });
    }
  }
  if (fact.status != DecisionStatus::accepted) return;
  recorded_first_.checked();
  if (!recorded_.contains(fact.signal)) {
    recorded_first_.broken(fact.at, fact.run, [&] {
      return fmt::format("{} (signal {}) was accepted without a record", to_string(fact.type), fact.signal);
    });
  }
}

void ApiChecker::signal_applied(const SignalFact& fact) {
  recorded_first_.checked();
  if (recorded_.erase(fact.signal) > 0) return;
  recorded_first_.broken(fact.at, fact.run, [&] {
    return fmt::format("{} (signal {}) took effect without a record, or twice", to_string(fact.type), fact.signal);
  });
}

void ApiChecker::signal_lost(const SignalFact& fact) {
  recorded_.erase(fact.signal);
}

void ApiChecker::signal_waits(RunOrdinal, std::uint64_t signal, bool waits, std::size_t, Instant at) {
  const auto found = deferred_.find(signal);
  if (found == deferred_.end()) return;
  found->second.waits = waits;
  found->second.since = at;
}

void ApiChecker::finish(const EndOfRun& end) {
  for (const auto& [signal, deferred] : deferred_) {
    settled_.checked();
    if (deferred.waits || deferred.since + kWriteGrace >= end.at) continue;  // carried over, or being decided
    settled_.broken(end.at, deferred.run, [number = signal] {
      return fmt::format("signal {} left the deferral queue and was never decided", number);
    });
  }
}

}  // namespace dvt::sim
