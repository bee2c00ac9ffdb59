#include "engine/workflow/context.h"

#include <algorithm>

#include "engine/base/assert.h"
#include "engine/base/format.h"
#include "engine/base/json.h"

namespace dvt::engine {
namespace {

const Symbol kCanceledFailure = Symbol::intern("CanceledFailure");

}  // namespace

FailureRef make_failure(std::string message, Symbol type, bool non_retryable) {
  auto failure = std::make_shared<Failure>();
  failure->message = std::move(message);
  failure->type = type;
  failure->non_retryable = non_retryable;
  return failure;
}

WorkflowContext::WorkflowContext(Fibers& fibers, const Random& random)
    : fibers_(fibers), random_(random), root_(std::make_shared<CancellationScope::State>()), scope_(root_) {}

void WorkflowContext::emit(CommandBody body, std::source_location where) {
  if (unwinding_) return;  // destructors of killed workflow code command nothing
  outgoing_.push_back({std::move(body), where});
}

// Takes back a command that has not left yet: what is cancelled before it was asked for never was, as in the SDKs.
// While workflow code runs, everything in outgoing_ is of the present task.
template <class Start, class Same>
bool WorkflowContext::retract(Same same) {
  for (std::size_t i = outgoing_.size(); i-- > 0;) {
    const auto* start = std::get_if<Start>(&outgoing_[i].body);
    if (start == nullptr || !same(*start)) continue;
    if (!unwinding_) outgoing_.erase(outgoing_.begin() + static_cast<std::ptrdiff_t>(i));
    return true;
  }
  return false;
}

// Other branches run meanwhile and have their own present scope.
void WorkflowContext::yield(const char* waits_for) {
  ScopeRef mine = scope_;
  fibers_.park(waits_for);
  scope_ = std::move(mine);
}

// Workflow code that goes on and on without waiting holds its worker for ever (Temporal: "potential deadlock"). Its
// fiber stops here until it is destroyed, which even code that swallows every exception cannot help. A handler runs on
// the main stack and can only be left by an exception.
void WorkflowContext::stop_endless_task() const {
  endless_ = true;
  if (!fibers_.current()) throw EndlessTask();
  while (true) fibers_.park("nothing: the workflow code did not wait");
}

template <class Condition>
void WorkflowContext::block_until(Condition condition, const char* waits_for) {
  if (condition()) return;
  do {
    yield(waits_for);
  } while (!condition());
  ++progress_;
}

// ---- scopes

bool CancellationScope::reached(const State* scope) {
  for (; scope != nullptr; scope = scope->parent.get()) {
    if (scope->shielded) return false;
    if (scope->requested) return true;
  }
  return false;
}

bool CancellationScope::cancelled() const {
  return reached(state_.get());
}

void CancellationScope::cancel(std::source_location where) const {
  ctx_->cancel_scope(*state_, where);
}

void WorkflowContext::throw_if_cancelled() const {
  if (CancellationScope::reached(scope_.get())) throw CancelledFailure();
}

CancellationScope WorkflowContext::make_scope(bool shielded) {
  auto state = std::make_shared<CancellationScope::State>();
  state->parent = scope_;
  state->shielded = shielded;
  return {*this, std::move(state)};
}

// Everything the request reaches, in the order in which it was started. Timers are dropped by the calls that wait for
// them.
void WorkflowContext::cancel_scope(CancellationScope::State& scope, std::source_location where) {
  if (scope.shielded || scope.requested) return;
  scope.requested = true;
  ++progress_;
  enum class Sort : std::uint8_t { activity, local, child };
  struct Reached {
    std::uint32_t order;
    Sort sort;
    std::size_t index;
  };
  std::vector<Reached> all;
  for (std::size_t i = 0; i < activities_.size(); ++i) {
    const ActivitySlot& slot = activities_[i];
    if (!slot.done && !slot.cancel_sent && CancellationScope::reached(slot.scope.get()))
      all.push_back({slot.order, Sort::activity, i});
  }
  for (std::size_t i = 0; i < locals_.size(); ++i)
    if (!locals_[i].done && CancellationScope::reached(locals_[i].scope.get()))
      all.push_back({locals_[i].order, Sort::local, i});
  for (std::size_t i = 0; i < children_.size(); ++i)
    if (!children_[i].done && CancellationScope::reached(children_[i].scope.get()))
      all.push_back({children_[i].order, Sort::child, i});
  std::sort(all.begin(), all.end(), [](const Reached& a, const Reached& b) { return a.order < b.order; });
  for (const Reached& one : all) {
    if (one.sort == Sort::activity) {
      ActivitySlot& slot = activities_[one.index];
      slot.cancel_sent = true;
      const std::uint32_t id = slot.activity_id;
      if (!retract<ScheduleActivity>([id](const ScheduleActivity& c) { return c.activity_id == id; }))
        emit(CancelActivity{id}, where);
    } else if (one.sort == Sort::local) {
      cancel_local(locals_[one.index]);
    } else {
      cancel_child(children_[one.index], where);
    }
  }
}

// ---- activities

WorkflowContext::ActivitySlot* WorkflowContext::slot(std::uint32_t activity_id) {
  for (ActivitySlot& slot : activities_)
    if (slot.activity_id == activity_id) return &slot;
  return nullptr;
}

ActivityHandle WorkflowContext::start_activity(Symbol type, const ActivityOptionsRef& options, Payload input,
                                               Where where) {
  note(where);
  throw_if_cancelled();
  const std::uint32_t id = next_activity_id_++;
  activities_.push_back({id, 0, false, false, {}, scope_, next_order_++});
  emit(ScheduleActivity{id, type, std::move(input), options}, where);
  return {id};
}

bool WorkflowContext::ready(ActivityHandle activity, Where where) const {
  note(where);
  for (const ActivitySlot& slot : activities_)
    if (slot.activity_id == activity.activity_id) return slot.done;
  return false;
}

ActivityResult WorkflowContext::wait(ActivityHandle activity, Where where) {
  note(where);
  bool waited = false;
  while (true) {
    ActivitySlot* found = slot(activity.activity_id);
    DVT_ASSERT(found != nullptr, "an activity's result is taken twice");
    const bool cancelled = !found->done && CancellationScope::reached(found->scope.get());
    if (found->done || cancelled) {
      if (waited) ++progress_;
      if (cancelled) throw CancelledFailure();
      ActivityResult result = std::move(found->result);
      activities_.erase(activities_.begin() + (found - activities_.data()));
      return result;
    }
    yield("an activity");
    waited = true;
  }
}

Payload WorkflowContext::execute_activity(Symbol type, const ActivityOptionsRef& options, Payload input, Where where) {
  ActivityResult result = wait(start_activity(type, options, std::move(input), where), where);
  if (!result.ok) throw ActivityFailure(result.failure);
  return std::move(result.value);
}

// ---- local activities

WorkflowContext::LocalSlot& WorkflowContext::local(std::uint32_t seq) {
  for (LocalSlot& slot : locals_)
    if (slot.request.seq == seq) return slot;
  DVT_ASSERT(false, "a local activity's result is taken twice");
  return locals_.front();
}

LocalActivityHandle WorkflowContext::request_local(LocalActivityRequest request, ScopeRef scope,
                                                   std::source_location where) {
  request.seq = next_local_++;
  const std::uint32_t seq = request.seq;
  locals_.push_back({std::move(request), false, false, {}, std::move(scope), next_order_++, where});
  return {seq};
}

LocalActivityHandle WorkflowContext::start_local_activity(Symbol type, const LocalActivityOptionsRef& options,
                                                          Payload input, Where where) {
  note(where);
  throw_if_cancelled();
  DVT_ASSERT(options->start_to_close.ns > 0 || options->schedule_to_close.ns > 0,
             "a local activity needs start-to-close or schedule-to-close");
  return request_local({0, type, std::move(input), options, 1, now_}, scope_, where);
}

// Its end is recorded at once; whoever waits for it goes on.
void WorkflowContext::finish_local(LocalSlot& slot, LocalActivityMarker::Data end) {
  slot.end = std::move(end);
  slot.done = true;
  emit(RecordMarker{marker_names::local_activity, make_payload<LocalActivityMarker>(slot.end)}, slot.where);
}

void WorkflowContext::cancel_local(LocalSlot& slot) {
  LocalActivityMarker::Data end;
  end.seq = slot.request.seq;
  end.type = slot.request.type;
  end.attempt = slot.request.attempt;
  end.complete_time = now_;
  end.original_schedule_time = slot.request.original_schedule_time;
  end.failure = make_failure("the local activity was cancelled", kCanceledFailure);
  end.cancelled = true;
  if (slot.requested) dropped_locals_.push_back(slot.request.seq);
  finish_local(slot, std::move(end));
}

ActivityResult WorkflowContext::wait(LocalActivityHandle activity, Where where) {
  note(where);
  while (true) {
    block_until([&] { return local(activity.seq).done; }, "a local activity");
    LocalSlot& found = local(activity.seq);
    const LocalActivityMarker::Data end = std::move(found.end);
    LocalActivityRequest request = std::move(found.request);
    const ScopeRef scope = found.scope;
    locals_.erase(locals_.begin() + (&found - locals_.data()));
    if (end.cancelled) throw CancelledFailure();
    if (end.backoff.ns == 0) return {end.failure == nullptr, end.result, end.failure};
    // Too long for a workflow task: a durable timer, then a new request.
    const Entered entered(*this, scope);
    sleep(end.backoff, where);
    request.attempt = end.attempt + 1;
    activity = request_local(std::move(request), scope, where);
  }
}

Payload WorkflowContext::execute_local_activity(Symbol type, const LocalActivityOptionsRef& options, Payload input,
                                                Where where) {
  ActivityResult result = wait(start_local_activity(type, options, std::move(input), where), where);
  if (!result.ok) throw ActivityFailure(result.failure);
  return std::move(result.value);
}

Payload WorkflowContext::side_effect(const std::function<Payload()>& effect, Where where) {
  note(where);
  const std::uint32_t id = next_side_effect_++;
  const auto recorded = std::find_if(recorded_side_effects_.begin(), recorded_side_effects_.end(),
                                     [id](const auto& known) { return known.first == id; });
  Payload value;
  if (recorded != recorded_side_effects_.end()) {
    value = recorded->second;
  } else if (!replaying_) {
    value = effect();
  }  // else: the history has no such side effect, which the marker's match will tell
  emit(RecordMarker{marker_names::side_effect, make_payload<SideEffectMarker>(id, value)}, where);
  return value;
}

// ---- children and other executions

WorkflowContext::ChildSlot& WorkflowContext::child(std::uint32_t number) {
  for (ChildSlot& slot : children_)
    if (slot.number == number) return slot;
  DVT_ASSERT(false, "a child's result is taken twice");
  return children_.front();
}

ChildHandle WorkflowContext::start_child(Symbol type, const ChildOptions& options, Payload input, Where where) {
  note(where);
  throw_if_cancelled();
  const std::uint32_t number = next_child_++;
  auto made = std::make_shared<ChildInfo>();
  made->workflow_id =
      options.workflow_id.empty() ? fmt::format("{}_{}", to_string(info_->run_id), number) : options.workflow_id;
  made->type = type;
  made->task_queue = options.task_queue ? options.task_queue : info_->task_queue;
  made->run_timeout = options.run_timeout;
  made->workflow_task_timeout = info_->workflow_task_timeout;
  made->close_policy = options.close_policy;
  ChildSlot slot;
  slot.number = number;
  slot.child = made;
  slot.scope = scope_;
  slot.order = next_order_++;
  children_.push_back(std::move(slot));
  emit(StartChild{number, std::move(made), std::move(input)}, where);
  return {number};
}

Uuid WorkflowContext::wait_started(ChildHandle handle, Where where) {
  note(where);
  block_until(
      [&] {
        const ChildSlot& slot = child(handle.number);
        return slot.started || slot.done;
      },
      "a child to start");
  const ChildSlot& slot = child(handle.number);
  if (slot.start_failed) throw ChildWorkflowFailure(slot.result.failure);
  if (!slot.started) throw CancelledFailure();
  return slot.child->run_id;
}

bool WorkflowContext::ready(ChildHandle handle, Where where) const {
  note(where);
  return std::any_of(children_.begin(), children_.end(),
                     [&](const ChildSlot& slot) { return slot.number == handle.number && slot.done; });
}

ActivityResult WorkflowContext::wait(ChildHandle handle, Where where) {
  note(where);
  block_until([&] { return child(handle.number).done; }, "a child");
  ChildSlot& slot = child(handle.number);
  ActivityResult result = std::move(slot.result);
  const bool cancelled = slot.cancelled && CancellationScope::reached(slot.scope.get());
  children_.erase(children_.begin() + (&slot - children_.data()));
  if (cancelled) throw CancelledFailure();
  return result;
}

Payload WorkflowContext::execute_child(Symbol type, const ChildOptions& options, Payload input, Where where) {
  ActivityResult result = wait(start_child(type, options, std::move(input), where), where);
  if (!result.ok) throw ChildWorkflowFailure(result.failure);
  return std::move(result.value);
}

void WorkflowContext::cancel_child(ChildSlot& slot, std::source_location where) {
  if (slot.done || slot.cancel_sent) return;
  slot.cancel_sent = true;
  const std::uint32_t number = slot.number;
  if (retract<StartChild>([number](const StartChild& c) { return c.number == number; })) {
    slot.done = slot.cancelled = true;
    slot.result = {false, nullptr, make_failure("the child was cancelled before it was started", kCanceledFailure)};
    ++progress_;
    return;
  }
  const std::uint32_t request = next_external_++;
  externals_.push_back({request, 0, false, false, false});
  emit(CancelExternal{request, std::make_shared<const ExternalTarget>(ExternalTarget{slot.child->workflow_id, true})},
       where);
}

void WorkflowContext::cancel(ChildHandle handle, Where where) {
  note(where);
  for (ChildSlot& slot : children_)
    if (slot.number == handle.number) cancel_child(slot, where);
}

const std::string& WorkflowContext::workflow_id(ChildHandle handle) const {
  for (const ChildSlot& slot : children_)
    if (slot.number == handle.number) return slot.child->workflow_id;
  DVT_ASSERT(false, "a child whose result was taken is forgotten");
  return children_.front().child->workflow_id;
}

void WorkflowContext::send_external(CommandBody command, std::uint32_t number, std::source_location where) {
  externals_.push_back({number, 0, false, false, true});
  emit(std::move(command), where);
  const auto find = [&] {
    return std::find_if(externals_.begin(), externals_.end(),
                        [&](const ExternalSlot& e) { return e.number == number; });
  };
  block_until([&] { return find()->done; }, "an answer of another execution");
  const auto found = find();
  const bool failed = found->failed;
  externals_.erase(found);
  if (failed)
    throw ExternalWorkflowFailure(make_failure(std::string(kExternalNotFound), Symbol::intern(kExternalNotFound)));
}

void WorkflowContext::signal(ChildHandle handle, Symbol name, Payload input, Where where) {
  note(where);
  throw_if_cancelled();
  const std::uint32_t number = next_external_++;
  auto target = std::make_shared<const ExternalTarget>(ExternalTarget{workflow_id(handle), true});
  send_external(SignalExternal{number, std::move(target), name, std::move(input)}, number, where);
}

void WorkflowContext::signal_external(std::string id, Symbol name, Payload input, Where where) {
  note(where);
  throw_if_cancelled();
  const std::uint32_t number = next_external_++;
  auto target = std::make_shared<const ExternalTarget>(ExternalTarget{std::move(id), false});
  send_external(SignalExternal{number, std::move(target), name, std::move(input)}, number, where);
}

void WorkflowContext::cancel_external(std::string id, Where where) {
  note(where);
  throw_if_cancelled();
  const std::uint32_t number = next_external_++;
  auto target = std::make_shared<const ExternalTarget>(ExternalTarget{std::move(id), false});
  send_external(CancelExternal{number, std::move(target)}, number, where);
}

// ---- timers and conditions

std::uint32_t WorkflowContext::start_timer(Duration duration, std::source_location where) {
  const std::uint32_t id = next_timer_id_++;
  timers_.push_back({id, 0, false, nullptr});
  emit(StartTimer{id, duration}, where);
  return id;
}

std::uint32_t WorkflowContext::start_scope_timer(Duration timeout, const CancellationScope& scope,
                                                 std::source_location where) {
  throw_if_cancelled();
  const std::uint32_t id = start_timer(timeout, where);
  timers_.back().cancels = scope.state_;
  return id;
}

void WorkflowContext::drop_timer(std::uint32_t timer_id, std::source_location where) {
  const auto found =
      std::find_if(timers_.begin(), timers_.end(), [&](const TimerSlot& t) { return t.timer_id == timer_id; });
  DVT_ASSERT(found != timers_.end(), "no such timer");
  if (!found->fired && !retract<StartTimer>([&](const StartTimer& c) { return c.timer_id == timer_id; }))
    emit(CancelTimer{timer_id}, where);
  timers_.erase(found);
}

void WorkflowContext::sleep(Duration duration, Where where) {
  await([] { return false; }, duration, where);
}

void WorkflowContext::await(const std::function<bool()>& condition, Where where) {
  note(where);
  bool waited = false;
  while (!condition()) {
    throw_if_cancelled();
    yield("a condition");
    waited = true;
  }
  if (waited) ++progress_;
}

bool WorkflowContext::await(const std::function<bool()>& condition, Duration timeout, Where where) {
  note(where);
  if (condition()) return true;
  throw_if_cancelled();
  const std::uint32_t id = start_timer(timeout, where);
  while (true) {
    const bool fired =
        std::any_of(timers_.begin(), timers_.end(), [&](const TimerSlot& t) { return t.timer_id == id && t.fired; });
    const bool holds = condition();
    const bool cancelled = CancellationScope::reached(scope_.get());
    if (holds || fired || cancelled) {
      ++progress_;
      drop_timer(id, where);
      if (!holds && cancelled) throw CancelledFailure();
      return holds;
    }
    yield("a condition or a timer");
  }
}

// ---- branches

BranchHandle WorkflowContext::spawn(std::function<void()> body, Where where) {
  note(where);
  auto made = std::make_unique<Branch>();
  Branch* branch = made.get();
  branch->number = static_cast<std::uint32_t>(branches_.size());
  branch->scope = scope_;
  branch->body = std::move(body);
  branch->fiber = fibers_.spawn("workflow branch", [this, branch] {
    try {
      branch->body();
    } catch (const FiberKilled&) {
      throw;
    } catch (const FailureError&) {
      branch->error = std::current_exception();
    } catch (const CancelledFailure&) {
      branch->error = std::current_exception();
    } catch (const ContinueAsNewThrown&) {
      task_failure_ = make_failure("a branch cannot continue as new; only the workflow function can", {});
    } catch (const std::exception& error) {
      task_failure_ = make_failure(error.what(), {});
    } catch (...) {  // fiber entry: FiberKilled has left above
      task_failure_ = make_failure(kUnknownThrown, {});
    }
    branch->ended = true;
    ++progress_;
  });
  branches_.push_back(std::move(made));
  ++progress_;
  return {branch->number};
}

void WorkflowContext::join(BranchHandle handle, Where where) {
  note(where);
  DVT_ASSERT(handle.number > 0 && handle.number < branches_.size(), "no such branch");
  Branch& branch = *branches_[handle.number];
  DVT_ASSERT(!branch.joined, "a branch is joined twice");
  block_until([&] { return branch.ended || CancellationScope::reached(scope_.get()); }, "a branch to end");
  if (!branch.ended) throw CancelledFailure();
  branch.joined = true;
  if (branch.error) std::rethrow_exception(std::exchange(branch.error, nullptr));
}

// ---- signals, queries, updates

void WorkflowContext::on_signal(Symbol name, std::function<void(const Payload&)> handler) {
  std::vector<Payload> early;
  std::erase_if(unhandled_signals_, [&](std::pair<Symbol, Payload>& signal) {
    if (signal.first != name) return false;
    early.push_back(std::move(signal.second));
    return true;
  });
  signal_handlers_.emplace_back(name, std::move(handler));
  for (const Payload& payload : early) signal_handlers_.back().second(payload);
}

void WorkflowContext::on_query(Symbol name, std::function<Payload()> handler) {
  query_handlers_.emplace_back(name, std::move(handler));
}

void WorkflowContext::on_update(Symbol name, std::function<Payload(const Payload&)> handler,
                                std::function<void(const Payload&)> validator) {
  update_handlers_.push_back({name, std::move(handler), std::move(validator)});
  std::vector<ArrivedUpdate> early;
  std::erase_if(waiting_updates_, [&](ArrivedUpdate& update) {
    if (update.request->name != name) return false;
    early.push_back(std::move(update));
    return true;
  });
  for (ArrivedUpdate& update : early) take_update_(std::move(update));
}

void WorkflowContext::upsert_search_attributes(SearchAttributes attributes, Where where) {
  note(where);
  emit(UpsertSearchAttributes{std::make_shared<const SearchAttributes>(std::move(attributes))}, where);
}

void WorkflowContext::continue_as_new(Payload input, Where where) {
  throw ContinueAsNewThrown{std::move(input), where};
}

bool WorkflowContext::patched(Symbol change, Where where) {
  note(where);
  if (std::find(patches_.begin(), patches_.end(), change) != patches_.end()) return true;
  const bool recorded =
      std::find(recorded_patches_.begin(), recorded_patches_.end(), change) != recorded_patches_.end();
  if (replaying_ && !recorded) return false;  // old code went past this point
  patches_.push_back(change);
  emit(RecordMarker{marker_names::patch, make_payload<PatchMarker>(change)}, where);
  // The SDK's core tells the server which changes an execution runs with (its flag 2).
  std::string versions;
  for (const Symbol patch : patches_) {
    versions += versions.empty() ? '[' : ',';
    json::append_string(versions, patch.text());
  }
  upsert_search_attributes({{Symbol::intern("TemporalChangeVersion"), versions + "]"}}, where);
  return true;
}

std::uint64_t WorkflowContext::random(Where where) {
  note(where);
  const std::uint64_t index = next_random_++;
  std::uint64_t words[4];
  random_.words(Purpose::workflow_random, key_.stream(), random_chain_, index / 4, 0, words);
  return words[index % 4];
}

}  // namespace dvt::engine
