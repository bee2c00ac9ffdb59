#include "sim/study/parallel.h"

#include <algorithm>
#include <exception>
#include <thread>
#include <vector>

namespace dvt::sim {

void parallel_for(std::size_t count, unsigned jobs, const std::function<void(std::size_t)>& work,
                  const std::atomic<bool>* stop) {
  std::vector<std::exception_ptr> thrown(count);
  std::atomic<std::size_t> next{0};
  const auto loop = [&] {
    while (stop == nullptr || !stop->load()) {
      const std::size_t at = next++;
      if (at >= count) return;
      try {
        work(at);
      } catch (...) {
        thrown[at] = std::current_exception();
      }
    }
  };
  std::vector<std::thread> threads;
  const std::size_t wanted = std::min<std::size_t>(jobs, count);
  for (std::size_t i = 1; i < wanted; ++i) threads.emplace_back(loop);
  loop();
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& one : thrown)
    if (one) std::rethrow_exception(one);
}

}  // namespace dvt::sim
