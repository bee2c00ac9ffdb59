// Pool: K processes of eight exponential steps go through C slots, in order of arrival; a process holds its slot for
// all its steps. Prints how many processes a second the kernel finishes and the most memory it held.
#include <sys/resource.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <string_view>

#include "engine/base/distribution.h"
#include "engine/ports/random.h"
#include "sim/kernel/kernel.h"
#include "sim/kernel/random_streams.h"

namespace dvt::sim {
namespace {

constexpr int kSteps = 8;
constexpr Duration kStepMean = seconds(1);

enum class Arrivals { poisson, at_once };
enum class Written { as_callbacks, as_fibers };

struct Options {
  std::uint64_t runs = 1'000'000;
  std::uint64_t slots = 64;
  std::uint64_t load_percent = 80;  // of the slots, for Poisson arrivals
  std::uint64_t seed = 1;
  Arrivals arrivals = Arrivals::poisson;
  Written written = Written::as_callbacks;
};

// What both ways of writing a process share: the draws, the arrivals and the book-keeping.
class Pool {
 public:
  explicit Pool(const Options& options)
      : options_(options),
        random_(options.seed),
        gap_(Distribution::exponential(kStepMean * (kSteps * 100) /
                                       static_cast<std::int64_t>(options.slots * options.load_percent))) {}

  void run() {
    if (options_.arrivals == Arrivals::at_once) {
      for (std::uint64_t i = 0; i < options_.runs; ++i) {
        kernel_.post([this, i] { arrive(i); });
      }
    } else {
      set_arrival(0);
    }
    kernel_.run();
  }
  const Kernel& kernel() const { return kernel_; }
  std::uint64_t done() const { return done_; }
  /// Share of the slots' time that was used.
  double utilisation() const {
    return static_cast<double>(busy_ns_) / static_cast<double>(kernel_.now().ns) / static_cast<double>(options_.slots);
  }
  /// Nanoseconds a process waited for its slot, on average.
  double mean_wait_ns() const { return static_cast<double>(wait_ns_) / static_cast<double>(done_); }

 private:
  struct Waiting {
    std::uint64_t process;
    FiberId fiber;  // none: written as callbacks
    Instant since;
  };

  void set_arrival(std::uint64_t i) {
    if (i == options_.runs) return;
    Draws draws(random_, Purpose::arrival_gap, i);
    kernel_.call_after(gap_.sample(draws), [this, i] {
      arrive(i);
      set_arrival(i + 1);
    });
  }
  void arrive(std::uint64_t process) {
    if (options_.written == Written::as_fibers) {
      kernel_.spawn_queued("process", [this, process] { live(process); });
    } else if (busy_ < options_.slots) {
      ++busy_;
      step(process, 0);
    } else {
      waiting_.push_back({process, {}, kernel_.now()});
    }
  }
  Duration draw(std::uint64_t process, int number) {
    Draws draws(random_, Purpose::test, process, static_cast<std::uint64_t>(number));
    const Duration length = step_.sample(draws);
    busy_ns_ += length.ns;
    return length;
  }

  void step(std::uint64_t process, int number) {
    kernel_.call_after(draw(process, number), [this, process, number] {
      if (number + 1 < kSteps) {
        step(process, number + 1);
      } else {
        release();
      }
    });
  }

  void live(std::uint64_t process) {
    if (busy_ < options_.slots) {
      ++busy_;
    } else {
      waiting_.push_back({process, kernel_.current(), kernel_.now()});
      kernel_.park("a slot");
    }
    for (int number = 0; number < kSteps; ++number) kernel_.sleep_for(draw(process, number));
    release();
  }

  // The slot goes straight to the one who waited longest.
  void release() {
    ++done_;
    if (waiting_.empty()) {
      --busy_;
      return;
    }
    const Waiting next = waiting_.front();
    waiting_.pop_front();
    wait_ns_ += (kernel_.now() - next.since).ns;
    if (next.fiber) {
      kernel_.wake(next.fiber);
    } else {
      step(next.process, 0);
    }
  }

  const Options options_;
  const PhiloxRandom random_;
  const Distribution gap_;
  const Distribution step_ = Distribution::exponential(kStepMean);
  Kernel kernel_;
  std::deque<Waiting> waiting_;
  std::uint64_t busy_ = 0;
  std::uint64_t done_ = 0;
  std::int64_t busy_ns_ = 0;
  __extension__ __int128 wait_ns_ = 0;
};

[[noreturn]] void usage() {
  std::fputs(
      "usage: bench_pool [--runs K] [--slots C] [--load PERCENT] [--seed N]\n"
      "                  [--arrivals poisson|at-once] [--written callbacks|fibers]\n",
      stderr);
  std::exit(2);
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0) usage();
  return value;
}

Options parse(int count, char** words) {
  Options options;
  for (int i = 1; i < count; i += 2) {
    if (i + 1 == count) usage();
    const std::string_view flag = words[i];
    const std::string_view value = words[i + 1];
    if (flag == "--runs") {
      options.runs = number(value);
    } else if (flag == "--slots") {
      options.slots = number(value);
    } else if (flag == "--load") {
      options.load_percent = number(value);
    } else if (flag == "--seed") {
      options.seed = number(value);
    } else if (flag == "--arrivals" && (value == "poisson" || value == "at-once")) {
      options.arrivals = value == "poisson" ? Arrivals::poisson : Arrivals::at_once;
    } else if (flag == "--written" && (value == "callbacks" || value == "fibers")) {
      options.written = value == "callbacks" ? Written::as_callbacks : Written::as_fibers;
    } else {
      usage();
    }
  }
  return options;
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

int bench(const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  Pool pool(options);
  pool.run();
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (pool.done() != options.runs) {
    std::fputs("bench_pool: processes were lost\n", stderr);
    return 1;
  }
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const double processor = seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
  const auto runs = static_cast<double>(options.runs);
  std::printf("%s, %s, %llu runs, %llu slots: %.0f runs/s (%.0f a processor second), %.2f M events/s, %.1f MiB peak, ",
              options.written == Written::as_callbacks ? "callbacks" : "fibers",
              options.arrivals == Arrivals::poisson ? "poisson" : "at once",
              static_cast<unsigned long long>(options.runs), static_cast<unsigned long long>(options.slots),
              runs / wall, runs / processor, static_cast<double>(pool.kernel().events_total()) / wall / 1e6,
              static_cast<double>(used.ru_maxrss) / 1024);
  std::printf("busy %.1f %%, mean wait %.3f s\n", pool.utilisation() * 100, pool.mean_wait_ns() / 1e9);
  return 0;
}

}  // namespace
}  // namespace dvt::sim

int main(int count, char** words) {
  return dvt::sim::bench(dvt::sim::parse(count, words));
}
