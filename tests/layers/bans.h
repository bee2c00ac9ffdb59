// The banned calls of design §3: whatever would let a run depend on the wall clock, the locale, the processor, the
// standard library's version or an address. Each ban says where it does not apply and how an exception is marked.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/layers/source_text.h"

namespace dvt::layers {

/// Every ban that `file` breaks, in line order. `headers` are the files it includes directly (members declared
/// there count as unordered containers here too); it may be empty.
std::vector<Finding> check_bans(const SourceText& file, const std::vector<const SourceText*>& headers);

/// The parts, for tests: names and includes; loops over unordered containers and ordering by address; SQL texts;
/// `catch` blocks that swallow a kill; two draws in one expression.
void check_banned_names(const SourceText& file, std::vector<Finding>& findings);
void check_unordered_loops(const SourceText& file, const std::vector<const SourceText*>& headers,
                           std::vector<Finding>& findings);
void check_sql(const SourceText& file, std::vector<Finding>& findings);
void check_catch_blocks(const SourceText& file, std::vector<Finding>& findings);
void check_draws(const SourceText& file, std::vector<Finding>& findings);

/// Compiler flags that would change arithmetic, in a meson.build.
std::vector<Finding> check_build_flags(std::string_view path, std::string_view content);

}  // namespace dvt::layers
