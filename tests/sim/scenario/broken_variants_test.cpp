// Hundreds of broken files, made from a right one by spoiling each key in turn: always refused, always with a place and
// the path of the key, however absurd the value.
#include "sim/scenario/key_table.h"
#include "sim/scenario/yaml_front.h"
#include "support.h"

namespace dvt::sim::test {
namespace {

struct Spot {
  std::vector<std::size_t> way;  // indices of items from the root
  std::string path;
};

void collect(const Node& node, const std::string& path, std::vector<std::size_t>& way, std::vector<Spot>& out) {
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const std::string part = node.is_mapping() ? node.keys[i].text : std::to_string(i);
    const std::string below = path.empty() ? part : path + "." + part;
    way.push_back(i);
    out.push_back({way, below});
    collect(node.items[i], below, way, out);
    way.pop_back();
  }
}

Node& at(Node& root, const std::vector<std::size_t>& way, std::size_t depth) {
  Node* node = &root;
  for (std::size_t i = 0; i < depth; ++i) node = &node->items[way[i]];
  return *node;
}

class BrokenVariants : public testing::Test {
 protected:
  void SetUp() override {
    std::vector<Diagnostic> diagnostics;
    auto tree = parse_yaml(write_resolved(must_read(modelled_reference()), "s.yaml"), diagnostics);
    ASSERT_TRUE(tree && diagnostics.empty());
    tree_ = std::move(*tree);
    std::vector<std::size_t> way;
    collect(tree_, "", way, spots_);
    ASSERT_GT(spots_.size(), 300U);
  }

  // Reads the tree with one value replaced; checks the diagnostics' form.
  std::string errors_with(const Spot& spot, const Node& value) {
    Node broken = tree_;
    at(broken, spot.way, spot.way.size()) = value;
    return refused(broken);
  }

  std::string refused(const Node& tree) {
    ++count_;
    const auto result = read(write_yaml(tree));
    if (result.has_value()) return "";
    for (const Diagnostic& diagnostic : result.error()) {
      EXPECT_GT(diagnostic.line, 0U) << diagnostic.text();
      EXPECT_GT(diagnostic.column, 0U) << diagnostic.text();
      EXPECT_FALSE(diagnostic.message.empty());
    }
    return format(result.error());
  }

  static Node quoted(std::string_view text) {
    Node node = Node::scalar(text);
    node.quoted = true;
    return node;
  }

  Node tree_;
  std::vector<Spot> spots_;
  std::vector<KeyInfo> keys_ = all_keys();
  int count_ = 0;
};

bool is_any_of(std::string_view name, std::initializer_list<std::string_view> names) {
  for (std::string_view known : names) {
    if (name == known) return true;
  }
  return false;
}

TEST_F(BrokenVariants, WrongTypesAreRefusedAtTheirKey) {
  Node odd_map = Node::mapping();
  odd_map.add("x", Node::scalar("1"));
  Node odd_list = Node::sequence();
  odd_list.items.push_back(odd_map);
  for (const Spot& spot : spots_) {
    const KeyInfo* key = find_key(keys_, spot.path);
    if (key == nullptr || key->field->type->name == "value") continue;
    const TypeInfo& type = *key->field->type;
    std::vector<Node> wrong{odd_list};
    if (type.element == nullptr) wrong.push_back(odd_map);
    if (type.shape != TypeInfo::Shape::scalar) wrong.push_back(Node::scalar("word"));
    for (const Node& value : wrong) {
      const std::string errors = errors_with(spot, value);
      EXPECT_NE(errors.find(": " + spot.path), std::string::npos) << spot.path << " := " << write_flow(value) << "\n"
                                                                  << errors;
    }
  }
  EXPECT_GT(count_, 400);
}

TEST_F(BrokenVariants, NonsenseMissingUnitsAndHugeNumbersAreRefused) {
  for (const Spot& spot : spots_) {
    const KeyInfo* key = find_key(keys_, spot.path);
    if (key == nullptr || key->field->type->shape != TypeInfo::Shape::scalar) continue;
    const std::string& type = key->field->type->name;
    if (is_any_of(type, {"text", "value", "file"})) continue;
    std::vector<std::string_view> wrong{"???",      "",   "-1x",          "99999999999999999999999999",
                                        "1e999999", "\n", "null and void"};
    if (is_any_of(type, {"duration", "rate", "size", "amount", "distribution", "duration or map"}))
      wrong.insert(wrong.end(), {"5", "0", "-5s", "5 parsecs"});
    if (is_any_of(type, {"whole number", "share"})) wrong.insert(wrong.end(), {"-1", "0x10", "1.5.2", "010"});
    for (std::string_view text : wrong) {
      const std::string errors = errors_with(spot, quoted(text));
      EXPECT_NE(errors.find(": " + spot.path), std::string::npos) << spot.path << " := " << text << "\n" << errors;
    }
  }
  EXPECT_GT(count_, 1'000);
}

TEST_F(BrokenVariants, MisspelledKeysAreRefusedWithTheNearestName) {
  for (const Spot& spot : spots_) {
    const KeyInfo* key = find_key(keys_, spot.path);
    const std::string name = spot.path.substr(spot.path.rfind('.') + 1);
    if (key == nullptr || key->field->key != name) continue;
    Node broken = tree_;
    Node& parent = at(broken, spot.way, spot.way.size() - 1);
    parent.keys[spot.way.back()].text += "x";
    const std::string errors = refused(broken);
    EXPECT_NE(errors.find(name + "x: unknown key"), std::string::npos) << spot.path << "\n" << errors;
    if (name.size() > 2) {
      EXPECT_NE(errors.find("(did you mean \"" + name + "\"?)"), std::string::npos) << errors;
    }
  }
  EXPECT_GT(count_, 200);
}

TEST_F(BrokenVariants, KeysWrittenTwiceAreRefused) {
  for (const Spot& spot : spots_) {
    Node broken = tree_;
    Node& parent = at(broken, spot.way, spot.way.size() - 1);
    if (!parent.is_mapping()) continue;
    const std::string name = parent.keys[spot.way.back()].text;
    parent.add(name, Node(parent.items[spot.way.back()]));
    EXPECT_NE(refused(broken).find("duplicate key \"" + name + "\""), std::string::npos) << spot.path;
  }
}

TEST_F(BrokenVariants, RequiredKeysThatAreMissingAreNamed) {
  int missing = 0;
  for (const Spot& spot : spots_) {
    const KeyInfo* key = find_key(keys_, spot.path);
    const std::string name = spot.path.substr(spot.path.rfind('.') + 1);
    if (key == nullptr || !key->field->required || key->field->key != name) continue;
    ++missing;
    Node broken = tree_;
    Node& parent = at(broken, spot.way, spot.way.size() - 1);
    parent.keys.erase(parent.keys.begin() + static_cast<std::ptrdiff_t>(spot.way.back()));
    parent.items.erase(parent.items.begin() + static_cast<std::ptrdiff_t>(spot.way.back()));
    EXPECT_NE(refused(broken).find("\"" + name + "\" is missing"), std::string::npos) << spot.path;
  }
  EXPECT_GT(missing, 15);
}

}  // namespace
}  // namespace dvt::sim::test
