#include "sim/world/disk_faults.h"

#include <algorithm>

#include "engine/base/detmath.h"

#include "sim/check/digest.h"

namespace dvt::sim {

using store::db::DiskFault;

namespace {

// Of this module's draws: what an I/O error does, which bits flip, what a crash leaves.
constexpr std::uint64_t kErrorDraw = 8;
constexpr std::uint64_t kFlipDraw = 9;
constexpr std::uint64_t kLossDraw = 10;
// Target number of the disk's latency draws; parts of the world count from 0.
constexpr std::uint32_t kDiskTarget = 0xFFFF'FFFE;
constexpr Duration kSpaceLook = seconds(10);

}  // namespace

DiskFaults::DiskFaults(Timers& timers, const Random& random, Telemetry& telemetry, StoreModel& model,
                       store::SqliteStateStore* rows, store::db::FaultyDisk* disk)
    : timers_(timers),
      random_(random),
      telemetry_(telemetry),
      model_(model),
      rows_(rows),
      disk_(disk),
      latency_(timers, random, kDiskTarget) {
  if (rows_ != nullptr) rows_->set_observer(this);
  if (disk_ == nullptr) return;
  model_.set_disk_scale(&latency_);
  model_.read_rows(true);
}

DiskFaults::~DiskFaults() {
  if (rows_ != nullptr) rows_->set_observer(nullptr);
}

void DiskFaults::start(Episode episode, std::vector<DiskFault> conditions) {
  for (const DiskFault condition : conditions)
    if (active_[static_cast<std::size_t>(condition)]++ == 0) disk_->begin(condition);
  open_.push_back({episode, std::move(conditions)});
}

std::uint32_t DiskFaults::begin(const Fault& fault, Episode episode) {
  DVT_ASSERT(rows_ != nullptr && disk_ != nullptr, "the reader lets disk faults pass only where there is a disk");
  switch (fault.kind) {
    case FaultKind::disk_slow:
      latency_.begin(effect_of(fault, episode, timers_.now()));
      return 1;
    case FaultKind::disk_full:
      start(episode, {DiskFault::full});
      look_at_space();
      return 1;
    case FaultKind::io_error: {
      // A dying disk says so at different moments: before, amid, or after the bytes are written.
      constexpr DiskFault kWays[] = {DiskFault::write_error, DiskFault::short_write, DiskFault::sync_error};
      Draws draws(random_, Purpose::fault_effect, episode.fault, episode.number, kErrorDraw);
      start(episode, {DiskFault::read_error, kWays[draws.next() % 3]});
      return 1;
    }
    case FaultKind::corrupt: {
      Draws draws(random_, Purpose::fault_effect, episode.fault, episode.number, kFlipDraw);
      disk_->seed(draws.next());
      start(episode, {DiskFault::altered_read});
      rows_->drop_caches();  // or nobody would look at the medium while it lasts
      return 1;
    }
    case FaultKind::lose_unsynced:
      crash_host(episode);
      return 1;
    default:
      DVT_ASSERT(false, "the reader lets only modelled fault kinds pass");
      return 0;
  }
}

void DiskFaults::end(const Fault& fault, Episode episode) {
  if (fault.kind == FaultKind::disk_slow) return latency_.end(episode.fault);
  const auto found = std::find_if(open_.begin(), open_.end(), [&](const Open& open) {
    return open.episode.fault == episode.fault && open.episode.number == episode.number;
  });
  DVT_ASSERT(found != open_.end(), "a disk fault ended that had not begun");
  for (const DiskFault condition : found->conditions)
    if (--active_[static_cast<std::size_t>(condition)] == 0) disk_->end(condition);
  open_.erase(found);
  if (fault.kind == FaultKind::disk_full) look_at_space();
}

void DiskFaults::crash_host(Episode episode) {
  Draws draws(random_, Purpose::fault_effect, episode.fault, episode.number, kLossDraw);
  disk_->power_off();
  rows_->crash();
  disk_->lose_unsynced([&draws] { return draws.next(); });
  disk_->power_on();
  rows_->reopen();  // if another fault forbids it now, the next request tries again
}

std::uint32_t DiskFaults::alter_snapshots(bool on) {
  if (rows_ == nullptr) return 0;  // --store memory
  altering_ += on ? 1 : -1U;
  rows_->alter_snapshots(altering_ > 0);
  return 1;
}

void DiskFaults::watch_space(std::int64_t size) {
  if (disk_ == nullptr) return;
  disk_size_ = size;
  look_at_space();
  if (size > 0) timers_.call_after(kSpaceLook, [this, size] { watch_space(size); });
}

void DiskFaults::look_at_space() {
  const std::int64_t size = disk_size_;
  std::int64_t free = 1'000'000'000;
  if (size > 0) {
    std::int64_t used = 0;
    try {
      used = static_cast<std::int64_t>(rows_->file_bytes());
    } catch (const StoreFailure&) {
      return;  // the medium answers nothing: nothing new is known
    }
    const double share = static_cast<double>(size - used) / static_cast<double>(size);
    free = used >= size ? 0 : detmath::floor_to_int64(share * 1e9);
    if (free == 0 && !filled_up_) {
      filled_up_ = true;
      if (active_[static_cast<std::size_t>(DiskFault::full)]++ == 0) disk_->begin(DiskFault::full);
    }
  }
  if (active_[static_cast<std::size_t>(DiskFault::full)] > 0) free = 0;
  if (free == told_free_ppb_) return;
  told_free_ppb_ = free;
  telemetry_.disk_free(free, timers_.now());
}

void DiskFaults::snapshot_unverified(RunOrdinal run) {
  telemetry_.snapshot_unverified(run, timers_.now());
}

void DiskFaults::corruption_found(std::string_view what) {
  const std::string text = std::string("Sev0: ").append(what);
  telemetry_.notice({"STORE_CORRUPTION", RunOrdinal{kNoRun}, text, timers_.now()});
}

void DiskFaults::event_recovered(const StoredEvent& event) {
  telemetry_.event_committed(event);
}

}  // namespace dvt::sim
