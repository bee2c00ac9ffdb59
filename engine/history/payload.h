// Payloads: arguments, results and details that ride in history events. A body is a typed C++ value, immutable and
// shared; its JSON is rendered only where somebody reads it (export, recorder), because rendering 28 arguments a run
// would cost more than running it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "engine/base/assert.h"
#include "engine/base/ids.h"

namespace dvt::engine {

class PayloadBody {
 public:
  virtual ~PayloadBody() = default;
  /// Appends the value as compact JSON.
  virtual void write_json(std::string& out) const = 0;
  /// About as many bytes as write_json() appends (limits of a history count them). The default renders; a body that
  /// goes into many events answers without.
  virtual std::uint64_t approximate_bytes() const {
    std::string json;
    write_json(json);
    return json.size();
  }
};

/// Null stands for "no value" (a void argument or result).
using Payload = std::shared_ptr<const PayloadBody>;

/// An activity argument that concerns a step of a plan: telemetry asks it which.
class StepSubject : public PayloadBody {
 public:
  virtual StepIndex step() const = 0;
  /// True for the step's own work (executeStep), false for an event about it.
  virtual bool is_step_work() const = 0;
};

/// A value that is nothing but its JSON text (for workflows that bring their own data).
class JsonPayload final : public PayloadBody {
 public:
  explicit JsonPayload(std::string json) : json_(std::move(json)) {}
  void write_json(std::string& out) const override { out += json_; }
  std::uint64_t approximate_bytes() const override { return json_.size(); }
  const std::string& json() const { return json_; }

 private:
  std::string json_;
};

template <class T, class... Args>
Payload make_payload(Args&&... args) {
  return std::make_shared<const T>(std::forward<Args>(args)...);
}

/// The body as a T, or null when it is absent or of another type.
template <class T>
const T* payload_if(const Payload& payload) {
  return dynamic_cast<const T*>(payload.get());
}

/// The body as a T; anything else is a programmer's error.
template <class T>
const T& payload_as(const Payload& payload) {
  const T* body = payload_if<T>(payload);
  DVT_ASSERT(body != nullptr, "a payload has another type than its reader expects");
  return *body;
}

}  // namespace dvt::engine
