// The record's binary form. A record: fact (1 byte, not 0), the instant as a zigzag difference to the record before,
// run + 1, a, b, c, each as a variable-length integer of 7 bits a byte, then the hash in 8 bytes, least significant
// first. The trailer: a 0 byte, the number of records, the last hash.
#include "sim/check/digest.h"

#include "engine/base/format.h"

#include <istream>
#include <ostream>

#include "engine/base/event_type.h"
#include "engine/base/result.h"
#include "engine/base/snapshot.h"
#include "engine/ports/telemetry.h"

namespace dvt::sim {
namespace {

constexpr std::string_view kMagic = "DVTDIGEST1\n";
constexpr std::size_t kBlock = 1 << 18;
constexpr std::uint64_t kLastFact = static_cast<std::uint64_t>(DigestFact::child_closed);

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void put_word(std::string& out, std::uint64_t value) {
  for (int i = 0; i < 8; ++i, value >>= 8) out += static_cast<char>(value);
}

std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

const char* name_of(DigestFact fact) {
  switch (fact) {
    case DigestFact::run_requested:
      return "run_requested";
    case DigestFact::run_accepted:
      return "run_accepted";
    case DigestFact::run_rejected:
      return "run_rejected";
    case DigestFact::run_started:
      return "run_started";
    case DigestFact::run_closed:
      return "run_closed";
    case DigestFact::run_paused:
      return "run_paused";
    case DigestFact::run_resumed:
      return "run_resumed";
    case DigestFact::signal_decided:
      return "signal_decided";
    case DigestFact::signal_applied:
      return "signal_applied";
    case DigestFact::signal_lost:
      return "signal_lost";
    case DigestFact::activity_scheduled:
      return "activity_scheduled";
    case DigestFact::activity_started:
      return "activity_started";
    case DigestFact::activity_closed:
      return "activity_closed";
    case DigestFact::activity_retry:
      return "activity_retry";
    case DigestFact::workflow_task_completed:
      return "workflow_task_completed";
    case DigestFact::workflow_task_failed:
      return "workflow_task_failed";
    case DigestFact::nondeterminism:
      return "nondeterminism";
    case DigestFact::timer_fired:
      return "timer_fired";
    case DigestFact::worker_changed:
      return "worker_changed";
    case DigestFact::warehouse_done:
      return "warehouse_done";
    case DigestFact::append_duplicate:
      return "append_duplicate";
    case DigestFact::append_failed:
      return "append_failed";
    case DigestFact::event_committed:
      return "event_committed";
    case DigestFact::snapshots_committed:
      return "snapshots_committed";
    case DigestFact::snapshot:
      return "snapshot";
    case DigestFact::gap_suspected:
      return "gap_suspected";
    case DigestFact::gap_confirmed:
      return "gap_confirmed";
    case DigestFact::outbox_leased:
      return "outbox_leased";
    case DigestFact::outbox_published:
      return "outbox_published";
    case DigestFact::delivered:
      return "delivered";
    case DigestFact::dead_lettered:
      return "dead_lettered";
    case DigestFact::fault_injected:
      return "fault_injected";
    case DigestFact::fault_healed:
      return "fault_healed";
    case DigestFact::fault_struck:
      return "fault_struck";
    case DigestFact::notice:
      return "notice";
    case DigestFact::spool_changed:
      return "spool";
    case DigestFact::signal_repeated:
      return "signal_repeated";
    case DigestFact::run_request_given_up:
      return "run_request_given_up";
    case DigestFact::child_started:
      return "child_started";
    case DigestFact::child_closed:
      return "child_closed";
  }
  return "unknown";
}

std::uint32_t low(std::uint64_t word) {
  return static_cast<std::uint32_t>(word);
}
std::uint32_t high(std::uint64_t word) {
  return static_cast<std::uint32_t>(word >> 32);
}

// Numbers from a stream are not to be trusted: a value outside its enum is shown as a number.
template <class Enum>
std::string enum_text(std::uint64_t value, Enum last) {
  if (value > static_cast<std::uint64_t>(last)) return fmt::format("{}", value);
  return std::string(to_string(static_cast<Enum>(value)));
}

std::string step_text(std::uint32_t step) {
  return step == kNoStep.value ? std::string() : fmt::format(" of step {}", step);
}

std::string event_text(std::uint64_t word) {
  return enum_text(word & 0xFF, EventType::step_skipped) + step_text(low(word >> 8));
}

std::string activity_text(const DigestRecord& record) {
  return fmt::format("activity {} attempt {}{}", low(record.a), high(record.a), step_text(low(record.b)));
}

std::string detail(const DigestRecord& r) {
  switch (r.fact) {
    case DigestFact::run_requested:
    case DigestFact::run_accepted:
      return fmt::format("plan {}, tenant {}", r.a, r.b);
    case DigestFact::run_started:
      return fmt::format("plan {}", r.a);
    case DigestFact::run_closed:
      return fmt::format("{}, error class {}", enum_text(r.a, RunOutcome::terminated),
                         enum_text(r.b, ErrorClass::user));
    case DigestFact::signal_decided:
    case DigestFact::signal_applied:
    case DigestFact::signal_lost:
    case DigestFact::signal_repeated:
      return fmt::format("signal {}, {}, {}", r.a, enum_text(r.b, SignalType::escalate_alert),
                         enum_text(r.c, DecisionStatus::deferred));
    case DigestFact::activity_scheduled:
    case DigestFact::activity_started:
      return activity_text(r);
    case DigestFact::activity_closed:
      return activity_text(r) + ", " + enum_text(r.c, ActivityOutcome::cancelled);
    case DigestFact::activity_retry:
      return activity_text(r) + ", next at " + format_duration(Duration{static_cast<std::int64_t>(r.c)});
    case DigestFact::workflow_task_completed:
    case DigestFact::workflow_task_failed:
      return fmt::format("workflow task {} on worker {}, history of {} events, {} replayed", low(r.a), high(r.a), r.b,
                         r.c);
    case DigestFact::child_started:
      return fmt::format("child {}", r.a);
    case DigestFact::child_closed:
      return fmt::format("child {}, {}", r.a, enum_text(r.b, ChildEnd::timed_out));
    case DigestFact::timer_fired:
      return "due at " + format_duration(Duration{static_cast<std::int64_t>(r.a)});
    case DigestFact::worker_changed:
      return fmt::format("queue {}, worker {} {}", r.a, r.b, r.c != 0 ? "up" : "down");
    case DigestFact::warehouse_done:
      return fmt::format("warehouse {}{}, attempt {}, {}", low(r.a), step_text(low(r.b)), high(r.a),
                         r.c != 0 ? "ok" : "failed");
    case DigestFact::append_failed:
      return fmt::format("{}, {}", event_text(r.b), enum_text(r.a, StoreError::unknown_run));
    case DigestFact::spool_changed:
      return fmt::format("{}, {}, worker {}",
                         r.a == 0   ? "spooled"
                         : r.a == 1 ? "reconciled"
                                    : "lost",
                         event_text(r.b), r.c);
    case DigestFact::append_duplicate:
    case DigestFact::event_committed:
    case DigestFact::outbox_published:
      return fmt::format("run_seq {}, {}, position {}", r.a, event_text(r.b), r.c);
    case DigestFact::snapshots_committed:
      return fmt::format("partition {} up to position {}, {} events", r.a, r.b, r.c);
    case DigestFact::snapshot:
      return fmt::format("up to run_seq {}, {}{}{}, {} invalid transitions", r.a,
                         enum_text(r.b & 0xFF, RunStatus::cancelled), (r.b & 0x100) != 0 ? ", paused" : "",
                         (r.b & 0x200) != 0 ? ", inconsistent" : "", r.c);
    case DigestFact::outbox_leased:
      return fmt::format("relay {}, position {}, until {}", r.a, r.b,
                         format_duration(Duration{static_cast<std::int64_t>(r.c)}));
    case DigestFact::delivered:
      return fmt::format("subscription {}, position {}, attempt {}{}", low(r.a), r.b, high(r.a),
                         r.c != 0 ? "" : ", again");
    case DigestFact::dead_lettered:
      return low(r.a) == UINT32_MAX ? fmt::format("position {}, by the outbox", r.b)
                                    : fmt::format("subscription {}, position {}", r.a, r.b);
    default:
      return {};
  }
}

}  // namespace

std::string describe(const DigestRecord& record) {
  std::string text =
      fmt::format("#{} at {}: {}", record.sequence, format_duration(Duration{record.at.ns}), name_of(record.fact));
  if (record.run != kNoRun) text += fmt::format(", run {}", record.run);
  const std::string more = detail(record);
  return more.empty() ? text : text + ", " + more;
}

// ---- Writing ----

DigestLog::DigestLog(std::ostream& out) : out_(out), block_(kMagic) {
  block_.reserve(kBlock + 128);
}

void DigestLog::add(const DigestRecord& record) {
  block_ += static_cast<char>(record.fact);
  put_varint(block_, zigzag(record.at.ns - last_at_.ns));
  put_varint(block_, std::uint64_t{record.run} + 1);
  put_varint(block_, record.a);
  put_varint(block_, record.b);
  put_varint(block_, record.c);
  put_word(block_, record.hash);
  last_at_ = record.at;
  hash_ = record.hash;
  ++records_;
  if (block_.size() >= kBlock) flush_block();
}

void DigestLog::flush_block() {
  out_.write(block_.data(), static_cast<std::streamsize>(block_.size()));
  block_.clear();
}

void DigestLog::finish() {
  block_ += '\0';
  put_varint(block_, records_);
  put_word(block_, hash_);
  flush_block();
  out_.flush();
  if (!out_) throw Error("the digest stream could not be written");
}

// ---- Reading ----

DigestReader::DigestReader(std::istream& in) : in_(in) {
  std::string magic;
  while (magic.size() < kMagic.size()) {
    const auto next = byte();
    if (!next) break;
    magic += static_cast<char>(*next);
  }
  if (magic.empty()) {
    ended_ = true;  // broke off before the first block
  } else if (magic != kMagic) {
    throw Error("these bytes are no digest stream");
  }
}

bool DigestReader::fill() {
  block_.resize(kBlock);
  in_.read(block_.data(), static_cast<std::streamsize>(block_.size()));
  block_.resize(static_cast<std::size_t>(in_.gcount()));
  at_ = 0;
  return !block_.empty();
}

std::optional<std::uint8_t> DigestReader::byte() {
  if (at_ == block_.size() && !fill()) return std::nullopt;
  return static_cast<std::uint8_t>(block_[at_++]);
}

std::optional<std::uint64_t> DigestReader::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto next = byte();
    if (!next) return std::nullopt;
    if (shift > 63) throw Error("a digest stream is damaged: a number is too long");
    value |= std::uint64_t{*next & 0x7FU} << shift;
    if (*next < 0x80) return value;
  }
}

std::optional<std::uint64_t> DigestReader::word() {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i) {
    const auto next = byte();
    if (!next) return std::nullopt;
    value |= std::uint64_t{*next} << (8 * i);
  }
  return value;
}

std::optional<DigestRecord> DigestReader::next() {
  if (ended_) return std::nullopt;
  const auto fact = byte();
  if (fact && *fact == 0) {
    ended_ = true;
    const auto records = varint();
    complete_ = records && word() && *records == records_;
    return std::nullopt;
  }
  if (fact && *fact > kLastFact) throw Error("a digest stream is damaged: unknown fact");
  const auto at = varint();
  const auto run = varint();
  const auto a = varint();
  const auto b = varint();
  const auto c = varint();
  const auto hash = word();
  if (!fact || !at || !run || !a || !b || !c || !hash) {  // the process broke off
    ended_ = true;
    return std::nullopt;
  }
  std::int64_t now = 0;
  if (__builtin_add_overflow(last_at_.ns, unzigzag(*at), &now) || *run > std::uint64_t{kNoRun} + 1) {
    throw Error("a digest stream is damaged: a number is out of range");
  }
  last_at_ = Instant{now};
  return DigestRecord{++records_, last_at_, static_cast<DigestFact>(*fact), low(*run - 1), *a, *b, *c, *hash};
}

// ---- Comparing ----

namespace {

std::string side(const std::optional<DigestRecord>& record, const DigestReader& reader) {
  if (record) return describe(*record);
  return reader.complete() ? fmt::format("nothing: the run ended after {} facts", reader.records())
                           : fmt::format("nothing: the stream breaks off after {} facts", reader.records());
}

}  // namespace

std::optional<DigestDivergence> compare_digest_streams(std::istream& first, std::istream& second) {
  DigestReader a(first);
  DigestReader b(second);
  for (;;) {
    const auto x = a.next();
    const auto y = b.next();
    if (x && y && *x == *y) continue;
    if (!x && !y && a.complete() && b.complete()) return std::nullopt;
    DigestDivergence divergence{std::max(a.records() + (x ? 0 : 1), b.records() + (y ? 0 : 1)), side(x, a), side(y, b)};
    if (divergence.first == divergence.second && x && y) {
      divergence.first += fmt::format(" (content {:016x})", x->hash);
      divergence.second += fmt::format(" (content {:016x})", y->hash);
    }
    return divergence;
  }
}

}  // namespace dvt::sim
