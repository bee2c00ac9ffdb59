// The terminal summary: what held, what fired, how pauses drained, what the verdict rests on, and the line that repeats
// it. Laid out for 100 columns; lines of quoted text (commands, assertions, evidence) may be longer.
#pragma once

#include <string>

#include "sim/report/json_report.h"
#include "sim/report/text_table.h"
#include "sim/scenario/scenario.h"
#include "sim/slo/verdict.h"

namespace dvt::sim {

std::string render_text(const Verdict& verdict, const Scenario& scenario, const ReportContext& context, Colour colour);

}  // namespace dvt::sim
