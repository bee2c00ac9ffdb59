#include "engine/workflow/examples/order_saga.h"

#include <vector>

namespace dvt::engine::examples {

Payload order_saga(WorkflowContext& ctx, const ActivityOptionsRef& options, const Payload& order) {
  std::vector<Symbol> undo;  // compensations of what is done, oldest first
  const auto run = [&](const char* activity) { return ctx.execute_activity(Symbol::intern(activity), options, order); };
  const auto compensate = [&] {
    // After a cancel every call outside of a shield would throw at once.
    ctx.non_cancellable([&] {
      for (auto step = undo.rbegin(); step != undo.rend(); ++step) ctx.execute_activity(*step, options, order);
    });
  };
  try {
    run("reserveStock");
    undo.push_back(Symbol::intern("releaseStock"));
    run("chargeCard");
    undo.push_back(Symbol::intern("refundCard"));
    return run("shipOrder");
  } catch (const FailureError&) {
    compensate();  // waits inside the catch block, over worker crashes and replays
    throw;         // and the order fails with its own failure
  } catch (const CancelledFailure&) {
    compensate();
    throw;
  }
}

}  // namespace dvt::engine::examples
