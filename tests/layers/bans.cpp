// Bans that need a look at the code around a name: loops, SQL, catch blocks, draws.
#include "tests/layers/bans.h"

#include <algorithm>
#include <regex>
#include <set>

#include "tests/layers/source_tree.h"

namespace dvt::layers {
namespace {

constexpr std::string_view kOrderFree = "order-free:";
constexpr std::string_view kFiberEntry = "fiber entry:";

/// Index after the `>` that closes the `<` at `open`; tokens.size() if none does.
std::size_t after_template_arguments(const SourceText& file, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < file.tokens.size(); ++i) {
    if (file.tokens[i].is("<")) ++depth;
    if (file.tokens[i].is(">") && --depth == 0) return i + 1;
    if (file.tokens[i].is(";") || file.tokens[i].is("{")) break;
  }
  return file.tokens.size();
}

/// Names of variables, members and parameters declared with an unordered container, and of aliases of one.
void collect_unordered(const SourceText& file, std::set<std::string>& types, std::set<std::string>& names) {
  for (std::size_t i = 0; i < file.tokens.size(); ++i) {
    const Token& token = file.tokens[i];
    if (token.kind != TokenKind::identifier) continue;
    const bool container = token.text.starts_with("unordered_") && file.matches(i + 1, "<");
    if (!container && !types.contains(token.text)) continue;
    std::size_t next = container ? after_template_arguments(file, i + 1) : i + 1;
    if (container) {
      std::size_t start = i;
      while (start >= 2 && file.tokens[start - 1].is("::")) start -= 2;
      if (start >= 3 && file.tokens[start - 1].is("=") && file.matches(start - 3, "using")) {
        types.insert(file.tokens[start - 2].text);
        continue;
      }
    }
    while (file.matches(next, "&") || file.matches(next, "*") || file.matches(next, "const")) ++next;
    if (next < file.tokens.size() && file.tokens[next].kind == TokenKind::identifier && !file.matches(next + 1, "(")) {
      names.insert(file.tokens[next].text);
    }
  }
}

/// The container's name if tokens[for_at] starts `for (… : …name)`, else null.
const Token* looped_name(const SourceText& file, std::size_t for_at) {
  if (!file.tokens[for_at].is("for") || !file.matches(for_at + 1, "(")) return nullptr;
  const std::size_t end = file.closing(for_at + 1);
  if (end >= file.tokens.size()) return nullptr;
  std::size_t colon = 0;
  for (std::size_t i = for_at + 2; i < end; ++i) {
    if (file.tokens[i].is(":")) colon = i;
  }
  const Token& last = file.tokens[end - 1];
  return colon != 0 && last.kind == TokenKind::identifier ? &last : nullptr;
}

/// The container's name if tokens[at] is the `begin` of name.begin() or begin(name), else null.
const Token* iterated_name(const SourceText& file, std::size_t at) {
  const Token& token = file.tokens[at];
  if ((!token.is("begin") && !token.is("cbegin")) || !file.matches(at + 1, "(")) return nullptr;
  if (file.is_member_access(at) && at >= 2) return &file.tokens[at - 2];
  return file.matches(at + 3, ")") ? file.token(at + 2) : nullptr;
}

/// std::map or std::set keyed by a pointer orders by address.
void check_pointer_keys(const SourceText& file, std::vector<Finding>& findings) {
  for (std::size_t i = 1; i + 1 < file.tokens.size(); ++i) {
    const Token& token = file.tokens[i];
    const bool ordered = token.is("map") || token.is("set") || token.is("multimap") || token.is("multiset");
    if (!ordered || !file.tokens[i - 1].is("::") || !file.tokens[i + 1].is("<")) continue;
    int depth = 0;
    for (std::size_t j = i + 1; j < file.tokens.size(); ++j) {
      if (file.tokens[j].is("<")) ++depth;
      const bool closes = file.tokens[j].is(">") && --depth == 0;
      if (!closes && !(file.tokens[j].is(",") && depth == 1)) continue;
      if (file.tokens[j - 1].is("*") && !file.excused(token.line, kOrderFree)) {
        findings.push_back({file.path, token.line, "a container ordered by address; key it by an id"});
      }
      break;
    }
  }
}

std::string first_word(const std::string& sql) {
  const std::size_t start = sql.find_first_not_of(" \t\n\\");
  if (start == std::string::npos) return "";
  return sql.substr(start, sql.find_first_of(" \t\n\\(", start) - start);
}

bool found(const std::string& text, const std::regex& pattern) {
  return std::regex_search(text, pattern);
}

void check_sql_text(const SourceText& file, const std::string& sql, int line, std::vector<Finding>& findings) {
  static const std::regex kAnalyze(R"((^|;|\\n)\s*ANALYZE\b|PRAGMA\s+optimize\b)", std::regex::icase);
  static const std::regex kImpure(R"(\bCURRENT_(TIME|DATE|TIMESTAMP)\b|\bRANDOM(BLOB)?\s*\(|['"]now['"])",
                                  std::regex::icase);
  static const std::regex kSelect(R"(\bSELECT\b)");
  static const std::regex kFrom(R"(\bFROM\b)");
  static const std::regex kOrder(R"(\bORDER\s+BY\b)");
  static const std::regex kOneRow(R"(--\s*one row)");
  static const std::regex kAggregate(
      R"(^\s*(SELECT\s+)?(EXISTS|COUNT|SUM|TOTAL|MIN|MAX|COALESCE\s*\(\s*(COUNT|SUM|MIN|MAX))\s*\()",
      std::regex::icase);
  static const std::regex kStatement(R"(\b(SELECT|INSERT|UPDATE|DELETE|CREATE|VALUES|WHERE)\b)");
  static const std::regex kGroup(R"(\bGROUP\s+BY\b)");
  static const std::regex kLimit(R"(\bLIMIT\b)");

  if (found(sql, kAnalyze)) findings.push_back({file.path, line, "ANALYZE changes plans behind the run's back"});
  if (found(sql, kStatement) && found(sql, kImpure)) {
    findings.push_back({file.path, line, "SQL that reads the clock or draws for itself"});
  }
  std::smatch select;
  if (!std::regex_search(sql, select, kSelect) || !found(sql, kFrom) || found(sql, kOrder)) return;
  if (found(sql, kOneRow) || file.excused(line, "one row:") || file.excused(line, kOrderFree)) return;
  const std::string rest = sql.substr(static_cast<std::size_t>(select.position()));
  if (found(rest, kAggregate) && !found(sql, kGroup)) return;
  // The rows of a view get their order from whoever reads it; a set of rows to change needs none unless it is cut off.
  const std::string verb = first_word(sql);
  if ((verb == "DELETE" || verb == "UPDATE" || verb == "CREATE") && !found(sql, kLimit)) return;
  findings.push_back({file.path, line, "SELECT without ORDER BY; mark a look-up by a unique key with `-- one row`"});
}

bool rethrows(const SourceText& file, std::size_t open, std::size_t close) {
  for (std::size_t i = open; i < close; ++i) {
    if (file.tokens[i].is("throw") && file.matches(i + 1, ";")) return true;
    if (file.tokens[i].is("rethrow_exception") || file.tokens[i].is("terminate") || file.tokens[i].is("abort"))
      return true;
  }
  return false;
}

}  // namespace

void check_unordered_loops(const SourceText& file, const std::vector<const SourceText*>& headers,
                           std::vector<Finding>& findings) {
  if (in_folder(file.path, "tests")) return;
  std::set<std::string> types;
  std::set<std::string> names;
  for (const SourceText* header : headers) collect_unordered(*header, types, names);
  collect_unordered(file, types, names);
  for (std::size_t i = 0; i < file.tokens.size(); ++i) {
    const Token* name = looped_name(file, i);
    if (name == nullptr) name = iterated_name(file, i);
    if (name == nullptr || !names.contains(name->text) || file.excused(file.tokens[i].line, kOrderFree)) continue;
    findings.push_back({file.path, file.tokens[i].line,
                        "iterates the unordered container " + name->text + "; sort first, or say // order-free: why"});
  }
  check_pointer_keys(file, findings);
}

void check_sql(const SourceText& file, std::vector<Finding>& findings) {
  if (in_folder(file.path, "tests")) return;
  for (std::size_t i = 0; i < file.tokens.size(); ++i) {
    if (file.tokens[i].kind != TokenKind::string) continue;
    const int line = file.tokens[i].line;
    std::string sql = file.tokens[i].text;
    while (i + 1 < file.tokens.size() && file.tokens[i + 1].kind == TokenKind::string) sql += file.tokens[++i].text;
    // One literal may hold a script: judge statement by statement.
    for (std::size_t start = 0; start <= sql.size();) {
      const std::size_t end = std::min(sql.find(';', start), sql.size());
      const auto lines = std::count(sql.begin(), sql.begin() + static_cast<std::ptrdiff_t>(start), '\n');
      check_sql_text(file, sql.substr(start, end - start), line + static_cast<int>(lines), findings);
      start = end + 1;
    }
  }
}

void check_catch_blocks(const SourceText& file, std::vector<Finding>& findings) {
  static constexpr std::string_view kFiberFolders[] = {"engine", "adapters", "sim/kernel", "sim/world", "sim/live"};
  const bool runs_fibers = std::any_of(std::begin(kFiberFolders), std::end(kFiberFolders),
                                       [&](std::string_view folder) { return in_folder(file.path, folder); });
  if (!runs_fibers) return;
  for (std::size_t i = 0; i + 1 < file.tokens.size(); ++i) {
    if (!file.tokens[i].is("catch") || !file.tokens[i + 1].is("(")) continue;
    const std::size_t end = file.closing(i + 1);
    const bool everything = file.matches(i + 2, ".") && file.matches(i + 3, ".");
    const bool kill = std::any_of(file.tokens.begin() + static_cast<std::ptrdiff_t>(i),
                                  file.tokens.begin() + static_cast<std::ptrdiff_t>(std::min(end, file.tokens.size())),
                                  [](const Token& t) { return t.is("FiberKilled"); });
    if ((!everything && !kill) || !file.matches(end + 1, "{") || end + 2 >= file.tokens.size()) continue;
    const bool excused =
        file.excused(file.tokens[i].line, kFiberEntry) || file.excused(file.tokens[end + 2].line, kFiberEntry);
    if (excused || rethrows(file, end + 1, file.closing(end + 1))) continue;
    findings.push_back(
        {file.path, file.tokens[i].line, "swallows a fiber's kill: rethrow, or say // fiber entry: why it ends here"});
  }
}

void check_draws(const SourceText& file, std::vector<Finding>& findings) {
  if (in_folder(file.path, "tests")) return;
  int draws = 0;
  for (std::size_t i = 2; i < file.tokens.size(); ++i) {
    const Token& token = file.tokens[i];
    if (token.is(";") || token.is("{") || token.is("}")) draws = 0;
    if (!file.is_member_access(i) || !file.matches(i + 1, "(")) continue;
    const std::string& object = file.tokens[i - 2].text;
    const bool a_source = object.find("draw") != std::string::npos || object.find("bits") != std::string::npos;
    if (!(token.is("next") && a_source) && !(token.is("uniform") && file.matches(i + 2, ")"))) continue;
    if (++draws == 2) {
      findings.push_back({file.path, token.line, "two draws in one expression: compilers order them differently"});
    }
  }
}

std::vector<Finding> check_bans(const SourceText& file, const std::vector<const SourceText*>& headers) {
  std::vector<Finding> findings;
  check_banned_names(file, findings);
  check_unordered_loops(file, headers, findings);
  check_sql(file, findings);
  check_catch_blocks(file, findings);
  check_draws(file, findings);
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.line < b.line; });
  return findings;
}

std::vector<Finding> check_build_flags(std::string_view path, std::string_view content) {
  static const std::regex kFlag(
      R"('(-march=[^']*|-mtune=native|-mfma|-mavx[^']*|-Ofast|-ffast-math|-funsafe-math[^']*|-fassociative-math|-freciprocal-math|-ffp-contract=(fast|on))')");
  std::vector<Finding> findings;
  int line = 0;
  for (std::size_t start = 0; start < content.size();) {
    const std::size_t end = std::min(content.find('\n', start), content.size());
    const std::string text(content.substr(start, end - start));
    ++line;
    std::smatch flag;
    if (std::regex_search(text, flag, kFlag)) {
      findings.push_back({std::string(path), line, "the flag " + flag[1].str() + " changes arithmetic"});
    }
    start = end + 1;
  }
  return findings;
}

}  // namespace dvt::layers
