// Independent pieces of work on several threads. What comes out never depends on how many there are: each piece writes
// its own result, and decisions are made when all are there.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

namespace dvt::sim {

/// Calls work(0) … work(count - 1), at most `jobs` at once, in order of beginning; returns when all have ended. Once
/// `stop` is set no further piece begins. An exception of a piece is rethrown after the others have ended (that of the
/// lowest index). `work` must not touch what other pieces touch.
void parallel_for(std::size_t count, unsigned jobs, const std::function<void(std::size_t)>& work,
                  const std::atomic<bool>* stop = nullptr);

}  // namespace dvt::sim
