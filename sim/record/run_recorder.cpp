#include "sim/record/run_recorder.h"

#include "engine/base/format.h"

#include <filesystem>
#include <system_error>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "sim/record/run_schema.h"

namespace dvt::sim {
namespace {

// Rows a transaction holds before it is committed; the partial file has no journal, so this only bounds memory.
constexpr std::uint64_t kRowsPerCommit = 20'000;

std::string partial_path(const std::string& path) {
  return path + ".partial";
}

void remove_with_sidecars(const std::string& path) {
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) std::filesystem::remove(path + suffix, ignored);
}

std::string named(const std::vector<std::string>& names, std::uint32_t index) {
  return index < names.size() ? names[index] : fmt::format("{}", index);
}

}  // namespace

std::string_view to_string(TimelineKind kind) {
  switch (kind) {
    case TimelineKind::phase:
      return "phase";
    case TimelineKind::fault:
      return "fault";
    case TimelineKind::alert:
      return "alert";
    case TimelineKind::signal:
      return "signal";
    case TimelineKind::pause:
      return "pause";
    case TimelineKind::worker:
      return "worker";
    case TimelineKind::operation:
      return "operation";
    case TimelineKind::notice:
      return "notice";
  }
  return "unknown";
}

struct RunRecorder::Statements {
  explicit Statements(store::db::Database& db)
      : timeline(db, "INSERT INTO timeline (at_ns, kind, name, run_no, text) VALUES (?1, ?2, ?3, ?4, ?5)"),
        series(db, "INSERT INTO series (series_no, name, labels, kind) VALUES (?1, ?2, ?3, ?4)"),
        chunk(db,
              "INSERT INTO sample_chunk (series_no, chunk_no, first_at_ns, samples, data) VALUES (?1, ?2, ?3, ?4, ?5)"),
        summary(db,
                "INSERT INTO run_row VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
                " ?17, ?18, ?19)"),
        word(db, "INSERT INTO run_word (word_no, text) VALUES (?1, ?2)"),
        history(db, "INSERT INTO history (run_no, run_id, chain, events, json, child) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"),
        meta(db,
             "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value") {}
  store::db::Statement timeline, series, chunk, summary, word, history, meta;
};

RunRecorder::RunRecorder(RecorderOptions options) : options_(std::move(options)) {
  remove_with_sidecars(partial_path(options_.path));
  remove_with_sidecars(store_copy_path());
  try {
    db_ = std::make_unique<store::db::Database>(partial_path(options_.path));
    // A partial file is thrown away when anything fails: it needs neither journal nor syncs.
    db_->exec("PRAGMA page_size = 16384");
    db_->exec("PRAGMA journal_mode = OFF");
    db_->exec("PRAGMA synchronous = OFF");
    db_->exec(run_tables_sql().c_str());
  } catch (const store::db::DbError& error) {
    db_.reset();
    throw Error(fmt::format("cannot write {}: {}", options_.path, error.what()));
  }
  sql_ = std::make_unique<Statements>(*db_);
  db_->exec("BEGIN");
}

RunRecorder::~RunRecorder() {
  sql_.reset();
  db_.reset();
  remove_with_sidecars(partial_path(options_.path));
  remove_with_sidecars(store_copy_path());
}

void RunRecorder::wrote_row() {
  if (++pending_rows_ < kRowsPerCommit) return;
  db_->exec("COMMIT");
  db_->exec("BEGIN");
  pending_rows_ = 0;
}

void RunRecorder::timeline(Instant at, TimelineKind kind, std::string_view name, std::string_view text,
                           RunOrdinal run) {
  auto& row = sql_->timeline;
  row.bind(1, at.ns);
  row.bind_text(2, to_string(kind));
  row.bind_text(3, name);
  if (run.value == UINT32_MAX) {
    row.bind_null(4);
  } else {
    row.bind(4, run.value);
  }
  row.bind_text(5, text);
  row.run();
  wrote_row();
}

void RunRecorder::notice(Instant at, std::string_view name, std::string_view text, RunOrdinal run) {
  if (++notices_ <= kNoticeLimit) timeline(at, TimelineKind::notice, name, text, run);
}

void RunRecorder::add_history(RunOrdinal run, std::uint32_t child, std::uint32_t chain, const Uuid& run_id,
                              std::uint32_t events, std::string_view text) {
  const std::string id = to_string(run_id);
  auto& row = sql_->history;
  row.bind(1, run.value);
  row.bind_text(2, id);
  row.bind(3, chain);
  row.bind(4, events);
  row.bind_text(5, text);
  row.bind(6, child);
  row.run();
  wrote_row();
}

// ---- Samples ----

void RunRecorder::series_added(std::uint32_t id, const SeriesInfo& info) {
  std::string labels;
  json::Writer writer(labels);
  writer.begin_object();
  for (const auto& [name, value] : info.labels) writer.member(name, value);
  writer.end_object();
  auto& row = sql_->series;
  row.bind(1, id);
  row.bind_text(2, info.name);
  row.bind_text(3, labels);
  row.bind_text(4, to_string(info.kind));
  row.run();
  wrote_row();
  if (id >= encoders_.size()) encoders_.resize(id + std::size_t{1});
}

void RunRecorder::sampled(Instant at, std::span<const double> values) {
  const std::int64_t chunk = at.ns / kSampleChunk.ns;
  if (chunk != chunk_) flush_chunks();
  chunk_ = chunk;
  for (std::size_t id = 0; id < values.size(); ++id) encoders_[id].add(at, values[id]);
}

void RunRecorder::flush_chunks() {
  for (std::size_t id = 0; id < encoders_.size(); ++id) {
    SampleEncoder& encoder = encoders_[id];
    if (encoder.empty()) continue;
    auto& row = sql_->chunk;
    row.bind(1, static_cast<std::uint64_t>(id));
    row.bind(2, chunk_);
    row.bind(3, encoder.first_at().ns);
    row.bind(4, encoder.count());
    const std::string blob = encoder.take();
    row.bind_blob(5, blob.data(), blob.size());
    row.run();
    wrote_row();
  }
}

// ---- Runs ----

RunRecorder::OpenRun* RunRecorder::find(RunOrdinal run) {
  const std::uint32_t slot = index_.find(run.value);
  return slot == store::db::OrdinalMap::kNone ? nullptr : &runs_[slot];
}

void RunRecorder::drop(RunOrdinal run) {
  const std::uint32_t slot = index_.find(run.value);
  if (slot == store::db::OrdinalMap::kNone) return;
  index_.erase(run.value);
  free_.push_back(slot);
}

void RunRecorder::run_requested(RunOrdinal run, PlanOrdinal, TenantOrdinal tenant, Instant) {
  if (find(run) != nullptr) return;
  std::uint32_t slot = 0;
  if (free_.empty()) {
    slot = static_cast<std::uint32_t>(runs_.size());
    runs_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
    runs_[slot] = OpenRun{};
  }
  index_.insert(run.value, slot);
  runs_[slot].tenant = tenant;
}

void RunRecorder::run_accepted(const RunAccepted& fact) {
  if (OpenRun* run = find(fact.run)) {
    run->run_id = fact.run_id;
    run->accepted = true;
    run->accepted_at = fact.accepted_at;
  }
}

void RunRecorder::run_rejected(RunOrdinal run, std::string_view, Instant) {
  drop(run);
}

void RunRecorder::run_started(RunOrdinal ordinal, PlanOrdinal, Instant at) {
  if (OpenRun* run = find(ordinal)) {
    run->started = true;
    run->started_at = at;
  }
}

std::uint32_t RunRecorder::word(std::string_view text) {
  const auto known = words_.find(text);
  if (known != words_.end()) return known->second;
  const auto number = static_cast<std::uint32_t>(words_.size());
  words_.emplace(text, number);
  auto& row = sql_->word;
  row.bind(1, number);
  row.bind_text(2, text);
  row.run();
  wrote_row();
  return number;
}

void RunRecorder::run_closed(const RunClosed& fact) {
  const OpenRun* run = find(fact.run);
  if (run == nullptr) return;
  const bool known_plan = fact.plan.value < options_.plans.size();
  const std::string plan_id = known_plan ? options_.plans[fact.plan.value].first : fmt::format("{}", fact.plan.value);
  const std::string tenant = named(options_.tenants, run->tenant.value);
  auto& row = sql_->summary;
  row.bind(1, fact.run.value);
  row.bind_blob(2, run->run_id.bytes.data(), run->run_id.bytes.size());
  row.bind(3, word(plan_id));
  row.bind(4, word(known_plan ? std::string_view(options_.plans[fact.plan.value].second) : std::string_view()));
  row.bind(5, word(tenant));
  row.bind(6, fact.requested_at.ns);
  const auto bind_instant = [&](int column, bool known, Instant at) {
    if (known) {
      row.bind(column, (at - fact.requested_at).ns);
    } else {
      row.bind_null(column);
    }
  };
  bind_instant(7, run->accepted, run->accepted_at);
  bind_instant(8, run->started, run->started_at);
  row.bind(9, (fact.closed_at - fact.requested_at).ns);
  row.bind(10, word(to_string(fact.outcome)));
  row.bind(11, word(to_string(fact.error_class)));
  row.bind(12, word(fact.error_code));
  row.bind(13, run->events);
  row.bind(14, run->steps);
  row.bind(15, run->activities);
  row.bind(16, run->retries);
  row.bind(17, run->workflow_tasks);
  row.bind(18, run->replayed);
  row.bind(19, run->pauses);
  row.run();
  wrote_row();
  drop(fact.run);
}

void RunRecorder::run_paused(RunOrdinal ordinal, Instant at) {
  if (OpenRun* run = find(ordinal)) ++run->pauses;
  timeline(at, TimelineKind::pause, "paused", "the interpreter stands still", ordinal);
}

void RunRecorder::run_resumed(RunOrdinal ordinal, Instant at) {
  timeline(at, TimelineKind::pause, "resumed", "the interpreter goes on", ordinal);
}

void RunRecorder::signal_decided(const SignalFact& fact) {
  const std::string text = fact.code.empty() ? std::string(to_string(fact.status))
                                             : fmt::format("{} ({})", to_string(fact.status), fact.code);
  timeline(fact.at, TimelineKind::signal, to_string(fact.type), text, fact.run);
}

void RunRecorder::signal_lost(const SignalFact& fact) {
  timeline(fact.at, TimelineKind::signal, to_string(fact.type), "lost", fact.run);
}

void RunRecorder::activity_scheduled(const ActivityFact& fact) {
  OpenRun* run = find(fact.run);
  if (run == nullptr) return;
  if (fact.attempt > 1) {
    ++run->retries;
    return;
  }
  ++run->activities;
  if (fact.kind == ActivityKind::step) ++run->steps;
}

void RunRecorder::workflow_task_completed(const WorkflowTaskFact& fact) {
  if (OpenRun* run = find(fact.run)) {
    ++run->workflow_tasks;
    if (fact.replayed_events > 0) ++run->replayed;
  }
}

void RunRecorder::event_committed(const StoredEvent& event) {
  if (OpenRun* run = find(event.run)) ++run->events;
}

// ---- The rest of the timeline ----

void RunRecorder::nondeterminism(RunOrdinal run, std::string_view report, Instant at) {
  notice(at, "NON_DETERMINISM", report, run);
}

void RunRecorder::worker_changed(std::uint32_t queue, std::uint32_t worker, bool up, Instant at) {
  timeline(at, TimelineKind::worker, fmt::format("{}/{}", named(options_.queues, queue), worker), up ? "up" : "down");
}

void RunRecorder::gap_confirmed(RunOrdinal run, Instant at) {
  notice(at, "PROJECTION_GAP", "confirmed", run);
}

void RunRecorder::notice(const NoticeFact& fact) {
  notice(fact.at, fact.name, fact.text, fact.run);
}

void RunRecorder::dead_lettered(std::uint32_t subscription, const StoredEvent& event, Instant at) {
  const std::string who =
      subscription == UINT32_MAX ? std::string("outbox") : named(options_.subscriptions, subscription);
  notice(at, "DEAD_LETTER", fmt::format("{} gave up on position {} ({})", who, event.position, to_string(event.type)),
         event.run);
}

void RunRecorder::fault_injected(std::string_view name, Instant at) {
  timeline(at, TimelineKind::fault, name, "injected");
}
void RunRecorder::fault_healed(std::string_view name, Instant at) {
  timeline(at, TimelineKind::fault, name, "healed");
}

// ---- The end ----

// The store's copy gets the recorder's tables, row by row in their order.
void RunRecorder::join_store_copy() {
  store::db::Database joined(store_copy_path(), store::db::Open::existing);
  joined.exec("PRAGMA journal_mode = DELETE");  // one file, without sidecars
  joined.exec("PRAGMA synchronous = OFF");
  {
    const std::string partial = partial_path(options_.path);
    store::db::Statement attach(joined, "ATTACH DATABASE ?1 AS recorded");
    attach.bind_text(1, partial);
    attach.run();
  }
  joined.exec("BEGIN");
  joined.exec(run_tables_sql().c_str());
  for (const std::string_view table : kRunTables) {
    joined.exec(fmt::format("INSERT INTO main.{0} SELECT * FROM recorded.{0} ORDER BY rowid", table).c_str());
  }
  joined.exec(run_views_sql(options_.start).c_str());
  joined.exec("COMMIT");
  joined.exec("DETACH DATABASE recorded");
}

void RunRecorder::finish(const std::vector<std::pair<std::string, std::string>>& meta) {
  if (finished_) throw Error("a recording was finished twice");
  finished_ = true;
  try {
    flush_chunks();
    const auto add_meta = [this](std::string_view key, std::string_view value) {
      sql_->meta.bind_text(1, key);
      sql_->meta.bind_text(2, value);
      sql_->meta.run();
    };
    for (const auto& [key, value] : meta) add_meta(key, value);
    add_meta("format_version", fmt::format("{}", kRunDbFormat));
    add_meta("start", format_rfc3339(options_.start, 9));
    add_meta("start_unix_ns", fmt::format("{}", options_.start.ns));
    add_meta("notices", fmt::format("{}", notices_));
    db_->exec("COMMIT");

    std::string whole = partial_path(options_.path);
    if (std::filesystem::exists(store_copy_path())) {
      sql_.reset();
      db_.reset();
      join_store_copy();
      whole = store_copy_path();
    } else {
      db_->exec(run_views_sql(options_.start).c_str());
      sql_.reset();
      db_.reset();
    }
    remove_with_sidecars(options_.path);
    std::filesystem::rename(whole, options_.path);
    remove_with_sidecars(partial_path(options_.path));
  } catch (const store::db::DbError& error) {
    throw Error(fmt::format("cannot write {}: {}", options_.path, error.what()));
  } catch (const std::filesystem::filesystem_error& error) {
    throw Error(fmt::format("cannot write {}: {}", options_.path, error.what()));
  }
}

}  // namespace dvt::sim
