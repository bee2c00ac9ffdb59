#include "store/memory/memory_state_store.h"

#include <algorithm>
#include <cstring>

#include "engine/base/assert.h"

namespace dvt::store {

std::size_t MemoryStateStore::DigestHash::operator()(const Digest& digest) const noexcept {
  std::size_t word = 0;
  std::memcpy(&word, digest.bytes.data(), sizeof word);
  return word;
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
  const auto [place, inserted] = runs_.try_emplace(run.ordinal.value);
  if (!inserted) return;
  place->second = std::make_unique<Run>();
  place->second->record = run;
  requests_.emplace(run.request_key, run.ordinal);
}

std::optional<RunOrdinal> MemoryStateStore::find_request(const Digest& request_key) {
  const auto found = requests_.find(request_key);
  return found == requests_.end() ? std::nullopt : std::optional(found->second);
}

MemoryStateStore::Run* MemoryStateStore::find(RunOrdinal run) {
  const auto found = runs_.find(run.value);
  return found == runs_.end() ? nullptr : found->second.get();
}

Result<AppendReceipt, StoreError> MemoryStateStore::append(const NewEvent& event, Instant persisted_at) {
  Run* run = find(event.run);
  if (run == nullptr) return failure(StoreError::unknown_run);
  const auto [key, is_new] = run->keys.try_emplace(event.idempotency_key, run->events.size());
  if (is_new) {
    StoredEvent& row = run->events.emplace_back();
    static_cast<NewEvent&>(row) = event;
    row.position = ++counts_.events;
    row.run_seq = run->events.size();
    row.persisted_at = persisted_at;
    if (row.run_seq == 1) ++counts_.runs;
    log_event(*run, key->second);
    outbox_.emplace_hint(outbox_.end(), row.position, Outbox{run, key->second, 0, false, {}});
    due_.insert(due_.end(), row.position);
    ++run->undelivered;
    ++held_events_;
  } else {
    ++counts_.duplicates;
  }
  const StoredEvent& row = run->events[key->second];
  return AppendReceipt{.event_id = row.event_id,
                       .run_seq = row.run_seq,
                       .persisted_at = row.persisted_at,
                       .position = row.position,
                       .idempotent = !is_new,
                       .persisted = true};
}

Result<DecisionReceipt, StoreError> MemoryStateStore::decide(const SignalDecision& decision) {
  Run* run = find(decision.run);
  if (run == nullptr) return failure(StoreError::unknown_run);
  // A run has one tenant; the key still names it, as the contract does.
  const std::string key = std::to_string(decision.tenant.value) + "/" + decision.signal_id;
  const auto [place, is_new] = run->decisions.try_emplace(key, decision);
  if (is_new) ++counts_.decisions;
  return DecisionReceipt{place->second.status, place->second.code, !is_new};
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
  for (std::uint64_t position = after + 1; position <= counts_.events; ++position) {
    const LogPage* page = log_[(position - 1) / kPage].get();
    if (page == nullptr) {
      position += kPage - 1 - (position - 1) % kPage;  // on to the page's last position
      continue;
    }
    const LogEntry& entry = page->entries[(position - 1) % kPage];
    if (entry.run == nullptr || entry.run->record.ordinal.value % partitions != partition) continue;
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

void MemoryStateStore::claim_outbox(std::uint32_t /*relay*/, Instant now, Instant lease_until, std::size_t limit,
                                    std::vector<OutboxRow>& out) {
  out.clear();
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    due_.insert(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
  }
  while (out.size() < limit && !due_.empty()) {
    const std::uint64_t position = *due_.begin();
    due_.erase(due_.begin());
    Outbox& row = outbox_.at(position);
    row.leased = true;
    row.time = lease_until;
    waiting_.emplace(lease_until, position);
    out.push_back(OutboxRow{position, row.attempts, row.run->events[row.index]});
  }
}

std::map<std::uint64_t, MemoryStateStore::Outbox>::iterator MemoryStateStore::resolve(std::uint64_t position) {
  const auto row = outbox_.find(position);
  if (row == outbox_.end()) return row;
  due_.erase(position);
  waiting_.erase({row->second.time, position});
  --row->second.run->undelivered;
  return row;
}

void MemoryStateStore::mark_delivered(std::span<const std::uint64_t> positions, Instant /*now*/) {
  for (const std::uint64_t position : positions) {
    const auto row = resolve(position);
    if (row == outbox_.end()) continue;
    Run* run = row->second.run;
    outbox_.erase(row);
    fold_if_done(*run);
  }
}

void MemoryStateStore::retry_outbox(std::uint64_t position, Instant not_before) {
  const auto row = outbox_.find(position);
  if (row == outbox_.end() || !row->second.leased) return;
  due_.erase(position);  // its lease may have run out
  waiting_.erase({row->second.time, position});
  row->second.leased = false;
  row->second.time = not_before;
  ++row->second.attempts;
  waiting_.emplace(not_before, position);
}

void MemoryStateStore::dead_letter(std::uint64_t position, Instant /*now*/) {
  const auto row = resolve(position);
  if (row == outbox_.end()) return;
  Run* run = row->second.run;
  outbox_.erase(row);
  ++counts_.dead_letters;
  fold_if_done(*run);
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
    const Digest hash = hasher_.hash(run.record.run_id, plans_[run.record.plan.value], run.state);
    char text[32 + 4 + 16 + 32];
    std::memcpy(text, folded_digest_.bytes.data(), 32);
    for (int i = 0; i < 4; ++i) text[32 + i] = static_cast<char>(run.record.ordinal.value >> (8 * i));
    std::memcpy(text + 36, run.record.run_id.bytes.data(), 16);
    std::memcpy(text + 52, hash.bytes.data(), 32);
    folded_digest_ = sha256(std::string_view(text, sizeof text));
  }
  for (const StoredEvent& event : run.events) forget_event(event.position);
  held_events_ -= run.events.size();
  requests_.erase(run.record.request_key);
  runs_.erase(run.record.ordinal.value);
}

void MemoryStateStore::log_event(Run& run, std::size_t index) {
  const std::size_t place = (counts_.events - 1) % kPage;
  if (place == 0) log_.push_back(std::make_unique<LogPage>());
  LogPage& page = *log_.back();
  page.entries[place] = LogEntry{&run, index};
  ++page.live;
  ++page.used;
}

void MemoryStateStore::forget_event(std::uint64_t position) {
  std::unique_ptr<LogPage>& page = log_[(position - 1) / kPage];
  page->entries[(position - 1) % kPage].run = nullptr;
  --page->live;
  if (page->live == 0 && page->used == kPage) page.reset();
}

StoreCounts MemoryStateStore::counts() {
  StoreCounts counts = counts_;
  counts.outbox_pending = outbox_.size();
  return counts;
}

std::uint64_t MemoryStateStore::bytes() {
  constexpr std::uint64_t kPerKey = 64;  // node, key and bucket
  return held_events_ * (sizeof(StoredEvent) + kPerKey + sizeof(LogEntry)) + runs_.size() * sizeof(Run) +
         outbox_.size() * (sizeof(Outbox) + kPerKey);
}

}  // namespace dvt::store
