#include "sim/study/parallel.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace dvt::sim {
namespace {

TEST(ParallelFor, DoesEachPieceOnce) {
  for (const unsigned jobs : {1U, 2U, 7U, 64U}) {
    std::vector<int> done(50, 0);
    parallel_for(done.size(), jobs, [&](std::size_t at) { ++done[at]; });
    EXPECT_EQ(done, std::vector<int>(50, 1)) << jobs;
  }
}

TEST(ParallelFor, RethrowsWhatTheFirstPieceThrewAfterAllHaveEnded) {
  std::atomic<int> done{0};
  try {
    parallel_for(20, 3, [&](std::size_t at) {
      ++done;
      if (at == 4 || at == 11) throw std::runtime_error(std::to_string(at));
    });
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "4");
  }
  EXPECT_EQ(done, 20);
}

TEST(ParallelFor, BeginsNothingOnceItIsStopped) {
  std::atomic<bool> stop{false};
  int done = 0;
  parallel_for(
      100, 1,
      [&](std::size_t at) {
        ++done;
        stop = at == 9;
      },
      &stop);
  EXPECT_EQ(done, 10);
}

}  // namespace
}  // namespace dvt::sim
