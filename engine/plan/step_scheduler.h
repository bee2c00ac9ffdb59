// StepScheduler: runs some steps of a plan, each as soon as its own dependencies are done, with a bound on how many run
// at once, and lets failed steps wait for an operator where that is asked for. It is the whole of the `dataflow`
// interpreter; `layers` uses it inside one layer for a bound and for its failed steps.
//
// A step's story is StepStarted, executeStep, StepCompleted or StepFailed, one after the other; the stories of several
// steps go on side by side. Whatever one workflow task brings is taken in declaration order, so the order of the
// commands depends on the history alone.
#pragma once

#include <set>
#include <vector>

#include "engine/plan/plan_run.h"

namespace dvt::engine {

class StepScheduler {
 public:
  /// `limit` 0: no bound but Temporal's on pending activities.
  StepScheduler(PlanRun& run, std::uint32_t limit);

  /// `waits_for` names steps that were added before or will be; others count as done.
  void add(StepIndex step, const std::vector<StepIndex>& waits_for);
  /// A step whose StepFailed has been told, waiting for RETRY_STEP or SKIP_STEP.
  void add_held(StepIndex step);

  /// Runs them all. Without `hold`, a failed step lets what runs come to its end and starts nothing more. PAUSE keeps
  /// every further step from starting; CANCEL ends the run when nothing is under way any more.
  StepsEnded run();

 private:
  enum class Phase : std::uint8_t {
    waiting,   // for its dependencies, for a place, or for the end of a pause
    starting,  // StepStarted is being written
    started,   // and was; executeStep comes as soon as no pause forbids it
    running,
    ending,    // StepCompleted or StepFailed is being written
    held,      // failed, waiting for an operator
    skipping,  // StepSkipped is being written
    over,
  };
  struct Item {
    StepIndex step;
    Phase phase = Phase::waiting;
    std::uint32_t logical_attempt = 1;
    std::uint32_t waits_for = 0;
    bool failed = false;
    ActivityHandle activity;
    std::vector<std::uint32_t> dependents;  // positions in items_
  };

  void link();
  void take_results();
  void take_result(std::uint32_t position);
  void take_requests();
  void pass_gate();
  void start_ready();
  void over(Item& item);
  void track(Item& item, Phase phase, ActivityHandle activity);
  bool may_start() const { return !run_.paused_ && !run_.standing_ && !run_.cancelled_ && !stopped_; }
  std::uint32_t attempt_to_tell(const Item& item) const;

  PlanRun& run_;
  std::uint32_t limit_;
  std::vector<Item> items_;
  std::vector<std::vector<StepIndex>> waits_;  // by position, until link()
  std::set<std::uint32_t> ready_;              // positions, in declaration order: dependencies are done
  std::set<std::uint32_t> out_;                // positions with an activity under way
  std::set<std::uint32_t> started_;            // positions whose StepStarted was told
  std::vector<std::uint32_t> held_;            // positions, in the order they failed
  std::uint32_t places_taken_ = 0;             // steps between StepStarted and the end of executeStep
  std::size_t open_ = 0;                       // items that are not over
  bool stopped_ = false;                       // a step failed and nobody is to be waited for
};

}  // namespace dvt::engine
