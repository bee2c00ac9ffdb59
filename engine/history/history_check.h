// The history checker: rules of order and reference that every history of Temporal keeps (spec: Temporal histories,
// "Ordering rules"), whoever wrote it. It judges the structure alone: whether the workflow's code would do the same
// again is replay's question. Open histories, and those cut short between two transactions of the server, are accepted.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/history/event_facts.h"

namespace dvt::engine {

struct HistoryRule {
  std::string_view name;
  std::string_view text;
};

/// All rules, each with a sentence.
std::span<const HistoryRule> history_rules();

struct HistoryBreach {
  std::string_view rule;  // a name of history_rules()
  EventId event = 0;      // place in the history, from 1
  std::string message;    // which events, what was expected
};

/// Every breach, in the order of events; empty: the history keeps the rules.
std::vector<HistoryBreach> check_history(std::span<const EventFacts> events);

/// "rule at event 7 (ActivityTaskCompleted): message"
std::string to_string(const HistoryBreach& breach, std::span<const EventFacts> events);

}  // namespace dvt::engine
