// Grafana dashboards with the panels that the documents ask for (domain §12): the queries of SLOs.md §1 as they stand,
// the corrected ones beside them, and the executive, operations and developer boards. Plain data: the same text for
// every run but for the time range.
#pragma once

#include <string>
#include <vector>

#include "engine/base/time.h"

namespace dvt::sim {

struct Dashboard {
  std::string uid;  // stable; also the file's name
  std::string json;
};

/// `from`, `to`: the time range that the boards open with. A panel whose metric is absent says so.
std::vector<Dashboard> grafana_dashboards(UnixNanos from, UnixNanos to);

/// Every expression of the boards, for tests.
std::vector<std::string> grafana_expressions();

}  // namespace dvt::sim
