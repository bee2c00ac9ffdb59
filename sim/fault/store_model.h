// The StateStore as the control plane meets it: a pool of connections with a queue, a drawn latency per request, a
// write budget, and faults, in front of the rows. A request takes a connection, holds it for its latency, and touches
// the rows at the end of it: that instant is its commit, and the caller hears of it then.
//
// The API stands beside the store; workers reach it over a link that has faults of its own. Both use the same pool.
//
// The write budget (domain §3) runs from the call. A request that still waits for a connection then ends
// `pool_exhausted` and was never sent. A write that is under way ends `timeout`: the database works on, and whether the
// commit came before the caller broke off is drawn. Nothing is acknowledged that is not in the rows, whatever the
// fault.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "engine/base/distribution.h"
#include "engine/base/load.h"
#include "engine/ports/fault_point.h"
#include "engine/ports/random.h"
#include "engine/ports/state_store.h"
#include "engine/ports/telemetry.h"
#include "engine/ports/timers.h"
#include "sim/fault/read_replica.h"

namespace dvt::sim {

struct StoreModelOptions {
  Distribution write_latency;
  Distribution read_latency;
  std::uint32_t connections = 50;
  Duration write_budget = seconds(3);
};

class StoreModel final : public StoreClient {
 public:
  StoreModel(Timers& timers, const Random& random, Telemetry& telemetry, StateStore& rows, StoreModelOptions options);

  // The API's side
  void append(NewEvent event, DrawKey key, AppendDone done) override;
  void decide(SignalDecision decision, DrawKey key, DecideDone done) override;
  void save_metadata(RunOrdinal run, DrawKey key, InplaceFunction<void(bool ok), 48> done) override;
  void read(RunOrdinal run, DrawKey key, InplaceFunction<void(bool ok), 48> done) override;
  void read_status(RunOrdinal run, DrawKey key, InplaceFunction<void(bool ok), 48> done) override;
  void release_run(RunOrdinal run) override;
  void keep_run(RunOrdinal run) override;
  void let_run_go(RunOrdinal run) override;

  /// The workers' side of the link.
  StoreClient& from_workers() { return workers_; }

  /// Status reads look into the rows, whose medium may refuse or be found corrupt; otherwise they cost time only.
  void read_rows(bool on) { read_rows_ = on; }
  /// Status reads go to it, and its lag is told (Telemetry::stale_read). Null: there is none. Not owned.
  void set_replica(ReadReplica* replica) { replica_ = replica; }

  // Faults of the store
  /// Null: the disk is as fast as the latencies say.
  void set_disk_scale(const LatencyScale* scale) { disk_scale_ = scale; }
  /// Multiplies the latency of writes.
  void set_scale(const LatencyScale* scale) { scale_ = scale; }
  /// Divides the throughput: a connection rests after each request until its latency is over as many times.
  void set_throttle(const LatencyScale* throttle) { throttle_ = throttle; }
  /// What would commit fails `unavailable`.
  void set_outage(bool on) { outage_ = on; }
  /// What is under way ends at once as commit_unknown, committed or not; until it is over the store is away as in an
  /// outage, and every acknowledged commit is there afterwards.
  void set_failover(bool on);
  /// The commit happens or not, and its caller hears commit_unknown.
  void set_commit_unknown(bool on) { commit_unknown_ = on; }
  /// Every new request is answered at once with io_error.
  void set_error(bool on) { error_ = on; }
  /// A connection that becomes free is taken by others: nobody gets one.
  void set_pool_taken(bool on);
  /// An operator enlarges the pool.
  void add_connections(std::uint32_t by);

  // Faults of the link between workers and store
  void set_link_scale(const LatencyScale* scale) { link_scale_ = scale; }
  /// Messages wait for its end; who sent a request gives up at the write budget, and the request with him.
  void set_link_partition(bool on);
  /// Every message that is sent meanwhile vanishes: the caller waits for its budget in vain.
  void set_link_loss(bool on) { link_loss_ = on; }
  /// Every append arrives twice.
  void set_link_duplicate(bool on) { link_duplicate_ = on; }
  /// Work is done and its answer vanishes.
  void set_acks_lost(bool on) { acks_lost_ = on; }

  /// Requests that wait for a connection.
  std::size_t queued() const { return queue_length_; }
  /// Connections held by requests.
  std::uint32_t busy() const { return busy_; }
  /// The connection pool's load from `from` on. Call before the first request.
  void count_load_from(Instant from);
  LoadFigures load(Instant to) const { return load_.figures(to); }

 private:
  using Slot = std::uint32_t;
  static constexpr Slot kNone = UINT32_MAX;
  enum class Kind : std::uint8_t { append, decide, save_metadata, read };
  enum class Stage : std::uint8_t {
    on_link,    // the request waits for the end of a partition
    queued,     // waits for a connection
    held,       // holds one
    answering,  // its work is done, and the answer is under way
    vanished,   // a message of it was lost: only the caller's budget is left
  };
  /// Everything of one request. Slots are used again.
  struct Request {
    Kind kind = Kind::append;
    Stage stage = Stage::queued;
    bool open = false;
    bool from_worker = false;
    bool given_up = false;    // its caller has heard `timeout`; the database still works on it
    bool replica = false;     // a read that a replica answers
    bool copy = false;        // the second arrival of an append: nobody waits for its answer
    std::uint32_t place = 0;  // in active_
    std::uint64_t number = 0;
    RunOrdinal run;
    DrawKey key;
    Instant issued_at;
    Duration latency;
    TimerId budget;
    TimerId end;  // of its latency
    NewEvent event;
    std::unique_ptr<SignalDecision> decision;
    AppendDone append_done;
    DecideDone decide_done;
    InplaceFunction<void(bool ok), 48> answered;
    AppendOutcome append_outcome;
    DecideOutcome decide_outcome;
    bool ok = false;  // of save_metadata and read
  };
  /// The workers' StoreClient.
  class WorkerSide final : public StoreClient {
   public:
    explicit WorkerSide(StoreModel& model) : model_(model) {}
    void append(NewEvent event, DrawKey key, AppendDone done) override;
    void decide(SignalDecision decision, DrawKey key, DecideDone done) override;
    void save_metadata(RunOrdinal run, DrawKey key, InplaceFunction<void(bool ok), 48> done) override;
    void read(RunOrdinal run, DrawKey key, InplaceFunction<void(bool ok), 48> done) override;
    void release_run(RunOrdinal run) override { model_.release_run(run); }
    void keep_run(RunOrdinal run) override { model_.keep_run(run); }
    void let_run_go(RunOrdinal run) override { model_.let_run_go(run); }

   private:
    StoreModel& model_;
  };

  void append_from(bool worker, NewEvent event, DrawKey key, AppendDone done);
  void decide_from(bool worker, SignalDecision decision, DrawKey key, DecideDone done);
  Slot answer_from(bool worker, Kind kind, RunOrdinal run, DrawKey key, InplaceFunction<void(bool ok), 48> done);

  // A request's way
  Slot open(Kind kind, bool worker, RunOrdinal run, DrawKey key);
  Duration write_time(const DrawKey& key, std::uint64_t salt, bool worker) const;
  void send(Slot slot);
  void arrive(Slot slot);
  void send_copy(Slot slot);
  void wait_in_line(Slot slot);
  void occupy(Slot slot);
  void pump();
  void set_queue_length(std::size_t length);
  void latency_over(Slot slot);
  void budget_over(Slot slot);
  void break_off(Slot slot);
  void work(Slot slot);
  void answer(Slot slot);
  void deliver(Slot slot);
  void close(Slot slot);

  // What is done at its end
  void commit(Request& request);
  bool readable(RunOrdinal run);
  void commit_append(Request& request);
  void commit_decide(Request& request);
  bool drawn_committed(const Request& request) const;
  static void set_failed(Request& request, StoreError error);
  void tell_committed(const NewEvent& event, const AppendReceipt& receipt);
  void tell_allowed(const Request& request, const DecideOutcome& outcome);
  void break_connections();
  void let_link_through();
  std::vector<Slot> active_in(Stage stage) const;
  static std::uint64_t salt_of(const Request& request);

  bool has_work_of(std::uint32_t run) const;
  void release_if_done(std::uint32_t run);

  Timers& timers_;
  const Random& random_;
  Telemetry& telemetry_;
  StateStore& rows_;
  StoreModelOptions options_;
  WorkerSide workers_;
  const LatencyScale* scale_ = nullptr;
  const LatencyScale* disk_scale_ = nullptr;
  const LatencyScale* throttle_ = nullptr;
  const LatencyScale* link_scale_ = nullptr;
  ReadReplica* replica_ = nullptr;
  bool read_rows_ = false;
  bool outage_ = false;
  bool failover_ = false;
  bool commit_unknown_ = false;
  bool error_ = false;
  bool pool_taken_ = false;
  bool link_partition_ = false;
  bool link_loss_ = false;
  bool link_duplicate_ = false;
  bool acks_lost_ = false;
  std::uint32_t busy_ = 0;
  std::uint64_t numbers_ = 0;
  std::deque<Request> slots_;  // a slot never moves
  std::vector<Slot> free_slots_;
  std::vector<Slot> active_;  // open requests, in no order
  struct InLine {
    Slot slot = 0;
    std::uint64_t number = 0;  // stale when the slot holds another request by now
  };
  std::deque<InLine> line_;  // for a connection, first come first served
  std::size_t queue_length_ = 0;
  ServerLoad load_;
  std::map<std::uint32_t, std::uint32_t> kept_;  // by run: how often it is kept
  std::vector<std::uint32_t> releases_;          // runs to be released once their last request has ended
};

}  // namespace dvt::sim
