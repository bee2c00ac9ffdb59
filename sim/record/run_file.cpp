#include "sim/record/run_file.h"

#include <cstdint>
#include <filesystem>

#include "engine/base/format.h"
#include "sim/record/run_recorder.h"

namespace dvt::sim {
namespace {

std::string run_db_in(const std::string& directory) {
  const std::filesystem::path path = std::filesystem::path(directory) / "run.db";
  if (!std::filesystem::exists(path))
    throw Error(fmt::format("{}: no run.db in there; expected the directory of a `dvtsim run --out`", directory));
  return path.string();
}

}  // namespace

RunFile::RunFile(const std::string& directory) : db_(run_db_in(directory), store::db::Open::read_only) {
  const std::string version = db_.query_text("SELECT value FROM meta WHERE key = 'format_version' ORDER BY key");
  if (version != fmt::format("{}", kRunDbFormat))
    throw Error(fmt::format("{}/run.db: format version '{}', expected {}", directory, version, kRunDbFormat));
}

std::string RunFile::meta(std::string_view key) {
  store::db::Statement row(db_, "SELECT value FROM meta WHERE key = ?1 ORDER BY key");
  row.bind_text(1, key);
  return row.step() ? std::string(row.text_at(0)) : std::string();
}

std::vector<RecordedExecution> RunFile::executions() {
  std::vector<RecordedExecution> found;
  store::db::Statement rows(db_,
                            "SELECT run_no, run_id, child, chain, events FROM history ORDER BY run_no, child, chain");
  while (rows.step())
    found.push_back({rows.u32_at(0), std::string(rows.text_at(1)), rows.u32_at(2), rows.u32_at(3), rows.u32_at(4)});
  return found;
}

std::string RunFile::history_json(const RecordedExecution& execution) {
  store::db::Statement row(db_,
                           "SELECT json FROM history WHERE run_no = ?1 AND child = ?2 AND chain = ?3 ORDER BY rowid");
  row.bind(1, execution.run_no);
  row.bind(2, execution.child);
  row.bind(3, execution.chain);
  if (!row.step()) throw Error(fmt::format("run.db has no history of run {}", execution.run_id));
  return std::string(row.text_at(0));
}

UnixNanos RunFile::start() {
  return UnixNanos{db_.query_int("SELECT value FROM meta WHERE key = 'start_unix_ns' ORDER BY key")};
}

std::vector<RecordedSeries> RunFile::series() {
  std::vector<RecordedSeries> found;
  store::db::Statement rows(db_, "SELECT series_no, name, labels, kind FROM series ORDER BY series_no");
  while (rows.step()) {
    RecordedSeries one{rows.u32_at(0), std::string(rows.text_at(1)), {}, MetricKind::counter};
    for (const MetricKind kind : {MetricKind::counter, MetricKind::gauge, MetricKind::histogram})
      if (rows.text_at(3) == to_string(kind)) one.kind = kind;
    found.push_back(std::move(one));
  }
  // SQLite reads the labels' JSON.
  store::db::Statement labels(db_,
                              "SELECT series_no, j.key, j.value FROM series, json_each(series.labels) AS j "
                              "ORDER BY series_no, j.key");
  auto at = found.begin();
  while (labels.step()) {
    while (at->series_no != labels.u32_at(0)) ++at;
    at->labels.emplace_back(labels.text_at(1), labels.text_at(2));
  }
  return found;
}

std::vector<Sample> RunFile::samples(std::uint32_t series_no, Instant from, Instant to) {
  std::vector<Sample> all;
  store::db::Statement chunks(db_,
                              "SELECT first_at_ns, data FROM sample_chunk WHERE series_no = ?1 AND chunk_no BETWEEN ?2 "
                              "AND ?3 ORDER BY chunk_no");
  chunks.bind(1, series_no);
  chunks.bind(2, from.ns / kSampleChunk.ns);
  chunks.bind(3, to.ns / kSampleChunk.ns);
  while (chunks.step()) {
    const std::vector<Sample> chunk = decode_samples(chunks.blob_at(1), Instant{chunks.int_at(0)});
    all.insert(all.end(), chunk.begin(), chunk.end());
  }
  return all;
}

std::vector<Instant> RunFile::sample_times() {
  // A series that was there at the first sample has one at each.
  store::db::Statement row(db_, "SELECT series_no FROM sample_chunk ORDER BY first_at_ns, series_no LIMIT 1");
  std::vector<Instant> times;
  if (!row.step()) return times;
  for (const Sample& sample : samples(row.u32_at(0), Instant{}, Instant{INT64_MAX})) times.push_back(sample.at);
  return times;
}

bool RunFile::has_run(std::string_view run_id) {
  store::db::Statement row(db_, "SELECT run_no FROM run_summary WHERE run_id = ?1 ORDER BY run_no");
  row.bind_text(1, run_id);
  return row.step();
}

}  // namespace dvt::sim
