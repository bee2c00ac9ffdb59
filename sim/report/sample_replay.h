// A recorded run's samples once more, row by row, as they were taken: what was evaluated during the run can be
// evaluated again.
#pragma once

#include <functional>

#include "sim/measure/series.h"
#include "sim/record/run_file.h"

namespace dvt::sim {

/// The sampling interval of a recorded run; throws dvt::Error when it holds fewer than two samples.
Duration recorded_interval(RunFile& file);

/// Calls `on_row` after every row, in order, with the newest rows back to `keep` in the store. A last row that is not
/// on the grid is left out. Series ids are the file's numbers in their order.
void replay_samples(RunFile& file, Duration keep,
                    const std::function<void(const SeriesStore& store, Instant at)>& on_row);

}  // namespace dvt::sim
