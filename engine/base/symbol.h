// Symbol: an interned name (activity type, task queue, signal name). Comparing is one pointer compare; the text
// lives for ever. Order by text where order is visible; never by address.
#pragma once

#include <string>
#include <string_view>

namespace dvt {

class Symbol {
 public:
  Symbol() = default;
  /// Thread-safe; meant for registration and constants, not for hot paths.
  static Symbol intern(std::string_view text);
  std::string_view text() const { return text_ == nullptr ? std::string_view{} : std::string_view{*text_}; }
  bool operator==(const Symbol& other) const = default;
  explicit operator bool() const { return text_ != nullptr; }

 private:
  explicit Symbol(const std::string* text) : text_(text) {}
  const std::string* text_ = nullptr;
};

}  // namespace dvt
