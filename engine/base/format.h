// Text formatting for every room: fmt, through the one folder that may include it.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
