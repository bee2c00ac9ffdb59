// Event digests: what `--verify` compares. Each fact of the fingerprint becomes one compact record with the running
// hash after it; two processes write their records to two streams, and the first record that differs names the first
// diverging event of both (design §3). Nothing here runs unless a sink was set.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

#include "engine/base/time.h"

namespace dvt::sim {

/// The facts that enter the fingerprint. Values are written to streams: append, never renumber.
enum class DigestFact : std::uint8_t {
  run_requested = 1,
  run_accepted,
  run_rejected,
  run_started,
  run_closed,
  run_paused,
  run_resumed,
  signal_decided,
  signal_applied,
  signal_lost,
  activity_scheduled,
  activity_started,
  activity_closed,
  activity_retry,
  workflow_task_completed,
  workflow_task_failed,
  nondeterminism,
  timer_fired,
  worker_changed,
  warehouse_done,
  append_duplicate,
  append_failed,
  event_committed,
  snapshots_committed,
  snapshot,
  gap_suspected,
  gap_confirmed,
  outbox_leased,
  outbox_published,
  delivered,
  dead_lettered,
  fault_injected,
  fault_healed,
  fault_struck,
  notice,
  signal_repeated,
  run_request_given_up,
  child_started,
  child_closed,
  spool_changed,
};

/// Stands where a fact concerns no single run.
inline constexpr std::uint32_t kNoRun = 0xFFFFFFFF;

struct DigestRecord {
  std::uint64_t sequence = 0;  // from 1
  Instant at;
  DigestFact fact = DigestFact::run_requested;
  std::uint32_t run = kNoRun;
  std::uint64_t a = 0, b = 0, c = 0;  // the fact's own numbers, see describe()
  std::uint64_t hash = 0;             // running hash after this fact
  bool operator==(const DigestRecord&) const = default;
};

/// "#17 at 1m2.5s: event_committed, run 12, seq 5, StepStarted of step 3, position 99".
std::string describe(const DigestRecord& record);

class DigestSink {
 public:
  virtual ~DigestSink() = default;
  virtual void add(const DigestRecord& record) = 0;
};

/// Writes records to a binary stream in blocks; about 20 bytes each. finish() writes the trailer and flushes; a stream
/// without a trailer is one whose process broke off.
class DigestLog final : public DigestSink {
 public:
  /// `out` must outlive the log and be open in binary mode.
  explicit DigestLog(std::ostream& out);
  void add(const DigestRecord& record) override;
  /// Throws dvt::Error when the stream has failed.
  void finish();

 private:
  void flush_block();

  std::ostream& out_;
  std::string block_;
  Instant last_at_;
  std::uint64_t records_ = 0;
  std::uint64_t hash_ = 0;
};

/// Reads what DigestLog wrote.
class DigestReader {
 public:
  explicit DigestReader(std::istream& in);
  /// nullopt at the end; complete() says whether the trailer was there. Throws dvt::Error when the bytes are no digest
  /// stream.
  std::optional<DigestRecord> next();
  bool complete() const { return complete_; }
  std::uint64_t records() const { return records_; }

 private:
  bool fill();
  std::optional<std::uint8_t> byte();
  std::optional<std::uint64_t> varint();
  std::optional<std::uint64_t> word();

  std::istream& in_;
  std::string block_;
  std::size_t at_ = 0;
  Instant last_at_;
  std::uint64_t records_ = 0;
  bool ended_ = false;
  bool complete_ = false;
};

/// The first difference of two streams.
struct DigestDivergence {
  std::uint64_t sequence = 0;  // the fact's number in both
  std::string first;           // what the first process did there
  std::string second;
};

/// nullopt when both streams are complete and equal. Throws dvt::Error when one is no digest stream.
std::optional<DigestDivergence> compare_digest_streams(std::istream& first, std::istream& second);

}  // namespace dvt::sim
