// Signals and the roles that may send them (domain §8): one vocabulary for the API, the store and the scenario
// language.
#pragma once

#include <cstdint>

namespace dvt {

/// In the order of domain §8.
enum class SignalType : std::uint8_t {
  pause,
  resume,
  cancel,
  retry_step,
  retry_run,
  skip_step,
  update_params,
  inject_override,
  update_target,
  emergency_stop,
  escalate_alert,
};
const char* to_string(SignalType type);  // PAUSE, RESUME, …

enum class Role : std::uint8_t { system, operator_, engineer, admin };
const char* to_string(Role role);  // System, Operator, Engineer, Admin

}  // namespace dvt
