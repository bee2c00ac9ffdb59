#include "engine/base/signal.h"

#include "engine/base/assert.h"

namespace dvt {

const char* to_string(SignalType type) {
  switch (type) {
    case SignalType::pause:
      return "PAUSE";
    case SignalType::resume:
      return "RESUME";
    case SignalType::cancel:
      return "CANCEL";
    case SignalType::retry_step:
      return "RETRY_STEP";
    case SignalType::retry_run:
      return "RETRY_RUN";
    case SignalType::skip_step:
      return "SKIP_STEP";
    case SignalType::update_params:
      return "UPDATE_PARAMS";
    case SignalType::inject_override:
      return "INJECT_OVERRIDE";
    case SignalType::update_target:
      return "UPDATE_TARGET";
    case SignalType::emergency_stop:
      return "EMERGENCY_STOP";
    case SignalType::escalate_alert:
      return "ESCALATE_ALERT";
  }
  assertion_failed("enumerator", "a value outside its enum", __FILE__, __LINE__);
}

const char* to_string(Role role) {
  switch (role) {
    case Role::system:
      return "System";
    case Role::operator_:
      return "Operator";
    case Role::engineer:
      return "Engineer";
    case Role::admin:
      return "Admin";
  }
  assertion_failed("enumerator", "a value outside its enum", __FILE__, __LINE__);
}

}  // namespace dvt
