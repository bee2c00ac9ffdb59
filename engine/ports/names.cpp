// Names of the ports' closed enums, as metrics, JSON and the database show them.
#include "engine/base/assert.h"
#include "engine/ports/state_store.h"
#include "engine/ports/telemetry.h"

namespace dvt {
namespace {
[[noreturn]] void unknown() {
  assertion_failed("enumerator", "a value outside its enum", __FILE__, __LINE__);
}
}  // namespace

// Codes, as in the label `code` of dvt_statestore_write_errors_total.
const char* to_string(StoreError error) {
  switch (error) {
    case StoreError::unavailable:
      return "UNAVAILABLE";
    case StoreError::timeout:
      return "TIMEOUT";
    case StoreError::pool_exhausted:
      return "POOL_EXHAUSTED";
    case StoreError::disk_full:
      return "DISK_FULL";
    case StoreError::io_error:
      return "IO_ERROR";
    case StoreError::corrupt:
      return "CORRUPT";
    case StoreError::invalid_transition:
      return "INVALID_TRANSITION";
    case StoreError::commit_unknown:
      return "COMMIT_UNKNOWN";
    case StoreError::unknown_run:
      return "UNKNOWN_RUN";
  }
  unknown();
}

// As in the label `status` of dvt_signals_received_total.
const char* to_string(DecisionStatus status) {
  switch (status) {
    case DecisionStatus::accepted:
      return "accepted";
    case DecisionStatus::rejected:
      return "rejected";
    case DecisionStatus::deferred:
      return "deferred";
  }
  unknown();
}

// As in the label `status` of dvt_runs_completed_total.
const char* to_string(RunOutcome outcome) {
  switch (outcome) {
    case RunOutcome::completed:
      return "completed";
    case RunOutcome::failed:
      return "failed";
    case RunOutcome::cancelled:
      return "cancelled";
    case RunOutcome::terminated:
      return "terminated";
  }
  unknown();
}

const char* to_string(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::none:
      return "none";
    case ErrorClass::engine:
      return "engine";
    case ErrorClass::user:
      return "user";
  }
  unknown();
}

const char* to_string(ActivityOutcome outcome) {
  switch (outcome) {
    case ActivityOutcome::completed:
      return "completed";
    case ActivityOutcome::failed_retryable:
      return "failed_retryable";
    case ActivityOutcome::failed:
      return "failed";
    case ActivityOutcome::timed_out_start_to_close:
      return "timed_out_start_to_close";
    case ActivityOutcome::timed_out_schedule_to_start:
      return "timed_out_schedule_to_start";
    case ActivityOutcome::timed_out_schedule_to_close:
      return "timed_out_schedule_to_close";
    case ActivityOutcome::timed_out_heartbeat:
      return "timed_out_heartbeat";
    case ActivityOutcome::cancelled:
      return "cancelled";
  }
  unknown();
}

const char* to_string(ChildEnd end) {
  switch (end) {
    case ChildEnd::completed:
      return "completed";
    case ChildEnd::failed:
      return "failed";
    case ChildEnd::cancelled:
      return "cancelled";
    case ChildEnd::terminated:
      return "terminated";
    case ChildEnd::timed_out:
      return "timed_out";
  }
  unknown();
}

}  // namespace dvt
