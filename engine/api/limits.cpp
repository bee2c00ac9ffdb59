#include "engine/api/limits.h"

#include <algorithm>

namespace dvt::engine {

void RateWindow::forget(const Allowance& allowance, Instant now) {
  while (!taken_.empty() && taken_.front() <= now - allowance.per) taken_.pop_front();
}

bool RateWindow::room(const Allowance& allowance, Instant now) {
  if (allowance.count == 0) return true;
  forget(allowance, now);
  return taken_.size() < allowance.count;
}

void RateWindow::give_back(Instant at) {
  const auto found = std::find(taken_.rbegin(), taken_.rend(), at);
  if (found != taken_.rend()) taken_.erase(std::next(found).base());
}

Duration RateWindow::wait(const Allowance& allowance, Instant now) {
  if (room(allowance, now)) return {};
  return taken_[taken_.size() - allowance.count] + allowance.per - now;
}

bool SignalProcessors::take(Instant now, Duration busy) {
  if (stopped_) return false;
  for (Instant& free_at : free_at_) {
    if (free_at > now) continue;
    free_at = now + busy;
    return true;
  }
  return false;
}

std::optional<Instant> SignalProcessors::next_free() const {
  if (stopped_ || free_at_.empty()) return std::nullopt;
  return *std::min_element(free_at_.begin(), free_at_.end());
}

std::optional<Instant> DeferralQueue::next_due() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.begin()->first.first;
}

std::optional<DeferredSignal> DeferralQueue::pop(Instant now) {
  if (waiting_.empty() || waiting_.begin()->first.first > now) return std::nullopt;
  const DeferredSignal first = waiting_.begin()->second;
  waiting_.erase(waiting_.begin());
  return first;
}

void DeferralQueue::make_due(Instant now) {
  std::map<std::pair<Instant, std::uint64_t>, DeferredSignal> due;
  for (const auto& [key, deferred] : waiting_) due.emplace(std::pair(std::min(key.first, now), key.second), deferred);
  waiting_ = std::move(due);
}

std::vector<std::uint64_t> DeferralQueue::signals() const {
  std::vector<std::uint64_t> out;
  for (const auto& [key, deferred] : waiting_) out.push_back(deferred.signal);
  return out;
}

void DeferralQueue::remove(std::uint64_t signal) {
  const auto found =
      std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& entry) { return entry.second.signal == signal; });
  if (found != waiting_.end()) waiting_.erase(found);
}

}  // namespace dvt::engine
