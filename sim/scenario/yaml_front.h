// YAML text → Node tree, the only place that knows yaml-cpp. Hostile input is cut off before it costs anything: size
// first, then UTF-8, then limits as the events come. Everything wrong is reported, up to a cap.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/scenario/diagnostic.h"
#include "sim/scenario/node.h"

namespace dvt::sim {

inline constexpr std::size_t kMaxScenarioBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxNesting = 64;
/// Brackets, braces and commas in a file: a bound on what yaml-cpp may hold while it looks for the end of a list.
inline constexpr std::size_t kMaxFlowMarks = 250'000;
/// At most so many diagnostics are kept; a last one says how many more there were.
inline constexpr std::size_t kMaxDiagnostics = 200;

/// The text of a file, for parse_yaml: one byte more than is allowed at most, which is enough to say that it is too
/// large. nullopt: it cannot be read.
std::optional<std::string> yaml_text(const std::string& path);

/// Parses one document. `diagnostics` receives syntax errors, anchors, aliases, tags, merge keys, duplicate keys,
/// excessive nesting, further documents (positions set; file and path left to the caller). nullopt when no tree came
/// out; a tree may come out beside diagnostics.
std::optional<Node> parse_yaml(std::string_view text, std::vector<Diagnostic>& diagnostics);

/// The value of `--set PATH=VALUE`: a scalar or a flow value. An empty text is an empty scalar.
std::optional<Node> parse_yaml_value(std::string_view text, std::vector<Diagnostic>& diagnostics);

}  // namespace dvt::sim
