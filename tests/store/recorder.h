// A telemetry listener that writes down the store's facts, for tests of the relays, the bus and the projector.
#pragma once

#include <string>
#include <vector>

#include "engine/ports/telemetry.h"

namespace dvt::test {

class Recorder final : public Telemetry {
 public:
  struct Delivered {
    std::uint32_t subscription;
    std::uint64_t position;
    std::uint32_t attempts;
    bool first;
    Instant at;
  };
  struct Leased {
    std::uint32_t relay;
    std::uint64_t position;
    Instant until;
    Instant at;
  };
  struct Dead {
    std::uint32_t subscription;
    std::uint64_t position;
    Instant at;
  };
  struct Committed {
    std::uint32_t partition;
    std::uint64_t watermark;
    std::vector<std::uint64_t> positions;
    std::uint32_t invalid;
    Instant at;
  };

  void snapshots_committed(std::uint32_t partition, std::uint64_t watermark, const std::vector<StoredEvent>& events,
                           const std::vector<SnapshotFact>& facts, Instant at) override {
    Committed fact{partition, watermark, {}, 0, at};
    for (const StoredEvent& event : events) fact.positions.push_back(event.position);
    for (const SnapshotFact& snapshot : facts) fact.invalid += snapshot.invalid_transitions;
    commits.push_back(fact);
    for (const StoredEvent& event : events) refresh.push_back(at - event.persisted_at);
  }
  void notice(const NoticeFact& fact) override {
    notices.push_back(std::string(fact.name) + " run " + std::to_string(fact.run.value) + ": " +
                      std::string(fact.text));
  }
  void gap_suspected(RunOrdinal, Instant) override { ++suspected; }
  void gap_confirmed(RunOrdinal, Instant) override { ++confirmed; }
  void outbox_leased(std::uint32_t relay, std::uint64_t position, Instant until, Instant at) override {
    leases.push_back({relay, position, until, at});
  }
  void outbox_published(const StoredEvent& event, Instant at) override { published.emplace_back(event.position, at); }
  void delivered(std::uint32_t subscription, const StoredEvent& event, std::uint32_t attempts, bool first,
                 Instant at) override {
    deliveries.push_back({subscription, event.position, attempts, first, at});
  }
  void dead_lettered(std::uint32_t subscription, const StoredEvent& event, Instant at) override {
    dead.push_back({subscription, event.position, at});
  }

  void dead_letter_redriven(std::uint32_t, const StoredEvent&, Instant) override { ++redriven; }
  void run_resynced(const ResyncFact& fact) override { resyncs.push_back(fact); }

  std::vector<std::string> notices;
  int redriven = 0;
  std::vector<ResyncFact> resyncs;
  std::vector<Committed> commits;
  std::vector<Duration> refresh;  // commit → snapshot commit, of each event
  int suspected = 0;
  int confirmed = 0;
  std::vector<Leased> leases;
  std::vector<std::pair<std::uint64_t, Instant>> published;
  std::vector<Delivered> deliveries;
  std::vector<Dead> dead;
};

}  // namespace dvt::test
