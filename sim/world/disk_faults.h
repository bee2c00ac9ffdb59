// What befalls the disk under the StateStore (target store/disk): turns episodes into conditions of the virtual disk
// (store/db/faulty_vfs.h) and tells the facts of what the store finds there.
#pragma once

#include <array>
#include <vector>

#include "engine/ports/telemetry.h"
#include "engine/ports/timers.h"
#include "sim/fault/fault_plan.h"
#include "sim/fault/latency_window.h"
#include "sim/fault/store_model.h"
#include "store/db/faulty_vfs.h"
#include "store/sqlite/sqlite_state_store.h"

namespace dvt::sim {

class DiskFaults final : public store::StoreObserver {
 public:
  /// `rows` and `disk` may be null where no disk fault can strike (another backend; the reader sees to it).
  DiskFaults(Timers& timers, const Random& random, Telemetry& telemetry, StoreModel& model,
             store::SqliteStateStore* rows, store::db::FaultyDisk* disk);
  ~DiskFaults() override;
  DiskFaults(const DiskFaults&) = delete;
  DiskFaults& operator=(const DiskFaults&) = delete;

  /// Returns how many disks were struck: 1.
  std::uint32_t begin(const Fault& fault, Episode episode);
  void end(const Fault& fault, Episode episode);

  /// kind: corrupt on the target store: its snapshots come back altered.
  std::uint32_t alter_snapshots(bool on);
  /// Tells from now on how much of the disk is free: of `size` bytes, every ten seconds, and a file that has reached
  /// them meets a full disk from then on; 0: no bound, all is free unless a fault takes it.
  void watch_space(std::int64_t size);

  void corruption_found(std::string_view what) override;
  void snapshot_unverified(RunOrdinal run) override;
  void event_recovered(const StoredEvent& event) override;

 private:
  struct Open {
    Episode episode;
    std::vector<store::db::DiskFault> conditions;
  };
  void look_at_space();
  void start(Episode episode, std::vector<store::db::DiskFault> conditions);
  void crash_host(Episode episode);

  Timers& timers_;
  const Random& random_;
  Telemetry& telemetry_;
  StoreModel& model_;
  store::SqliteStateStore* rows_;
  store::db::FaultyDisk* disk_;
  LatencyWindow latency_;
  std::vector<Open> open_;
  std::array<std::uint32_t, store::db::kDiskFaults> active_{};  // open episodes by condition
  std::uint32_t altering_ = 0;                                  // open episodes
  std::int64_t disk_size_ = 0;                                  // 0: no bound
  bool filled_up_ = false;
  std::int64_t told_free_ppb_ = -1;
};

}  // namespace dvt::sim
