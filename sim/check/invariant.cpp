#include "sim/check/invariant.h"

#include "engine/base/format.h"

namespace dvt::sim {

int Invariant::explaining(std::initializer_list<int> faults) const {
  for (const int fault : faults) {
    if (!config_->known_faults_fixed.at(static_cast<std::size_t>(fault))) return fault;
  }
  return 0;
}

bool Invariant::wants_example(int fault) {
  if (left_out_) return false;
  if (fault == 0) return ++violations_ <= kExamples;
  ++explained_.at(static_cast<std::size_t>(fault));
  return explained_examples_.size() < kExamples;
}

void Invariant::add_example(int fault, Instant at, RunOrdinal run, std::string text) {
  std::string line = format_rfc3339(config_->start + Duration{at.ns}, 9);
  if (run.value != UINT32_MAX) line += fmt::format(" run {}", run.value);
  line += ": " + text;
  (fault == 0 ? examples_ : explained_examples_).push_back(std::move(line));
}

// What no known fault explains comes first: it is what fails the run.
InvariantResult Invariant::result() const {
  InvariantResult result;
  result.name = name_;
  result.checks = checks_;
  if (violations_ > 0) {
    result.violations = violations_;
    result.examples = examples_;
    return result;
  }
  for (std::size_t fault = 1; fault < explained_.size(); ++fault) {
    if (explained_[fault] == 0) continue;
    if (result.known_fault == 0) result.known_fault = static_cast<int>(fault);
    result.violations += explained_[fault];
  }
  result.examples = explained_examples_;
  return result;
}

}  // namespace dvt::sim
