// Storage of pooled objects: kept while it is of an ordinary size, given back when it is an outlier's. Otherwise every
// slot of a pool ends as large as the largest run that ever used it, and memory grows for as long as a run lasts.
#pragma once

#include <cstddef>

namespace dvt {

constexpr std::size_t kReusedBytesMax = 2'048;

/// Empties a vector that the next user of its slot fills again. (`vector = {}` would keep the storage: it assigns an
/// empty list of elements.)
template <class Vector>
void empty_for_reuse(Vector& vector, std::size_t bytes_max = kReusedBytesMax) {
  if (vector.capacity() * sizeof(typename Vector::value_type) > bytes_max) {
    vector = Vector();
  } else {
    vector.clear();
  }
}

}  // namespace dvt
