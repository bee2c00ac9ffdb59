#include "sim/measure/minutes.h"

#include <algorithm>

namespace dvt::sim {

void MinuteJudge::close_minute() {
  std::uint8_t flags = 0;
  if (valid_ + writes_ + failed_writes_ > 0 || probe_asked_) flags |= kMinuteJudged;
  if (20 * failing_ > valid_) flags |= kBadRequests;  // more than 5 %
  if (failed_writes_ > 0 && writes_ == 0) flags |= kBadWrites;
  if (probe_asked_ && !probe_seen_) flags |= kBadProbe;
  ended_.push_back(flags);
  end_ = end_ + minutes(1);
  valid_ = failing_ = writes_ = failed_writes_ = 0;
  probe_asked_ = probe_seen_ = false;
}

MinuteCounts count_minutes(const std::vector<std::uint8_t>& ended, std::size_t from, std::size_t to) {
  MinuteCounts out;
  for (std::size_t i = from; i < std::min(to, ended.size()); ++i) {
    const std::uint8_t flags = ended[i];
    if ((flags & kMinuteJudged) == 0) continue;
    ++out.judged;
    if ((flags & kMinuteBad) == 0) ++out.good;
    if ((flags & kBadRequests) != 0) ++out.bad_requests;
    if ((flags & kBadWrites) != 0) ++out.bad_writes;
    if ((flags & kBadProbe) != 0) ++out.bad_probe;
  }
  return out;
}

}  // namespace dvt::sim
