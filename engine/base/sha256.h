// SHA-256 over OpenSSL's EVP interface. The algorithm is fetched once and each hasher keeps its context, which is
// several times cheaper than the one-call form on the short texts hashed here (idempotency keys, snapshots).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace dvt {

/// 32 bytes. Ordered as bytes, which is also the order of its hex form.
struct Digest {
  std::array<std::uint8_t, 32> bytes{};
  auto operator<=>(const Digest&) const = default;
};

/// A reusable hasher: update any number of times, then finish, and it is ready for the next message.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(std::string_view bytes);
  Digest finish();

 private:
  evp_md_ctx_st* context_;
  bool started_ = false;
};

/// One message, through a hasher kept for each thread.
Digest sha256(std::string_view bytes);

/// 64 lower-case hex digits.
std::string to_hex(const Digest& digest);
/// Reads exactly 64 hex digits of either case; nullopt for anything else.
std::optional<Digest> from_hex(std::string_view text);

}  // namespace dvt
