// People and clients around the control plane: background signals and status reads of the workload, and the scenario's
// `operations`. They see runs through the RunBoard, send signals through the API, and take runbook actions
// (OperatorActions).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/api/front.h"
#include "engine/ports/random.h"
#include "engine/ports/timers.h"
#include "sim/scenario/scenario.h"
#include "sim/slo/alerts.h"
#include "sim/slo/escalation.h"
#include "sim/world/operator_actions.h"
#include "sim/world/run_board.h"

namespace dvt::sim {

class Operators {
 public:
  Operators(Timers& timers, const Random& random, const Scenario& scenario, engine::ApiFront& api, RunBoard& board,
            OperatorActions& actions, const OnCall& oncall);
  void start();
  /// Whether any operation does (`on`).
  bool wait_for_alerts() const;
  /// To be told of every change from the end of warm-up on, in order.
  void alert_changed(const AlertTransition& change, Instant at);
  /// How often each operation began, those that never did included.
  std::map<std::string, std::uint64_t> begun() const;

 private:
  struct OperationState {
    std::vector<RunOrdinal> chosen;  // for sameAs
    bool chosen_made = false;
    std::uint64_t begun = 0;
    std::uint64_t reactions = 0;  // drawn so far
    // after … until drained: per run of the other operation, whether it drained or timed out already
    std::map<std::uint32_t, bool> waiting;
  };

  /// A rule's firings so far, and whether the last one goes on.
  struct AlertNow {
    std::uint64_t firings = 0;
    bool firing = false;
  };

  void next_background(std::size_t index, std::uint64_t number);
  void background(std::size_t index, std::uint64_t number);
  void next_read(std::uint64_t number);
  void begin_operation(std::size_t index);
  void react(std::size_t index, const AlertTransition& change, const AlertNow& now, Instant at);
  std::vector<RunOrdinal> choose(std::size_t index);
  void send(std::size_t index, RunOrdinal run);
  void act_on_one(std::size_t index, RunOrdinal run);
  void operation_chose(std::size_t index);
  void run_drained(RunOrdinal run);
  void release(std::size_t index, RunOrdinal run);
  std::int64_t plan_index(const std::string& name) const;

  Timers& timers_;
  const Random& random_;
  const Scenario& scenario_;
  engine::ApiFront& api_;
  RunBoard& board_;
  OperatorActions& actions_;
  const OnCall& oncall_;
  std::vector<OperationState> operations_;
  std::map<std::string, AlertNow, std::less<>> alerts_;  // by `set/rule`
  std::vector<Distribution> resume_after_;               // by background signal
};

}  // namespace dvt::sim
