// Every history that a test makes the engine write must keep Temporal's rules: fixtures ask this when a test ends.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "engine/history/history_check.h"

namespace dvt::test {

/// Fails the test with each breach. The history may still be open.
inline void expect_lawful(const engine::History& history) {
  const std::vector<engine::EventFacts> facts = engine::event_facts(history, {});
  for (const engine::HistoryBreach& breach : engine::check_history(facts)) ADD_FAILURE() << to_string(breach, facts);
}

}  // namespace dvt::test
