// mmap with MAP_NORESERVE; huge pages are refused, for one of them would make 64 stacks resident at once.
#include "sim/kernel/stack_slab.h"

#include <sys/mman.h>

#include <algorithm>

#include "engine/base/assert.h"
#include "engine/base/result.h"

namespace dvt::sim {
namespace {

constexpr std::size_t kPageBytes = 4096;

// Every stack top lies at the same offset of a page; without this the same few cache sets would hold the hot end of
// all of them. Eight shifts are as many as leave a bare fiber in one page.
constexpr std::size_t kColours = 8;
constexpr std::size_t kColourBytes = 256;

}  // namespace

StackSlab::~StackSlab() {
  DVT_ASSERT(in_use_ == 0, "a fiber stack outlives its slab");
  for (const Mapping& mapping : mappings_) munmap(mapping.begin, kPageBytes + kStacksPerMapping * kStackBytes);
}

std::byte* StackSlab::region(const Mapping& mapping, std::size_t index) {
  return mapping.begin + kPageBytes + index * kStackBytes;
}

void StackSlab::write_fence(std::byte* bottom) {
  auto* words = reinterpret_cast<std::uint64_t*>(bottom - kFenceBytes);
  std::fill_n(words, kFenceBytes / sizeof(std::uint64_t), kCanary);
}

StackSlab::Stack StackSlab::take(Place place) {
  Mapping& mapping = mappings_[place.mapping];
  mapping.taken[place.index] = true;
  ++in_use_;
  std::byte* const bottom = region(mapping, place.index);
  write_fence(bottom);
  const std::size_t colour = place.index % kColours * kColourBytes;
  return {bottom, bottom + kStackBytes - kFenceBytes - colour};
}

StackSlab::Stack StackSlab::allocate() {
  if (!free_.empty()) {
    const Place place = free_.back();
    free_.pop_back();
    return take(place);
  }
  if (mappings_.empty() || mappings_.back().used == kStacksPerMapping) {
    const std::size_t bytes = kPageBytes + kStacksPerMapping * kStackBytes;
    void* const begin =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (begin == MAP_FAILED) throw Error("no address space for more fiber stacks");
    madvise(begin, bytes, MADV_NOHUGEPAGE);
    mappings_.push_back({static_cast<std::byte*>(begin), 0, std::vector<bool>(kStacksPerMapping)});
  }
  Mapping& mapping = mappings_.back();
  return take({static_cast<std::uint32_t>(mappings_.size() - 1), static_cast<std::uint32_t>(mapping.used++)});
}

void StackSlab::release(Stack stack) {
  for (std::size_t m = 0; m < mappings_.size(); ++m) {
    Mapping& mapping = mappings_[m];
    std::byte* const first = region(mapping, 0);
    if (stack.bottom < first || stack.bottom >= first + kStacksPerMapping * kStackBytes) continue;
    const auto index = static_cast<std::size_t>(stack.bottom - first) / kStackBytes;
    DVT_ASSERT(mapping.taken[index], "a fiber stack was released twice");
    mapping.taken[index] = false;
    --in_use_;
    madvise(stack.bottom, kStackBytes, MADV_DONTNEED);
    // The top page held the fence of the stack above.
    if (index + 1 < kStacksPerMapping && mapping.taken[index + 1]) write_fence(region(mapping, index + 1));
    free_.push_back({static_cast<std::uint32_t>(m), static_cast<std::uint32_t>(index)});
    return;
  }
  DVT_ASSERT(false, "a stack from another slab was released");
}

}  // namespace dvt::sim
