// What can break, where: the table of fault kinds (design §6) and the known faults of the production design
// (domain §19). The reader, the checks and `explain` use the same rows. To say that an effect is modelled, add its
// target to `modelled`, or set `fix_modelled`.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/scenario/scalars.h"
#include "sim/scenario/scenario.h"

namespace dvt::sim {

struct FaultKindInfo {
  FaultKind kind;
  std::string_view doc;
  std::vector<TargetKind> targets;           // where it may strike
  std::vector<TargetKind> modelled;          // … and where it already does
  std::vector<std::string_view> parameters;  // beyond those of every fault: factor jitter ramp share group maxDown
  bool has_length = true;                    // takes `for`
};

std::span<const FaultKindInfo> fault_kinds();
const FaultKindInfo& info(FaultKind kind);

struct TargetKindInfo {
  TargetKind kind;
  std::string_view notation;  // `worker/<queue>, worker/<queue>/3, worker/<queue>/*`
  std::string_view doc;
};
std::span<const TargetKindInfo> target_kinds();
const TargetKindInfo& info(TargetKind kind);

/// The grammar of a target only; names and indices are checked against the scenario afterwards.
Parsed<Target> parse_target(std::string_view text);

struct KnownFaultInfo {
  int number;
  std::string_view doc;
  std::string_view fix;     // what `fixed` does
  std::string_view breaks;  // invariants, and objectives where it is slow and not wrong
  bool fix_modelled;
};
std::span<const KnownFaultInfo> known_faults();

}  // namespace dvt::sim
