#include "sim/fault/store_model.h"

#include <memory>

namespace dvt::sim {

StoreModel::StoreModel(Timers& timers, const Random& random, Telemetry& telemetry, StateStore& rows,
                       StoreModelOptions options)
    : timers_(timers), random_(random), telemetry_(telemetry), rows_(rows), options_(std::move(options)) {}

void StoreModel::count_load_from(Instant from) {
  load_.count_from(from, 0);
  load_.set_servers(options_.connections, timers_.now());
}

Duration StoreModel::write_time(const DrawKey& key, std::uint64_t salt) const {
  Draws draws(random_, Purpose::store_write, key.a, key.b, (key.c << 2) | salt);
  Duration drawn = options_.write_latency.sample(draws);
  if (disk_scale_ != nullptr) drawn = disk_scale_->scaled(drawn, key);
  return scale_ != nullptr ? scale_->scaled(drawn, key) : drawn;
}

void StoreModel::request(Duration latency, Callback&& work) {
  load_.offered(1, timers_.now());
  if (busy_ < options_.connections) {
    occupy(latency, std::move(work));
  } else {
    waiting_.push_back({latency, std::move(work)});
    load_.set_queue(waiting_.size(), timers_.now());
  }
}

void StoreModel::occupy(Duration latency, Callback&& work) {
  ++busy_;
  std::uint32_t slot = 0;
  if (free_slots_.empty()) {
    slot = static_cast<std::uint32_t>(held_.size());
    held_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  held_[slot] = std::move(work);
  timers_.call_after(latency, [this, slot, latency] {
    --busy_;
    load_.served(1, latency, timers_.now());
    Callback job = std::move(held_[slot]);
    free_slots_.push_back(slot);
    if (!waiting_.empty()) {
      Waiting next = std::move(waiting_.front());
      waiting_.pop_front();
      load_.set_queue(waiting_.size(), timers_.now());
      occupy(next.latency, std::move(next.work));
    }
    job();
  });
}

void StoreModel::append(NewEvent event, DrawKey key, AppendDone done) {
  struct Append {
    AppendFact fact;
    AppendDone done;
  };
  auto pending = std::make_unique<Append>();
  pending->fact.event = std::move(event);
  pending->fact.issued_at = timers_.now();
  pending->done = std::move(done);
  request(write_time(key, 0), [this, held = std::move(pending)] {
    AppendFact& fact = held->fact;
    fact.at = timers_.now();
    AppendOutcome outcome;
    if (outage_) {
      outcome.error = StoreError::unavailable;
    } else {
      auto stored = rows_.append(fact.event, timers_.now());
      outcome.ok = stored.has_value();
      if (stored.has_value()) {
        outcome.receipt = stored.value();
      } else {
        outcome.error = stored.error();
      }
    }
    fact.ok = outcome.ok;
    fact.error = outcome.error;
    fact.receipt = outcome.receipt;
    tell(fact);
    held->done(outcome);
  });
}

void StoreModel::tell(const AppendFact& fact) {
  if (fact.ok && !fact.receipt.idempotent) {
    StoredEvent event_stored;
    static_cast<NewEvent&>(event_stored) = fact.event;
    event_stored.position = fact.receipt.position;
    event_stored.run_seq = fact.receipt.run_seq;
    event_stored.persisted_at = fact.receipt.persisted_at;
    telemetry_.event_committed(event_stored);
  }
  telemetry_.append_done(fact);
}

void StoreModel::decide(SignalDecision decision, DrawKey key, DecideDone done) {
  struct Decide {
    SignalDecision decision;
    DecideDone done;
    Instant issued_at;
  };
  auto pending = std::make_unique<Decide>(Decide{std::move(decision), std::move(done), timers_.now()});
  request(write_time(key, 1), [this, held = std::move(pending)] {
    DecideOutcome outcome;
    held->decision.persisted_at = timers_.now();
    if (outage_) {
      outcome.error = StoreError::unavailable;
    } else {
      auto stored = rows_.decide(held->decision);
      outcome.ok = stored.has_value();
      if (stored.has_value()) {
        outcome.receipt = stored.value();
      } else {
        outcome.error = stored.error();
      }
    }
    if (held->decision.allows != nullptr && !(outcome.ok && outcome.receipt.idempotent)) {
      AppendFact fact;
      fact.event = *held->decision.allows;
      fact.issued_at = held->issued_at;
      fact.at = timers_.now();
      fact.ok = outcome.ok;
      fact.error = outcome.error;
      if (outcome.receipt.event) fact.receipt = *outcome.receipt.event;
      tell(fact);
    }
    if (outcome.ok && !outcome.receipt.idempotent) telemetry_.decision_stored(held->decision, timers_.now());
    held->done(outcome);
  });
}

void StoreModel::save_metadata(RunOrdinal, DrawKey key, InplaceFunction<void(bool), 48> done) {
  auto pending = std::make_unique<InplaceFunction<void(bool), 48>>(std::move(done));
  request(write_time(key, 2), [this, held = std::move(pending)] { (*held)(!outage_); });
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

void StoreModel::read(RunOrdinal run, DrawKey key, InplaceFunction<void(bool), 48> done) {
  Draws draws(random_, Purpose::store_read, key.a, key.b, key.c);
  const Duration latency = options_.read_latency.sample(draws);
  auto pending = std::make_unique<InplaceFunction<void(bool), 48>>(std::move(done));
  request(latency, [this, run, held = std::move(pending)] { (*held)(!outage_ && readable(run)); });
}

}  // namespace dvt::sim
