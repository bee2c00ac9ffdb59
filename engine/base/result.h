// Result<T, E>: an outcome the caller branches on. E is a closed enum or a small struct. Never used for a
// programmer's error (DVT_ASSERT) nor for the environment (Error, below).
#pragma once

#include <boost/outcome/result.hpp>
#include <boost/outcome/success_failure.hpp>
#include <stdexcept>
#include <string>

namespace dvt {

/// Holds a T or an E. `.has_value()`, `.value()`, `.error()`; build a failure with `dvt::failure(e)`.
template <class T, class E>
using Result = boost::outcome_v2::basic_result<T, E, boost::outcome_v2::policy::all_narrow>;

using boost::outcome_v2::failure;
using boost::outcome_v2::success;

/// The environment or the user is at fault: a missing file, a bad argument. Caught in sim/cli and at each
/// fiber's entry; carries a sentence a person can act on.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace dvt
