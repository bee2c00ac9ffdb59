// The clients that ask for runs (scenario.md, `workload.clients`): each waits for its answer as long as its timeout,
// and asks again, with the same runRequestId, when there was none or when the answer says that it may (429, 5xx).
// Pauses double from `backoff` on, and are never shorter than the answer's retry-after.
#pragma once

#include <string>
#include <unordered_map>

#include "engine/api/front.h"
#include "engine/ports/telemetry.h"
#include "engine/ports/timers.h"
#include "sim/scenario/workload.h"

namespace dvt::sim {

class RunClients {
 public:
  RunClients(Timers& timers, Telemetry& telemetry, engine::ApiFront& api, const Clients& options);
  void request(RunOrdinal run, PlanOrdinal plan, TenantOrdinal tenant);
  /// Clients that have no final answer yet.
  std::size_t waiting() const { return open_.size(); }

 private:
  struct Open {
    engine::RunRequest request;
    engine::RequestId under_way;
    TimerId timeout;
  };

  void send(std::uint32_t run);
  void answered(std::uint32_t run, const engine::RunAnswer& answer);
  void timed_out(std::uint32_t run);
  void failed(std::uint32_t run, std::string_view code, Duration retry_after);

  Timers& timers_;
  Telemetry& telemetry_;
  engine::ApiFront& api_;
  Clients options_;
  std::unordered_map<std::uint32_t, Open> open_;  // by run; looked up only
};

}  // namespace dvt::sim
