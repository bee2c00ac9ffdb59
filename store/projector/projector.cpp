#include "store/projector/projector.h"

#include <algorithm>
#include <string>
#include <utility>

#include "engine/base/assert.h"
#include "engine/ports/run_archive.h"

namespace dvt::store {

Projector::Projector(StateStore& store, Timers& timers, Telemetry& telemetry, ProjectorOptions options)
    : store_(store), timers_(timers), telemetry_(telemetry), options_(options), folds_(store) {
  DVT_ASSERT(options_.replicas > 0 && options_.batch > 0, "a projector without replicas or batches");
  DVT_ASSERT(options_.poll_interval > Duration{} && options_.per_event >= Duration{}, "a projector's times");
}

Projector::~Projector() {
  cancel_all();
}

void Projector::start() {
  DVT_ASSERT(replicas_.empty(), "the projector was started twice");
  start_ = timers_.now();
  lay_out(options_.replicas);
  for (std::uint32_t i = 0; i < lanes_.size(); ++i) {
    lanes_[i].watermark = lanes_[i].read_up_to = store_.watermark(i);
    fill_backlog(i);
  }
  for (std::uint32_t i = 0; i < lanes_.size(); ++i) arm_poll(i);
}

void Projector::count_load_from(Instant from) {
  load_.count_from(from, static_cast<std::uint64_t>(options_.batch) * options_.replicas);
}

void Projector::lay_out(std::uint32_t replicas) {
  load_.set_servers(replicas, timers_.now());
  replicas_.clear();
  lanes_.clear();
  replicas_.resize(replicas);
  lanes_.resize(replicas);
  for (std::uint32_t i = 0; i < replicas; ++i) {
    replicas_[i].grid = PollGrid::staggered(start_, options_.poll_interval, i, replicas);
    lanes_[i].owner = i;
  }
  telemetry_.projector_laid_out(replicas, timers_.now());
}

void Projector::fill_backlog(std::uint32_t partition) {
  Lane& lane = lanes_[partition];
  std::uint64_t after = lane.watermark;
  for (;;) {
    after = store_.read_partition(after, partition, replicas(), 1000, read_);
    if (read_.empty()) break;
    for (const StoredEvent& event : read_) {
      lane.backlog.push_back(Unprojected{event.position, event.persisted_at, event.run});
    }
  }
  lane.unread = lane.backlog.size();
  lag_ += lane.backlog.size();
}

void Projector::event_committed(const StoredEvent& event) {
  const std::uint32_t partition = event.run.value % replicas();
  Lane& lane = lanes_[partition];
  lane.backlog.push_back(Unprojected{event.position, event.persisted_at, event.run});
  ++lane.unread;
  ++lag_;
  load_.offered(1, timers_.now());
  load_.set_queue(lag_, timers_.now());
  if (!lane.poll_timer && lane.phase == Phase::collecting) arm_poll(partition);
}

std::optional<Instant> Projector::oldest_unprojected() const {
  std::optional<Instant> oldest;
  for (const Lane& lane : lanes_) {
    if (!lane.backlog.empty() && (!oldest || lane.backlog.front().persisted_at < *oldest)) {
      oldest = lane.backlog.front().persisted_at;
    }
  }
  return oldest;
}

// A poll that would find nothing is not set: event_committed() sets it.
void Projector::arm_poll(std::uint32_t index) {
  Lane& lane = lanes_[index];
  const Replica& replica = owner_of(lane);
  if (lane.poll_timer || lane.unread == 0 || lane.phase != Phase::collecting || !running(replica)) return;
  const Instant when = replica.grid.after(std::max(timers_.now(), replica.rest_until));
  lane.poll_timer = timers_.call_at(when, [this, index] {
    lanes_[index].poll_timer = TimerId{};
    poll(index);
  });
}

// Drops from read_ what the copy that was read does not have yet; true if it had not got so far.
bool Projector::cut_at_horizon(std::uint32_t index, std::uint64_t before) {
  if (horizon_ == nullptr) return false;
  Lane& lane = lanes_[index];
  const Instant seen = horizon_->seen_until({index, before, 0});
  const auto unseen =
      std::find_if(read_.begin(), read_.end(), [seen](const StoredEvent& event) { return event.persisted_at > seen; });
  if (unseen == read_.end()) return false;
  read_.erase(unseen, read_.end());
  lane.read_up_to = read_.empty() ? before : read_.back().position;
  return true;
}

void Projector::poll(std::uint32_t index) {
  Lane& lane = lanes_[index];
  bool behind = false;
  const bool first = lane.batch.empty();
  while (lane.batch.size() < options_.batch && lane.unread > 0) {
    const std::uint64_t before = lane.read_up_to;
    try {
      lane.read_up_to = store_.read_partition(before, index, replicas(), options_.batch - lane.batch.size(), read_);
    } catch (const StoreFailure&) {
      break;
    }
    behind = cut_at_horizon(index, before);
    // What the backlog does not list is projected already (re-read after scale()).
    std::size_t next = lane.backlog.size() - lane.unread;
    for (StoredEvent& event : read_) {
      while (next < lane.backlog.size() && lane.backlog[next].position < event.position) ++next;
      if (next < lane.backlog.size() && lane.backlog[next].position == event.position) {
        lane.batch.push_back(std::move(event));
      }
    }
    while (next < lane.backlog.size() && lane.backlog[next].position <= lane.read_up_to) ++next;
    lane.unread = lane.backlog.size() - next;
    if (behind || lane.read_up_to == before) break;
  }
  if (lane.batch.size() >= options_.batch) {
    ready(index);
    return;
  }
  if (first && !lane.batch.empty()) {
    flush_at(index, timers_.now() + options_.flush);
  }
  if (behind || lane.batch.empty()) arm_poll(index);  // nothing more could be read though something is there
}

void Projector::ready(std::uint32_t index) {
  Lane& lane = lanes_[index];
  cancel_timers(lane);
  Replica& replica = owner_of(lane);
  if (replica.busy_with != kNoLane) {
    lane.phase = Phase::waiting;
    replica.waiting.push_back(index);
    return;
  }
  begin(index, time_for(lane, lane.batch.size()));
}

Duration Projector::time_for(const Lane& lane, std::size_t events) {
  Duration takes = options_.per_event * static_cast<std::int64_t>(events);
  for (const LatencyScale* scale : owner_of(lane).scales)
    if (scale != nullptr) takes = scale->scaled(takes, {lane.watermark, lane.read_up_to, events});
  return takes;
}

void Projector::begin(std::uint32_t index, Duration left) {
  Lane& lane = lanes_[index];
  owner_of(lane).busy_with = index;
  if (lane.phase != Phase::applying) lane.applying = left;  // otherwise it goes on after a stall
  lane.phase = Phase::applying;
  lane.apply_at = timers_.now() + left;
  lane.apply_timer = timers_.call_at(lane.apply_at, [this, index] {
    lanes_[index].apply_timer = TimerId{};
    finish(index);
  });
}

void Projector::finish(std::uint32_t index) {
  Lane& lane = lanes_[index];
  const std::uint32_t owner = lane.owner;
  const bool full = lane.batch.size() >= options_.batch;
  std::size_t fetched = 0;
  covered_.clear();
  touched_.clear();
  const std::uint64_t invalid_before = invalid_;
  try {
    for (const StoredEvent& event : lane.batch) fetched += fold(event, lane.read_up_to, covered_);
    save(index, lane.read_up_to);
  } catch (const StoreFailure&) {
    invalid_ = invalid_before;
    causal_.clear();
    load_.served(0, lane.applying, timers_.now());
    return begin_again(index);
  }
  load_.served(lane.batch.size(), lane.applying, timers_.now());
  lane.batch.clear();
  lane.phase = Phase::collecting;
  lane.watermark = lane.read_up_to;
  while (!lane.backlog.empty() && lane.backlog.front().position <= lane.watermark) {
    lane.backlog.pop_front();
    --lag_;
    ++projected_;
  }
  load_.set_queue(lag_, timers_.now());
  tell_saved(index, lane.watermark);

  Replica& replica = replicas_[owner];
  replica.busy_with = kNoLane;
  if (fetched > 0) {
    const Duration rest = time_for(lane, fetched);
    replica.rest_until = timers_.now() + rest;
    load_.served(0, rest, timers_.now());
  }
  if (replica.stopping) {
    stop(owner);
  } else if (owner != index && present(replicas_[index])) {
    hand_over(index, index);
  }
  next_for(owner);
  // A full batch says that more is waiting: read on at once.
  if (full && lane.owner == owner && running(replica) && replica.rest_until <= timers_.now()) poll(index);
  arm_poll(index);
}

// The store could not be read while a batch was folded: as if the replica had died and come back at once.
void Projector::begin_again(std::uint32_t index) {
  const std::uint32_t owner = lanes_[index].owner;
  for (const RunOrdinal run : touched_) folds_.drop(run);
  touched_.clear();
  forget_uncommitted(index);
  replicas_[owner].busy_with = kNoLane;
  if (replicas_[owner].stopping) {
    stop(owner);
  } else if (owner != index && present(replicas_[index])) {
    hand_over(index, index);
  }
  next_for(owner);
  arm_poll(index);
}

void Projector::next_for(std::uint32_t index) {
  Replica& replica = replicas_[index];
  if (replica.waiting.empty() || !running(replica)) return;
  const std::uint32_t lane = replica.waiting.front();
  replica.waiting.pop_front();
  begin(lane, time_for(lanes_[lane], lanes_[lane].batch.size()));
}

void Projector::cancel_timers(Lane& lane) {
  for (TimerId* timer : {&lane.poll_timer, &lane.flush_timer, &lane.apply_timer}) cancel(*timer);
}

void Projector::cancel(TimerId& timer) {
  if (timer) timers_.cancel(timer);
  timer = TimerId{};
}

void Projector::cancel_all() {
  for (Lane& lane : lanes_) cancel_timers(lane);
  for (Replica& replica : replicas_) cancel(replica.takeover_timer);
}

// ---- Folding ----

namespace {

// By the producers' clocks, of an event that was just folded.
bool ends_before_it_began(const RunState& state, const StoredEvent& event) {
  switch (event.type) {
    case EventType::step_completed:
    case EventType::step_failed: {
      const StepState& step = state.steps[event.step.value];
      return step.has_started && event.emitted_at < step.started_at;
    }
    case EventType::run_completed:
    case EventType::run_failed:
    case EventType::run_cancelled:
      return state.has_started && event.emitted_at < state.started_at;
    default:
      return false;
  }
}

}  // namespace

void Projector::apply(FoldedRun& run, const StoredEvent& event, std::vector<StoredEvent>& covered) {
  if (apply_event(run.state, event.type, event.step, event.logical_attempt, event.emitted_at) == Transition::invalid) {
    ++run.invalid;
    ++invalid_;
  } else if (ends_before_it_began(run.state, event)) {
    causal_.push_back({event.run, event.run_seq, event.step});
  }
  run.last_seq = event.run_seq;
  covered.push_back(event);
  if (!run.touched) {
    run.touched = true;
    touched_.push_back(event.run);
  }
}

std::size_t Projector::fold(const StoredEvent& event, std::uint64_t read_up_to, std::vector<StoredEvent>& covered) {
  FoldedRun& run = folds_.get(event.run);
  if (run.stale) return refold(run, event, covered);
  if (event.run_seq <= run.last_seq) return 0;
  if (event.run_seq == run.last_seq + 1) {
    apply(run, event, covered);
    return 0;
  }
  // Stale: events between may be missing, or run_seq may have a legal gap. Ask the log.
  ++gaps_suspected_;
  const std::uint64_t known = run.last_seq;
  const Instant now = timers_.now();
  telemetry_.gap_suspected(event.run, now);
  store_.fetch(event.run, run.last_seq, static_cast<std::size_t>(event.run_seq - run.last_seq), fetched_);
  std::size_t missing = 0;
  for (const StoredEvent& found : fetched_) {
    if (found.run_seq > event.run_seq) break;
    if (found.run_seq < event.run_seq && found.position <= read_up_to) ++missing;
    apply(run, found, covered);
  }
  telemetry_.run_resynced(ResyncFact{event.run, true, known, run.last_seq, now});
  if (missing > 0) {
    ++gaps_confirmed_;
    telemetry_.gap_confirmed(event.run, now);
  }
  if (run.last_seq < event.run_seq) apply(run, event, covered);  // the log did not have it: keep what was read
  return missing;
}

// Resync FULL of a run whose snapshot is corrupt. `event` is the oldest of the run that is not projected, so that all
// before it is known, and told.
std::size_t Projector::refold(FoldedRun& run, const StoredEvent& event, std::vector<StoredEvent>& covered) {
  RunState state;
  std::uint64_t last_seq = 0;
  std::size_t fetched = 0;
  for (bool more = true; more;) {
    store_.fetch(event.run, last_seq, 1000, fetched_);
    more = !fetched_.empty();
    for (const StoredEvent& known : fetched_) {
      if (known.run_seq >= event.run_seq) {
        more = false;
        break;
      }
      (void)apply_event(state, known.type, known.step, known.logical_attempt, known.emitted_at);
      last_seq = known.run_seq;
      ++fetched;
    }
  }
  run.state = std::move(state);
  run.last_seq = last_seq;
  run.stale = false;
  apply(run, event, covered);
  telemetry_.run_resynced(ResyncFact{event.run, false, last_seq, run.last_seq, timers_.now()});
  return fetched;
}

void Projector::commit(std::uint32_t partition, std::uint64_t watermark) {
  save(partition, watermark);
  tell_saved(partition, watermark);
}

void Projector::save(std::uint32_t partition, std::uint64_t watermark) {
  writes_.clear();
  facts_.clear();
  for (const RunOrdinal ordinal : touched_) {
    const FoldedRun& run = *folds_.find(ordinal);
    writes_.push_back(SnapshotWrite{ordinal, run.last_seq, &run.state});
    facts_.push_back(SnapshotFact{ordinal, run.last_seq, &run.state, run.invalid});
  }
  store_.write_snapshots(partition, watermark, writes_, timers_.now());
}

void Projector::tell_saved(std::uint32_t partition, std::uint64_t watermark) {
  for (const Causal& effect : causal_) {
    const std::string what = effect.step == kNoStep ? "the run" : "step " + std::to_string(effect.step.value);
    const std::string text =
        what + " ended before it began, by its producer's clock (run_seq " + std::to_string(effect.run_seq) + ")";
    telemetry_.notice({"CAUSAL_VIOLATION", effect.run, text, timers_.now()});
  }
  causal_.clear();
  telemetry_.snapshots_committed(partition, watermark, covered_, facts_, timers_.now());
  for (const RunOrdinal ordinal : touched_) {
    FoldedRun& run = *folds_.find(ordinal);
    run.touched = false;
    run.invalid = 0;
    if (run.released || is_terminal(run.state.status)) folds_.drop(ordinal);
  }
  touched_.clear();
}

void Projector::release_run(RunOrdinal ordinal) {
  if (FoldedRun* run = folds_.find(ordinal)) {
    if (run->touched) {
      run->released = true;
    } else {
      folds_.drop(ordinal);  // later events start from the stored snapshot
    }
  }
}

std::size_t Projector::resync(RunOrdinal ordinal, ResyncMode mode) {
  FoldedRun* cached = folds_.find(ordinal);
  DVT_ASSERT(cached == nullptr || !cached->touched, "a resync inside a commit");
  const std::uint64_t known = folds_.get(ordinal).last_seq;
  if (mode == ResyncMode::full) {
    FoldedRun& run = folds_.get(ordinal);
    run.state = RunState{};
    run.last_seq = 0;
    run.stale = false;
  } else {
    folds_.drop(ordinal);
  }
  FoldedRun& run = folds_.get(ordinal);
  run.stale = false;  // without a snapshot that verifies, from_snapshot begins where full does
  covered_.clear();
  touched_.clear();
  const std::uint64_t invalid_before = invalid_;
  std::uint32_t invalid_again = 0;
  for (;;) {
    store_.fetch(ordinal, run.last_seq, 1000, fetched_);
    if (fetched_.empty()) break;
    for (const StoredEvent& event : fetched_) {
      apply(run, event, covered_);
      if (event.run_seq <= known) invalid_again = run.invalid;
    }
  }
  // Told once per (run, event): what was known to be invalid is not told again, and only new events are covered anew.
  invalid_ = invalid_before + (run.invalid - invalid_again);
  run.invalid -= invalid_again;
  std::erase_if(covered_, [known](const StoredEvent& event) { return event.run_seq <= known; });
  std::erase_if(causal_, [known](const Causal& effect) { return effect.run_seq <= known; });
  const std::size_t covered = covered_.size();
  const std::uint32_t partition = ordinal.value % replicas();
  const std::uint64_t up_to = run.last_seq;
  if (!touched_.empty()) commit(partition, lanes_[partition].watermark);
  telemetry_.run_resynced(ResyncFact{ordinal, mode == ResyncMode::from_snapshot, known, up_to, timers_.now()});
  return covered;
}

RunState Projector::rebuild(RunOrdinal run) {
  RunState state;
  std::vector<StoredEvent> events;
  auto* archive = dynamic_cast<RunArchive*>(&store_);
  std::uint64_t after = 0;
  for (;;) {
    store_.fetch(run, after, 1000, events);
    // All of a run is archived, or nothing.
    if (events.empty() && archive != nullptr) archive->fetch_archived(run, after, 1000, events);
    if (events.empty()) return state;
    for (const StoredEvent& event : events) {
      apply_event(state, event.type, event.step, event.logical_attempt, event.emitted_at);
    }
    after = events.back().run_seq;
  }
}

}  // namespace dvt::store
