// The YAML events become a tree here. yaml-cpp's Node API is not used: it keeps the first of duplicate keys, resolves
// aliases (cycles included) and builds everything before one can object.
#include "sim/scenario/yaml_front.h"

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>
#include "engine/base/format.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace dvt::sim {
namespace {

// Thrown out of the events when going on could cost too much; carries nothing: the diagnostic is already recorded.
struct StopParsing {};

Mark to_mark(const YAML::Mark& mark) {
  if (mark.line < 0) return {};
  return {static_cast<std::uint32_t>(mark.line) + 1, static_cast<std::uint32_t>(mark.column) + 1, -1};
}

void report(std::vector<Diagnostic>& diagnostics, Mark mark, std::string message) {
  if (diagnostics.size() >= kMaxDiagnostics) return;
  Diagnostic diagnostic;
  diagnostic.line = mark.line;
  diagnostic.column = mark.column;
  diagnostic.message = std::move(message);
  diagnostics.push_back(std::move(diagnostic));
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, std::vector<Diagnostic>& diagnostics) : text_(text), diagnostics_(diagnostics) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check_anchor(mark, anchor);
    Node node;
    node.mark = to_mark(mark);
    place(std::move(node));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    report(diagnostics_, to_mark(mark), "aliases are not allowed: write the value out");
    Node node;
    node.mark = to_mark(mark);
    place(std::move(node));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_anchor(mark, anchor);
    check_tag(mark, tag);
    Node node = Node::scalar(value);
    node.mark = to_mark(mark);
    node.quoted = tag == "!";
    if (node.quoted && mark.pos >= 0) last_quoted_ = static_cast<std::size_t>(mark.pos);
    place(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(mark, tag, anchor, style, Node::Kind::sequence);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(mark, tag, anchor, style, Node::Kind::mapping);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override {
    check_duplicates(open_.back().node);
    close();
  }

  // yaml-cpp takes the end of the file for a closing quote when a line ends right before it.
  void check_last_quote() {
    std::size_t at = last_quoted_;
    if (at >= text_.size() || root_ == std::nullopt) return;
    const char quote = text_[at];
    if (quote != '"' && quote != '\'') return;
    for (++at; at < text_.size(); ++at) {
      if (quote == '"' && text_[at] == '\\') {
        ++at;
      } else if (text_[at] == quote) {
        if (quote != '\'' || at + 1 >= text_.size() || text_[at + 1] != quote) return;
        ++at;
      }
    }
    const std::string_view before = text_.substr(0, last_quoted_);
    const std::size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    const auto line = static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n'));
    report(diagnostics_, {line + 1, static_cast<std::uint32_t>(last_quoted_ - line_start) + 1, -1},
           "not valid YAML: a quote is not closed");
  }

  bool block_style() const { return block_style_; }
  std::optional<Node> take() { return std::move(root_); }

 private:
  struct Open {
    Node node;
    bool key_pending = false;  // mapping: a key was read and its value is due
    bool value_of_bad_key = false;
  };

  void check_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0)
      report(diagnostics_, to_mark(mark), "anchors are not allowed: write the value out where it is used");
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    const bool written = mark.pos >= 0 && static_cast<std::size_t>(mark.pos) < text_.size() &&
                         text_[static_cast<std::size_t>(mark.pos)] == '!';
    if ((!tag.empty() && tag != "?" && tag != "!") || (tag == "!" && written)) {
      report(diagnostics_, to_mark(mark), "tags are not allowed: scalars are read by the key's type");
    }
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value style,
            Node::Kind kind) {
    check_anchor(mark, anchor);
    check_tag(mark, tag);
    if (style == YAML::EmitterStyle::Block) block_style_ = true;
    if (open_.size() >= kMaxNesting) {
      report(diagnostics_, to_mark(mark), fmt::format("nested deeper than {} levels", kMaxNesting));
      throw StopParsing{};
    }
    Open frame;
    frame.node.kind = kind;
    frame.node.mark = to_mark(mark);
    open_.push_back(std::move(frame));
  }

  void close() {
    Node node = std::move(open_.back().node);
    open_.pop_back();
    place(std::move(node));
  }

  void place(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& top = open_.back();
    if (top.node.is_sequence()) {
      top.node.items.push_back(std::move(node));
    } else if (!top.key_pending) {
      take_key(top, std::move(node));
    } else {
      top.key_pending = false;
      if (!top.value_of_bad_key) top.node.items.push_back(std::move(node));
    }
  }

  void take_key(Open& top, Node key) {
    top.key_pending = true;
    top.value_of_bad_key = !key.is_scalar();
    if (top.value_of_bad_key) {
      report(diagnostics_, key.mark, fmt::format("a key must be a text, not {}", describe(key)));
      return;
    }
    if (key.text == "<<" && !key.quoted)
      report(diagnostics_, key.mark, "merge keys are not allowed: write the keys out");
    top.node.keys.push_back({std::move(key.text), key.mark});
  }

  void check_duplicates(const Node& mapping) {
    std::set<std::string_view> seen;
    for (const Node::Key& key : mapping.keys) {
      if (!seen.insert(key.text).second) report(diagnostics_, key.mark, fmt::format("duplicate key \"{}\"", key.text));
    }
  }

  std::string_view text_;
  std::vector<Diagnostic>& diagnostics_;
  std::vector<Open> open_;
  std::optional<Node> root_;
  bool block_style_ = false;
  std::size_t last_quoted_ = std::string_view::npos;
};

// Takes note of a further document and stops at its first event.
class FurtherDocument final : public YAML::EventHandler {
 public:
  explicit FurtherDocument(std::vector<Diagnostic>& diagnostics) : diagnostics_(diagnostics) {}
  void OnDocumentStart(const YAML::Mark& mark) override {
    report(diagnostics_, to_mark(mark), "only one document is allowed in a file");
    throw StopParsing{};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  std::vector<Diagnostic>& diagnostics_;
};

// Bytes of the UTF-8 sequence at `at`, 0 when it is none (overlong forms, surrogates and values past U+10FFFF too).
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned first = byte(at);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(at + 1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned second = byte(at + 1);
    if (first == 0xE0 && second < 0xA0) return 0;
    if (first == 0xED && second > 0x9F) return 0;
    return tail(at + 1) && tail(at + 2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned second = byte(at + 1);
    if (first == 0xF0 && second < 0x90) return 0;
    if (first == 0xF4 && second > 0x8F) return 0;
    return tail(at + 1) && tail(at + 2) && tail(at + 3) ? 4 : 0;
  }
  return 0;
}

// True when the text is UTF-8 without control characters; otherwise says where it is not.
bool check_text(std::string_view text, std::vector<Diagnostic>& diagnostics) {
  Mark mark{1, 1, -1};
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    const auto byte = static_cast<unsigned char>(text[at]);
    if (length == 0) {
      report(diagnostics, mark, fmt::format("not UTF-8 text (byte 0x{:02x})", byte));
      return false;
    }
    if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f) {
      report(diagnostics, mark, fmt::format("binary data: control character 0x{:02x}", byte));
      return false;
    }
    if (byte == '\n') {
      ++mark.line;
      mark.column = 1;
    } else {
      ++mark.column;
    }
    at += length;
  }
  return true;
}

// Counts the characters that open, close and part flow values. yaml-cpp scans a list to its end before the first event
// when it could be a key, so its own depth guard comes too late for memory. Generous: texts may hold such characters.
bool check_flow(std::string_view text, std::vector<Diagnostic>& diagnostics) {
  constexpr std::size_t kMaxUnclosed = 10'000;
  std::size_t marks = 0;
  std::size_t open = 0;
  Mark mark{1, 1, -1};
  for (char c : text) {
    if (c == '[' || c == '{') {
      ++open;
      ++marks;
    } else if (c == ']' || c == '}' || c == ',') {
      ++marks;
      if (c != ',' && open > 0) --open;
    }
    if (open > kMaxUnclosed) {
      report(diagnostics, mark, fmt::format("nested deeper than {} levels", kMaxNesting));
      return false;
    }
    if (marks > kMaxFlowMarks) {
      report(diagnostics, mark,
             fmt::format("more than {} brackets and commas: put long lists in a file", kMaxFlowMarks));
      return false;
    }
    mark = c == '\n' ? Mark{mark.line + 1, 1, -1} : Mark{mark.line, mark.column + 1, -1};
  }
  return true;
}

struct Parsed {
  std::optional<Node> root;
  bool block_style = false;
};

Parsed parse(std::string_view text, std::vector<Diagnostic>& diagnostics) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // offsets then agree with yaml-cpp's
  Parsed parsed;
  TreeBuilder builder(text, diagnostics);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (parser.HandleNextDocument(builder)) {
      builder.check_last_quote();
      parsed.root = builder.take();
      parsed.block_style = builder.block_style();
      FurtherDocument further(diagnostics);
      parser.HandleNextDocument(further);
    }
  } catch (const StopParsing&) {
  } catch (const YAML::DeepRecursion& error) {
    report(diagnostics, to_mark(error.mark), fmt::format("nested deeper than {} levels", kMaxNesting));
  } catch (const YAML::Exception& error) {
    report(diagnostics, to_mark(error.mark), fmt::format("not valid YAML: {}", error.msg));
  }
  return parsed;
}

}  // namespace

std::optional<std::string> yaml_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text(kMaxScenarioBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return std::nullopt;
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

std::optional<Node> parse_yaml(std::string_view text, std::vector<Diagnostic>& diagnostics) {
  if (text.size() > kMaxScenarioBytes) {
    report(diagnostics, {}, "the file is larger than 1 MiB (1048576 bytes)");
    return std::nullopt;
  }
  if (!check_text(text, diagnostics) || !check_flow(text, diagnostics)) return std::nullopt;
  const std::size_t before = diagnostics.size();
  Parsed parsed = parse(text, diagnostics);
  if (!parsed.root && diagnostics.size() == before)
    report(diagnostics, {}, "the file is empty; `dvtsim init` writes a scenario to start from");
  return std::move(parsed.root);
}

std::optional<Node> parse_yaml_value(std::string_view text, std::vector<Diagnostic>& diagnostics) {
  if (text.empty()) return Node::scalar("");
  if (text.size() > kMaxScenarioBytes) {
    report(diagnostics, {}, "the value is larger than 1 MiB (1048576 bytes)");
    return std::nullopt;
  }
  if (!check_text(text, diagnostics) || !check_flow(text, diagnostics)) return std::nullopt;
  const std::size_t before = diagnostics.size();
  Parsed parsed = parse(text, diagnostics);
  if (parsed.block_style) {
    report(diagnostics, {1, 1, -1}, "expected a scalar or a flow value such as {min: 1s, max: 2s} or [a, b]");
    return std::nullopt;
  }
  if (!parsed.root && diagnostics.size() == before) return Node::scalar("");
  return std::move(parsed.root);
}

}  // namespace dvt::sim
