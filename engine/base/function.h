// Callback: a move-only `void()` of fixed size that never allocates. Timers hold millions of them, so a capture
// that does not fit is a compile error, not a hidden allocation.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

#include "engine/base/assert.h"

namespace dvt {

template <class Signature, std::size_t Capacity>
class InplaceFunction;

template <class R, class... Args, std::size_t Capacity>
class InplaceFunction<R(Args...), Capacity> {
 public:
  InplaceFunction() = default;

  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, InplaceFunction> && std::is_invocable_r_v<R, F&, Args...>)
      InplaceFunction(F&& f) {  // NOLINT(google-explicit-constructor): a lambda is a callback
    using Stored = std::remove_cvref_t<F>;
    static_assert(sizeof(Stored) <= Capacity, "the capture is too large for an in-place callback");
    static_assert(alignof(Stored) <= alignof(void*), "over-aligned capture");
    static_assert(std::is_nothrow_move_constructible_v<Stored>);
    ::new (static_cast<void*>(storage_)) Stored(std::forward<F>(f));
    invoke_ = [](void* self, Args... args) -> R { return (*static_cast<Stored*>(self))(std::forward<Args>(args)...); };
    if constexpr (!std::is_trivially_copyable_v<Stored>) {
      manage_ = [](void* from, void* to) noexcept {
        auto* source = static_cast<Stored*>(from);
        if (to != nullptr) ::new (to) Stored(std::move(*source));
        source->~Stored();
      };
    }
  }

  InplaceFunction(InplaceFunction&& other) noexcept { take(other); }
  InplaceFunction& operator=(InplaceFunction&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  InplaceFunction(const InplaceFunction&) = delete;
  InplaceFunction& operator=(const InplaceFunction&) = delete;
  ~InplaceFunction() { reset(); }

  explicit operator bool() const noexcept { return invoke_ != nullptr; }
  R operator()(Args... args) {
    DVT_ASSERT(invoke_ != nullptr, "an empty callback was called");
    return invoke_(storage_, std::forward<Args>(args)...);
  }

  void reset() noexcept {
    if (manage_ != nullptr) manage_(storage_, nullptr);
    manage_ = nullptr;
    invoke_ = nullptr;
  }

 private:
  void take(InplaceFunction& other) noexcept {
    invoke_ = other.invoke_;
    manage_ = other.manage_;
    if (manage_ != nullptr) {
      manage_(other.storage_, storage_);
    } else if (invoke_ != nullptr) {
      // All of it, whatever was stored: a copy of fixed size is three moves, and the rest is never read.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
      __builtin_memcpy(storage_, other.storage_, Capacity);
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
    }
    other.invoke_ = nullptr;
    other.manage_ = nullptr;
  }

  alignas(void*) unsigned char storage_[Capacity];
  R (*invoke_)(void*, Args...) = nullptr;
  void (*manage_)(void*, void*) noexcept = nullptr;
};

/// What a timer runs: up to 48 bytes of capture.
using Callback = InplaceFunction<void(), 48>;

}  // namespace dvt
