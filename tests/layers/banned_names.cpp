// Bans that a name or a header is enough to see.
#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "tests/layers/bans.h"
#include "tests/layers/source_tree.h"

namespace dvt::layers {
namespace {

using Names = std::vector<std::string_view>;

enum class Match {
  identifier,    // the name anywhere, except as a member of something (x.name)
  member_call,   // x.name( or p->name(
  free_call,     // std::name(, ::name( or a bare name( that is not a declaration
  std_name,      // std::name or std::ranges::name
  foreign_call,  // qualified by a namespace and called: this_thread::name(, ::name(
};

enum class Tests { banned_too, free };

struct Ban {
  std::string_view what;
  Match match;
  Tests tests;
  Names allowed_in;  // folders or file prefixes
  Names names;
};

const std::vector<Ban>& bans() {
  static const std::vector<Ban> kBans = {
      {"waits by the wall clock; park, and set a timer of engine/ports/timers.h",
       Match::member_call,
       Tests::banned_too,
       {},
       {"wait_for", "wait_until", "try_lock_for", "try_lock_until", "try_acquire_for", "try_acquire_until",
        "push_wait_for", "push_wait_until", "pop_wait_for", "pop_wait_until", "try_lock_shared_for",
        "try_lock_shared_until"}},
      {"sleeps by the wall clock; use Fibers::sleep_for",
       Match::foreign_call,
       Tests::banned_too,
       {},
       {"sleep_for", "sleep_until", "sleep"}},
      {"sleeps by the wall clock", Match::free_call, Tests::banned_too, {}, {"usleep", "nanosleep", "clock_nanosleep"}},
      {"is a wall clock; time comes from a Clock",
       Match::identifier,
       Tests::banned_too,
       {"sim/cli/", "tests/bench/"},
       {"steady_clock", "system_clock", "high_resolution_clock", "utc_clock", "tai_clock", "gps_clock", "file_clock"}},
      {"reads the wall clock; time comes from a Clock",
       Match::free_call,
       Tests::banned_too,
       {"sim/cli/", "tests/bench/"},
       {"time", "clock", "gettimeofday", "clock_gettime", "timespec_get", "ftime", "__rdtsc", "__builtin_ia32_rdtsc"}},
      {"uses the calendar or the time zone of the machine",
       Match::free_call,
       Tests::free,
       {"sim/cli/"},
       {"localtime", "localtime_r", "gmtime", "gmtime_r", "mktime", "timegm", "strftime", "strptime", "asctime",
        "ctime", "tzset", "put_time", "get_time"}},
      {"depends on the locale", Match::free_call, Tests::free, {}, {"setlocale", "newlocale", "uselocale", "imbue"}},
      {"depends on the locale", Match::std_name, Tests::free, {}, {"locale"}},
      {"reads the environment; only sim/cli may",
       Match::free_call,
       Tests::free,
       {"sim/cli/"},
       {"getenv", "secure_getenv"}},
      {"is not the same in every standard library; draw through engine/ports/random.h",
       Match::std_name,
       Tests::free,
       {},
       {"shuffle", "sample", "random_shuffle"}},
      {"is not the same in every standard library; use engine/base/distribution.h",
       Match::identifier,
       Tests::free,
       {},
       {"uniform_int_distribution",
        "uniform_real_distribution",
        "normal_distribution",
        "lognormal_distribution",
        "exponential_distribution",
        "gamma_distribution",
        "weibull_distribution",
        "extreme_value_distribution",
        "poisson_distribution",
        "bernoulli_distribution",
        "binomial_distribution",
        "geometric_distribution",
        "negative_binomial_distribution",
        "chi_squared_distribution",
        "cauchy_distribution",
        "fisher_f_distribution",
        "student_t_distribution",
        "discrete_distribution",
        "piecewise_constant_distribution",
        "piecewise_linear_distribution",
        "triangle_distribution",
        "beta_distribution",
        "laplace_distribution",
        "hyperexponential_distribution",
        "uniform_smallint",
        "uniform_01",
        "generate_canonical"}},
      {"is not a stream of engine/ports/random.h",
       Match::identifier,
       Tests::free,
       {},
       {"mt19937", "mt19937_64", "default_random_engine", "minstd_rand", "minstd_rand0", "ranlux24", "ranlux48",
        "knuth_b", "mersenne_twister_engine", "linear_congruential_engine"}},
      {"is not reproducible", Match::identifier, Tests::banned_too, {}, {"random_device"}},
      {"is not reproducible",
       Match::free_call,
       Tests::banned_too,
       {},
       {"rand", "srand", "rand_r", "drand48", "lrand48", "mrand48", "srand48", "random_r", "arc4random", "getrandom",
        "getentropy", "RAND_bytes", "sqlite3_randomness"}},
      {"is not the same in every standard library", Match::std_name, Tests::free, {}, {"hash", "_Hash_bytes"}},
      {"is libm, which rounds differently from CPU to CPU; use engine/base/detmath.h",
       Match::free_call,
       Tests::free,
       {"engine/base/detmath", "sim/report/"},
       {"exp",    "exp2",    "expm1",  "log",    "log2",   "log10",     "log1p",     "pow",   "sin",       "cos",
        "tan",    "asin",    "acos",   "atan",   "atan2",  "sinh",      "cosh",      "tanh",  "asinh",     "acosh",
        "atanh",  "cbrt",    "hypot",  "erf",    "erfc",   "tgamma",    "lgamma",    "floor", "ceil",      "round",
        "lround", "llround", "rint",   "lrint",  "llrint", "nearbyint", "trunc",     "fmod",  "remainder", "fma",
        "modf",   "frexp",   "ldexp",  "scalbn", "logb",   "ilogb",     "nextafter", "expf",  "logf",      "powf",
        "sinf",   "cosf",    "floorf", "ceilf",  "roundf"}},
      {"reads decimals by the locale or inexactly; use std::from_chars or engine/base/time.h",
       Match::free_call,
       Tests::free,
       {},
       {"strtod", "strtof", "strtold", "atof", "stod", "stof", "stold", "scanf", "sscanf", "fscanf", "vsscanf"}},
  };
  return kBans;
}

struct BannedHeader {
  std::string_view header;
  std::string_view why;
  Names allowed_in;
};

const std::vector<BannedHeader>& banned_headers() {
  static const std::vector<BannedHeader> kHeaders = {
      {"ctime", "the wall clock and calendar", {"sim/cli/"}},
      {"time.h", "the wall clock and calendar", {"sim/cli/"}},
      {"sys/time.h", "the wall clock", {"sim/cli/"}},
      {"sys/times.h", "the wall clock", {"sim/cli/"}},
      {"clocale", "the locale", {}},
      {"locale.h", "the locale", {}},
      {"locale", "the locale", {}},
      {"random", "generators and distributions that differ between libraries", {}},
      {"math.h", "libm", {"engine/base/detmath", "sim/report/"}},
  };
  return kHeaders;
}

bool allowed(const Names& prefixes, std::string_view path) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](auto prefix) { return path.starts_with(prefix); });
}

/// Keywords that may stand before an expression.
const std::set<std::string_view>& statement_keywords() {
  static const std::set<std::string_view> kKeywords = {"return", "co_return", "co_yield", "co_await", "throw", "else",
                                                       "do",     "case",      "and",      "or",       "not"};
  return kKeywords;
}

/// The name before `::` in front of tokens[at]: "std" for std::x, "" for ::x; null if x is not qualified.
const std::string* qualifier(const SourceText& file, std::size_t at) {
  static const std::string kGlobal;
  if (at == 0 || !file.tokens[at - 1].is("::")) return nullptr;
  if (at == 1 || file.tokens[at - 2].kind != TokenKind::identifier) return &kGlobal;
  if (statement_keywords().contains(file.tokens[at - 2].text)) return &kGlobal;
  return &file.tokens[at - 2].text;
}

bool from_std(const std::string& qualifier) {
  return qualifier == "std" || qualifier == "ranges";
}

/// `double exp(double x)` declares a function of our own; `return exp(x)` calls libm.
bool declares(const SourceText& file, std::size_t at) {
  if (at == 0) return false;
  const Token& before = file.tokens[at - 1];
  if (before.is("*") || before.is("&") || before.is(">") || before.is("~")) {
    return at >= 2 && file.tokens[at - 2].kind == TokenKind::identifier && file.token(at + 2) != nullptr &&
           file.tokens[at + 2].kind == TokenKind::identifier && file.token(at + 3) != nullptr &&
           file.tokens[at + 3].kind == TokenKind::identifier;
  }
  return before.kind == TokenKind::identifier && !statement_keywords().contains(before.text);
}

/// `: log(config)` in a constructor that initialises a member of that name.
bool initialises_member(const SourceText& file, std::size_t at) {
  if (at == 0 || !(file.tokens[at - 1].is(":") || file.tokens[at - 1].is(","))) return false;
  for (std::size_t i = 1; i + 1 < file.tokens.size(); ++i) {
    if (!file.tokens[i].is(file.tokens[at].text) || !file.tokens[i + 1].is(";")) continue;
    const Token& type = file.tokens[i - 1];
    if (type.kind == TokenKind::identifier && !statement_keywords().contains(type.text)) return true;
    if (type.is("&") || type.is("*") || type.is(">")) return true;
  }
  return false;
}

/// Calls of time() and clock() take nothing or a null or an address; anything else is a function of our own.
bool looks_like_the_c_function(const SourceText& file, std::size_t at) {
  const std::string& name = file.tokens[at].text;
  if (name != "time" && name != "clock") return true;
  const Token* argument = file.token(at + 2);
  if (argument == nullptr) return false;
  if (name == "clock") return qualifier(file, at) != nullptr && argument->is(")");
  return argument->is("nullptr") || argument->is("NULL") || argument->is("0") || argument->is("&");
}

bool matches(const SourceText& file, std::size_t at, Match match) {
  const bool call = file.matches(at + 1, "(");
  const std::string* scope = qualifier(file, at);
  switch (match) {
    case Match::identifier:
      // Naming a clock's type is harmless: Boost.Fiber's interface has steady_clock::time_point in it.
      if (file.matches(at + 1, "::") && file.matches(at + 2, "time_point")) return false;
      return !file.is_member_access(at);
    case Match::member_call:
      return call && file.is_member_access(at);
    case Match::free_call:
      if (!call || file.is_member_access(at) || !looks_like_the_c_function(file, at)) return false;
      return scope != nullptr ? scope->empty() || from_std(*scope)
                              : !declares(file, at) && !initialises_member(file, at);
    case Match::std_name:
      return scope != nullptr && from_std(*scope);
    case Match::foreign_call:
      // Kernel::sleep_for( defines our own; this_thread::sleep_for( and tf::sleep_for( do not.
      return scope != nullptr && call && (scope->empty() || std::islower(static_cast<unsigned char>((*scope)[0])) != 0);
  }
  return false;
}

bool named(const Ban& ban, const std::string& name) {
  if (std::find(ban.names.begin(), ban.names.end(), name) != ban.names.end()) return true;
  return name.starts_with("__builtin_") && ban.match == Match::free_call &&
         std::find(ban.names.begin(), ban.names.end(), name.substr(10)) != ban.names.end();
}

void check_headers(const SourceText& file, std::vector<Finding>& findings) {
  if (in_folder(file.path, "tests")) return;
  for (const Include& include : file.includes) {
    for (const BannedHeader& banned : banned_headers()) {
      if (include.header == banned.header && !allowed(banned.allowed_in, file.path)) {
        findings.push_back({file.path, include.line, "<" + include.header + "> is banned: " + std::string(banned.why)});
      }
    }
    if (include.header == "cmath" && !allowed({"engine/base/detmath", "sim/report/"}, file.path) &&
        !file.excused(include.line, "exact:")) {
      findings.push_back(
          {file.path, include.line,
           "<cmath> is for engine/base/detmath; say which exact functions are used: // exact: sqrt, isfinite"});
    }
  }
}

/// printf prints doubles by the locale's decimal point and never in the shortest form.
void check_printf_of_doubles(const SourceText& file, std::vector<Finding>& findings) {
  static const std::set<std::string_view> kPrintf = {"printf",   "fprintf",   "sprintf",
                                                     "snprintf", "vsnprintf", "dprintf"};
  if (in_folder(file.path, "tests")) return;
  for (std::size_t i = 0; i < file.tokens.size(); ++i) {
    if (!kPrintf.contains(file.tokens[i].text) || !file.matches(i + 1, "(")) continue;
    const std::size_t end = file.closing(i + 1);
    for (std::size_t j = i; j < end; ++j) {
      if (file.tokens[j].kind != TokenKind::string) continue;
      const std::string& text = file.tokens[j].text;
      for (std::size_t at = text.find('%'); at != std::string::npos && at + 1 < text.size();
           at = text.find('%', at + 1)) {
        if (text[at + 1] == '%') {
          ++at;
          continue;
        }
        const std::size_t conversion = text.find_first_not_of("-+ #0123456789.*'hlLqjzt", at + 1);
        if (conversion != std::string::npos &&
            std::string_view("aAeEfFgG").find(text[conversion]) != std::string_view::npos) {
          findings.push_back({file.path, file.tokens[j].line, "printf of a double depends on the locale; use fmt"});
          break;
        }
      }
    }
  }
}

/// Boost.JSON 1.81 reads and prints some doubles wrong, so only its SAX parser with our own number handling is used.
void check_boost_json(const SourceText& file, std::vector<Finding>& findings) {
  const bool uses = std::any_of(file.includes.begin(), file.includes.end(),
                                [](const Include& i) { return i.header.starts_with("boost/json"); });
  if (!uses) return;
  static const std::set<std::string_view> kAnywhere = {"serializer", "stream_parser"};
  static const std::set<std::string_view> kQualified = {"parse", "serialize", "parser"};
  for (std::size_t i = 0; i < file.tokens.size(); ++i) {
    const Token& token = file.tokens[i];
    if (token.kind != TokenKind::identifier) continue;
    const bool qualified = qualifier(file, i) != nullptr && kQualified.contains(token.text);
    if (kAnywhere.contains(token.text) || qualified) {
      findings.push_back({file.path, token.line, token.text + " of Boost.JSON gets doubles wrong (design §3)"});
    }
  }
}

void check_leftovers(const SourceText& file, std::vector<Finding>& findings) {
  static const std::array<std::string_view, 4> kMarks = {
      "TO"
      "DO",
      "FIX"
      "ME",
      "XX"
      "X",
      "HA"
      "CK"};
  for (std::size_t line = 1; line < file.comments.size(); ++line) {
    for (const std::string_view mark : kMarks) {
      if (file.comments[line].find(mark) != std::string::npos) {
        findings.push_back({file.path, static_cast<int>(line), "leftover: " + std::string(mark)});
      }
    }
  }
}

}  // namespace

void check_banned_names(const SourceText& file, std::vector<Finding>& findings) {
  const bool test = in_folder(file.path, "tests");
  for (std::size_t i = 0; i < file.tokens.size(); ++i) {
    const Token& token = file.tokens[i];
    if (token.kind != TokenKind::identifier) continue;
    for (const Ban& ban : bans()) {
      if (test && ban.tests == Tests::free) continue;
      if (!named(ban, token.text) || allowed(ban.allowed_in, file.path) || !matches(file, i, ban.match)) continue;
      findings.push_back(
          {file.path, token.line, token.text + " is banned: " + token.text + ' ' + std::string(ban.what)});
      break;
    }
  }
  check_headers(file, findings);
  check_printf_of_doubles(file, findings);
  check_boost_json(file, findings);
  check_leftovers(file, findings);
}

}  // namespace dvt::layers
