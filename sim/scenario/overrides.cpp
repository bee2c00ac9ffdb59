// Walking a dotted path through the tree. Keys may hold dots themselves (provenance): then the longest key of the map
// that fits is taken, and a new key below provenance takes the whole rest.
#include "sim/scenario/overrides.h"

#include "engine/base/format.h"

#include "sim/scenario/scalars.h"
#include "sim/scenario/yaml_front.h"

namespace dvt::sim {
namespace {

void mark_all(Node& node, std::int32_t set) {
  node.mark.set = set;
  for (Node::Key& key : node.keys) key.mark.set = set;
  for (Node& item : node.items) mark_all(item, set);
}

// The key of the map that `path` begins with, up to a dot or the end; the longest when several fit.
std::size_t longest_key(const Node& map, std::string_view path) {
  std::size_t best = map.keys.size();
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    const std::string& key = map.keys[i].text;
    const bool fits = path.starts_with(key) && (path.size() == key.size() || path[key.size()] == '.');
    if (fits && (best == map.keys.size() || key.size() > map.keys[best].text.size())) best = i;
  }
  return best;
}

// The child of `node` that `path` names first; removes its name from `path`. nullptr and a message when there is none.
Node* step(Node& node, std::string_view& path, bool whole_rest, Mark mark, std::string& message) {
  if (node.is_sequence()) {
    const std::string_view head = path.substr(0, path.find('.'));
    const auto index = parse_integer(head, 1'000'000);
    if (!index.has_value() || index.value() >= node.items.size()) {
      message = fmt::format("a list of {} has no item \"{}\"", node.items.size(), head);
      return nullptr;
    }
    path.remove_prefix(std::min(path.size(), head.size() + 1));
    return &node.items[index.value()];
  }
  if (!node.is_mapping()) {
    node = Node::mapping();
    node.mark = mark;
  }
  const std::size_t known = longest_key(node, path);
  if (known < node.keys.size()) {
    path.remove_prefix(std::min(path.size(), node.keys[known].text.size() + 1));
    return &node.items[known];
  }
  const std::string_view head = whole_rest ? path : path.substr(0, path.find('.'));
  if (head.empty()) {
    message = "a path is names with dots between them, such as topology.projector.replicas";
    return nullptr;
  }
  Node value;
  value.mark = mark;
  node.keys.push_back({std::string(head), mark});
  path.remove_prefix(std::min(path.size(), head.size() + 1));
  return &node.items.emplace_back(std::move(value));
}

}  // namespace

void apply_overrides(Node& root, std::span<const SetOverride> overrides, std::vector<Diagnostic>& diagnostics) {
  for (std::size_t i = 0; i < overrides.size(); ++i) {
    const SetOverride& override = overrides[i];
    const auto fail = [&](std::string message) {
      Diagnostic diagnostic;
      diagnostic.set = override.path;
      diagnostic.path = override.path;
      diagnostic.message = std::move(message);
      diagnostics.push_back(std::move(diagnostic));
    };
    std::vector<Diagnostic> problems;
    auto value = parse_yaml_value(override.value, problems);
    for (Diagnostic& problem : problems) fail(std::move(problem.message));
    if (!value || !problems.empty()) continue;
    const auto set = static_cast<std::int32_t>(i);
    mark_all(*value, set);
    std::string_view rest = override.path;
    std::string message;
    if (rest.empty() || rest.back() == '.')
      message = "a path is names with dots between them, such as topology.projector.replicas";
    constexpr std::size_t kMaxParts = kMaxNesting;
    Node* node = &root;
    const bool dotted = rest.starts_with("provenance.");
    for (std::size_t depth = 0; message.empty() && !rest.empty(); ++depth) {
      if (depth == kMaxParts) {
        message = fmt::format("nested deeper than {} levels", kMaxNesting);
        break;
      }
      node = step(*node, rest, dotted && depth == 1, {1, 1, set}, message);
    }
    if (!message.empty()) {
      fail(std::move(message));
      continue;
    }
    *node = std::move(*value);
  }
}

}  // namespace dvt::sim
