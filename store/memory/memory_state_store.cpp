#include "store/memory/memory_state_store.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/base/assert.h"

namespace dvt::store {

std::size_t MemoryStateStore::DigestHash::operator()(const Digest& digest) const noexcept {
  std::size_t word = 0;
  std::memcpy(&word, digest.bytes.data(), sizeof word);
  return word;
}

void MemoryStateStore::Run::clear() {
  constexpr std::size_t kEventsBytesMax = 16'384;  // a run of ordinary length
  std::vector<StoredEvent> kept = std::move(events);
  empty_for_reuse(kept, kEventsBytesMax);
  DigestIndex kept_keys = std::move(keys);
  kept_keys.reset();
  *this = Run{};
  events = std::move(kept);
  keys = std::move(kept_keys);
}

MemoryStateStore::MemoryStateStore(MemoryOptions options) : options_(options), hasher_(options.start) {}

void MemoryStateStore::add_plan(const PlanRecord& plan) {
  DVT_ASSERT(plan.ordinal.value == plans_.size(), "plans are added in the order of their ordinals");
  plans_.push_back(plan);
}

void MemoryStateStore::add_tenant(const TenantRecord& tenant) {
  DVT_ASSERT(tenant.ordinal.value == tenants_, "tenants are added in the order of their ordinals");
  ++tenants_;
}

void MemoryStateStore::add_run(const RunRecord& run) {
  DVT_ASSERT(run.plan.value < plans_.size() && run.tenant.value < tenants_, "a run of an unknown plan or tenant");
  if (find(run.ordinal) != nullptr) return;
  std::uint32_t slot = 0;
  if (free_runs_.empty()) {
    slot = static_cast<std::uint32_t>(runs_.size());
    runs_.emplace_back();
  } else {
    slot = free_runs_.back();
    free_runs_.pop_back();
  }
  run_index_.insert(run.ordinal.value, slot);
  runs_[slot].record = run;
  requests_.emplace(run.request_key, run.ordinal);
}

std::optional<RunOrdinal> MemoryStateStore::find_request(const Digest& request_key) {
  const auto found = requests_.find(request_key);
  return found == requests_.end() ? std::nullopt : std::optional(found->second);
}

MemoryStateStore::Run* MemoryStateStore::find(RunOrdinal run) {
  const std::uint32_t slot = run_index_.find(run.value);
  return slot == db::OrdinalMap::kNone ? nullptr : &runs_[slot];
}

Result<AppendReceipt, StoreError> MemoryStateStore::append(const NewEvent& event, Instant persisted_at) {
  Run* run = find(event.run);
  if (run == nullptr) return failure(StoreError::unknown_run);
  const std::uint64_t key = DigestIndex::short_key(event.idempotency_key);
  std::size_t index =
      run->keys.find(key, [&](std::size_t row) { return run->events[row].idempotency_key == event.idempotency_key; });
  const bool is_new = index == DigestIndex::kNone;
  if (is_new) {
    index = run->events.size();
    run->keys.add(key);
    StoredEvent& row = run->events.emplace_back();
    static_cast<NewEvent&>(row) = event;
    row.position = ++counts_.events;
    row.run_seq = run->events.size();
    row.persisted_at = persisted_at;
    if (row.run_seq == 1) ++counts_.runs;
    log_event(*run, index);
    outbox_.push_back(Outbox{run, index, 0, false, false, {}});
    ++unsettled_;
    ++run->undelivered;
    ++held_events_;
  } else {
    ++counts_.duplicates;
  }
  const StoredEvent& row = run->events[index];
  return AppendReceipt{.event_id = row.event_id,
                       .run_seq = row.run_seq,
                       .persisted_at = row.persisted_at,
                       .position = row.position,
                       .idempotent = !is_new,
                       .persisted = true};
}

Result<DecisionReceipt, StoreError> MemoryStateStore::decide(const SignalDecision& decision) {
  Run* run = find(decision.run);
  if (run == nullptr && !(was_folded(decision.run) && decision.status == DecisionStatus::accepted))
    return failure(StoreError::unknown_run);
  // A run has one tenant; the key still names it, as the contract does.
  std::string key = std::to_string(decision.tenant.value) + "/" + decision.signal_id;
  if (run == nullptr) key = std::to_string(decision.run.value) + "/" + key;
  auto& decisions = run != nullptr ? run->decisions : late_decisions_;
  const auto stands = decisions.find(key);
  if (stands != decisions.end() && !decision.replaces)
    return DecisionReceipt{stands->second.status, stands->second.code, true, {}};
  DecisionReceipt receipt{decision.status, decision.code, false, {}};
  if (decision.allows != nullptr) {
    const auto event = append(*decision.allows, decision.persisted_at);
    if (!event.has_value()) return failure(event.error());
    receipt.event = event.value();
  }
  if (stands == decisions.end()) ++counts_.decisions;
  decisions.insert_or_assign(std::move(key), Decided{decision.status, decision.code});
  return receipt;
}

bool MemoryStateStore::was_folded(RunOrdinal run) const {
  const std::size_t page = run.value / kFoldedPage;
  return page < folded_.size() && !folded_[page].empty() && folded_[page][run.value % kFoldedPage];
}

void MemoryStateStore::remember_folded(RunOrdinal run) {
  const std::size_t page = run.value / kFoldedPage;
  if (folded_.size() <= page) folded_.resize(page + 1);
  if (folded_[page].empty()) folded_[page].resize(kFoldedPage);
  folded_[page][run.value % kFoldedPage] = true;
}

void MemoryStateStore::fetch(RunOrdinal run, std::uint64_t after_seq, std::size_t limit,
                             std::vector<StoredEvent>& out) {
  out.clear();
  const Run* found = find(run);
  if (found == nullptr) return;
  for (std::uint64_t seq = after_seq + 1; seq <= found->events.size() && out.size() < limit; ++seq) {
    out.push_back(found->events[seq - 1]);
  }
}

std::uint64_t MemoryStateStore::read_partition(std::uint64_t after, std::uint32_t partition, std::uint32_t partitions,
                                               std::size_t limit, std::vector<StoredEvent>& out) {
  out.clear();
  if (limit == 0) return after;
  for (std::uint64_t position = std::max(after, first_page_ * kPage) + 1; position <= counts_.events; ++position) {
    const LogPage* page = log_[(position - 1) / kPage - first_page_].get();
    if (page == nullptr) {
      position += kPage - 1 - (position - 1) % kPage;  // on to the page's last position
      continue;
    }
    const LogEntry& entry = page->entries[(position - 1) % kPage];
    if (entry.run == nullptr || entry.ordinal.value % partitions != partition) continue;
    out.push_back(entry.run->events[entry.index]);
    if (out.size() == limit) return position;
  }
  return std::max(after, counts_.events);
}

void MemoryStateStore::write_snapshots(std::uint32_t partition, std::uint64_t watermark,
                                       std::span<const SnapshotWrite> snapshots, Instant /*committed_at*/) {
  for (const SnapshotWrite& write : snapshots) {
    Run* run = find(write.run);
    DVT_ASSERT(run != nullptr, "a snapshot of an unknown run");
    run->has_snapshot = true;
    run->up_to_seq = write.up_to_seq;
    run->state = *write.state;
    fold_if_done(*run);
  }
  watermarks_[partition] = watermark;
}

std::optional<StoredSnapshot> MemoryStateStore::snapshot(RunOrdinal run) {
  const Run* found = find(run);
  if (found == nullptr || !found->has_snapshot) return std::nullopt;
  return StoredSnapshot{found->up_to_seq, found->state,
                        hasher_.hash(found->record.run_id, plans_[found->record.plan.value], found->state)};
}

std::uint64_t MemoryStateStore::watermark(std::uint32_t partition) {
  const auto found = watermarks_.find(partition);
  return found == watermarks_.end() ? 0 : found->second;
}

MemoryStateStore::Outbox* MemoryStateStore::outbox_row(std::uint64_t position) {
  if (position >= outbox_first_) {
    Outbox& row = outbox_[position - outbox_first_];
    if (row.run != nullptr) return &row;
  }
  if (redriven_.empty()) return nullptr;
  const auto found = redriven_.find(position);
  return found == redriven_.end() ? nullptr : &found->second;
}

void MemoryStateStore::wait_until(std::uint64_t position, Outbox& row, Instant time) {
  if (row.due) due_.erase(position);
  row.due = false;
  row.time = time;
  waiting_.emplace(time, position);
}

void MemoryStateStore::claim_outbox(std::uint32_t /*relay*/, Instant now, Instant lease_until, std::size_t limit,
                                    std::vector<OutboxRow>& out) {
  out.clear();
  for (; !waiting_.empty() && waiting_.top().first <= now; waiting_.pop()) {
    const auto [time, position] = waiting_.top();
    Outbox* row = outbox_row(position);
    if (row == nullptr || row->due || row->time != time) continue;  // settled, or waiting for another instant by now
    row->due = true;
    due_.insert(position);
  }
  never_claimed_ = std::max(never_claimed_, outbox_first_);
  while (out.size() < limit) {
    std::uint64_t position = 0;
    if (!due_.empty()) {
      position = *due_.begin();
    } else if (never_claimed_ <= counts_.events) {
      position = never_claimed_++;
    } else {
      break;
    }
    Outbox* row = outbox_row(position);
    if (row == nullptr) continue;  // settled without having been claimed
    row->leased = true;
    wait_until(position, *row, lease_until);
    out.push_back(OutboxRow{position, row->attempts, row->run->events[row->index]});
  }
}

MemoryStateStore::Run* MemoryStateStore::settle(std::uint64_t position) {
  Outbox* row = outbox_row(position);
  if (row == nullptr) return nullptr;
  if (row->due) due_.erase(position);
  row->due = false;
  Run* run = std::exchange(row->run, nullptr);
  --run->undelivered;
  --unsettled_;
  if (!redriven_.empty()) redriven_.erase(position);
  while (!outbox_.empty() && outbox_.front().run == nullptr) {
    outbox_.pop_front();
    ++outbox_first_;
  }
  return run;
}

void MemoryStateStore::mark_delivered(std::span<const std::uint64_t> positions, Instant /*now*/) {
  for (const std::uint64_t position : positions) {
    if (Run* run = settle(position)) fold_if_done(*run);
  }
}

void MemoryStateStore::retry_outbox(std::uint64_t position, Instant not_before) {
  Outbox* row = outbox_row(position);
  if (row == nullptr || !row->leased) return;
  row->leased = false;
  ++row->attempts;
  wait_until(position, *row, not_before);
}

void MemoryStateStore::dead_letter(std::uint64_t position, Instant /*now*/) {
  const Outbox* row = outbox_row(position);
  if (row == nullptr) return;
  Outbox dead;
  dead.run = row->run;
  dead.index = row->index;
  settle(position);
  ++dead.run->undelivered;  // it may be driven again: its run stays
  dead_.emplace(position, dead);
  ++counts_.dead_letters;
}

void MemoryStateStore::redrive_dead_letters(Instant now, std::vector<StoredEvent>& out) {
  out.clear();
  for (const auto& [position, row] : dead_) {
    out.push_back(row.run->events[row.index]);
    wait_until(position, redriven_.emplace(position, row).first->second, now);
    ++unsettled_;
  }
  counts_.dead_letters -= dead_.size();
  dead_.clear();
}

void MemoryStateStore::release_run(RunOrdinal run) {
  if (Run* found = find(run)) {
    found->released = true;
    fold_if_done(*found);
  }
}

void MemoryStateStore::fold_if_done(Run& run) {
  if (options_.keep == Keep::all || !run.released || run.undelivered > 0) return;
  if (run.up_to_seq < run.events.size()) return;  // not projected yet
  if (run.has_snapshot) {
    ++folded_runs_;
    ++folded_by_status_[run.state.status];
  }
  for (const StoredEvent& event : run.events) forget_event(event.position);
  held_events_ -= run.events.size();
  forget_request(run);
  remember_folded(run.record.ordinal);
  const std::uint32_t slot = run_index_.find(run.record.ordinal.value);
  run_index_.erase(run.record.ordinal.value);
  run.clear();
  free_runs_.push_back(slot);
}

// A client may repeat its request after the run is over: its key outlives the run, as the row in SQLite does. One that
// was refused before its first event was never accepted.
void MemoryStateStore::forget_request(const Run& run) {
  if (run.events.empty()) {
    requests_.erase(run.record.request_key);
    return;
  }
  folded_requests_.push_back(run.record.request_key);
  if (folded_requests_.size() <= kFoldedRequests) return;
  requests_.erase(folded_requests_.front());
  folded_requests_.pop_front();
}

void MemoryStateStore::log_event(Run& run, std::size_t index) {
  const std::size_t place = (counts_.events - 1) % kPage;
  if (place == 0) log_.push_back(std::make_unique<LogPage>());
  LogPage& page = *log_.back();
  page.entries[place] = LogEntry{&run, static_cast<std::uint32_t>(index), run.record.ordinal};
  ++page.live;
  ++page.used;
}

void MemoryStateStore::forget_event(std::uint64_t position) {
  std::unique_ptr<LogPage>& page = log_[(position - 1) / kPage - first_page_];
  page->entries[(position - 1) % kPage].run = nullptr;
  --page->live;
  if (page->live > 0 || page->used < kPage) return;
  page.reset();
  while (!log_.empty() && !log_.front()) {
    log_.pop_front();
    ++first_page_;
  }
}

StoreCounts MemoryStateStore::counts() {
  StoreCounts counts = counts_;
  counts.outbox_pending = unsettled_;
  return counts;
}

std::uint64_t MemoryStateStore::bytes() {
  constexpr std::uint64_t kPerKey = sizeof(std::uint64_t);
  return held_events_ * (sizeof(StoredEvent) + kPerKey + sizeof(LogEntry)) + held_runs() * sizeof(Run) +
         outbox_.size() * sizeof(Outbox);
}

}  // namespace dvt::store
