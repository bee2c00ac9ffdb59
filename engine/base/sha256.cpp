#include "engine/base/sha256.h"

// OpenSSL's plain functions are deprecated in favour of EVP, which allocates, frees and wipes a context for each
// message: as much work as hashing the short texts that most messages are.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <utility>

#include "engine/base/assert.h"
#include "engine/base/result.h"

namespace dvt {
namespace {

// Fetched once: looking the algorithm up costs several times what hashing a key does. Never freed, because thread
// locals and statics may hash while the process ends.
const EVP_MD* algorithm() {
  static const EVP_MD* const md = [] {
    EVP_MD* fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    if (fetched == nullptr) throw Error("OpenSSL offers no SHA-256 (is its configuration broken?)");
    return fetched;
  }();
  return md;
}

constexpr char kHexDigits[] = "0123456789abcdef";

constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr) throw std::bad_alloc();
  // The first call binds the context to the algorithm; later ones only reset it.
  const int ok = EVP_DigestInit_ex2(context_, algorithm(), nullptr);
  DVT_ASSERT(ok == 1, "SHA-256 cannot be initialised");
  started_ = true;
}

Sha256::~Sha256() {
  EVP_MD_CTX_free(context_);
}

void Sha256::update(std::string_view bytes) {
  if (!started_) {
    const int ok = EVP_DigestInit_ex2(context_, nullptr, nullptr);
    DVT_ASSERT(ok == 1, "SHA-256 cannot be reset");
    started_ = true;
  }
  const int ok = EVP_DigestUpdate(context_, bytes.data(), bytes.size());
  DVT_ASSERT(ok == 1, "SHA-256 failed on an update");
}

Digest Sha256::finish() {
  if (!started_) update({});
  Digest digest;
  unsigned size = 0;
  const int ok = EVP_DigestFinal_ex(context_, digest.bytes.data(), &size);
  DVT_ASSERT(ok == 1 && size == digest.bytes.size(), "SHA-256 failed to finish");
  started_ = false;
  return digest;
}

Digest sha256(std::string_view bytes) {
  SHA256_CTX context;
  Digest digest;
  const bool ok = SHA256_Init(&context) == 1 && SHA256_Update(&context, bytes.data(), bytes.size()) == 1 &&
                  SHA256_Final(digest.bytes.data(), &context) == 1;
  DVT_ASSERT(ok, "SHA-256 failed");
  return digest;
}

std::string to_hex(const Digest& digest) {
  std::string text(64, '\0');
  char* out = text.data();
  for (std::uint8_t byte : digest.bytes) {
    *out++ = kHexDigits[byte >> 4];
    *out++ = kHexDigits[byte & 15];
  }
  return text;
}

std::optional<Digest> from_hex(std::string_view text) {
  Digest digest;
  if (text.size() != 2 * digest.bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < digest.bytes.size(); ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    digest.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return digest;
}

}  // namespace dvt
