// The rows of fault kinds, targets and known faults.
#include "sim/scenario/fault_kinds.h"

#include "engine/base/format.h"

#include "sim/scenario/reading.h"
#include "sim/scenario/words.h"

namespace dvt::sim {

std::span<const FaultKindInfo> fault_kinds() {
  using K = FaultKind;
  using T = TargetKind;
  static const std::vector<FaultKindInfo> rows{
      {K::latency,
       "Everything the target does takes `factor` times as long, give or take `jitter`, rising and falling over "
       "`ramp`.",
       {T::api, T::store, T::link_worker_store, T::projector, T::outbox, T::bus, T::adapter, T::warehouse, T::signals,
        T::plans},
       {T::api, T::store, T::link_worker_store, T::projector, T::outbox, T::bus, T::adapter, T::warehouse, T::signals,
        T::plans},
       {"factor", "jitter", "ramp"},
       true},
      {K::outage,
       "The target answers nothing; work that needs it waits, times out or fails as its caller prescribes. api: new "
       "requests are answered 503 at once. adapter: calls fail UNAVAILABLE and are made again, workers reach the "
       "provider "
       "no more, heartbeats stop. signals: everything is deferred. plans: fetches fail and are tried again.",
       {T::api, T::store, T::projector, T::outbox, T::bus, T::adapter, T::warehouse, T::signals, T::plans},
       {T::api, T::store, T::projector, T::outbox, T::bus, T::adapter, T::warehouse, T::signals, T::plans},
       {},
       true},
      {K::error,
       "`share` of the requests is answered with an error, and nothing is done. api: 500; signals: 500, no decision; "
       "adapter: INTERNAL, made again; warehouse: the statement ends as a transient_error; plans: nothing is found.",
       {T::api, T::store, T::bus, T::adapter, T::warehouse, T::signals, T::plans},
       {T::api, T::store, T::bus, T::adapter, T::warehouse, T::signals, T::plans},
       {"share"},
       true},
      {K::throttle,
       "The target's throughput is divided by `factor`. api: its capacity; adapter: topology.adapter.capacity; "
       "signals: "
       "their processors'; warehouse: its concurrency, what runs goes on.",
       {T::api, T::store, T::projector, T::outbox, T::bus, T::adapter, T::warehouse, T::signals},
       {T::api, T::store, T::projector, T::outbox, T::bus, T::adapter, T::warehouse, T::signals},
       {"factor", "ramp"},
       true},
      {K::loss,
       "Messages vanish on the way. adapter: the call or its answer, DEADLINE_EXCEEDED, made again; signals: no "
       "processor "
       "meets them, and their sender hears nothing in time (504).",
       {T::link_worker_store, T::bus, T::adapter, T::signals},
       {T::link_worker_store, T::bus, T::adapter, T::signals},
       {"share"},
       true},
      {K::duplicate,
       "Messages arrive twice.",
       {T::link_worker_store, T::outbox, T::bus, T::signals},
       {T::link_worker_store, T::outbox, T::bus, T::signals},
       {"share"},
       true},
      {K::reorder,
       "Messages overtake each other: what is struck arrives right after the next one.",
       {T::bus, T::signals},
       {T::bus, T::signals},
       {"share"},
       true},
      {K::partition,
       "The two sides of a link do not reach each other. adapter: calls fail DEADLINE_EXCEEDED and are made again, "
       "nothing "
       "passes between workers and provider, heartbeats stop.",
       {T::link_worker_store, T::bus, T::adapter},
       {T::link_worker_store, T::bus, T::adapter},
       {},
       true},
      {K::stall,
       "The target keeps what it holds and does nothing. A worker's polls and heartbeats go on, so that it is given "
       "work "
       "that hangs; signals are deferred.",
       {T::projector, T::outbox, T::bus, T::worker, T::signals},
       {T::projector, T::outbox, T::bus, T::worker, T::signals},
       {"maxDown"},
       true},
      {K::kill,
       "The process dies and comes back after its restart delay; what it held in memory is gone.",
       {T::projector, T::outbox, T::worker, T::signals},
       {T::projector, T::outbox, T::worker, T::signals},
       {"group", "maxDown"},
       false},
      {K::restart,
       "The process drains, stops and comes back after its restart delay.",
       {T::projector, T::outbox, T::worker, T::signals},
       {T::projector, T::outbox, T::worker, T::signals},
       {"group", "maxDown"},
       false},
      {K::process_pause,
       "The process stands still and goes on as if no time had passed (SIGSTOP, a long collection pause). A worker "
       "sends no "
       "heartbeats; its warehouse statements run on.",
       {T::projector, T::outbox, T::worker},
       {T::projector, T::outbox, T::worker},
       {"group", "maxDown"},
       true},
      {K::clock_skew,
       "The workers' clocks are off: each by a drawn amount, ahead or behind, of at most `offset`. It shows in "
       "emittedAt "
       "alone; an effect that stands before its cause is a notice CAUSAL_VIOLATION.",
       {T::clock_worker},
       {T::clock_worker},
       {"offset"},
       true},
      {K::disk_full,
       "No block can be allocated: writes are cut short and meet SQLITE_FULL.",
       {T::store_disk},
       {T::store_disk},
       {},
       true},
      {K::disk_slow,
       "The store's commits take `factor` times as long, give or take `jitter`.",
       {T::store_disk},
       {T::store_disk},
       {"factor", "jitter", "ramp"},
       true},
      {K::io_error,
       "Reads and writes meet SQLITE_IOERR; an episode draws whether a write fails before, amid or after its bytes (at "
       "the sync).",
       {T::store_disk},
       {T::store_disk},
       {},
       true},
      {K::lose_unsynced,
       "The store's host crashes and is back at once. Each write that was not synced is lost, torn or kept, as drawn; "
       "SQLite recovers the file.",
       {T::store_disk},
       {T::store_disk},
       {},
       false},
      {K::commit_unknown,
       "The commit happens, or not, and its acknowledgement is lost: the caller hears commit_unknown and asks again "
       "with the same event id and key.",
       {T::store},
       {T::store},
       {},
       true},
      {K::pool_exhaustion,
       "The store's connections are all taken by others: requests wait in line, and fail pool_exhausted at the write "
       "budget.",
       {T::store},
       {T::store},
       {},
       true},
      {K::failover,
       "The database changes its primary; connections break: what is under way ends at once as commit_unknown, "
       "committed or not. Until it is over the store is unavailable; every acknowledged commit is there afterwards.",
       {T::store},
       {T::store},
       {},
       true},
      {K::heartbeat_drop,
       "Heartbeats do not arrive. worker: those of its activities, which time out where they have a heartbeat timeout "
       "while "
       "the worker works on; adapter: its own.",
       {T::adapter, T::worker},
       {T::adapter, T::worker},
       {"group", "maxDown"},
       true},
      {K::ack_lost,
       "The work is done, its acknowledgement is lost.",
       {T::link_worker_store, T::outbox, T::bus},
       {T::outbox, T::bus, T::link_worker_store},
       {"share"},
       true},
      {K::zombie_complete,
       "A worker is cut off from its server and thought dead: another takes its place. It works on, and what it has "
       "completed arrives when the episode is over: too late where the attempt has timed out.",
       {T::worker},
       {T::worker},
       {"group", "maxDown"},
       true},
      {K::corrupt,
       "Bytes are altered. On store/disk: in every block that is read while it lasts, with cold caches. On store: in "
       "every snapshot that the store reads back. On plans: in every plan that is fetched.",
       {T::store, T::store_disk, T::plans},
       {T::store, T::store_disk, T::plans},
       {},
       true},
  };
  return rows;
}

const FaultKindInfo& info(FaultKind kind) {
  for (const FaultKindInfo& row : fault_kinds()) {
    if (row.kind == kind) return row;
  }
  DVT_ASSERT(false, "a fault kind has no row");
  return fault_kinds().front();
}

std::span<const TargetKindInfo> target_kinds() {
  using T = TargetKind;
  static const std::vector<TargetKindInfo> rows{
      {T::api, "api", "the API"},
      {T::store, "store", "the StateStore"},
      {T::store_disk, "store/disk", "the disk under the StateStore (backend: file, commit: per-append)"},
      {T::link_worker_store, "link/worker/store", "the connection between workers and StateStore"},
      {T::projector, "projector, projector/2, projector/random(k)", "all replicas, one (from 0), or k drawn ones"},
      {T::outbox, "outbox, outbox/1", "all relays, or one (from 0)"},
      {T::bus, "bus, bus/<subscription>", "the EventBus, or one subscription"},
      {T::adapter, "adapter", "the provider behind the adapter"},
      {T::worker, "worker/<queue>, worker/<queue>/3, worker/<queue>/*",
       "all workers of a queue together, one (from 0), or each alone"},
      {T::warehouse, "warehouse/<name>", "a warehouse"},
      {T::signals, "signals", "the signal processors"},
      {T::clock_worker, "clock/worker", "the workers' clocks"},
      {T::plans, "plans", "the store of plan files"},
  };
  return rows;
}

const TargetKindInfo& info(TargetKind kind) {
  for (const TargetKindInfo& row : target_kinds()) {
    if (row.kind == kind) return row;
  }
  DVT_ASSERT(false, "a target kind has no row");
  return target_kinds().front();
}

namespace {

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t slash = text.find('/');
    parts.push_back(text.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    text.remove_prefix(slash + 1);
  }
}

// `3`, `*` or `random(2)`, where the target's kind allows them.
bool parse_members(std::string_view text, bool star, bool random, Target& out) {
  if (star && text == "*") {
    out.members = Target::Members::each;
    return true;
  }
  out.members = Target::Members::index;
  if (random && text.starts_with("random(") && text.ends_with(")")) {
    out.members = Target::Members::random;
    text = text.substr(7, text.size() - 8);
  }
  const auto number = parse_integer(text, 1'000'000);
  if (!number.has_value()) return false;
  out.index = static_cast<std::int64_t>(number.value());
  return out.members == Target::Members::index || out.index > 0;
}

bool parse_parts(const std::vector<std::string_view>& parts, Target& out) {
  using T = TargetKind;
  const std::string_view head = parts[0];
  const std::size_t n = parts.size();
  const auto alone = [&](T kind) {
    out.kind = kind;
    return n == 1;
  };
  if (head == "api") return alone(T::api);
  if (head == "adapter") return alone(T::adapter);
  if (head == "signals") return alone(T::signals);
  if (head == "plans") return alone(T::plans);
  if (head == "store") {
    out.kind = n == 1 ? T::store : T::store_disk;
    return n == 1 || (n == 2 && parts[1] == "disk");
  }
  if (head == "link") {
    out.kind = T::link_worker_store;
    return n == 3 && parts[1] == "worker" && parts[2] == "store";
  }
  if (head == "clock") {
    out.kind = T::clock_worker;
    return n == 2 && parts[1] == "worker";
  }
  if (head == "projector" || head == "outbox") {
    out.kind = head == "projector" ? T::projector : T::outbox;
    return n == 1 || (n == 2 && parse_members(parts[1], false, head == "projector", out));
  }
  if (head == "bus" || head == "warehouse") {
    out.kind = head == "bus" ? T::bus : T::warehouse;
    if (n == 2) out.name = parts[1];
    return (n == 1 && head == "bus") || (n == 2 && !out.name.empty());
  }
  if (head == "worker" && (n == 2 || n == 3)) {
    out.kind = T::worker;
    out.name = parts[1];
    return !out.name.empty() && (n == 2 || parse_members(parts[2], true, false, out));
  }
  return false;
}

}  // namespace

Parsed<Target> parse_target(std::string_view text) {
  Target target;
  target.text = text;
  const std::vector<std::string_view> parts = split(text);
  if (parse_parts(parts, target)) return target;
  std::vector<std::string_view> heads;
  for (const TargetKindInfo& row : target_kinds()) {
    const std::string_view head = row.notation.substr(0, row.notation.find_first_of(",/"));
    heads.push_back(head);
    if (head == parts[0])
      return failure(fmt::format("expected a target ({}), found \"{}\"", row.notation, text.substr(0, 60)));
  }
  return failure(
      fmt::format("expected a target, found \"{}\"{}", text.substr(0, 60), Reading::suggestion(parts[0], heads)));
}

std::span<const KnownFaultInfo> known_faults() {
  static constexpr std::array<KnownFaultInfo, 10> kRows{{
      {1, "A cancelled run writes no RunCancelled: the StateStore shows it as RUNNING for ever.",
       "a clean-up that the cancel request does not reach writes RunCancelled", "invariant engine-matches-store", true},
      {2, "A pause or cancel during the last layer before continue-as-new is lost.",
       "both are looked at once more before continue-as-new",
       "invariants applied-pauses-are-obeyed, accepted-cancels-take-effect", true},
      {3, "A cancel in the final layer comes too late: the run still emits RunCompleted.",
       "it is looked at once more before RunCompleted (a cancel that is a signal; see topology.adapter.cancel)",
       "invariant accepted-cancels-take-effect", true},
      {4, "An invalid plan throws in the workflow: RunFailed is written, but the execution never closes.",
       "the execution closes FAILED, as the user's failure", "invariant ended-runs-close", true},
      {5, "Pause then resume inside one layer leaves no trace in the log.", "both are emitted at the next gate",
       "invariant pauses-leave-a-trace", true},
      {6, "Activities already queued when PAUSE arrives, and retries of running ones, still start.",
       "they are held until RESUME", "invariant queued-steps-wait-out-a-pause", true},
      {7, "A second pause of the same run writes RunPaused with the same idempotency key, and the store swallows it.",
       "the pause's ordinal is its logicalAttemptId", "invariant projection-shows-the-pause", true},
      {8,
       "No heartbeat timeout: an activity on a dead worker waits for its 30 min start-to-close; longer steps never "
       "finish.",
       "heartbeat 20s, and a start-to-close of three times the step's p99, 30m at least, where the scenario sets none",
       "objectives completion and error-rate", true},
      {9, "Conductor's 30 s task timeout kills every longer step.", "a timeout per kind and size",
       "objective error-rate", true},
      {10, "A 200-step plan under `layers` makes about 400 emitEvent activities in a row: p99 5 s is out of reach.",
       "the StepStarted of a layer are emitted together, and so are its StepCompleted", "objective completion", true},
  }};
  return kRows;
}

std::optional<Fault> Release::fault() const {
  if (!incident) return std::nullopt;
  Fault out;
  out.name = name;
  out.source = source;
  out.kind = incident->kind;
  out.target = parse_target(incident->target).value();
  out.length = incident->length;
  out.factor = incident->factor;
  return out;
}

}  // namespace dvt::sim
