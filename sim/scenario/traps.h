// The traps in the documents' objectives, queries and runbooks (domain §20), in its order: what goes wrong, what is
// meant instead, and the scenarios that show it.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace dvt::sim {

struct Trap {
  int number;
  std::string_view trap;                         // what stands there and why it does not do what it says
  std::string_view instead;                      // what the corrected set, the objectives or dvtsim do
  std::vector<std::string_view> demonstrations;  // scenarios, below tests/scenarios; their assertions are the proof
};

std::span<const Trap> traps();

}  // namespace dvt::sim
