#include <gtest/gtest.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <vector>

#include "sim/kernel/kernel.h"
#include "sim/kernel/stack_slab.h"

namespace dvt::sim {
namespace {

#if defined(DVT_SANITIZED)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total_pages = 0;
  std::size_t resident_pages = 0;
  statm >> total_pages >> resident_pages;
  return resident_pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

TEST(FiberMemory, AParkedFiberHoldsAtMostFourAndAHalfKibibytes) {
  if (kSanitized) GTEST_SKIP() << "sanitizers change what is resident";
  constexpr std::size_t kFibers = 20'000;
  Kernel kernel;
  std::vector<FiberId> fibers;
  fibers.reserve(kFibers);
  const std::size_t before = resident_bytes();
  for (std::size_t i = 0; i < kFibers; ++i) {
    fibers.push_back(kernel.spawn("parked", [&kernel] { kernel.park("the end"); }));
    kernel.run(fibers.back());
  }
  const std::size_t each = (resident_bytes() - before) / kFibers;
  RecordProperty("bytes_each", static_cast<int>(each));
  std::printf("resident bytes a parked fiber: %zu\n", each);
  EXPECT_LE(each, 4608U);
  EXPECT_GE(each, 4096U);  // the measurement measures
}

TEST(FiberMemory, StaysFlatOverAHundredThousandFibersOneAfterAnother) {
  Kernel kernel;
  std::size_t ended = 0;
  const auto live_once = [&] {
    kernel.spawn_queued("short", [&] {
      kernel.sleep_for(nanoseconds(1));
      ++ended;
    });
    kernel.run();
  };
  for (int i = 0; i < 1000; ++i) live_once();
  const std::size_t before = resident_bytes();
  for (int i = 0; i < 100'000; ++i) live_once();
  EXPECT_EQ(ended, 101'000U);
  EXPECT_EQ(kernel.stacks(), 1U);
  // A sanitizer keeps freed memory for a while.
  if (!kSanitized) {
    EXPECT_LE(resident_bytes(), before + 256 * 1024);
  }
}

// More at once than are kept idle, so contexts end for good and Boost's dispatcher has to free them.
TEST(FiberMemory, GivesTheStacksOfACrowdBack) {
  constexpr int kCrowd = 25'000;
  Kernel kernel;
  int ended = 0;
  const auto gather = [&] {
    for (int i = 0; i < kCrowd; ++i) {
      kernel.spawn_queued("one of many", [&] {
        kernel.sleep_for(nanoseconds(1));
        ++ended;
      });
    }
    kernel.run();
  };
  gather();
  EXPECT_LT(kernel.stacks(), 9000U);
  const std::size_t after_first = resident_bytes();
  for (int i = 0; i < 3; ++i) gather();
  EXPECT_EQ(ended, 4 * kCrowd);
  EXPECT_LT(kernel.stacks(), 9000U);
  if (!kSanitized) {
    EXPECT_LE(resident_bytes(), after_first + 4 * 1024 * 1024);
  }
}

TEST(FiberMemory, SteppedFibersAreReclaimedToo) {
  Kernel kernel;
  std::vector<FiberId> fibers;
  for (int i = 0; i < 12'000; ++i) {
    fibers.push_back(kernel.spawn("workflow", [&] { kernel.park("a task"); }));
    kernel.run(fibers.back());
  }
  for (const FiberId fiber : fibers) kernel.kill(fiber);
  EXPECT_LT(kernel.stacks(), 9000U);
}

// A stack that nobody ran on cannot end by itself, however many are idle already.
TEST(FiberMemory, ANewcomerThatIsDiscardedLeavesItsIdleStackIdle) {
  Kernel kernel;
  std::vector<FiberId> fibers;
  for (int i = 0; i < 9000; ++i) {
    fibers.push_back(kernel.spawn("workflow", [&] { kernel.park("a task"); }));
    kernel.run(fibers.back());
  }
  const FiberId survivor = fibers.back();
  fibers.pop_back();
  for (const FiberId fiber : fibers) kernel.kill(fiber);
  const FiberId newcomer = kernel.spawn("newcomer", [] {});  // takes over an idle stack
  kernel.kill(survivor);                                     // whose place among the idle ones is filled
  const std::size_t stacks = kernel.stacks();
  kernel.kill(newcomer);
  bool ran = false;
  kernel.spawn_queued("heir", [&ran] { ran = true; });
  kernel.run();
  EXPECT_TRUE(ran);
  EXPECT_EQ(kernel.stacks(), stacks);
}

// Writes below everything it is entitled to.
[[gnu::noinline]] void overrun() {
  std::byte hog[kStackBytes];
  volatile std::byte* const out = hog;
  for (std::size_t i = 0; i < kStackBytes; ++i) out[i] = std::byte{0x41};
}

TEST(FiberMemoryDeathTest, AFiberThatOverranItsStackIsCaughtWhenItParks) {
  EXPECT_DEATH(
      {
        Kernel kernel;
        // The neighbour gives the overrun somewhere to go.
        const FiberId neighbour = kernel.spawn("neighbour", [&] { kernel.park("the end"); });
        kernel.run(neighbour);
        const FiberId fiber = kernel.spawn("greedy", [&] {
          overrun();
          kernel.park("the verdict");
        });
        kernel.run(fiber);
      },
      "a fiber overran its stack.*\n.*fiber 'greedy'");
}

TEST(StackSlab, ReusesTheStackFreedLast) {
  StackSlab slab;
  const StackSlab::Stack first = slab.allocate();
  const StackSlab::Stack second = slab.allocate();
  EXPECT_GE(static_cast<std::size_t>(first.top - first.bottom), kStackBytes - 4096);
  slab.release(first);
  slab.release(second);
  EXPECT_EQ(slab.allocate().bottom, second.bottom);
  EXPECT_EQ(slab.allocate().bottom, first.bottom);
  EXPECT_EQ(slab.in_use(), 2U);
  slab.release(first);
  slab.release(second);
}

TEST(StackSlab, StacksDoNotOverlapAndAreWritable) {
  StackSlab slab;
  std::vector<StackSlab::Stack> stacks;
  for (int i = 0; i < 3000; ++i) stacks.push_back(slab.allocate());
  for (const StackSlab::Stack& stack : stacks) std::memset(stack.top - 512, 0x5a, 512);
  for (const StackSlab::Stack& stack : stacks) EXPECT_TRUE(StackSlab::intact(stack.bottom));
  for (const StackSlab::Stack& stack : stacks) slab.release(stack);
  EXPECT_EQ(slab.in_use(), 0U);
}

TEST(StackSlab, AWriteBelowTheBottomBreaksTheFenceAndNothingElseDoes) {
  StackSlab slab;
  const StackSlab::Stack low = slab.allocate();
  const StackSlab::Stack high = slab.allocate();
  std::memset(high.bottom, 0, static_cast<std::size_t>(high.top - high.bottom));
  std::memset(low.bottom, 0, static_cast<std::size_t>(low.top - low.bottom));
  EXPECT_TRUE(StackSlab::intact(high.bottom));
  // The page with the fence goes with the lower stack and must come back.
  slab.release(low);
  EXPECT_TRUE(StackSlab::intact(high.bottom));
  high.bottom[-1] = std::byte{0};
  EXPECT_FALSE(StackSlab::intact(high.bottom));
  slab.release(high);
}

TEST(StackSlabDeathTest, AStackIsReleasedOnce) {
  StackSlab slab;
  const StackSlab::Stack stack = slab.allocate();
  slab.release(stack);
  EXPECT_DEATH(slab.release(stack), "released twice");
}

}  // namespace
}  // namespace dvt::sim
