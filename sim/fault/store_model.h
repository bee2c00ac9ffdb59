// The StateStore as the control plane meets it: a pool of connections with a queue, a drawn latency per request, and
// faults, in front of the rows. A request takes a connection, holds it for its latency, and touches the rows at the end
// of it: that instant is its commit, and the caller hears of it then.
//
// Faults it may suffer: latency, and outage (requests that would commit while it lasts fail `unavailable` instead).
// Both are survivable: nothing is acknowledged that is not in the rows.
#pragma once

#include <deque>
#include <vector>

#include "engine/base/distribution.h"
#include "engine/base/load.h"
#include "engine/ports/fault_point.h"
#include "engine/ports/random.h"
#include "engine/ports/state_store.h"
#include "engine/ports/telemetry.h"
#include "engine/ports/timers.h"

namespace dvt::sim {

struct StoreModelOptions {
  Distribution write_latency;
  Distribution read_latency;
  std::uint32_t connections = 50;
};

class StoreModel final : public StoreClient {
 public:
  StoreModel(Timers& timers, const Random& random, Telemetry& telemetry, StateStore& rows, StoreModelOptions options);

  void append(NewEvent event, DrawKey key, AppendDone done) override;
  void decide(SignalDecision decision, DrawKey key, DecideDone done) override;
  void save_metadata(RunOrdinal run, DrawKey key, InplaceFunction<void(bool ok), 48> done) override;
  void read(RunOrdinal run, DrawKey key, InplaceFunction<void(bool ok), 48> done) override;

  void set_scale(const LatencyScale* scale) { scale_ = scale; }
  void set_outage(bool on) { outage_ = on; }
  /// Null: the disk is as fast as the latencies say.
  void set_disk_scale(const LatencyScale* scale) { disk_scale_ = scale; }
  /// Status reads look into the rows, whose medium may refuse or be found corrupt; otherwise they cost time only.
  void read_rows(bool on) { read_rows_ = on; }
  std::size_t queued() const { return waiting_.size(); }
  /// The connection pool's load from `from` on. Call before the first request.
  void count_load_from(Instant from);
  LoadFigures load(Instant to) const { return load_.figures(to); }

 private:
  // Runs `work` when a connection was held for the drawn latency.
  void request(Duration latency, Callback&& work);
  void occupy(Duration latency, Callback&& work);
  /// The facts of an append that came to its end.
  void tell(const AppendFact& fact);
  bool readable(RunOrdinal run);
  Duration write_time(const DrawKey& key, std::uint64_t salt) const;

  struct Waiting {
    Duration latency;
    Callback work;
  };

  Timers& timers_;
  const Random& random_;
  Telemetry& telemetry_;
  StateStore& rows_;
  StoreModelOptions options_;
  const LatencyScale* scale_ = nullptr;
  const LatencyScale* disk_scale_ = nullptr;
  bool read_rows_ = false;
  bool outage_ = false;
  std::uint32_t busy_ = 0;
  std::deque<Waiting> waiting_;
  std::vector<Callback> held_;  // by slot: what is done when its latency is over
  std::vector<std::uint32_t> free_slots_;
  ServerLoad load_;
};

}  // namespace dvt::sim
