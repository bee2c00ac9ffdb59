// The node tree's helpers and its YAML writer. The writer emits the subset that the reader accepts: no anchors, no
// tags, texts quoted whenever a plain scalar could be read as anything else.
#include "sim/scenario/node.h"

#include "engine/base/format.h"

namespace dvt::sim {
namespace {

bool looks_like_another_type(std::string_view text) {
  if (text.empty()) return true;
  for (std::string_view word : {"true", "false", "null", "yes", "no", "on", "off", "True", "False", "Null", "Yes", "No",
                                "On", "Off", "~", "y", "n"}) {
    if (text == word) return true;
  }
  bool numeric = true;
  for (char c : text)
    numeric = numeric && ((c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E' ||
                          c == ':' || c == '_');
  return numeric;
}

// Plain in both block and flow context.
bool plain_is_safe(std::string_view text) {
  if (text.empty()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                      c == '.' || c == '/' || c == '%' || c == '+' || c == '(' || c == ')' || c == '<' || c == '=' ||
                      c == '-' || c == '*';
    const bool inner = c == ' ' || c == ':' || c == '>';
    if (!word && !inner) return false;
    if (inner && (i == 0 || i + 1 == text.size())) return false;
    if (c == ':' && (text[i + 1] == ' ' || text[i + 1] == '/')) return false;
    const bool negative = c == '-' && text.size() > 1 && text[1] >= '0' && text[1] <= '9';
    if (i == 0 && !negative && (c == '%' || c == '*' || c == '-' || c == '=' || c == '<' || c == '.' || c == '+'))
      return false;
  }
  return text != "null" && text != "Null" && text != "NULL" && text != "~";
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        out += c;
    }
  }
  return out + '"';
}

std::string scalar_text(std::string_view text, bool quoted) {
  return !quoted && plain_is_safe(text) ? std::string(text) : quote(text);
}

void flow(const Node& node, std::string& out) {
  switch (node.kind) {
    case Node::Kind::null:
      out += "null";
      return;
    case Node::Kind::scalar:
      out += scalar_text(node.text, node.quoted);
      return;
    case Node::Kind::sequence:
      out += '[';
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        if (i > 0) out += ", ";
        flow(node.items[i], out);
      }
      out += ']';
      return;
    case Node::Kind::mapping:
      out += '{';
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        if (i > 0) out += ", ";
        out += scalar_text(node.keys[i].text, looks_like_another_type(node.keys[i].text) && node.keys[i].text.empty());
        out += ": ";
        flow(node.items[i], out);
      }
      out += '}';
      return;
  }
}

constexpr std::size_t kLineWidth = 120;

void block(const Node& mapping, std::size_t indent, std::string& out) {
  for (std::size_t i = 0; i < mapping.items.size(); ++i) {
    const Node& value = mapping.items[i];
    out.append(indent, ' ');
    out += scalar_text(mapping.keys[i].text, false);
    out += ':';
    const std::string line = write_flow(value);
    const bool nested = !value.items.empty() && (indent == 0 || line.size() + indent > kLineWidth);
    if (value.is_mapping() && nested) {
      out += '\n';
      block(value, indent + 2, out);
    } else if (value.is_sequence() && nested) {
      out += '\n';
      for (const Node& item : value.items) out += std::string(indent + 2, ' ') + "- " + write_flow(item) + "\n";
    } else {
      out += ' ' + line + '\n';
    }
  }
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  if (kind != Kind::mapping) return nullptr;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].text == key) return &items[i];
  }
  return nullptr;
}

Node* Node::find(std::string_view key) {
  return const_cast<Node*>(static_cast<const Node*>(this)->find(key));
}

Node& Node::add(std::string_view key, Node value) {
  keys.push_back({std::string(key), value.mark});
  return items.emplace_back(std::move(value));
}

Node Node::scalar(std::string_view text) {
  Node node;
  node.kind = Kind::scalar;
  node.text = text;
  return node;
}

Node Node::string(std::string_view text) {
  Node node = scalar(text);
  node.quoted = looks_like_another_type(text);
  return node;
}

Node Node::sequence() {
  Node node;
  node.kind = Kind::sequence;
  return node;
}

Node Node::mapping() {
  Node node;
  node.kind = Kind::mapping;
  return node;
}

std::string describe(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::sequence:
      return "a list";
    case Node::Kind::mapping:
      return "a map";
    case Node::Kind::scalar:
      break;
  }
  constexpr std::size_t kShown = 60;
  if (node.text.size() <= kShown) return fmt::format("\"{}\"", node.text);
  return fmt::format("\"{}…\" ({} characters)", node.text.substr(0, kShown), node.text.size());
}

std::string write_flow(const Node& node) {
  std::string out;
  flow(node, out);
  return out;
}

std::string write_yaml(const Node& node) {
  if (!node.is_mapping() || node.items.empty()) return write_flow(node) + "\n";
  std::string out;
  block(node, 0, out);
  return out;
}

}  // namespace dvt::sim
