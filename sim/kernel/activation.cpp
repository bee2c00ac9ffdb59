// One pointer a thread: the kernel that runs there now.
#include "sim/kernel/activation.h"

#include <string>
#include <utility>

#include "engine/base/assert.h"
#include "sim/kernel/fiber.h"

namespace dvt::sim {
namespace {

thread_local const Kernel* t_active = nullptr;

std::string describe_active() {
  return t_active == nullptr ? "no kernel is running" : t_active->describe_position();
}

}  // namespace

Kernel::Activation::Activation(const Kernel& kernel) : previous_(std::exchange(t_active, &kernel)) {}
Kernel::Activation::~Activation() {
  t_active = previous_;
}
void Kernel::Activation::install() {
  set_assert_context(&describe_active);
}

std::string Kernel::describe_position() const {
  return "virtual time " + format_duration({now_.ns}) + " (" + std::to_string(now_.ns) + " ns), " +
         (current_ == nullptr ? std::string("main stack") : "fiber '" + current_->name + "'") + ", event " +
         std::to_string(events_total_);
}

}  // namespace dvt::sim
