// Builders and comparisons shared by the store's tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/sha256.h"
#include "engine/ports/state_store.h"
#include "engine/ports/telemetry.h"
#include "store/memory/memory_state_store.h"
#include "store/sqlite/sqlite_state_store.h"

namespace dvt::test {

/// 2026-01-01T00:00:00Z.
inline constexpr UnixNanos kStart{1'767'225'600'000'000'000};

inline PlanRecord make_plan(std::uint32_t ordinal, std::uint32_t steps) {
  PlanRecord plan{PlanOrdinal{ordinal}, "plan-" + std::to_string(ordinal), "1", {}};
  for (std::uint32_t i = 0; i < steps; ++i) plan.step_ids.push_back("step-" + std::to_string(i));
  return plan;
}

/// Run ids and request keys are made from the ordinal.
inline RunRecord make_run(std::uint32_t ordinal, std::uint32_t plan = 0, std::uint32_t tenant = 0) {
  RunRecord run;
  run.ordinal = RunOrdinal{ordinal};
  run.run_id = uuid_v4_from(0x1111'2222'3333'4444, ordinal);
  run.plan = PlanOrdinal{plan};
  run.tenant = TenantOrdinal{tenant};
  run.request_key = sha256("request " + std::to_string(ordinal));
  run.requested_at = Instant{milliseconds(ordinal).ns};
  return run;
}

/// Key and event id are made from the other fields, so the same arguments give a duplicate.
inline NewEvent make_event(std::uint32_t run, EventType type, StepIndex step = kNoStep, std::uint32_t attempt = 1,
                           Instant emitted_at = {}) {
  NewEvent event;
  event.run = RunOrdinal{run};
  event.type = type;
  event.step = step;
  event.logical_attempt = attempt;
  const std::string text = std::to_string(run) + "|" + std::to_string(step.value) + "|" + std::to_string(attempt) +
                           "|" + std::to_string(static_cast<int>(type));
  event.idempotency_key = sha256(text);
  for (std::size_t i = 0; i < 16; ++i) event.event_id.bytes[i] = event.idempotency_key.bytes[i];
  event.emitted_at = emitted_at;
  return event;
}

/// `number` tells events of a run apart where their meaning does not matter.
inline NewEvent numbered_event(std::uint32_t run, std::uint32_t number) {
  return make_event(run, EventType::step_started, StepIndex{0}, number + 1);
}

inline void describe_world(StateStore& store, std::uint32_t runs, std::uint32_t steps = 4) {
  store.add_plan(make_plan(0, steps));
  store.add_tenant(TenantRecord{TenantOrdinal{0}, "tenant-0"});
  for (std::uint32_t i = 0; i < runs; ++i) store.add_run(make_run(i));
}

inline std::string text_of(const StoredEvent& event) {
  return std::to_string(event.position) + " run " + std::to_string(event.run.value) + " seq " +
         std::to_string(event.run_seq) + " type " + std::to_string(static_cast<int>(event.type)) + " step " +
         std::to_string(event.step.value) + " attempts " + std::to_string(event.logical_attempt) + "/" +
         std::to_string(event.engine_attempt) + " id " + to_string(event.event_id) + " key " +
         to_hex(event.idempotency_key) + " emitted " + std::to_string(event.emitted_at.ns) + " persisted " +
         std::to_string(event.persisted_at.ns) + " payload " + (event.payload ? *event.payload : "-");
}

inline std::vector<std::string> texts_of(const std::vector<StoredEvent>& events) {
  std::vector<std::string> texts;
  for (const StoredEvent& event : events) texts.push_back(text_of(event));
  return texts;
}

inline std::vector<StoredEvent> events_of(StateStore& store, std::uint32_t run) {
  std::vector<StoredEvent> events;
  store.fetch(RunOrdinal{run}, 0, 1'000'000, events);
  return events;
}

/// A file name in the test's temporary directory; the file and SQLite's files beside it are removed at both ends.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& name) : path_(testing::TempDir() + "dvt_store_" + name + ".db") {
    remove();
  }
  ~TemporaryFile() { remove(); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  void remove() const {
    for (const char* database : {"", "-archive"})
      for (const char* suffix : {"", "-wal", "-shm", "-journal"}) std::remove((path_ + database + suffix).c_str());
  }
  std::string path_;
};

inline store::SqliteOptions sqlite_options(const std::string& path = ":memory:",
                                           store::Commit commit = store::Commit::batched, std::uint32_t rows = 10'000) {
  store::SqliteOptions options;
  options.path = path;
  options.start = kStart;
  options.commit = commit;
  options.rows_per_commit = rows;
  return options;
}

inline store::MemoryOptions memory_options(store::Keep keep = store::Keep::all) {
  store::MemoryOptions options;
  options.start = kStart;
  options.keep = keep;
  return options;
}

}  // namespace dvt::test
