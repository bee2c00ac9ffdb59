#include "engine/worker/event_spool.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "engine/base/assert.h"

namespace dvt::engine {

bool EventSpool::takes(EventType type, StoreError error) const {
  return is_past_budget(error) &&
         std::find(options_.fail_open.begin(), options_.fail_open.end(), type) != options_.fail_open.end();
}

EventSpool::Spool& EventSpool::of(std::uint32_t worker) {
  if (worker >= spools_.size()) spools_.resize(std::size_t{worker} + 1);
  return spools_[worker];
}

std::uint32_t EventSpool::life(std::uint32_t worker) {
  return of(worker).life;
}

void EventSpool::tell(const NewEvent& event, SpoolStep step, std::uint32_t worker) {
  telemetry_.spool_changed({event, step, worker, pending_, timers_.now()});
}

void EventSpool::keep(std::uint32_t worker, NewEvent event, DrawKey key) {
  Spool& spool = of(worker);
  store_.keep_run(event.run);
  ++pending_;
  tell(event, SpoolStep::spooled, worker);
  spool.events.push_back({std::move(event), key, 0});
  if (!spool.writing && !spool.retry)
    spool.retry = timers_.call_after(options_.retry_interval, [this, worker] {
      of(worker).retry = {};
      write_first(worker);
    });
}

void EventSpool::write_first(std::uint32_t worker) {
  Spool& spool = of(worker);
  if (spool.events.empty()) return;
  spool.writing = true;
  Kept first = std::move(spool.events.front());
  spool.events.pop_front();
  NewEvent event = first.event;
  DrawKey key = first.key;
  key.c += std::uint64_t{++first.tries} << 16;  // beyond the attempts of the activity
  struct Try {
    std::uint32_t worker;
    std::uint32_t life;
    Kept kept;
  };
  auto held = std::make_unique<Try>(Try{worker, spool.life, std::move(first)});
  store_.append(std::move(event), key, [this, h = std::move(held)](const AppendOutcome& outcome) {
    written(h->worker, std::move(h->kept), h->life, outcome);
  });
}

void EventSpool::written(std::uint32_t worker, Kept kept, std::uint32_t life, const AppendOutcome& outcome) {
  Spool& spool = of(worker);
  const bool alive = spool.life == life;
  if (alive) spool.writing = false;
  const bool refused =
      !outcome.ok && (outcome.error == StoreError::unknown_run || outcome.error == StoreError::invalid_transition);
  const bool over = outcome.ok || refused || !alive;
  if (over) {
    --pending_;
    tell(kept.event, outcome.ok ? SpoolStep::reconciled : SpoolStep::lost, worker);
    store_.let_run_go(kept.event.run);
  } else {
    spool.events.push_front(std::move(kept));
  }
  if (!alive) return;
  if (over) return write_first(worker);
  spool.retry = timers_.call_after(options_.retry_interval, [this, worker] {
    of(worker).retry = {};
    write_first(worker);
  });
}

void EventSpool::worker_lost(std::uint32_t worker) {
  Spool& spool = of(worker);
  ++spool.life;
  if (spool.retry) timers_.cancel(spool.retry);
  spool.retry = {};
  spool.writing = false;
  std::deque<Kept> gone = std::move(spool.events);
  spool.events.clear();
  for (const Kept& kept : gone) {
    --pending_;
    tell(kept.event, SpoolStep::lost, worker);
    store_.let_run_go(kept.event.run);
  }
}

}  // namespace dvt::engine
