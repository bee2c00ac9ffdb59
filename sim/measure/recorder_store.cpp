// Facts of the store, the projector, the outbox and the bus, and of faults.
#include "engine/base/assert.h"
#include "engine/ports/bus.h"
#include "sim/measure/recorder.h"
#include "sim/measure/recorder_handles.h"

namespace dvt::sim {

void Measure::append_done(const AppendFact& fact) {
  const auto type = static_cast<std::size_t>(fact.event.type);
  const Duration took = fact.at - fact.issued_at;
  const bool counted = counts_from(fact.issued_at);
  // The write that failed open was the observation, and it was bad.
  const bool from_spool = !spooled_.empty() && spooled_.contains(fact.event.idempotency_key);
  if (is_probe(fact.event.run)) {
    minutes_.write(fact.ok, fact.at);
    if (!fact.ok) return;
    faults_.append_succeeded();
    if (faults_.waiting(RecoveryBy::store)) check_levels(fact.at);
    return;
  }
  if (!fact.ok) {
    if (fact.error == StoreError::invalid_transition) {
      // The store's verdict on the event, not a failure to write it.
      ++tally_->appends_rejected;
      ++tally_->notice_invalid_transition;
      return;
    }
    ++store_.write_errors;
    minutes_.write(false, fact.at);
    handles_->set.counter(Metric::write_errors, {to_string(fact.event.type), to_string(fact.error)}).add();
    if (counted && !from_spool) write_.add_bad(took, fact.at);
    return;
  }
  minutes_.write(true, fact.at);
  if (fact.receipt.idempotent) {
    ++store_.duplicates;
    if (counted) duplicate_write_.add(took, fact.at);
  } else {
    handles_->write[type]->observe(in_ms(took));
    if (counted && !from_spool) write_.add(took, fact.at);
  }
  faults_.append_succeeded();
  if (faults_.waiting(RecoveryBy::store)) check_levels(fact.at);
}

void Measure::spool_changed(const SpoolFact& fact) {
  switch (fact.step) {
    case SpoolStep::spooled:
      ++tally_->events_spooled;
      spooled_.insert(fact.event.idempotency_key);
      break;
    case SpoolStep::reconciled:
      ++tally_->spool_reconciled;
      spooled_.erase(fact.event.idempotency_key);
      break;
    case SpoolStep::lost:
      ++tally_->spool_lost;
      spooled_.erase(fact.event.idempotency_key);
      break;
  }
  tally_->spool_pending = static_cast<std::int64_t>(fact.pending);
}

void Measure::stale_read(const StaleReadFact& fact) {
  ++tally_->reads_stale;
  tally_->reads_of_unseen_runs += fact.unknown_run ? 1 : 0;
  tally_->read_your_writes_violations += fact.own_writes ? 1 : 0;
}

void Measure::snapshot_unverified(RunOrdinal, Instant) {
  handles_->snapshot_mismatches.add();
}

void Measure::disk_free(std::int64_t ppb, Instant) {
  handles_->disk_free->set(static_cast<double>(ppb) / 1e9);
}

void Measure::event_committed(const StoredEvent& event) {
  if (is_probe(event.run)) {
    ++tally_->probe_events;
  } else {
    ++store_.events;
  }
  if (event.run == probe_under_way_ && event.type == EventType::run_started) {
    ++(minutes_.probe_seen(probe_asked_at_, event.persisted_at) ? tally_->probes_seen : tally_->probes_late);
    probe_under_way_ = RunOrdinal{UINT32_MAX};
  }
  note_event_bytes(event);
  if (RunSlot* slot = runs_.find(event.run)) {
    slot->last_event_at = event.persisted_at;
    if (config_.hold_failed_steps) note_held_step(*slot, event);
  }
  events_.commit(event.position, event.persisted_at, !is_probe(event.run));
  lag_changed(event.persisted_at);
}

UseLedger::Owner Measure::owner_of(RunOrdinal run) {
  if (const RunSlot* slot = runs_.find(run)) return {slot->plan.value, slot->tenant.value};
  return use_.recall(run);
}

void Measure::note_event_bytes(const StoredEvent& event) {
  if (!counts_from(event.persisted_at)) return;
  const UseLedger::Owner owner = owner_of(event.run);
  const std::uint64_t payload = event.payload ? event.payload->size() : 0;
  use_.stored(owner, kEventRowBytes + payload);
  use_.moved(owner, (kEventHops + config_.subscriptions.size()) * (kEventMessageBytes + payload));
}

// A failed step waits for an operator until another attempt of it starts, or it is skipped.
void Measure::note_held_step(RunSlot& slot, const StoredEvent& event) {
  if (event.type == EventType::step_failed) slot.held.push_back(event.step);
  if (event.type == EventType::step_started || event.type == EventType::step_skipped) std::erase(slot.held, event.step);
}

void Measure::lag_changed(Instant at) {
  const std::uint64_t behind = events_.unprojected();
  lag_.set(behind, behind > 0 ? events_.oldest_unprojected() : at, at);
}

void Measure::snapshots_committed(std::uint32_t, std::uint64_t, const std::vector<StoredEvent>& events,
                                  const std::vector<SnapshotFact>& snapshots, Instant at) {
  for (const StoredEvent& event : events) {
    if (!events_.arrive(event.position, EventWindow::kProjected) || is_probe(event.run)) continue;
    const Duration took = at - event.persisted_at;
    handles_->ui_refresh->observe(in_ms(took));
    if (counts_from(event.persisted_at)) ui_refresh_.add(took, at);
  }
  for (const SnapshotFact& snapshot : snapshots) {
    if (!is_probe(snapshot.run)) ++tally_->snapshots;
    tally_->invalid_transitions += snapshot.invalid_transitions;
    tally_->notice_invalid_transition += snapshot.invalid_transitions;
    if (!counts_from(at) || snapshot.state == nullptr) continue;
    const UseLedger::Owner owner = owner_of(snapshot.run);
    const std::uint64_t bytes = kSnapshotBytes + kSnapshotStepBytes * snapshot.state->steps.size();
    use_.stored(owner, bytes);
    use_.moved(owner, bytes);
  }
  lag_changed(at);
  if (faults_.waiting(RecoveryBy::projection) || faults_.waiting(RecoveryBy::store)) check_levels(at);
}

void Measure::gap_suspected(RunOrdinal, Instant at) {
  ++tally_->gaps_suspected;
  if (counts_from(at)) ++gaps_.suspected;
}

void Measure::gap_confirmed(RunOrdinal, Instant at) {
  ++tally_->gaps_confirmed;
  handles_->gaps.add();
  if (!counts_from(at)) return;
  ++gaps_.confirmed;
  if (gaps_.confirmed_at.size() < GapSummary::kListLimit) gaps_.confirmed_at.push_back(at);
}

void Measure::outbox_leased(std::uint32_t, std::uint64_t, Instant, Instant) {
  ++tally_->outbox_leases;
}

void Measure::outbox_published(const StoredEvent& event, Instant at) {
  if (is_probe(event.run)) {
    events_.publish(event.position);
    return;
  }
  ++tally_->outbox_published;
  if (!events_.publish(event.position)) return;
  handles_->emission[static_cast<std::size_t>(event.type)]->observe(in_ms(at - event.persisted_at));
}

void Measure::delivered(std::uint32_t subscription, const StoredEvent& event, std::uint32_t, bool first, Instant at) {
  DVT_ASSERT(subscription < outbox_by_subscription_.size(), "a delivery to an unknown subscription");
  if (is_probe(event.run)) {
    events_.arrive(event.position, EventWindow::subscription_bit(subscription));
    if (faults_.waiting(RecoveryBy::delivery)) check_levels(at);
    return;
  }
  ++tally_->deliveries;
  if (!events_.arrive(event.position, EventWindow::subscription_bit(subscription))) {
    // A dead letter that was driven again is late, not a duplicate; it stays a bad observation.
    ++(first ? tally_->dead_letters_delivered : tally_->duplicate_deliveries);
    return;
  }
  const Duration took = at - event.persisted_at;
  handles_->delivery[subscription]->observe(in_ms(took));
  if (counts_from(event.persisted_at)) {
    outbox_.add(took, at);
    outbox_by_subscription_[subscription].add(took, at);
    if (subscription == ui_subscription_) ui_push_.add(took, at);
  }
  if (faults_.waiting(RecoveryBy::delivery)) check_levels(at);
}

void Measure::dead_lettered(std::uint32_t subscription, const StoredEvent& event, Instant at) {
  ++tally_->dead_letters;
  ++tally_->notice_dead_letter;
  if (subscription == kNoSubscription) {  // the relay gave up: whoever has not got it misses it
    for (std::uint32_t i = 0; i < outbox_by_subscription_.size(); ++i)
      if (missed(i, event, at)) handles_->dead_letters[i].add();
    return;
  }
  DVT_ASSERT(subscription < outbox_by_subscription_.size(), "a dead letter of an unknown subscription");
  handles_->dead_letters[subscription].add();
  missed(subscription, event, at);
}

bool Measure::missed(std::uint32_t subscription, const StoredEvent& event, Instant at) {
  if (!events_.arrive(event.position, EventWindow::subscription_bit(subscription)) || is_probe(event.run)) return false;
  if (!counts_from(event.persisted_at)) return true;
  const Duration took = at - event.persisted_at;
  outbox_.add_bad(took, at);
  outbox_by_subscription_[subscription].add_bad(took, at);
  if (subscription == ui_subscription_) ui_push_.add_bad(took, at);
  return true;
}

void Measure::dead_letter_redriven(std::uint32_t, const StoredEvent&, Instant) {
  ++tally_->dead_letters_redriven;
}

void Measure::run_resynced(const ResyncFact&) {
  ++tally_->resyncs;
}

bool Measure::delivery_is_fresh(Instant at) {
  return events_.undelivered() == 0 || at - events_.oldest_undelivered() <= config_.thresholds.outbox;
}

void Measure::check_levels(Instant at) {
  const auto look = [&](RecoveryBy by, bool well, std::uint32_t index) {
    if (faults_.waiting(by)) faults_.level(by, index, well, at);
  };
  look(RecoveryBy::projection, !lag_.is_bad(at), 0);
  look(RecoveryBy::store, faults_.store_is_writable() && !lag_.is_bad(at), 0);
  if (faults_.waiting(RecoveryBy::delivery)) look(RecoveryBy::delivery, delivery_is_fresh(at), 0);
  if (faults_.waiting(RecoveryBy::warehouse)) {
    for (std::uint32_t i = 0; i < warehouse_queued_.size(); ++i)
      look(RecoveryBy::warehouse, warehouse_queued_[i] == 0, i);
    look(RecoveryBy::warehouse, warehouse_queue() == 0, FaultInfo::kEvery);
  }
  if (faults_.waiting(RecoveryBy::workers)) {
    bool all_up = true;
    for (std::uint32_t i = 0; i < workers_down_.size(); ++i) {
      all_up = all_up && workers_down_[i] == 0;
      look(RecoveryBy::workers, workers_down_[i] == 0, i);
    }
    look(RecoveryBy::workers, all_up, FaultInfo::kEvery);
  }
}

void Measure::fault_injected(std::string_view name, Instant at) {
  faults_.injected(name, at);
  check_levels(at);
}

void Measure::fault_healed(std::string_view name, Instant at) {
  lag_.advance(at);
  faults_.healed(name, at);
  check_levels(at);
}

void Measure::fault_struck(std::string_view name, Instant) {
  ++tally_->fault_strikes;
  faults_.struck(name);
}

}  // namespace dvt::sim
