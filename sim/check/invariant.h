// Invariants and what watches them. An Invariant is a rule's name and tally: how often it was checked, how often it was
// broken, and the first events that prove it. A Checker is a passive listener that keeps what it needs of each run
// in flight and tells its invariants; several rules that need the same facts share one. Domain §19: a rule broken by a
// known fault that is on is reported apart and fails nothing.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/ports/telemetry.h"
#include "sim/measure/results.h"

namespace dvt::sim {

struct InvariantConfig {
  /// Known faults of domain §19 that are mended, by number; [0] is not used. The others are on.
  std::array<bool, 11> known_faults_fixed{};
  /// Names of invariants that are left out. The suite throws dvt::Error for a name that none has.
  std::vector<std::string> except;
  UnixNanos start{1'767'225'600'000'000'000};  // the scenario's start, for the instants in examples
  /// Subscriptions of the bus, by the facts' index; at most 32. Facts of others are not judged.
  std::uint32_t subscriptions = 0;
  /// Longest and shortest pause after a failed publication, jitter included (production: 36 s and 800 ms). The defaults
  /// fit any policy and find less.
  Duration outbox_backoff_max = hours(1);
  /// A delivery that is this much older than one that arrived is not under way any more. Production's ten attempts with
  /// back-off take about four minutes.
  Duration delivery_overdue = hours(1);
  /// The API's limits: runs at the provider (admission), signals accepted for one run in a minute; 0: not judged.
  std::uint64_t runs_in_flight_max = 0;
  std::uint32_t signals_per_run = 0;
  /// How long a closed run is remembered, for late duplicates of its events.
  Duration linger = minutes(10);
};

/// What is known when a run is over.
struct EndOfRun {
  Instant at;
  /// The projector's own figure of stored − projected events; absent: not known.
  std::optional<std::uint64_t> projection_lag;
  /// True when outbox and bus have nothing under way: then everything must have arrived.
  bool delivery_drained = false;
  /// Rows of the log as the store itself counts them; absent: not known.
  std::optional<std::uint64_t> stored_events{};
  /// Events in the workers' spools; absent: not known.
  std::optional<std::uint64_t> spool_pending{};
};

class Invariant {
 public:
  static constexpr std::size_t kExamples = 5;

  Invariant(std::string_view name, const InvariantConfig& config) : config_(&config), name_(name) {}
  Invariant(const Invariant&) = delete;
  Invariant& operator=(const Invariant&) = delete;

  const std::string& name() const { return name_; }
  std::uint64_t checks() const { return checks_; }
  /// Not explained by a known fault.
  std::uint64_t violations() const { return violations_; }
  InvariantResult result() const;

  void checked(std::uint64_t times = 1) { checks_ += times; }
  /// The rule was broken. `faults`: known faults that break it in just this way; when one of them is on, it is the
  /// explanation. `text()` is called for the first few only and says what happened.
  template <class Text>
  void broken(Instant at, RunOrdinal run, Text&& text, std::initializer_list<int> faults = {}) {
    const int fault = explaining(faults);
    if (wants_example(fault)) add_example(fault, at, run, std::forward<Text>(text)());
  }
  void leave_out() { left_out_ = true; }
  bool left_out() const { return left_out_; }

 private:
  int explaining(std::initializer_list<int> faults) const;
  bool wants_example(int fault);
  void add_example(int fault, Instant at, RunOrdinal run, std::string text);

  const InvariantConfig* config_;
  std::string name_;
  std::uint64_t checks_ = 0;
  std::uint64_t violations_ = 0;
  std::array<std::uint64_t, 11> explained_{};  // by known fault
  std::vector<std::string> examples_;
  std::vector<std::string> explained_examples_;
  bool left_out_ = false;
};

class Checker : public Telemetry {
 public:
  /// The run is over; facts come no more.
  virtual void finish(const EndOfRun&) {}
  virtual std::vector<Invariant*> invariants() = 0;
};

}  // namespace dvt::sim
