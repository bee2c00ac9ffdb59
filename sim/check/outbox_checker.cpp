#include "sim/check/outbox_checker.h"

#include "engine/base/format.h"

#include "engine/base/assert.h"
#include "engine/ports/bus.h"

namespace dvt::sim {

OutboxChecker::OutboxChecker(const InvariantConfig& config)
    : config_(config),
      all_pending_(config.subscriptions >= 32 ? UINT32_MAX : (1U << config.subscriptions) - 1),
      only_committed_("only-committed-events-travel", config),
      skips_nothing_("outbox-skips-nothing", config),
      one_lease_("one-live-outbox-lease", config),
      at_least_once_("delivered-at-least-once", config),
      effect_once_("consumer-effect-once", config) {
  DVT_ASSERT(config.subscriptions <= 32, "more subscriptions than are watched");
}

std::vector<Invariant*> OutboxChecker::invariants() {
  return {&only_committed_, &skips_nothing_, &one_lease_, &at_least_once_, &effect_once_};
}

std::size_t OutboxChecker::pages() const {
  std::size_t n = 0;
  for (const auto& page : pages_) n += page ? 1 : 0;
  return n;
}

Travel* OutboxChecker::at(std::uint64_t position) {
  const std::uint64_t page = position >> kPageBits;
  if (page < first_page_ || page - first_page_ >= pages_.size()) return nullptr;
  Page* held = pages_[page - first_page_].get();
  const std::size_t i = position & (kPageSize - 1);
  return held == nullptr || i >= held->used ? nullptr : &held->travel[i];
}

void OutboxChecker::event_committed(const StoredEvent& event) {
  const std::uint64_t page = event.position >> kPageBits;
  if (event.position <= last_) return;  // told by commit-order-has-no-holes
  if (pages_.empty()) first_page_ = page;
  while (first_page_ + pages_.size() <= page) {
    // A page in which everything had arrived while it was the newest: no arrival will free it any more.
    if (!pages_.empty() && pages_.back() && pages_.back()->live == 0) free_page(first_page_ + pages_.size() - 1);
    if (pages_.empty()) first_page_ = page;
    auto fresh = spare_ ? std::move(spare_) : std::make_unique<Page>();
    fresh->used = fresh->live = 0;
    pages_.push_back(std::move(fresh));
  }
  Page& held = *pages_.back();
  const std::size_t i = event.position & (kPageSize - 1);
  for (; held.used < i; ++held.used) {  // no such events: nothing is expected of them
    held.travel[held.used] = Travel{};
    held.travel[held.used].hole = held.travel[held.used].dead = true;
  }
  held.used = i + 1;
  ++held.live;
  Travel& travel = held.travel[i];
  travel = Travel{};
  travel.event_id = event.event_id;
  travel.run = event.run;
  travel.run_seq = event.run_seq;
  travel.committed_at = event.persisted_at;
  travel.pending = all_pending_;
  last_ = event.position;
}

void OutboxChecker::settle(std::uint64_t position) {
  const std::uint64_t page = position >> kPageBits;
  if (--pages_[page - first_page_]->live > 0 || page == (last_ >> kPageBits)) return;
  free_page(page);
}

void OutboxChecker::free_page(std::uint64_t page) {
  spare_ = std::move(pages_[page - first_page_]);
  while (!pages_.empty() && !pages_.front()) {
    pages_.pop_front();
    ++first_page_;
  }
}

// Rows are claimed oldest first, and whatever is neither leased nor backing off is due: a younger row that is leased
// before such a row shows that the older one is not in the outbox.
void OutboxChecker::look_for_skipped(std::uint64_t position, Instant when) {
  skips_nothing_.checked();
  if (position > leased_up_to_) {
    for (std::uint64_t older = leased_up_to_ + 1; older < position; ++older) {
      Travel* travel = at(older);
      if (travel == nullptr || travel->dead || travel->skipped) continue;
      travel->skipped = true;
      skips_nothing_.broken(when, travel->run, [&] {
        return fmt::format("the event at position {} was never leased, and position {} was", older, position);
      });
    }
    leased_up_to_ = position;
  }
  for (; unpublished_from_ < position; ++unpublished_from_) {
    Travel* oldest = at(unpublished_from_);
    if (oldest == nullptr || oldest->published > 0 || oldest->dead || oldest->skipped) continue;
    if (oldest->leased_until + config_.outbox_backoff_max >= when) return;
    oldest->skipped = true;
    skips_nothing_.broken(when, oldest->run, [&] {
      return fmt::format(
          "the event at position {} was leased and neither published nor leased again, and position {} was",
          unpublished_from_, position);
    });
  }
}

void OutboxChecker::outbox_released(std::uint64_t position, Instant when) {
  if (Travel* travel = at(position)) travel->leased_until = when;
}

void OutboxChecker::outbox_leased(std::uint32_t relay, std::uint64_t position, Instant until, Instant when) {
  only_committed_.checked();
  Travel* travel = at(position);
  if (travel == nullptr) {
    if (position > last_ || position == 0) {
      only_committed_.broken(when, RunOrdinal{UINT32_MAX}, [&] {
        return fmt::format("relay {} leased position {}, which is not committed", relay, position);
      });
    }
    return;
  }
  one_lease_.checked();
  if (travel->leases > 0 && when < travel->leased_until && !travel->double_lease) {
    travel->double_lease = true;
    one_lease_.broken(when, travel->run, [&] {
      return fmt::format("relay {} leased position {} while another lease ran to {}", relay, position,
                         format_duration(Duration{travel->leased_until.ns}));
    });
  }
  ++travel->leases;
  travel->leased_until = until;
  look_for_skipped(position, when);
}

Travel* OutboxChecker::same_event(const StoredEvent& event, Instant when, const char* what) {
  only_committed_.checked();
  Travel* travel = at(event.position);
  if (travel == nullptr) {
    if (event.position > last_ || event.position == 0) {
      only_committed_.broken(when, event.run, [&] {
        return fmt::format("position {} was {} and is not committed", event.position, what);
      });
    }
    return nullptr;
  }
  if (travel->event_id != event.event_id || travel->run != event.run || travel->run_seq != event.run_seq) {
    only_committed_.broken(when, event.run, [&] {
      return fmt::format("position {} was {} as event {} (run_seq {}), committed is event {} of run {} (run_seq {})",
                         event.position, what, to_string(event.event_id), event.run_seq, to_string(travel->event_id),
                         travel->run.value, travel->run_seq);
    });
    return nullptr;
  }
  return travel;
}

void OutboxChecker::outbox_published(const StoredEvent& event, Instant when) {
  Travel* travel = same_event(event, when, "published");
  if (travel == nullptr) return;
  const bool before = arrived(*travel);
  ++travel->published;
  if (travel->published == 1) travel->published_at = when;
  one_lease_.checked();
  if (travel->published > travel->leases && !travel->double_lease) {
    travel->double_lease = true;
    one_lease_.broken(when, event.run, [&] {
      return travel->leases == 0 ? fmt::format("position {} was published without a lease", event.position)
                                 : fmt::format("position {} was published {} times under {} leases", event.position,
                                               travel->published, travel->leases);
    });
  }
  if (!before && arrived(*travel)) settle(event.position);
}

void OutboxChecker::delivered(std::uint32_t subscription, const StoredEvent& event, std::uint32_t, bool first,
                              Instant when) {
  Travel* travel = same_event(event, when, "delivered");
  if (subscription >= config_.subscriptions) return;
  effect_once_.checked();
  if (travel == nullptr) {
    if (first && event.position <= last_ && at(event.position) == nullptr) {
      effect_once_.broken(when, event.run, [&] {
        return fmt::format("subscription {} took position {} for new again", subscription, event.position);
      });
    }
    return;
  }
  const std::uint32_t bit = 1U << subscription;
  const bool had = (travel->pending & bit) == 0;
  if (had == first) {
    effect_once_.broken(when, event.run, [&] {
      return first ? fmt::format("subscription {} took position {} for new twice", subscription, event.position)
                   : fmt::format("subscription {} took position {} for known and never had it", subscription,
                                 event.position);
    });
  }
  if (had) return;
  const bool before = arrived(*travel);
  travel->pending &= ~bit;
  if (!before && arrived(*travel)) settle(event.position);
}

void OutboxChecker::dead_lettered(std::uint32_t subscription, const StoredEvent& event, Instant when) {
  Travel* travel = same_event(event, when, "given up");
  if (travel == nullptr) return;
  // Copies whose acknowledgement was lost may still arrive, and the letter may be driven again.
  if (subscription == kNoSubscription) {
    travel->dead = true;
    travel->leased_until = when;
  } else if (subscription < config_.subscriptions) {
    travel->given_up |= 1U << subscription;
    travel->pending &= ~(1U << subscription);
  }
}

void OutboxChecker::dead_letter_redriven(std::uint32_t subscription, const StoredEvent& event, Instant when) {
  Travel* travel = same_event(event, when, "driven again");
  const std::uint32_t bit = subscription < config_.subscriptions ? 1U << subscription : 0;
  const bool was_dead = travel != nullptr && (bit == 0 ? travel->dead : (travel->given_up & bit) != 0);
  if (!was_dead) {
    if (travel != nullptr || event.position <= last_)
      only_committed_.broken(when, event.run, [&] {
        return fmt::format("position {} was driven again and was no dead letter", event.position);
      });
    return;
  }
  travel->published_at = when;
  if (bit == 0) {
    travel->dead = false;
    return;
  }
  travel->given_up &= ~bit;
  travel->pending |= bit;
}

void OutboxChecker::event_consumed(std::uint32_t subscription, const StoredEvent& event, Instant when) {
  Travel* travel = same_event(event, when, "consumed");
  if (subscription >= config_.subscriptions) return;
  effect_once_.checked();
  const std::uint32_t bit = 1U << subscription;
  const bool again =
      travel == nullptr ? event.position <= last_ && at(event.position) == nullptr : (travel->consumed & bit) != 0;
  if (travel != nullptr) travel->consumed |= bit;
  if (!again) return;
  effect_once_.broken(when, event.run, [&] {
    return fmt::format("position {} had its effect on subscription {} again", event.position, subscription);
  });
}

// With nothing under way everything must have arrived. Otherwise an event is lost when others that were published an
// hour later have reached the same consumer; an event that is younger may simply be on its way.
void OutboxChecker::finish(const EndOfRun& end) {
  std::array<Instant, 32> newest{};  // by subscription: publication of the newest event it has got
  const auto for_each = [this](auto&& f) {
    for (std::size_t page = 0; page < pages_.size(); ++page) {
      if (!pages_[page]) continue;
      for (std::size_t i = 0; i < pages_[page]->used; ++i) {
        f(((first_page_ + page) << kPageBits) + i, pages_[page]->travel[i]);
      }
    }
  };
  for_each([&](std::uint64_t, const Travel& travel) {
    if (travel.published == 0) return;
    for (std::uint32_t s = 0; s < config_.subscriptions; ++s) {
      if ((travel.pending >> s & 1) == 0 && travel.published_at > newest[s]) newest[s] = travel.published_at;
    }
  });
  for_each([&](std::uint64_t position, const Travel& travel) {
    if (travel.hole || travel.dead) return;
    at_least_once_.checked();
    if (travel.published == 0) {
      if (end.delivery_drained) {
        at_least_once_.broken(end.at, travel.run,
                              [&] { return fmt::format("position {} was never published", position); });
      }
      return;
    }
    for (std::uint32_t s = 0; s < config_.subscriptions; ++s) {
      if ((travel.pending >> s & 1) == 0) continue;
      const bool overdue = newest[s] > travel.published_at + config_.delivery_overdue;
      if (!end.delivery_drained && !overdue) continue;
      at_least_once_.broken(end.at, travel.run, [&] {
        return fmt::format("position {} was published and never reached subscription {}", position, s);
      });
    }
  });
}

}  // namespace dvt::sim
