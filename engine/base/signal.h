// Signals and the roles that may send them (domain §8): one vocabulary for the API, the store and the scenario
// language.
#pragma once

#include <cstdint>
#include <initializer_list>

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

/// The roles an actor has. Power grows with the enumerator: Admin > Engineer > Operator > System.
class RoleSet {
 public:
  constexpr RoleSet(std::initializer_list<Role> roles) {
    for (const Role role : roles) bits_ |= bit(role);
  }
  constexpr bool contains(Role role) const { return (bits_ & bit(role)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool operator==(const RoleSet&) const = default;

 private:
  static constexpr std::uint8_t bit(Role role) { return static_cast<std::uint8_t>(1U << static_cast<unsigned>(role)); }
  std::uint8_t bits_ = 0;
};

}  // namespace dvt
