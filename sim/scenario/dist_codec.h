// The forms of <dist> as small structs with tables, so that their keys are read, explained and described like all
// others. Private to sim/scenario.
#pragma once

#include <optional>
#include <string>

#include "sim/scenario/codec.h"

namespace dvt::sim {

/// A unit of bare numbers: `ms`, `s`, or a duration such as `1s`. Zero: none given.
struct TimeUnit {
  Duration value;
  constexpr auto operator<=>(const TimeUnit&) const = default;
};
DVT_CODEC(TimeUnit);

/// The table whose keys are the forms of a distribution (uniform, lognormal, …); documents and reads the map form.
const ObjectTable& dist_table();

}  // namespace dvt::sim
