#include "sim/cli/progress.h"

#include <unistd.h>

#include <cstdio>
#include <string>

namespace dvt::sim::cli {

Progress::Progress(bool enabled) : enabled_(enabled), terminal_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  clear();
}

void Progress::clear() {
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

void Progress::update(Instant now, Instant end) {
  if (!enabled_ || end.ns <= 0) return;
  const auto percent = static_cast<int>(static_cast<double>(now.ns) / static_cast<double>(end.ns) * 100);
  if (!terminal_) {
    if (percent / 10 <= last_tenth_) return;
    last_tenth_ = percent / 10;
    std::fprintf(stderr, "%3d %%  virtual %s\n", last_tenth_ * 10,
                 format_duration(seconds(now.ns / 1'000'000'000)).c_str());
    return;
  }
  const auto wall = std::chrono::steady_clock::now();
  if (wall < next_) return;
  next_ = wall + std::chrono::milliseconds(100);
  constexpr int kWidth = 30;
  const int filled = percent * kWidth / 100;
  const std::string bar =
      std::string(static_cast<std::size_t>(filled), '#') + std::string(static_cast<std::size_t>(kWidth - filled), '.');
  std::fprintf(stderr, "\r[%s] %3d %%  virtual %s\033[K", bar.c_str(), percent,
               format_duration(seconds(now.ns / 1'000'000'000)).c_str());
  std::fflush(stderr);
  drawn_ = true;
}

std::function<void(std::size_t, std::size_t)> progress_of_runs(bool enabled, std::string of) {
  if (!enabled) return {};
  return [of = std::move(of), told = std::size_t{0}](std::size_t done, std::size_t all) mutable {
    const std::size_t tenth = done * 10 / all;
    if (tenth == told) return;
    told = tenth;
    std::fprintf(stderr, "%zu %s %zu runs\n", done, of.c_str(), all);
  };
}

}  // namespace dvt::sim::cli
