// A stream buffer over a file descriptor: digests travel between processes through pipes.
#pragma once

#include <unistd.h>
#include <array>
#include <cerrno>
#include <streambuf>

namespace dvt::sim::cli {

/// Reads or writes; does not own the descriptor.
class FdBuffer final : public std::streambuf {
 public:
  explicit FdBuffer(int fd) : fd_(fd) { setp(out_.data(), out_.data() + out_.size()); }
  ~FdBuffer() override { sync(); }
  FdBuffer(const FdBuffer&) = delete;
  FdBuffer& operator=(const FdBuffer&) = delete;

 protected:
  int_type underflow() override {
    ssize_t got = 0;
    do got = ::read(fd_, in_.data(), in_.size());
    while (got < 0 && errno == EINTR);
    if (got <= 0) return traits_type::eof();
    setg(in_.data(), in_.data(), in_.data() + got);
    return traits_type::to_int_type(*gptr());
  }
  int_type overflow(int_type c) override {
    if (sync() != 0) return traits_type::eof();
    if (!traits_type::eq_int_type(c, traits_type::eof())) {
      *pptr() = traits_type::to_char_type(c);
      pbump(1);
    }
    return traits_type::not_eof(c);
  }
  int sync() override {
    const char* at = pbase();
    while (at < pptr()) {
      const ssize_t wrote = ::write(fd_, at, static_cast<std::size_t>(pptr() - at));
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote <= 0) return -1;
      at += wrote;
    }
    setp(out_.data(), out_.data() + out_.size());
    return 0;
  }

 private:
  int fd_;
  std::array<char, 65'536> in_;
  std::array<char, 65'536> out_;
};

}  // namespace dvt::sim::cli
