// How errors reach workflow code: as exceptions. What leaves the workflow function decides the execution's end: a
// CancelledFailure cancels it, every other FailureError fails it; anything else, whatever its type, fails the workflow
// *task*, which the server retries.
#pragma once

#include <exception>
#include <source_location>
#include <utility>

#include "engine/history/events.h"

namespace dvt::engine {

/// A failure that histories know. Catch this one to compensate whatever went wrong.
class FailureError : public std::exception {
 public:
  explicit FailureError(FailureRef failure) : failure_(std::move(failure)) {}
  const char* what() const noexcept override { return failure_->message.c_str(); }
  const FailureRef& failure() const { return failure_; }

 private:
  FailureRef failure_;
};

/// An activity, local or not, failed for good.
class ActivityFailure : public FailureError {
 public:
  using FailureError::FailureError;
};

/// A child failed, timed out, was cancelled or terminated, or could not be started.
class ChildWorkflowFailure : public FailureError {
 public:
  using FailureError::FailureError;
};

/// A signal or cancel request found no open execution.
class ExternalWorkflowFailure : public FailureError {
 public:
  using FailureError::FailureError;
};

/// Thrown by workflow code itself to fail the execution.
class WorkflowFailure : public FailureError {
 public:
  using FailureError::FailureError;
};

/// The scope that a call belongs to was cancelled. No FailureError: cleaning up after a failure must not swallow it.
class CancelledFailure : public std::exception {
 public:
  const char* what() const noexcept override { return "the workflow was cancelled"; }
};

/// A failure with its message and application error type.
FailureRef make_failure(std::string message, Symbol type, bool non_retryable = false);

/// Thrown by continue_as_new() to leave the workflow function; WorkflowInstance turns it into the command. Not derived
/// from std::exception, so that workflow code does not catch it by accident.
struct ContinueAsNewThrown {
  Payload input;
  std::source_location where;
};

/// What a failed task says of a thrown object whose type says nothing of itself.
inline constexpr const char* kUnknownThrown = "something that is not derived from std::exception was thrown";

/// Thrown out of a call in a signal handler that goes on for ever. Not derived from std::exception, like FiberKilled.
struct EndlessTask {};

}  // namespace dvt::engine
