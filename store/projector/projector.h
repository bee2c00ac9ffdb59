// The projector (domain §4): folds events into run snapshots, the read model behind the UI.
//
// Partition p (runs with ordinal % replicas == p) is read by one replica at a time. A replica polls on its grid,
// collects up to `batch` events, and begins to apply them when the batch is full or the oldest collected one has waited
// `flush`. Applying n events takes n × per_event; then snapshots and watermark are committed in one call. A full batch
// is followed by the next read at once. Guarantees: applied idempotently by run_seq; a non-contiguous read is never
// taken for loss but resynced from the log; an invalid transition is ignored and counted once per event. An end that
// its producer's clock puts before its beginning is folded as it is, and told as a notice CAUSAL_VIOLATION.
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <vector>

#include "engine/base/load.h"
#include "engine/ports/fault_point.h"
#include "engine/ports/telemetry.h"
#include "engine/ports/timers.h"
#include "store/outbox/poll_grid.h"
#include "store/projector/run_fold.h"

namespace dvt::store {

struct ProjectorOptions {
  std::uint32_t replicas = 3;
  Duration per_event = nanoseconds(16'666'667);  // 1 / throughput of one replica
  Duration poll_interval = milliseconds(100);
  std::uint32_t batch = 10;
  Duration flush = milliseconds(200);
  Duration takeover = seconds(10);
};

enum class ResyncMode : std::uint8_t {
  full,           // fold the log from its beginning
  from_snapshot,  // go on from the stored snapshot; full if there is none
};

class Projector {
 public:
  /// Everything referred to must outlive the projector.
  Projector(StateStore& store, Timers& timers, Telemetry& telemetry, ProjectorOptions options);
  ~Projector();
  Projector(const Projector&) = delete;
  Projector& operator=(const Projector&) = delete;

  /// Replica i polls at start + i × interval / replicas and then every interval. Goes on from the store's watermarks.
  void start();
  /// To be called after each new row of the store, in commit order, at the instant of its commit.
  void event_committed(const StoredEvent& event);
  /// The run is closed: its state need not be cached once its events are projected.
  void release_run(RunOrdinal run);

  /// Stored − projected, over all partitions.
  std::uint64_t lag_events() const { return lag_; }
  /// Commit time of the oldest event that is not projected; nullopt when there is none. Its age is the lag in time.
  std::optional<Instant> oldest_unprojected() const;

  /// Folds a run again from the log up to its newest event and commits the snapshot. Returns the number of events that
  /// were newly covered (0: the read model was up to date).
  std::size_t resync(RunOrdinal run, ResyncMode mode);
  /// The fold of the run's whole log, without touching the read model; of an archived run from its archive.
  RunState rebuild(RunOrdinal run);

  // Fault hooks and operator's actions.
  /// The process stops making progress and later goes on where it was; the others take it for alive.
  void stall(std::uint32_t replica, bool on);
  /// The process stands still (SIGSTOP) and later goes on as if no time had passed. After `takeover` the others take it
  /// for dead; what it had collected for a partition that is another's by then is thrown away when it wakes.
  void pause(std::uint32_t replica, bool on);
  /// The process is gone with all it had not committed. After `takeover` its partitions go to other live replicas.
  void kill(std::uint32_t replica);
  /// An orderly stop: the replica commits the batch that it is applying, collects no more, and hands its partitions
  /// over at once.
  void stop(std::uint32_t replica);
  /// A replica that was killed or stopped is back and takes its own partition again.
  void restart(std::uint32_t replica);
  /// Scale the time that a replica's batches take, from the next one on; null: as they are. Not owned.
  void set_scales(std::uint32_t replica, const LatencyScale* latency, const LatencyScale* throttle) {
    replicas_[replica].scales = {latency, throttle};
  }
  /// Polls read a copy of the log that is behind; resyncs and watermarks are the log's own. Null: no copy. Not owned.
  void read_behind(const ReadHorizon* horizon) { horizon_ = horizon; }
  /// Every replica forgets what it has not committed and reads on behind its partitions' last snapshots.
  void replay();
  /// Changes the number of replicas and partitions. Reading goes on behind the last event that every partition has
  /// projected; what is projected already is passed over. Every replica is up afterwards, and without faults.
  void scale(std::uint32_t replicas);

  std::uint32_t replicas() const { return static_cast<std::uint32_t>(replicas_.size()); }
  bool alive(std::uint32_t replica) const { return replicas_[replica].alive; }
  std::uint64_t watermark(std::uint32_t partition) const { return lanes_[partition].watermark; }
  std::uint64_t projected() const { return projected_; }
  std::uint64_t gaps_suspected() const { return gaps_suspected_; }
  std::uint64_t gaps_confirmed() const { return gaps_confirmed_; }
  std::uint64_t invalid_transitions() const { return invalid_; }
  std::size_t cached_runs() const { return folds_.size(); }
  /// The replicas' load from `from` on: busy while events are applied; the queue is the lag, drained when no more than
  /// a batch for each replica is left. Call before start().
  void count_load_from(Instant from);
  LoadFigures load(Instant to) const { return load_.figures(to); }
  bool working(std::uint32_t replica) const { return running(replicas_[replica]); }

 private:
  struct Unprojected {
    std::uint64_t position;
    Instant persisted_at;
    RunOrdinal run;
  };
  enum class Phase : std::uint8_t { collecting, waiting, applying };  // waiting: for its replica to finish another lane
  /// A partition and how far its reader is.
  struct Lane {
    std::uint32_t owner = 0;
    Phase phase = Phase::collecting;
    std::uint64_t watermark = 0;
    std::uint64_t read_up_to = 0;
    std::vector<StoredEvent> batch;
    std::deque<Unprojected> backlog;  // committed events above the watermark
    std::size_t unread = 0;           // of these, how many lie above read_up_to
    TimerId poll_timer;
    TimerId flush_timer;
    TimerId apply_timer;
    Instant flush_at;
    Instant apply_at;
    Duration apply_left;  // while stalled or paused
    Duration flush_left;  // while paused
    Duration applying;    // what the batch under way takes
  };
  struct Replica {
    PollGrid grid;
    bool alive = true;
    bool stalled = false;
    bool paused = false;
    bool stopping = false;      // commits what it is applying and nothing else
    bool takeover_due = false;  // not heard of for longer than the takeover time
    std::array<const LatencyScale*, 2> scales{};
    TimerId takeover_timer;
    std::uint32_t busy_with = kNoLane;
    std::deque<std::uint32_t> waiting;  // lanes whose batch is ready
    Instant rest_until;                 // a resync's reads are paid for after its batch
  };
  static constexpr std::uint32_t kNoLane = 0xFFFFFFFF;

  Replica& owner_of(const Lane& lane) { return replicas_[lane.owner]; }
  bool running(const Replica& replica) const {
    return replica.alive && !replica.stalled && !replica.paused && !replica.stopping;
  }
  /// The others see it: it may be given partitions.
  bool present(const Replica& replica) const { return replica.alive && !replica.paused && !replica.stopping; }
  void expect_back(std::uint32_t replica);
  void lay_out(std::uint32_t replicas);
  void fill_backlog(std::uint32_t lane);
  void arm_poll(std::uint32_t lane);
  bool cut_at_horizon(std::uint32_t lane, std::uint64_t before);
  void poll(std::uint32_t lane);
  void ready(std::uint32_t lane);
  Duration time_for(const Lane& lane, std::size_t events);
  void begin(std::uint32_t lane, Duration left);
  void finish(std::uint32_t lane);
  void next_for(std::uint32_t replica);
  void cancel_timers(Lane& lane);
  void cancel(TimerId& timer);
  void cancel_all();
  void forget_uncommitted(std::uint32_t lane);
  void hand_over(std::uint32_t lane, std::uint32_t replica);
  void take_over(std::uint32_t replica);
  void take_back(std::uint32_t replica);
  void flush_at(std::uint32_t lane, Instant when);
  std::uint32_t present_replica_after(std::uint32_t replica) const;

  /// Folds one event into its run; `covered` gets the events that are new to the read model, those a resync found
  /// included. Returns how many were fetched beyond the event.
  std::size_t fold(const StoredEvent& event, std::uint64_t read_up_to, std::vector<StoredEvent>& covered);
  std::size_t refold(FoldedRun& run, const StoredEvent& event, std::vector<StoredEvent>& covered);
  void apply(FoldedRun& run, const StoredEvent& event, std::vector<StoredEvent>& covered);
  void commit(std::uint32_t partition, std::uint64_t watermark);
  void save(std::uint32_t partition, std::uint64_t watermark);
  void tell_saved(std::uint32_t partition, std::uint64_t watermark);
  void begin_again(std::uint32_t lane);

  StateStore& store_;
  Timers& timers_;
  Telemetry& telemetry_;
  ProjectorOptions options_;
  Instant start_;
  std::vector<Replica> replicas_;
  std::vector<Lane> lanes_;
  RunFolds folds_;
  std::vector<StoredEvent> read_;
  std::vector<StoredEvent> fetched_;
  std::vector<StoredEvent> covered_;
  std::vector<RunOrdinal> touched_;
  std::vector<SnapshotWrite> writes_;
  std::vector<SnapshotFact> facts_;
  /// An effect whose producer's clock stands before its cause's: told with the commit that covers it.
  struct Causal {
    RunOrdinal run;
    std::uint64_t run_seq;
    StepIndex step;  // kNoStep: the run itself
  };
  std::vector<Causal> causal_;
  std::uint64_t lag_ = 0;
  std::uint64_t projected_ = 0;
  std::uint64_t gaps_suspected_ = 0;
  std::uint64_t gaps_confirmed_ = 0;
  std::uint64_t invalid_ = 0;
  const ReadHorizon* horizon_ = nullptr;
  ServerLoad load_;
};

}  // namespace dvt::store
