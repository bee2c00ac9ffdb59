// RunRecorder: writes run.db, the SQLite file in which a run can be looked at afterwards (design §7; tables and columns
// in README.md). Passive: it listens to facts and samples. Everything goes to a partial file next to run.db; finish()
// joins it with the store's own tables, when there are any, and only then gives it its name: run.db is whole or it is
// not there. Memory: two hours of samples, and a few numbers for each run in flight.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/ports/telemetry.h"
#include "sim/measure/series.h"
#include "sim/record/sample_codec.h"
#include "store/db/database.h"
#include "store/db/ordinal_map.h"

namespace dvt::sim {

/// meta.format_version of the files written here.
inline constexpr int kRunDbFormat = 1;

/// One blob of samples covers this much.
inline constexpr Duration kSampleChunk = hours(2);

struct RecorderOptions {
  std::string path;                                        // the run.db to be; an old one is replaced at the end
  UnixNanos start;                                         // the scenario's start
  std::vector<std::pair<std::string, std::string>> plans;  // planId and planVersion by PlanOrdinal
  std::vector<std::string> tenants;                        // by TenantOrdinal
  std::vector<std::string> queues;                         // by the facts' queue index
  std::vector<std::string> subscriptions;                  // by the facts' subscription index
};

enum class TimelineKind : std::uint8_t { phase, fault, alert, signal, pause, worker, operation, notice };
std::string_view to_string(TimelineKind kind);

class RunRecorder final : public Telemetry, public SampleSink {
 public:
  /// Dead letters, confirmed gaps and the like beyond this many rows are only counted.
  static constexpr std::uint64_t kNoticeLimit = 10'000;

  /// Throws dvt::Error when the partial file cannot be made.
  explicit RunRecorder(RecorderOptions options);
  /// Removes the partial files when finish() was not reached.
  ~RunRecorder() override;
  RunRecorder(const RunRecorder&) = delete;
  RunRecorder& operator=(const RunRecorder&) = delete;

  /// Where a copy of the store's database must be put before finish(), if run.db is to hold its tables
  /// (SqliteStateStore::backup_to). Nothing is there otherwise.
  std::string store_copy_path() const { return options_.path + ".store"; }

  /// A row of the timeline that no fact tells: alerts, operations, the end of warm-up. Any order.
  void timeline(Instant at, TimelineKind kind, std::string_view name, std::string_view text,
                RunOrdinal run = RunOrdinal{UINT32_MAX});
  /// The history of one execution as JSON text: of a run (`child` 0) or of a child in its tree, `chain` 0, then 1 …
  /// after continue-as-new. `run_id` is that of the chain's first execution: the run's own, or the child's.
  void add_history(RunOrdinal run, std::uint32_t child, std::uint32_t chain, const Uuid& run_id, std::uint32_t events,
                   std::string_view json);
  /// Last: writes what is pending and `meta`, joins the store's copy and puts run.db in its place. Throws dvt::Error;
  /// there is no run.db then, unless an older one was there.
  void finish(const std::vector<std::pair<std::string, std::string>>& meta);

  // SampleSink
  void series_added(std::uint32_t id, const SeriesInfo& info) override;
  void sampled(Instant at, std::span<const double> values) override;

  // Telemetry
  void run_requested(RunOrdinal run, PlanOrdinal plan, TenantOrdinal tenant, Instant at) override;
  void run_accepted(const RunAccepted& fact) override;
  void run_rejected(RunOrdinal run, std::string_view code, Instant at) override;
  void run_started(RunOrdinal run, PlanOrdinal plan, Instant at) override;
  void run_closed(const RunClosed& fact) override;
  void run_paused(RunOrdinal run, Instant at) override;
  void run_resumed(RunOrdinal run, Instant at) override;
  void signal_decided(const SignalFact& fact) override;
  void signal_lost(const SignalFact& fact) override;
  void activity_scheduled(const ActivityFact& fact) override;
  void workflow_task_completed(const WorkflowTaskFact& fact) override;
  void event_committed(const StoredEvent& event) override;
  void nondeterminism(RunOrdinal run, std::string_view report, Instant at) override;
  void worker_changed(std::uint32_t queue, std::uint32_t worker, bool up, Instant at) override;
  void gap_confirmed(RunOrdinal run, Instant at) override;
  void notice(const NoticeFact& fact) override;
  void dead_lettered(std::uint32_t subscription, const StoredEvent& event, Instant at) override;
  void fault_injected(std::string_view name, Instant at) override;
  void fault_healed(std::string_view name, Instant at) override;

 private:
  struct Statements;
  struct OpenRun {
    Uuid run_id;
    TenantOrdinal tenant;
    bool accepted = false;
    bool started = false;
    Instant accepted_at;
    Instant started_at;
    std::uint32_t events = 0;
    std::uint32_t steps = 0;       // executeStep activities
    std::uint32_t activities = 0;  // all, first attempts
    std::uint32_t retries = 0;
    std::uint32_t workflow_tasks = 0;
    std::uint32_t replayed = 0;  // of these, how many replayed history
    std::uint32_t pauses = 0;
  };

  OpenRun* find(RunOrdinal run);
  void drop(RunOrdinal run);
  void flush_chunks();
  void notice(Instant at, std::string_view name, std::string_view text, RunOrdinal run);
  void wrote_row();
  /// The number of a text in run_word; written when it is new. Before a row that names it.
  std::uint32_t word(std::string_view text);
  void join_store_copy();

  RecorderOptions options_;
  std::unique_ptr<store::db::Database> db_;
  std::unique_ptr<Statements> sql_;
  store::db::OrdinalMap index_;
  std::vector<OpenRun> runs_;
  std::vector<std::uint32_t> free_;
  std::vector<SampleEncoder> encoders_;  // by series
  std::int64_t chunk_ = -1;
  std::uint64_t pending_rows_ = 0;
  std::uint64_t notices_ = 0;
  std::map<std::string, std::uint32_t, std::less<>> words_;  // of run_word
  bool finished_ = false;
};

}  // namespace dvt::sim
