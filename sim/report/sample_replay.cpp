#include "sim/report/sample_replay.h"

#include <limits>

#include "engine/base/format.h"
#include "engine/base/result.h"

namespace dvt::sim {
namespace {

constexpr double kAbsent = std::numeric_limits<double>::quiet_NaN();
/// So much of every series is in memory at a time.
constexpr std::size_t kRowsAtOnce = 1024;

}  // namespace

Duration recorded_interval(RunFile& file) {
  const std::vector<Instant> times = file.sample_times();
  if (times.size() < 2) throw Error("the run holds fewer than two samples");
  return times[1] - times[0];
}

void replay_samples(RunFile& file, Duration keep,
                    const std::function<void(const SeriesStore& store, Instant at)>& on_row) {
  std::vector<Instant> times = file.sample_times();
  const Duration interval = recorded_interval(file);
  if ((times.back() - times.front()).ns % interval.ns != 0) times.pop_back();
  SeriesStore store(static_cast<std::size_t>(keep.ns / interval.ns) + 2);
  const std::vector<RecordedSeries> all = file.series();
  for (const RecordedSeries& series : all) store.add_series({series.name, series.labels, series.kind, 0});
  std::vector<std::vector<double>> block;
  std::vector<double> row;
  for (std::size_t from = 0; from < times.size(); from += kRowsAtOnce) {
    const std::size_t to = std::min(from + kRowsAtOnce, times.size());
    block.assign(to - from, std::vector<double>(all.size()));
    for (std::size_t s = 0; s < all.size(); ++s) {
      const std::vector<Sample> samples = file.samples(all[s].series_no, times[from], times[to - 1]);
      std::size_t next = 0;
      for (std::size_t i = from; i < to; ++i) {
        while (next < samples.size() && samples[next].at < times[i]) ++next;
        const bool there = next < samples.size() && samples[next].at == times[i];
        // Before a counter's first sample it is zero.
        block[i - from][s] = there ? samples[next].value : all[s].kind == MetricKind::gauge ? kAbsent : 0.0;
      }
    }
    for (std::size_t i = from; i < to; ++i) {
      store.add_row(times[i], block[i - from]);
      on_row(store, times[i]);
    }
  }
}

}  // namespace dvt::sim
