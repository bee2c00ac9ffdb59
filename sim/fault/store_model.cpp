#include "sim/fault/store_model.h"

#include <algorithm>

#include "engine/base/assert.h"

namespace dvt::sim {
namespace {

// What names the draws of one request besides its key: the kind of request, and a copy that the link made.
constexpr std::uint64_t kDecideSalt = 1;
constexpr std::uint64_t kMetadataSalt = 2;
constexpr std::uint64_t kCopySalt = 3;

}  // namespace

StoreModel::StoreModel(Timers& timers, const Random& random, Telemetry& telemetry, StateStore& rows,
                       StoreModelOptions options)
    : timers_(timers),
      random_(random),
      telemetry_(telemetry),
      rows_(rows),
      options_(std::move(options)),
      workers_(*this) {
  DVT_ASSERT(options_.connections > 0 && options_.write_budget > Duration{}, "a store without connections or budget");
}

void StoreModel::count_load_from(Instant from) {
  load_.count_from(from, 0);
  load_.set_servers(options_.connections, timers_.now());
}

void StoreModel::set_queue_length(std::size_t length) {
  queue_length_ = length;
  load_.set_queue(length, timers_.now());
}

// ---- Requests ----

void StoreModel::append(NewEvent event, DrawKey key, AppendDone done) {
  append_from(false, std::move(event), key, std::move(done));
}
void StoreModel::decide(SignalDecision decision, DrawKey key, DecideDone done) {
  decide_from(false, std::move(decision), key, std::move(done));
}
void StoreModel::save_metadata(RunOrdinal run, DrawKey key, InplaceFunction<void(bool), 48> done) {
  answer_from(false, Kind::save_metadata, run, key, std::move(done));
}
void StoreModel::read(RunOrdinal run, DrawKey key, InplaceFunction<void(bool), 48> done) {
  answer_from(false, Kind::read, run, key, std::move(done));
}

void StoreModel::read_status(RunOrdinal run, DrawKey key, InplaceFunction<void(bool), 48> done) {
  const Slot slot = answer_from(false, Kind::read, run, key, std::move(done));
  slots_[slot].replica = replica_ != nullptr;
}

void StoreModel::WorkerSide::append(NewEvent event, DrawKey key, AppendDone done) {
  model_.append_from(true, std::move(event), key, std::move(done));
}
void StoreModel::WorkerSide::decide(SignalDecision decision, DrawKey key, DecideDone done) {
  model_.decide_from(true, std::move(decision), key, std::move(done));
}
void StoreModel::WorkerSide::save_metadata(RunOrdinal run, DrawKey key, InplaceFunction<void(bool), 48> done) {
  model_.answer_from(true, Kind::save_metadata, run, key, std::move(done));
}
void StoreModel::WorkerSide::read(RunOrdinal run, DrawKey key, InplaceFunction<void(bool), 48> done) {
  model_.answer_from(true, Kind::read, run, key, std::move(done));
}

void StoreModel::append_from(bool worker, NewEvent event, DrawKey key, AppendDone done) {
  const Slot slot = open(Kind::append, worker, event.run, key);
  Request& request = slots_[slot];
  request.event = std::move(event);
  request.append_done = std::move(done);
  request.latency = write_time(key, 0, worker);
  send(slot);
}

void StoreModel::decide_from(bool worker, SignalDecision decision, DrawKey key, DecideDone done) {
  const Slot slot = open(Kind::decide, worker, decision.run, key);
  Request& request = slots_[slot];
  request.decision = std::make_unique<SignalDecision>(std::move(decision));
  request.decide_done = std::move(done);
  request.latency = write_time(key, kDecideSalt, worker);
  send(slot);
}

StoreModel::Slot StoreModel::answer_from(bool worker, Kind kind, RunOrdinal run, DrawKey key,
                                         InplaceFunction<void(bool), 48> done) {
  const Slot slot = open(kind, worker, run, key);
  Request& request = slots_[slot];
  request.answered = std::move(done);
  if (kind == Kind::save_metadata) {
    request.latency = write_time(key, kMetadataSalt, worker);
  } else {
    Draws draws(random_, Purpose::store_read, key.a, key.b, key.c);
    request.latency = options_.read_latency.sample(draws);
  }
  send(slot);
  return slot;
}

Duration StoreModel::write_time(const DrawKey& key, std::uint64_t salt, bool worker) const {
  Draws draws(random_, Purpose::store_write, key.a, key.b, (key.c << 2) | salt);
  Duration time = options_.write_latency.sample(draws);
  if (disk_scale_ != nullptr) time = disk_scale_->scaled(time, key);
  if (scale_ != nullptr) time = scale_->scaled(time, key);
  if (worker && link_scale_ != nullptr) time = link_scale_->scaled(time, key);
  return time;
}

StoreModel::Slot StoreModel::open(Kind kind, bool worker, RunOrdinal run, DrawKey key) {
  Slot slot = kNone;
  if (free_slots_.empty()) {
    slot = static_cast<Slot>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  Request& request = slots_[slot];
  request.kind = kind;
  request.open = true;
  request.from_worker = worker;
  request.given_up = false;
  request.copy = false;
  request.replica = false;
  request.place = static_cast<std::uint32_t>(active_.size());
  request.number = ++numbers_;
  request.run = run;
  request.key = key;
  request.issued_at = timers_.now();
  request.budget = {};
  request.end = {};
  request.append_outcome = {};
  request.decide_outcome = {};
  request.ok = false;
  active_.push_back(slot);
  return slot;
}

// ---- A request's way ----

void StoreModel::send(Slot slot) {
  Request& request = slots_[slot];
  if (request.from_worker && (link_partition_ || link_loss_)) {
    request.stage = link_loss_ ? Stage::vanished : Stage::on_link;
    request.budget = timers_.call_after(options_.write_budget, [this, slot] { budget_over(slot); });
    return;
  }
  arrive(slot);
}

void StoreModel::arrive(Slot slot) {
  load_.offered(1, timers_.now());
  if (error_) {
    Request& request = slots_[slot];
    request.stage = Stage::answering;
    set_failed(request, StoreError::io_error);
    if (request.budget) timers_.cancel(request.budget);
    request.budget = {};
    request.end = timers_.post([this, slot] {
      slots_[slot].end = {};
      answer(slot);
    });
  } else if (busy_ < options_.connections && !pool_taken_) {
    occupy(slot);
  } else {
    wait_in_line(slot);
  }
  if (link_duplicate_ && slots_[slot].from_worker && slots_[slot].kind == Kind::append && !slots_[slot].copy)
    send_copy(slot);
}

// The network delivers the append once more; its answer is nobody's.
void StoreModel::send_copy(Slot original) {
  const RunOrdinal run = slots_[original].run;
  const Slot slot = open(Kind::append, true, run, slots_[original].key);
  Request& copy = slots_[slot];
  copy.copy = true;
  copy.event = slots_[original].event;
  copy.latency = write_time(copy.key, kCopySalt, true);
  arrive(slot);
}

void StoreModel::wait_in_line(Slot slot) {
  Request& request = slots_[slot];
  request.stage = Stage::queued;
  line_.push_back({slot, request.number});
  set_queue_length(queue_length_ + 1);
  if (!request.budget)
    request.budget = timers_.call_at(request.issued_at + options_.write_budget, [this, slot] { budget_over(slot); });
}

void StoreModel::occupy(Slot slot) {
  ++busy_;
  Request& request = slots_[slot];
  request.stage = Stage::held;
  const Instant limit = request.issued_at + options_.write_budget;
  const bool in_time = request.kind == Kind::read || request.copy || timers_.now() + request.latency <= limit;
  if (in_time) {
    if (request.budget) timers_.cancel(request.budget);
    request.budget = {};
  } else if (!request.budget) {
    request.budget = timers_.call_at(limit, [this, slot] { budget_over(slot); });
  }
  request.end = timers_.call_after(request.latency, [this, slot] { latency_over(slot); });
}

void StoreModel::pump() {
  while (busy_ < options_.connections && !pool_taken_ && !line_.empty()) {
    const InLine next = line_.front();
    line_.pop_front();
    const Request& request = slots_[next.slot];
    if (!request.open || request.number != next.number || request.stage != Stage::queued) continue;
    set_queue_length(queue_length_ - 1);
    occupy(next.slot);
  }
}

void StoreModel::latency_over(Slot slot) {
  Request& request = slots_[slot];
  request.end = {};
  load_.served(1, request.latency, timers_.now());
  const Duration rest =
      throttle_ == nullptr ? Duration{} : throttle_->scaled(request.latency, request.key) - request.latency;
  if (rest > Duration{}) {
    timers_.call_after(rest, [this] {
      --busy_;
      pump();
    });
  } else {
    --busy_;
    pump();
  }
  work(slot);
}

void StoreModel::budget_over(Slot slot) {
  Request& request = slots_[slot];
  request.budget = {};
  switch (request.stage) {
    case Stage::queued:
      set_queue_length(queue_length_ - 1);
      set_failed(request, StoreError::pool_exhausted);
      return deliver(slot);
    case Stage::on_link:   // never left the worker
    case Stage::vanished:  // the request or its answer did
    case Stage::answering:
      set_failed(request, StoreError::timeout);
      return deliver(slot);
    case Stage::held:
      return break_off(slot);
  }
}

// The caller stops waiting; the connection is busy until the database notices.
void StoreModel::break_off(Slot slot) {
  Request& request = slots_[slot];
  request.given_up = true;
  set_failed(request, StoreError::timeout);
  if (request.kind == Kind::append) {
    AppendDone done = std::move(request.append_done);
    AppendFact fact;
    fact.event = request.event;
    fact.issued_at = request.issued_at;
    fact.at = timers_.now();
    fact.error = StoreError::timeout;
    telemetry_.append_done(fact);
    done(AppendOutcome{false, StoreError::timeout, {}});
  } else if (request.kind == Kind::decide) {
    tell_allowed(request, request.decide_outcome);
    DecideDone done = std::move(request.decide_done);
    done(request.decide_outcome);
  } else {
    InplaceFunction<void(bool), 48> done = std::move(request.answered);
    done(false);
  }
}

// The end of a request's time at the database.
void StoreModel::work(Slot slot) {
  Request& request = slots_[slot];
  if (request.given_up) {
    if (!outage_ && !failover_ && drawn_committed(request)) commit(request);
    return close(slot);
  }
  if (outage_ || failover_) {
    set_failed(request, StoreError::unavailable);
  } else if (commit_unknown_ && request.kind != Kind::read) {
    if (drawn_committed(request)) commit(request);
    set_failed(request, StoreError::commit_unknown);
  } else {
    commit(request);
  }
  answer(slot);
}

// The answer's way back to the caller.
void StoreModel::answer(Slot slot) {
  Request& request = slots_[slot];
  if (!request.from_worker || request.copy || !(acks_lost_ || link_loss_ || link_partition_)) return deliver(slot);
  request.stage = link_partition_ && !acks_lost_ && !link_loss_ ? Stage::answering : Stage::vanished;
  if (!request.budget)
    request.budget = timers_.call_at(std::max(timers_.now(), request.issued_at + options_.write_budget),
                                     [this, slot] { budget_over(slot); });
}

void StoreModel::deliver(Slot slot) {
  Request& request = slots_[slot];
  if (request.budget) timers_.cancel(request.budget);
  switch (request.kind) {
    case Kind::append: {
      AppendFact fact;
      fact.event = std::move(request.event);
      fact.issued_at = request.issued_at;
      fact.at = timers_.now();
      const AppendOutcome outcome = request.append_outcome;
      fact.ok = outcome.ok;
      fact.error = outcome.error;
      fact.receipt = outcome.receipt;
      AppendDone done = std::move(request.append_done);
      close(slot);
      if (!done) {  // a copy: the caller hears of the other one
        if (fact.ok) telemetry_.append_done(fact);
        return;
      }
      telemetry_.append_done(fact);
      done(outcome);
      return;
    }
    case Kind::decide: {
      const DecideOutcome outcome = request.decide_outcome;
      tell_allowed(request, outcome);
      DecideDone done = std::move(request.decide_done);
      close(slot);
      done(outcome);
      return;
    }
    case Kind::save_metadata:
    case Kind::read: {
      const bool ok = request.ok;
      InplaceFunction<void(bool), 48> done = std::move(request.answered);
      close(slot);
      done(ok);
      return;
    }
  }
}

void StoreModel::close(Slot slot) {
  Request& request = slots_[slot];
  request.open = false;
  request.decision.reset();
  active_[request.place] = active_.back();
  slots_[active_.back()].place = request.place;
  active_.pop_back();
  free_slots_.push_back(slot);
  if (!releases_.empty()) release_if_done(request.run.value);
}

// ---- What is done at the end ----

void StoreModel::commit(Request& request) {
  switch (request.kind) {
    case Kind::append:
      return commit_append(request);
    case Kind::decide:
      return commit_decide(request);
    case Kind::save_metadata:
      request.ok = true;
      return;
    case Kind::read:
      request.ok = readable(request.run);
      if (!request.replica || !request.ok) return;
      if (const auto stale = replica_->judge(request.run, request.key, request.issued_at))
        telemetry_.stale_read(*stale);
      return;
  }
}

bool StoreModel::readable(RunOrdinal run) {
  if (!read_rows_) return true;
  try {
    (void)rows_.snapshot(run);
  } catch (const StoreFailure&) {
    return false;
  }
  return true;
}

void StoreModel::commit_append(Request& request) {
  const auto stored = rows_.append(request.event, timers_.now());
  AppendOutcome& outcome = request.append_outcome;
  outcome.ok = stored.has_value();
  if (!outcome.ok) {
    outcome.error = stored.error();
    return;
  }
  outcome.receipt = stored.value();
  tell_committed(request.event, outcome.receipt);
}

void StoreModel::commit_decide(Request& request) {
  SignalDecision& decision = *request.decision;
  decision.persisted_at = timers_.now();
  const auto stored = rows_.decide(decision);
  DecideOutcome& outcome = request.decide_outcome;
  outcome.ok = stored.has_value();
  if (!outcome.ok) {
    outcome.error = stored.error();
    return;
  }
  outcome.receipt = stored.value();
  if (outcome.receipt.idempotent) return;
  if (decision.allows != nullptr && outcome.receipt.event) tell_committed(*decision.allows, *outcome.receipt.event);
  telemetry_.decision_stored(decision, timers_.now());
}

void StoreModel::tell_committed(const NewEvent& event, const AppendReceipt& receipt) {
  if (receipt.idempotent) return;
  StoredEvent stored;
  static_cast<NewEvent&>(stored) = event;
  stored.position = receipt.position;
  stored.run_seq = receipt.run_seq;
  stored.persisted_at = receipt.persisted_at;
  if (replica_ != nullptr) replica_->committed(event.run);
  telemetry_.event_committed(stored);
}

// The event in a decision's transaction is an append like any other, unless an earlier decision stood.
void StoreModel::tell_allowed(const Request& request, const DecideOutcome& outcome) {
  const SignalDecision& decision = *request.decision;
  if (decision.allows == nullptr || (outcome.ok && outcome.receipt.idempotent)) return;
  AppendFact fact;
  fact.event = *decision.allows;
  fact.issued_at = request.issued_at;
  fact.at = timers_.now();
  fact.ok = outcome.ok;
  fact.error = outcome.error;
  if (outcome.receipt.event) fact.receipt = *outcome.receipt.event;
  telemetry_.append_done(fact);
}

std::uint64_t StoreModel::salt_of(const Request& request) {
  if (request.copy) return kCopySalt;
  return request.kind == Kind::decide ? kDecideSalt : request.kind == Kind::save_metadata ? kMetadataSalt : 0;
}

bool StoreModel::drawn_committed(const Request& request) const {
  Draws draws(random_, Purpose::commit_unknown, request.key.a, request.key.b, (request.key.c << 2) | salt_of(request));
  return draws.next() % 2 == 0;
}

void StoreModel::set_failed(Request& request, StoreError error) {
  request.append_outcome = {false, error, {}};
  request.decide_outcome = {false, error, {}};
  request.ok = false;
}

// ---- Faults ----

std::vector<StoreModel::Slot> StoreModel::active_in(Stage stage) const {
  std::vector<Slot> found;
  for (const Slot slot : active_)
    if (slots_[slot].stage == stage) found.push_back(slot);
  std::sort(found.begin(), found.end(), [this](Slot a, Slot b) { return slots_[a].number < slots_[b].number; });
  return found;
}

void StoreModel::set_failover(bool on) {
  failover_ = on;
  if (on) break_connections();
}

// What is under way ends here, oldest first; its caller cannot tell whether the old primary had committed it.
void StoreModel::break_connections() {
  const std::vector<Slot> held = active_in(Stage::held);
  for (const Slot slot : held) {  // callbacks below may open requests, and the same slots, anew
    Request& request = slots_[slot];
    timers_.cancel(request.end);
    request.end = {};
    request.stage = Stage::answering;
    --busy_;
  }
  for (const Slot slot : held) {
    Request& request = slots_[slot];
    if (request.kind != Kind::read && drawn_committed(request)) commit(request);
    if (request.given_up) {
      close(slot);
      continue;
    }
    set_failed(request, StoreError::commit_unknown);
    answer(slot);
  }
  pump();
}

void StoreModel::add_connections(std::uint32_t by) {
  options_.connections += by;
  load_.set_servers(options_.connections, timers_.now());
  pump();
}

void StoreModel::set_pool_taken(bool on) {
  pool_taken_ = on;
  pump();
}

void StoreModel::set_link_partition(bool on) {
  link_partition_ = on;
  if (!on) let_link_through();
}

// What waited on either side goes on, in the order in which it was asked for.
void StoreModel::let_link_through() {
  const std::vector<Slot> requests = active_in(Stage::on_link);
  std::vector<std::pair<Slot, std::uint64_t>> answers;
  for (const Slot slot : active_in(Stage::answering))
    if (!slots_[slot].end) answers.emplace_back(slot, slots_[slot].number);
  for (const Slot slot : requests) arrive(slot);
  for (const auto& [slot, number] : answers)
    if (slots_[slot].open && slots_[slot].number == number) deliver(slot);
}

// ---- Runs that may be forgotten ----

void StoreModel::release_run(RunOrdinal run) {
  if (!has_work_of(run.value)) return rows_.release_run(run);
  releases_.push_back(run.value);
}

void StoreModel::keep_run(RunOrdinal run) {
  ++kept_[run.value];
}

void StoreModel::let_run_go(RunOrdinal run) {
  const auto kept = kept_.find(run.value);
  DVT_ASSERT(kept != kept_.end(), "a run was let go that nobody keeps");
  if (--kept->second == 0) kept_.erase(kept);
  if (!releases_.empty()) release_if_done(run.value);
}

bool StoreModel::has_work_of(std::uint32_t run) const {
  if (!kept_.empty() && kept_.contains(run)) return true;
  return std::any_of(active_.begin(), active_.end(), [&](Slot slot) { return slots_[slot].run.value == run; });
}

void StoreModel::release_if_done(std::uint32_t run) {
  const auto found = std::find(releases_.begin(), releases_.end(), run);
  if (found == releases_.end() || has_work_of(run)) return;
  releases_.erase(found);
  rows_.release_run({run});
}

}  // namespace dvt::sim
