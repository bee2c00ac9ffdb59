// A recorded run's series as OpenMetrics text, as a Prometheus that scraped on the sampling grid would have them; for
// `promtool tsdb create-blocks-from openmetrics`. A file covers one UTC day: back-filling is quadratic in a file's
// span.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/record/run_file.h"

namespace dvt::sim {

class OpenMetrics {
 public:
  /// Takes text in pieces, in order.
  using Sink = std::function<void(std::string_view)>;

  /// Reads which series and samples there are; `metrics`, names as in the catalogue: these only, all when empty. `file`
  /// must outlive it. Throws dvt::Error for a name that is not recorded.
  explicit OpenMetrics(RunFile& file, const std::vector<std::string>& metrics = {});
  ~OpenMetrics();

  /// The UTC days that hold samples, as YYYY-MM-DD, in order. A run that ends at midnight ends in the day before.
  std::vector<std::string> days() const;
  /// One day's samples, by family, label set and time; ends in `# EOF`. A counter that first appeared later stands at
  /// zero from the run's start on; a gauge that was not set is absent.
  void write(std::size_t day, const Sink& sink) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace dvt::sim
