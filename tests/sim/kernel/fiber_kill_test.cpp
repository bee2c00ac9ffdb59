#include <gtest/gtest.h>

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "sim/kernel/kernel.h"

namespace dvt::sim {
namespace {

Instant at(Duration since_start) {
  return Instant{} + since_start;
}

// Notes its end.
struct Tracer {
  std::string& order;
  char name;
  ~Tracer() { order += name; }
};

TEST(FiberKill, UnwindsAParkedFiber) {
  Kernel kernel;
  std::string order;
  const FiberId fiber = kernel.spawn_queued("fiber", [&] {
    const Tracer outer{order, 'o'};
    const Tracer inner{order, 'i'};
    kernel.park("the end");
    order += 'x';
  });
  EXPECT_THROW(kernel.run(), DeadlockError);
  kernel.kill(fiber);
  EXPECT_EQ(order, "io");
  EXPECT_FALSE(kernel.alive(fiber));
  EXPECT_EQ(kernel.run(), RunStatus::drained);
}

TEST(FiberKill, DiscardsAFiberThatNeverStarted) {
  Kernel kernel;
  const auto held = std::make_shared<int>(1);
  bool ran = false;
  const FiberId stepped = kernel.spawn("stepped", [held, &ran] { ran = true; });
  const FiberId queued = kernel.spawn_queued("queued", [held, &ran] { ran = true; });
  EXPECT_EQ(held.use_count(), 3);
  kernel.kill(stepped);
  kernel.kill(queued);
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_EQ(kernel.run(), RunStatus::drained);
  EXPECT_FALSE(ran);
}

TEST(FiberKill, AKilledNewcomersPlaceInTheQueueIsNotInherited) {
  Kernel kernel;
  std::string order;
  const FiberId doomed = kernel.spawn_queued("doomed", [&] { order += 'd'; });
  kernel.spawn_queued("second", [&] { order += '2'; });
  kernel.kill(doomed);
  kernel.spawn_queued("third", [&] { order += '3'; });  // takes over the first one's record
  kernel.run();
  EXPECT_EQ(order, "23");
}

TEST(FiberKill, EndsSleepersJoinersAndReadyFibers) {
  Kernel kernel;
  std::string order;
  const FiberId sleeper = kernel.spawn_queued("sleeper", [&] {
    const Tracer tracer{order, 's'};
    kernel.sleep_for(seconds(10));
  });
  const FiberId joiner = kernel.spawn_queued("joiner", [&] {
    const Tracer tracer{order, 'j'};
    kernel.join(sleeper);
  });
  const FiberId ready = kernel.spawn_queued("ready", [&] {
    const Tracer tracer{order, 'r'};
    kernel.park("a wake");
    order += 'x';
  });
  kernel.run_until(at(seconds(1)));
  kernel.wake(ready);
  kernel.kill(ready);
  kernel.kill(joiner);
  kernel.kill(sleeper);
  EXPECT_EQ(order, "rjs");
  EXPECT_EQ(kernel.timers_pending(), 0U);
  EXPECT_EQ(kernel.run(), RunStatus::drained);
  EXPECT_EQ(kernel.now(), at(seconds(1)));
}

TEST(FiberKill, FreesThoseWhoJoined) {
  Kernel kernel;
  bool joined = false;
  const FiberId target = kernel.spawn_queued("target", [&] { kernel.park("for ever"); });
  kernel.spawn_queued("joiner", [&] {
    kernel.join(target);
    joined = true;
  });
  kernel.call_after(seconds(1), [&] { kernel.kill(target); });
  kernel.run();
  EXPECT_TRUE(joined);
}

TEST(FiberKill, WorksOnAFiberParkedInsideACatchBlock) {
  Kernel kernel;
  std::string order;
  const FiberId fiber = kernel.spawn("fiber", [&] {
    const Tracer outer{order, 'o'};
    try {
      throw std::runtime_error("planned");
    } catch (const std::runtime_error&) {
      const Tracer inner{order, 'i'};
      kernel.park("inside a catch block");
      order += 'x';
    }
  });
  kernel.run(fiber);
  kernel.kill(fiber);
  EXPECT_EQ(order, "io");
  EXPECT_EQ(std::current_exception(), nullptr);
}

TEST(FiberKill, WorksWhileTheKillerHandlesAnExceptionItself) {
  Kernel kernel;
  std::string order;
  const FiberId fiber = kernel.spawn("fiber", [&] {
    const Tracer tracer{order, 'f'};
    kernel.park("the end");
  });
  kernel.run(fiber);
  try {
    throw std::runtime_error("mine");
  } catch (const std::runtime_error&) {
    kernel.kill(fiber);
    try {
      throw;
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "mine");
    }
  }
  EXPECT_EQ(order, "f");
}

TEST(FiberKill, WorksWithManyDestructorsAtDifferentDepths) {
  Kernel kernel;
  std::string order;
  struct Recurse {
    Kernel& kernel;
    std::string& order;
    void down(int depth) const {
      const Tracer tracer{order, static_cast<char>('0' + depth)};
      const std::vector<std::string> ballast(10, std::string(100, 'b'));
      if (depth == 9) kernel.park("at the bottom");
      if (depth < 9) down(depth + 1);
    }
  };
  const FiberId fiber = kernel.spawn("fiber", [&] { Recurse{kernel, order}.down(0); });
  kernel.run(fiber);
  kernel.kill(fiber);
  EXPECT_EQ(order, "9876543210");
}

TEST(FiberKill, IsThrownAgainAtAFiberThatParksOn) {
  Kernel kernel;
  int swallowed = 0;
  const FiberId fiber = kernel.spawn("stubborn", [&] {
    for (int i = 0; i < 3; ++i) {
      try {
        kernel.park("whatever");
      } catch (const FiberKilled&) {
        ++swallowed;
      }
    }
  });
  kernel.run(fiber);
  kernel.kill(fiber);
  EXPECT_EQ(swallowed, 3);
  EXPECT_FALSE(kernel.alive(fiber));
}

TEST(FiberKillDeathTest, ADestructorThatWaitsDuringTheKillIsAnError) {
  struct Waits {
    Kernel& kernel;
    ~Waits() { kernel.sleep_for(seconds(1)); }
  };
  EXPECT_DEATH(
      {
        Kernel kernel;
        const FiberId fiber = kernel.spawn("fiber", [&] {
          const Waits waits{kernel};
          kernel.park("the end");
        });
        kernel.run(fiber);
        kernel.kill(fiber);
      },
      "a destructor waits while its fiber is being killed");
}

TEST(FiberKill, TheKernelsEndUnwindsItsFibers) {
  std::string order;
  {
    Kernel kernel;
    kernel.spawn_queued("parked", [&] {
      const Tracer tracer{order, 'p'};
      kernel.park("for ever");
    });
    kernel.spawn_queued("asleep", [&] {
      const Tracer tracer{order, 's'};
      kernel.sleep_for(seconds(100));
    });
    kernel.spawn("unused", [&] { order += 'x'; });
    kernel.run_until(at(seconds(1)));
  }
  EXPECT_EQ(order, "ps");
}

// Parking inside a catch block and then `throw;` must rethrow the fiber's own exception.
TEST(FiberExceptions, RethrowsOfTwoFibersParkedInCatchBlocksDoNotMix) {
  Kernel kernel;
  std::vector<std::string> caught;
  const auto body = [&](const std::string& text) {
    return [&, text] {
      try {
        try {
          throw std::runtime_error(text);
        } catch (...) {
          for (int i = 0; i < 3; ++i) kernel.sleep_for(seconds(1));
          throw;
        }
      } catch (const std::runtime_error& error) {
        caught.push_back(text + " caught " + error.what());
      }
    };
  };
  kernel.spawn_queued("a", body("a"));
  kernel.spawn_queued("b", body("b"));
  kernel.run();
  EXPECT_EQ(caught, (std::vector<std::string>{"a caught a", "b caught b"}));
}

TEST(FiberExceptions, SteppedFibersAndTheMainStackKeepTheirOwn) {
  Kernel kernel;
  std::vector<std::string> caught;
  const auto body = [&](const std::string& text) {
    return [&, text] {
      try {
        try {
          throw std::runtime_error(text);
        } catch (...) {
          kernel.park("the other");
          throw;
        }
      } catch (const std::runtime_error& error) {
        caught.push_back(error.what());
      }
    };
  };
  const FiberId a = kernel.spawn("a", body("a"));
  const FiberId b = kernel.spawn("b", body("b"));
  try {
    try {
      throw std::runtime_error("main");
    } catch (...) {
      kernel.run(a);
      kernel.run(b);
      kernel.run(a);
      kernel.run(b);
      throw;
    }
  } catch (const std::runtime_error& error) {
    caught.push_back(error.what());
  }
  EXPECT_EQ(caught, (std::vector<std::string>{"a", "b", "main"}));
}

TEST(FiberExceptions, AFreshFiberSeesNoExceptionOfItsMaker) {
  Kernel kernel;
  bool clean = false;
  kernel.spawn_queued("maker", [&] {
    try {
      throw std::runtime_error("planned");
    } catch (...) {
      kernel.spawn_queued("fresh", [&] { clean = std::current_exception() == nullptr; });
      kernel.sleep_for(seconds(1));
    }
  });
  kernel.run();
  EXPECT_TRUE(clean);
}

TEST(FiberExceptions, UncaughtCountsAreAFibersOwn) {
  Kernel kernel;
  std::vector<int> counts;
  struct Parks {
    Kernel& kernel;
    ~Parks() { kernel.sleep_for(seconds(1)); }
  };
  kernel.spawn_queued("unwinding", [&] {
    try {
      const Parks parks{kernel};
      throw std::runtime_error("planned");
    } catch (const std::runtime_error&) {
      counts.push_back(std::uncaught_exceptions());
    }
  });
  kernel.spawn_queued("watcher", [&] { counts.push_back(std::uncaught_exceptions()); });
  kernel.run();
  EXPECT_EQ(counts, (std::vector<int>{0, 0}));
}

}  // namespace
}  // namespace dvt::sim
