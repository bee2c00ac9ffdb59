// Named whole-run counters, `counts.<name>` in the result. Look a counter up once and keep the reference: it stays
// valid.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace dvt::sim {

class Counts {
 public:
  using Map = std::map<std::string, std::int64_t, std::less<>>;

  /// Zero when new.
  std::int64_t& operator[](std::string_view name) {
    const auto it = map_.find(name);
    return it != map_.end() ? it->second : map_.emplace(std::string(name), 0).first->second;
  }
  const Map& all() const { return map_; }

 private:
  Map map_;
};

}  // namespace dvt::sim
