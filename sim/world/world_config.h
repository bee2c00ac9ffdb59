// From the scenario's words to the parts' options: one function per part, no logic besides.
#pragma once

#include "adapters/conductor/server.h"
#include "adapters/warehouse/warehouse.h"
#include "engine/api/front.h"
#include "engine/plan/interpreter_options.h"
#include "engine/plan/sim_notes.h"
#include "engine/service/service.h"
#include "sim/scenario/scenario.h"
#include "store/bus/event_bus.h"
#include "store/outbox/outbox_relays.h"
#include "store/projector/projector.h"

namespace dvt::sim {

/// Time of one at a rate; 0 for a rate of 0 ("none").
Duration interval_or_zero(const Rate& rate);

/// So many in the rate's interval: `5/m` is 5 in any minute; a rate of 0: no limit.
engine::Allowance allowance(const Rate& rate);

/// The options of executeStep of one step of a plan.
using StepOptions = std::function<engine::ActivityOptionsRef(PlanOrdinal, StepIndex)>;
/// The Conductor server's; domains are added in the order of topology.taskQueues.
adapters::ConductorServerOptions conductor_options(const Scenario& scenario, engine::ActivityOptionsRef control,
                                                   StepOptions step_options);
/// Of a control activity.
engine::ActivityOptionsRef control_options(const Scenario& scenario);
engine::ActivityOptionsRef step_options(const Scenario& scenario, const engine::Step& step,
                                        const engine::StepNotes& notes);
/// Everything but the activity options and the bounds by plan.
engine::InterpreterOptions interpreter_options(const Scenario& scenario);
/// `plan_refusals`: by plan, why its runs are refused; empty: they are not.
engine::ApiOptions api_options(const Scenario& scenario, std::vector<std::string_view> plan_refusals);
std::vector<adapters::WarehouseOptions> warehouse_options(const Scenario& scenario);
/// Throws dvt::Error when no warehouse runs the step's kind or none of its durations fits.
adapters::StepProfile step_profile(const Scenario& scenario, const engine::Step& step, const engine::StepNotes& notes);
store::OutboxOptions outbox_options(const Scenario& scenario);
store::BusOptions bus_options(const Scenario& scenario);
store::ProjectorOptions projector_options(const Scenario& scenario);

}  // namespace dvt::sim
