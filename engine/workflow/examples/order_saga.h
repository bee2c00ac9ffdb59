// order-saga: an example of a workflow that is no plan. Copy it to begin one of your own, and name yours in
// engine/workflow/registry.cpp.
#pragma once

#include "engine/workflow/context.h"

namespace dvt::engine::examples {

/// Reserves stock, charges the card, ships. When a step fails for good, or the order is cancelled, what was done is
/// undone in reverse order before the failure goes on its way. The input is handed to every activity.
Payload order_saga(WorkflowContext& ctx, const ActivityOptionsRef& options, const Payload& order);

}  // namespace dvt::engine::examples
