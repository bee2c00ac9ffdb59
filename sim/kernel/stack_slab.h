// StackSlab: fiber stacks cut from large reserved mappings, one behind the other and without guard pages (guards fail
// at 32,739 mappings). A page is resident only once it is touched. A fence of canary words under each stack tells
// an overflow; it lies in the neighbour's top page, so it costs no page of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dvt::sim {

#if defined(DVT_SANITIZED)
inline constexpr std::size_t kStackBytes = 256 * 1024;
#else
inline constexpr std::size_t kStackBytes = 32 * 1024;
#endif

/// Owns every stack it hands out; must outlive their users. Throws Error when the system gives no address space.
class StackSlab {
 public:
  /// `bottom` is the lowest usable byte, `top` one past the highest. Stacks grow down.
  struct Stack {
    std::byte* bottom = nullptr;
    std::byte* top = nullptr;
  };

  StackSlab() = default;
  ~StackSlab();
  StackSlab(const StackSlab&) = delete;
  StackSlab& operator=(const StackSlab&) = delete;

  /// The stack freed last, or else the next one that was never used.
  Stack allocate();
  /// Gives the stack's pages back to the system.
  void release(Stack stack);
  std::size_t in_use() const { return in_use_; }

  /// False if anything was written below the stack's lowest byte. Reads one cache line.
  static bool intact(const std::byte* bottom) {
    const auto* words = reinterpret_cast<const std::uint64_t*>(bottom - kFenceBytes);
    std::uint64_t difference = 0;
    for (std::size_t i = 0; i < kFenceBytes / sizeof(std::uint64_t); ++i) difference |= words[i] ^ kCanary;
    return difference == 0;
  }

 private:
  static constexpr std::size_t kFenceBytes = 64;
  static constexpr std::uint64_t kCanary = 0xdead'57ac'c0ff'ee5a;
  static constexpr std::size_t kStacksPerMapping = 1024;

  struct Mapping {
    std::byte* begin;  // one page for the first stack's fence, then the stacks
    std::size_t used;  // stacks ever handed out
    std::vector<bool> taken;
  };
  struct Place {
    std::uint32_t mapping;
    std::uint32_t index;
  };
  static std::byte* region(const Mapping& mapping, std::size_t index);
  static void write_fence(std::byte* bottom);
  Stack take(Place place);

  std::vector<Mapping> mappings_;
  std::vector<Place> free_;
  std::size_t in_use_ = 0;
};

}  // namespace dvt::sim
