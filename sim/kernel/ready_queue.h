// ReadyQueue: fibers whose turn has come, first in, first out. A ring that grows by doubling. Entries carry the
// fiber's generation, so one that was killed meanwhile is recognised when it comes up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace dvt::sim {

struct Fiber;

class ReadyQueue {
 public:
  struct Entry {
    Fiber* fiber = nullptr;
    std::uint32_t generation = 0;
  };

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  void push(Entry entry) {
    if (size_ == ring_.size()) grow();
    ring_[(head_ + size_++) & (ring_.size() - 1)] = entry;
  }
  /// Precondition: !empty().
  Entry pop() {
    const Entry entry = ring_[head_];
    head_ = (head_ + 1) & (ring_.size() - 1);
    --size_;
    return entry;
  }
  /// Takes the entry `offset` places behind the front; the front takes its place. Precondition: offset < size().
  Entry pop_at(std::size_t offset) {
    std::swap(ring_[head_], ring_[(head_ + offset) & (ring_.size() - 1)]);
    return pop();
  }

 private:
  void grow() {
    std::vector<Entry> larger(ring_.empty() ? 16 : 2 * ring_.size());
    for (std::size_t i = 0; i < size_; ++i) larger[i] = ring_[(head_ + i) & (ring_.size() - 1)];
    ring_ = std::move(larger);
    head_ = 0;
  }

  std::vector<Entry> ring_;  // its size is 0 or a power of two
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace dvt::sim
