// The engine contract an adapter translates to its provider (domain §1, §7, §10), and what it tells back.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/function.h"
#include "engine/base/time.h"
#include "engine/ports/run_identity.h"
#include "engine/ports/telemetry.h"

namespace dvt {

struct ProviderSignal {
  RunOrdinal run;
  SignalType type = SignalType::pause;
  std::uint64_t signal = 0;  // ordinal of the signal in the world
  std::string reason;
  std::string step_id;  // RETRY_STEP and SKIP_STEP; empty otherwise
  bool force = false;   // EMERGENCY_STOP: forceKill, the run is terminated and not asked
};

class RunListener {
 public:
  virtual ~RunListener() = default;
  virtual void run_ended(RunOrdinal run, RunOutcome outcome, ErrorClass error_class, std::string_view error_code) = 0;
  virtual void signal_applied(std::uint64_t signal, Instant at) = 0;
  virtual void signal_lost(std::uint64_t signal, Instant at) = 0;
};

class ProviderAdapter {
 public:
  virtual ~ProviderAdapter() = default;
  virtual const char* name() const = 0;
  virtual void attach(RunListener& listener) = 0;
  /// Starts a run; asynchronous, told through RunListener and Telemetry.
  virtual void start_run(RunIdentityRef run) = 0;
  /// Hands an accepted signal to the provider; asynchronous. A run that ended meanwhile loses it (signal_lost).
  virtual void signal(const ProviderSignal& signal) = 0;
  /// Runs the provider has open.
  virtual std::size_t open_runs() const = 0;
  virtual bool is_open(RunOrdinal run) const = 0;
};

}  // namespace dvt
