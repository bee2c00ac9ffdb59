// The JSON result (design §7): keys stable and in this order, units in names, durations in decimal seconds, instants in
// RFC 3339 with nine digits. Everything but `wall_seconds` is the same for the same scenario and seed.
#pragma once

#include <string>

#include "sim/slo/verdict.h"

namespace dvt::sim {

/// What a report says besides the verdict.
struct ReportContext {
  double wall_seconds = 0;   // from the process's start to just before the result is written
  bool interrupted = false;  // the run ended early: what is shown is partial
};

/// Indented, with a final newline.
std::string render_json(const Verdict& verdict, const ReportContext& context);

}  // namespace dvt::sim
