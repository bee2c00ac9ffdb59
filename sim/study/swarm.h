// Swarms: one scenario under many seeds, each of which draws its own topology, workload and faults. Two thirds of the
// run are trouble; then every fault is over, nobody new arrives, and what is under way must come to its end.
//
// A seed's draws are ordinary overrides, so a seed can be repeated, looked at and shrunk like any other run.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sim/scenario/reader.h"
#include "sim/study/runner.h"

namespace dvt::sim {

enum class SwarmClass : std::uint8_t { fine, crash, safety, liveness, unknown };
std::string_view to_string(SwarmClass found);

/// What a seed makes of a scenario. Draws are keyed by what they are for: a further knob moves no other one.
std::vector<SetOverride> draw_swarm(const Scenario& base, std::uint64_t seed);

struct SwarmRun {
  std::uint64_t seed = 0;
  SwarmClass found = SwarmClass::fine;
  std::string problem;              // one line; empty when fine
  std::vector<std::string> faults;  // `kind target`, those that were drawn
  std::vector<std::string> struck;  // of them, those that struck at least once
  std::string fingerprint;
  double virtual_seconds = 0;
};

/// Reads FILE under the seed's draws and runs it. Safety: an invariant. Liveness: something is in flight or stuck at
/// the end. Crash: an internal error. Unknown: the draws make no scenario that can be run.
SwarmRun run_swarm_seed(const std::string& file, const Scenario& base, const std::vector<SetOverride>& overrides,
                        std::uint64_t seed);

struct SwarmResult {
  std::string scenario;
  std::vector<SwarmRun> runs;  // in order of seeds
  bool interrupted = false;
  std::map<SwarmClass, std::size_t> count() const;
  /// By `kind target`: how many seeds drew it, and in how many it struck.
  std::map<std::string, std::pair<std::size_t, std::size_t>> coverage() const;
};

/// Design §7: 0 · 1 crash · 5 safety · 6 liveness · 7 unknown, or nothing ran; the gravest of them.
int exit_code(const SwarmResult& result);

std::string render_swarm_text(const SwarmResult& result, const std::string& file);
std::string render_swarm_json(const SwarmResult& result);

}  // namespace dvt::sim
