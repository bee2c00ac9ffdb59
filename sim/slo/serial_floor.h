// Known fault 10 (domain §19): under `layers` the control activities of a run stand in a row, so a large plan has a
// floor below which its completion objective cannot come, whatever goes well. Plain arithmetic on the scenario's
// latencies.
#pragma once

#include <string>
#include <vector>

#include "sim/measure/results.h"
#include "sim/scenario/scenario.h"

namespace dvt::sim {

/// Mean time from one control activity to the next: the workflow task and the activity each pay a poll and an answer,
/// the task its execution, the activity its write.
Duration mean_control_activity(const Scenario& scenario);

struct SerialFloor {
  std::string plan;
  std::uint64_t steps = 0;
  std::uint64_t activities = 0;  // in a row: an event at each end of a step, and four of the run
  Duration floor;                // their mean time without any work, queue or fault
};

/// The plans whose floor lies above `threshold`, in the order of the measurements. None unless the runs go through the
/// `layers` interpreter with known fault 10 on, one event at a time.
std::vector<SerialFloor> serial_floors(const Scenario& scenario, const std::vector<MeasuredPlan>& plans,
                                       Duration threshold);

}  // namespace dvt::sim
