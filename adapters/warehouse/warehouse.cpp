#include "adapters/warehouse/warehouse.h"

#include <algorithm>
#include <memory>

#include "engine/base/assert.h"

namespace dvt::adapters {
namespace {

// Every attempt of every logical attempt draws for itself.
std::uint64_t attempt_key(const StepRequest& request) {
  return (std::uint64_t{request.logical_attempt - 1} << 32) | request.attempt;
}

}  // namespace

Warehouses::Warehouses(Timers& timers, const Random& random, Telemetry& telemetry,
                       std::vector<WarehouseOptions> warehouses)
    : timers_(timers), random_(random), telemetry_(telemetry), warehouses_(warehouses.size()) {
  for (std::size_t i = 0; i < warehouses.size(); ++i) {
    DVT_ASSERT(warehouses[i].concurrency > 0, "a warehouse runs at least one step at a time");
    warehouses_[i].options = std::move(warehouses[i]);
  }
}

std::uint32_t Warehouses::places(const Warehouse& warehouse) {
  if (warehouse.throttled_to == 0) return warehouse.options.concurrency;
  return std::min(warehouse.options.concurrency, warehouse.throttled_to);
}

void Warehouses::set_places(std::uint32_t index, std::uint32_t places_left) {
  Warehouse& warehouse = warehouses_[index];
  warehouse.throttled_to = places_left;
  while (!warehouse.queue.empty() && warehouse.running < places(warehouse)) {
    Job next = std::move(warehouse.queue.front());
    warehouse.queue.pop_front();
    begin(index, std::move(next));
  }
}

void Warehouses::level(std::uint32_t warehouse) {
  const Warehouse& at = warehouses_[warehouse];
  telemetry_.warehouse_level(warehouse, at.running, static_cast<std::uint32_t>(at.queue.size()), timers_.now());
}

void Warehouses::submit(const StepRequest& request, StepDone done) {
  const std::uint32_t index = plans_.at(request.plan.value).at(request.step.value).warehouse;
  Warehouse& warehouse = warehouses_[index];
  const Instant now = timers_.now();
  if (warehouse.outage) {
    auto refused = std::make_unique<StepDone>(std::move(done));
    timers_.post([held = std::move(refused)] { (*held)({StepOutcome::transient_error, "warehouse_unavailable"}); });
    return;
  }
  Job job{request, std::move(done), now, now};
  if (warehouse.running >= places(warehouse)) {
    warehouse.queue.push_back(std::move(job));
    level(index);
    return;
  }
  begin(index, std::move(job));
}

void Warehouses::begin(std::uint32_t index, Job job) {
  Warehouse& warehouse = warehouses_[index];
  ++warehouse.running;
  job.began_at = timers_.now();
  level(index);
  const StepProfile& profile = plans_[job.request.plan.value][job.request.step.value];
  const DrawKey key{job.request.run.value, job.request.step.value, attempt_key(job.request)};
  Draws draws(random_, Purpose::warehouse_duration, key.a, key.b, key.c);
  Duration duration = profile.duration.sample(draws);
  if (warehouse.scale != nullptr) duration = warehouse.scale->scaled(duration, key);
  auto held = std::make_unique<Job>(std::move(job));
  timers_.call_after(duration, [this, index, finished = std::move(held)] {
    Warehouse& at = warehouses_[index];
    --at.running;
    const StepAnswer answer =
        judge(at, finished->request, plans_[finished->request.plan.value][finished->request.step.value]);
    telemetry_.warehouse_done({index, finished->request.run, finished->request.step, finished->request.attempt,
                               finished->submitted_at, finished->began_at, timers_.now(),
                               answer.outcome == StepOutcome::completed});
    if (!at.queue.empty() && at.running < places(at)) {
      Job next = std::move(at.queue.front());
      at.queue.pop_front();
      begin(index, std::move(next));
    } else {
      level(index);
    }
    finished->done(answer);
  });
}

StepAnswer Warehouses::judge(const Warehouse& warehouse, const StepRequest& request, const StepProfile& profile) const {
  // What was recorded is the first attempt; whoever retries has mended something.
  if (profile.recorded_failure && request.logical_attempt == 1) return {StepOutcome::failed, "recorded_error"};
  if (warehouse.failing_ppb > 0) {
    std::uint64_t drawn[4];
    random_.words(Purpose::call_fault, request.run.value, request.step.value, attempt_key(request), 0, drawn);
    if (strikes(drawn[3], warehouse.failing_ppb)) return {StepOutcome::transient_error, "transient_error"};
  }
  const ErrorModel& errors = warehouse.options.errors;
  if (errors.rate_ppb == 0) return {};
  std::uint64_t words[4];
  random_.words(Purpose::warehouse_error, request.run.value, request.step.value, attempt_key(request), 0, words);
  if (!strikes(words[0], errors.rate_ppb)) return {};
  if (strikes(words[1], errors.permanent_ppb)) return {StepOutcome::permanent_error, "permanent_error"};
  std::int64_t passed = 0;
  for (const auto& [code, share] : errors.codes) {
    passed += share;
    if (strikes(words[2], passed)) return {StepOutcome::transient_error, code};
  }
  return {StepOutcome::transient_error, errors.codes.empty() ? "transient_error" : errors.codes.back().first};
}

}  // namespace dvt::adapters
