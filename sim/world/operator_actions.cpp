#include "sim/world/operator_actions.h"

#include "engine/base/assert.h"
#include "sim/scenario/fault_kinds.h"

namespace dvt::sim {
namespace {

// Signals are numbered from 1: this stands for what no signal asked for.
constexpr std::uint64_t kNoSignal = 0;

}  // namespace

void StepOptionsTable::set_start_to_close(std::string_view kind, Duration start_to_close) {
  const std::size_t slash = kind.find('/');
  const std::string_view size = slash == std::string_view::npos ? std::string_view() : kind.substr(slash + 1);
  for (std::vector<Entry>& plan : plans_) {
    for (Entry& step : plan) {
      if (step.kind != kind.substr(0, slash) || (!size.empty() && step.size != size)) continue;
      auto changed = std::make_shared<engine::ActivityOptions>(*step.options);
      changed->start_to_close = start_to_close;
      step.options = std::move(changed);
    }
  }
}

bool OperatorActions::takes_runs(OperatorAction action) {
  return action == OperatorAction::terminate || action == OperatorAction::force_timeout;
}

void OperatorActions::act(const Operation& operation) {
  switch (*operation.action) {
    case OperatorAction::restart: {
      const Target target = parse_target(operation.target).value();
      if (ControlFaults::owns(target.kind)) return control_.restart(target);
      return readers_.act(operation);
    }
    case OperatorAction::scale:
    case OperatorAction::replay_from_snapshot:
      return readers_.act(operation);
    case OperatorAction::add_connections:
      return store_.add_connections(static_cast<std::uint32_t>(*operation.by));
    case OperatorAction::heal:
      DVT_ASSERT(faults_ != nullptr, "operations act in a world that has its faults");
      return faults_->heal(operation.fault);
    case OperatorAction::throttle:
      return throttle(*operation.rate);
    case OperatorAction::set_timeout:
      return set_timeout(operation.kind, *operation.start_to_close);
    case OperatorAction::requeue_deferred:
      return api_.signals().requeue_deferred();
    case OperatorAction::purge_deferred:
      return api_.signals().purge_deferred();
    default:
      DVT_ASSERT(false, "the reader lets only modelled actions pass");
  }
}

void OperatorActions::act_on(const Operation& operation, RunOrdinal run) {
  if (*operation.action == OperatorAction::terminate) {
    terminate(run, operation.reason);
  } else {
    force_timeout(run, operation.reason);
  }
}

void OperatorActions::throttle(Rate rate) {
  api_.throttle(rate.is_zero() ? std::nullopt : std::optional(rate.interval()));
}

void OperatorActions::set_timeout(const std::string& kind, Duration start_to_close) {
  steps_.set_start_to_close(kind, start_to_close);
}

// Past the API, as an operator at the provider does it: no signal, no decision record.
void OperatorActions::terminate(RunOrdinal run, const std::string& reason) {
  if (!adapter_.is_open(run)) return;
  ProviderSignal end;
  end.run = run;
  end.type = SignalType::emergency_stop;
  end.signal = kNoSignal;
  end.reason = reason.empty() ? "terminated by an operator" : reason;
  end.force = true;
  adapter_.signal(end);
}

void OperatorActions::force_timeout(RunOrdinal run, const std::string& reason) {
  service_.fail_started_activities(run, engine::names::execute_step,
                                   reason.empty() ? "timed out by an operator" : reason);
}

}  // namespace dvt::sim
