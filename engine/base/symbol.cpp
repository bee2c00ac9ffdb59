#include "engine/base/symbol.h"

#include <mutex>
#include <set>

namespace dvt {

Symbol Symbol::intern(std::string_view text) {
  static std::mutex mutex;
  static std::set<std::string, std::less<>> names;  // nodes never move, so addresses are stable
  const std::lock_guard<std::mutex> lock(mutex);
  auto found = names.find(text);
  if (found == names.end()) found = names.emplace(text).first;
  return Symbol(&*found);
}

}  // namespace dvt
