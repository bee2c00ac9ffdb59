// A state machine as a table: the rows are the whole truth about which event is legal in which state. A machine file
// holds its states, its events and its table; the code that acts on transitions asks the machine first.
#pragma once

#include <array>
#include <cstddef>

#include "engine/base/assert.h"

namespace dvt::engine {

template <class State, class Event>
struct TransitionRow {
  State from;
  Event on;
  State to;
};

/// `Table` is a constexpr std::array of TransitionRow<State, Event>.
template <class State, class Event, const auto& Table>
class Machine {
 public:
  explicit constexpr Machine(State initial) : state_(initial) {}
  constexpr State state() const { return state_; }
  constexpr bool can(Event event) const {
    for (const auto& row : Table)
      if (row.from == state_ && row.on == event) return true;
    return false;
  }
  /// Takes the transition; false, and no change, when the table has none.
  constexpr bool apply(Event event) {
    for (const auto& row : Table) {
      if (row.from == state_ && row.on == event) {
        state_ = row.to;
        return true;
      }
    }
    return false;
  }
  /// Takes a transition that must exist.
  constexpr void must(Event event) {
    const bool legal = apply(event);
    DVT_ASSERT(legal, "a state machine met an event its table does not allow");
  }

 private:
  State state_;
};

}  // namespace dvt::engine
