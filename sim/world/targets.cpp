#include "sim/world/targets.h"

#include <algorithm>
#include <utility>

namespace dvt::sim {

Targets::Targets(Timers& timers, const Random& random, const Scenario& scenario, WorkerProcesses& workers,
                 std::vector<WorkerGroup> groups, adapters::Warehouses& warehouses, StoreModel& store,
                 ReaderFaults& readers, DiskFaults& disk)
    : timers_(timers),
      random_(random),
      scenario_(scenario),
      workers_(workers),
      groups_(std::move(groups)),
      warehouses_(warehouses),
      store_(timers, random, store, static_cast<std::uint32_t>(warehouses.count())),
      readers_(readers),
      disk_(disk),
      warehouse_outages_(warehouses.count(), 0) {
  for (std::uint32_t i = 0; i < warehouses.count(); ++i) {
    warehouse_latency_.push_back(std::make_unique<LatencyWindow>(timers, random, i));
    warehouses_.set_scale(i, warehouse_latency_.back().get());
  }
  std::uint32_t workers_total = 0;
  for (const WorkerGroup& group : groups_) workers_total = std::max(workers_total, group.first + group.count);
  lives_.assign(workers_total, 0);
}

std::uint32_t Targets::warehouse_index(const std::string& name) const {
  for (std::size_t i = 0; i < scenario_.warehouses.size(); ++i)
    if (scenario_.warehouses[i].name == name) return static_cast<std::uint32_t>(i);
  DVT_ASSERT(false, "the reader lets only known warehouses pass");
  return 0;
}

std::uint32_t Targets::begin(const Fault& fault, Episode episode) {
  if (fault.target.kind == TargetKind::store_disk) return disk_.begin(fault, episode);
  if (ReaderFaults::owns(fault.target.kind)) return readers_.begin(fault, episode);
  if (StoreFaults::owns(fault)) return store_.begin(fault, episode);
  switch (fault.kind) {
    case FaultKind::latency:
      warehouse_latency_[warehouse_index(fault.target.name)]->begin(effect_of(fault, episode, timers_.now()));
      return 1;
    case FaultKind::outage: {
      const std::uint32_t index = warehouse_index(fault.target.name);
      if (warehouse_outages_[index]++ == 0) warehouses_.set_outage(index, true);
      return 1;
    }
    case FaultKind::kill:
      return kill_workers(fault, episode);
    default:
      DVT_ASSERT(false, "the reader lets only modelled fault kinds pass");
      return 0;
  }
}

void Targets::end(const Fault& fault, Episode episode) {
  if (fault.target.kind == TargetKind::store_disk) return disk_.end(fault, episode);
  if (ReaderFaults::owns(fault.target.kind)) return readers_.end(fault, episode);
  if (StoreFaults::owns(fault)) return store_.end(fault, episode);
  switch (fault.kind) {
    case FaultKind::latency:
      warehouse_latency_[warehouse_index(fault.target.name)]->end(episode.fault);
      return;
    case FaultKind::outage: {
      const std::uint32_t index = warehouse_index(fault.target.name);
      if (--warehouse_outages_[index] == 0) warehouses_.set_outage(index, false);
      return;
    }
    default:
      return;
  }
}

std::uint32_t Targets::kill_workers(const Fault& fault, Episode episode) {
  const auto group =
      std::find_if(groups_.begin(), groups_.end(), [&](const WorkerGroup& g) { return g.queue == fault.target.name; });
  DVT_ASSERT(group != groups_.end(), "the reader lets only known task queues pass");
  std::vector<std::uint32_t> candidates;
  std::uint64_t zone_words[4];
  random_.words(Purpose::fault_effect, episode.fault, episode.number, 1, 0, zone_words);
  const auto zone = static_cast<std::uint32_t>(zone_words[0] % group->zones);
  for (std::uint32_t i = 0; i < group->count; ++i) {
    if (fault.target.members == Target::Members::index && i != static_cast<std::uint64_t>(fault.target.index)) continue;
    if (fault.group == FaultGroup::zone && i % group->zones != zone) continue;
    if (workers_.up(group->first + i)) candidates.push_back(i);
  }
  if (fault.target.members == Target::Members::random)
    candidates = draw_members(random_, episode, std::move(candidates), fault.target.index);
  std::uint32_t down = 0;
  for (std::uint32_t i = 0; i < group->count; ++i) down += workers_.up(group->first + i) ? 0 : 1;
  const std::int64_t down_max = static_cast<std::int64_t>(group->count) * fault.max_down.ppb / 1'000'000'000;
  std::uint32_t struck = 0;
  for (const std::uint32_t i : candidates) {
    if (static_cast<std::int64_t>(down) >= down_max) break;
    ++down;
    ++struck;
    workers_.kill(group->first + i);
    restart_later(*group, group->first + i);
  }
  return struck;
}

void Targets::restart_later(const WorkerGroup& group, std::uint32_t worker) {
  Draws draws(random_, Purpose::worker_restart, worker, lives_[worker]++, 0);
  const Duration delay = group.restart_delay.sample(draws);
  timers_.call_after(delay, [this, worker] { workers_.start(worker); });
}

}  // namespace dvt::sim
