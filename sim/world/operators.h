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
#include "sim/world/operator_actions.h"
#include "sim/world/run_board.h"

namespace dvt::sim {

class Operators {
 public:
  Operators(Timers& timers, const Random& random, const Scenario& scenario, engine::ApiFront& api, RunBoard& board,
            OperatorActions& actions);
  void start();

 private:
  struct OperationState {
    std::vector<RunOrdinal> chosen;  // for sameAs
    bool chosen_made = false;
    // after … until drained: per run of the other operation, whether it drained or timed out already
    std::map<std::uint32_t, bool> waiting;
  };

  void next_background(std::size_t index, std::uint64_t number);
  void background(std::size_t index, std::uint64_t number);
  void next_read(std::uint64_t number);
  void begin_operation(std::size_t index);
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
  std::vector<OperationState> operations_;
  std::vector<Distribution> resume_after_;  // by background signal
};

}  // namespace dvt::sim
