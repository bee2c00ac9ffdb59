// The bans of design §3 hold for the tree, and each of them trips on a planted line: a check that nothing can trip is
// not a check.
#include "tests/layers/bans.h"

#include <gtest/gtest.h>

#include <map>
#include <ostream>

#include "tests/layers/expect_none.h"
#include "tests/layers/source_tree.h"

namespace dvt::layers {

struct Planted {
  std::string_view name;
  std::string_view path;
  std::string_view code;
  bool banned;
};

void PrintTo(const Planted& planted, std::ostream* out) {
  *out << planted.path << ": " << planted.code;
}

namespace {

std::vector<Finding> findings_in(std::string_view path, std::string_view code) {
  return check_bans(read_source_text(std::string(path), code), {});
}

TEST(Bans, HoldForEveryFileOfTheTree) {
  const std::vector<SourceText> files = cpp_files(read_tree(source_root()));
  std::map<std::string_view, const SourceText*> by_path;
  for (const SourceText& file : files) by_path[file.path] = &file;
  std::vector<Finding> findings;
  for (const SourceText& file : files) {
    std::vector<const SourceText*> headers;
    for (const Include& include : file.includes) {
      const auto found = by_path.find(include.header);
      if (found != by_path.end()) headers.push_back(found->second);
    }
    for (Finding& finding : check_bans(file, headers)) findings.push_back(std::move(finding));
  }
  expect_none(findings);
}

TEST(Bans, HoldForTheBuildFlags) {
  for (const TextFile& file : read_tree(source_root())) {
    if (!file.path.ends_with("meson.build")) continue;
    expect_none(check_build_flags(file.path, file.content));
  }
  EXPECT_EQ(check_build_flags("meson.build", "project('x')\nadd_project_arguments('-march=native')\n").size(), 1U);
  EXPECT_EQ(check_build_flags("meson.build", "args = ['-ffast-math']").size(), 1U);
  EXPECT_EQ(check_build_flags("meson.build", "args = ['-ffp-contract=off']").size(), 0U);
}

TEST(Bans, NameFileAndLine) {
  const auto findings = findings_in("engine/api/api.cpp", "int a;\n\nauto t = std::chrono::steady_clock::now();\n");
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_TRUE(findings[0].text().starts_with("engine/api/api.cpp:3: steady_clock is banned")) << findings[0].text();
}

class PlantedLine : public testing::TestWithParam<Planted> {};

TEST_P(PlantedLine, IsJudged) {
  const Planted& planted = GetParam();
  const auto findings = findings_in(planted.path, planted.code);
  if (planted.banned) {
    EXPECT_FALSE(findings.empty()) << "not seen: " << planted.code;
  } else {
    expect_none(findings);
  }
}

constexpr bool kBanned = true;
constexpr bool kAllowed = false;

const Planted kTime[] = {
    {"StdSleep", "sim/world/w.cpp", "std::this_thread::sleep_for(d);", kBanned},
    {"FiberSleep", "sim/kernel/k.cpp", "boost::this_fiber::sleep_until(t);", kBanned},
    {"AliasedSleep", "sim/kernel/k.cpp", "namespace tf = boost::this_fiber; void f() { tf::sleep_for(d); }", kBanned},
    {"PosixSleep", "sim/kernel/k.cpp", "void f() { ::sleep(1); }", kBanned},
    {"Usleep", "tests/sim/k_test.cpp", "void f() { usleep(10); }", kBanned},
    {"OwnSleep", "engine/workflow/c.cpp", "void f(Fibers& fibers) { fibers.sleep_for(d); }", kAllowed},
    {"OwnSleepDefinition", "sim/kernel/k.cpp", "void Kernel::sleep_for(Duration d) { park(); }", kAllowed},
    {"TimedWaitOnCondition", "sim/kernel/k.cpp", "void f() { condition.wait_for(lock, d); }", kBanned},
    {"OwnWaitFor", "sim/cli/v.cpp", "int wait_for(pid_t pid) { return 0; } int f() { return wait_for(p); }", kAllowed},
    {"TimedWaitOnFuture", "store/sqlite/s.cpp", "void f() { future.wait_until(t); }", kBanned},
    {"TimedChannel", "sim/kernel/k.cpp", "void f() { channel.push_wait_for(x, d); }", kBanned},
    {"SystemClock", "store/bus/b.cpp", "auto t = std::chrono::system_clock::now();", kBanned},
    {"ClockAlias", "store/bus/b.cpp", "using Clock = std::chrono::high_resolution_clock;", kBanned},
    {"ClockTypeOnly", "sim/kernel/k.h", "void suspend_until(const std::chrono::steady_clock::time_point& t);",
     kAllowed},
    {"ClockInTests", "tests/sim/x_test.cpp", "auto t = std::chrono::steady_clock::now();", kBanned},
    {"ClockInBenchmarks", "tests/bench/x.cpp", "auto t = std::chrono::steady_clock::now();", kAllowed},
    {"ClockInCli", "sim/cli/main.cpp", "auto t = std::chrono::steady_clock::now();", kAllowed},
    {"CTime", "sim/slo/s.cpp", "auto t = std::time(nullptr);", kBanned},
    {"BareTime", "sim/slo/s.cpp", "auto t = time(nullptr);", kBanned},
    {"ClockGettime", "sim/slo/s.cpp", "int f() { return clock_gettime(CLOCK_REALTIME, &t); }", kBanned},
    {"Gettimeofday", "sim/slo/s.cpp", "int f() { return gettimeofday(&t, nullptr); }", kBanned},
    {"MemberTime", "sim/slo/s.cpp", "auto t = event.time(0);", kAllowed},
    {"OwnTime", "sim/slo/s.cpp", "Instant time(Tick tick); auto t = time(tick);", kAllowed},
    {"CtimeHeader", "sim/slo/s.cpp", "#include <ctime>\n", kBanned},
    {"Localtime", "sim/report/r.cpp", "auto* t = localtime(&x);", kBanned},
    {"InAComment", "sim/slo/s.cpp", "// std::time(nullptr) would be wrong\nint a;", kAllowed},
    {"InAString", "sim/slo/s.cpp", "auto s = \"std::time(nullptr)\";", kAllowed},
};
INSTANTIATE_TEST_SUITE_P(Time, PlantedLine, testing::ValuesIn(kTime),
                         [](const auto& i) { return std::string(i.param.name); });

const Planted kRandomness[] = {
    {"Shuffle", "sim/world/w.cpp", "std::shuffle(v.begin(), v.end(), g);", kBanned},
    {"RangesSample", "sim/world/w.cpp", "std::ranges::sample(v, out, 3, g);", kBanned},
    {"OwnSample", "sim/world/w.cpp", "auto d = distribution.sample(draws);", kAllowed},
    {"Distribution", "sim/world/w.cpp", "std::normal_distribution<double> d;", kBanned},
    {"BoostDistribution", "sim/world/w.cpp", "boost::random::uniform_int_distribution<int> d;", kBanned},
    {"OwnDistribution", "sim/world/w.cpp", "void explain_distribution(Text& text);", kAllowed},
    {"Mt19937", "sim/world/w.cpp", "std::mt19937_64 g(1);", kBanned},
    {"RandomDevice", "tests/sim/x_test.cpp", "std::random_device d;", kBanned},
    {"Rand", "sim/world/w.cpp", "int f() { return rand(); }", kBanned},
    {"StdRand", "sim/world/w.cpp", "int f() { return std::rand(); }", kBanned},
    {"RandBytes", "engine/base/uuid.cpp", "void f() { RAND_bytes(p, 16); }", kBanned},
    {"RandomHeader", "sim/world/w.cpp", "#include <random>\n", kBanned},
    {"StdHash", "engine/base/ids.h", "auto h = std::hash<int>{}(3);", kBanned},
    {"OwnHash", "engine/base/ids.h", "struct IdHash {}; auto h = IdHash{}(3);", kAllowed},
    {"TwoDraws", "sim/world/w.cpp", "void f() { g(draws.next(), draws.next()); }", kBanned},
    {"TwoUniforms", "sim/world/w.cpp", "auto x = source.uniform() + source.uniform();", kBanned},
    {"OneDrawEach", "sim/world/w.cpp", "void f() { auto a = draws.next(); auto b = draws.next(); }", kAllowed},
    {"BracesAreOrdered", "sim/world/w.cpp", "void f() { auto a = draws.next(); T{draws.next()}; }", kAllowed},
};
INSTANTIATE_TEST_SUITE_P(Randomness, PlantedLine, testing::ValuesIn(kRandomness),
                         [](const auto& i) { return std::string(i.param.name); });

const Planted kNumbers[] = {
    {"Exp", "sim/slo/s.cpp", "double f(double x) { return std::exp(x); }", kBanned},
    {"BareLog", "sim/slo/s.cpp", "double f(double x) { return log(x); }", kBanned},
    {"BarePowInSum", "sim/slo/s.cpp", "double f(double x) { return 2 * pow(x, 2); }", kBanned},
    {"GlobalSin", "sim/slo/s.cpp", "double f(double x) { return ::sin(x); }", kBanned},
    {"Lround", "sim/slo/s.cpp", "long f(double x) { return std::lround(x); }", kBanned},
    {"Builtin", "sim/slo/s.cpp", "double f(double x) { return __builtin_exp(x); }", kBanned},
    {"Detmath", "sim/slo/s.cpp", "double f(double x) { return detmath::exp(x); }", kAllowed},
    {"DetmathItself", "engine/base/detmath.cpp", "double f(double x) { return exp(x); }", kAllowed},
    {"InReports", "sim/report/r.cpp", "double f(double x) { return std::log10(x); }", kAllowed},
    {"Sqrt", "sim/slo/s.cpp", "double f(double x) { return std::sqrt(x); }", kAllowed},
    {"OwnRound", "sim/slo/s.cpp", "Money round(Money m); const Money& floor(const Money m);", kAllowed},
    {"MemberNamedLog", "sim/check/i.cpp", "struct C { C(int c) : log(c), exp(c) {} Log log; Exp& exp; };", kAllowed},
    {"CallAfterColon", "sim/slo/s.cpp", "double f(double x) { return x > 0 ? x : log(x); }", kBanned},
    {"CmathUnexplained", "sim/slo/s.cpp", "#include <cmath>\n", kBanned},
    {"CmathExplained", "sim/slo/s.cpp", "#include <cmath>  // exact: sqrt\n", kAllowed},
    {"CmathMarkerWithoutReason", "sim/slo/s.cpp", "#include <cmath>  // exact:\n", kBanned},
    {"Strtod", "sim/scenario/s.cpp", "double f() { return strtod(p, nullptr); }", kBanned},
    {"Stod", "sim/scenario/s.cpp", "double f() { return std::stod(s); }", kBanned},
    {"Sscanf", "sim/scenario/s.cpp", "int f() { return sscanf(s, \"%lf\", &d); }", kBanned},
    {"PrintfDouble", "sim/report/r.cpp", "void f() { std::printf(\"%-8.3f|\", x); }", kBanned},
    {"PrintfInteger", "sim/report/r.cpp", "void f() { std::printf(\"100%% %d\", x); }", kAllowed},
    {"Setlocale", "sim/cli/main.cpp", "void f() { std::setlocale(LC_ALL, \"\"); }", kBanned},
    {"StdLocale", "sim/cli/main.cpp", "std::locale l;", kBanned},
    {"Getenv", "sim/world/w.cpp", "auto* e = std::getenv(\"HOME\");", kBanned},
    {"GetenvInCli", "sim/cli/main.cpp", "auto* e = std::getenv(\"NO_COLOR\");", kAllowed},
    {"BoostJsonParse", "engine/base/json.cpp", "#include <boost/json/parse.hpp>\nauto v = boost::json::parse(s);",
     kBanned},
    {"BoostJsonSerializer", "engine/base/json.cpp", "#include <boost/json/src.hpp>\nboost::json::serializer s;",
     kBanned},
    {"OwnJsonParse", "engine/base/json.cpp", "#include \"engine/base/json.h\"\nauto v = json::parse(s);", kAllowed},
};
INSTANTIATE_TEST_SUITE_P(Numbers, PlantedLine, testing::ValuesIn(kNumbers),
                         [](const auto& i) { return std::string(i.param.name); });

const Planted kOrder[] = {
    {"LoopOverMap", "sim/slo/s.cpp", "std::unordered_map<int, T> m; void f() { for (auto& [k, v] : m) g(k); }",
     kBanned},
    {"LoopOverMember", "sim/slo/s.cpp",
     "struct S { std::unordered_set<int> ids_; void f() { for (int i : this->ids_) g(i); } };", kBanned},
    {"LoopOverParameter", "sim/slo/s.cpp",
     "void f(const std::unordered_map<int, std::vector<T>>& m) { for (auto& e : m) g(e); }", kBanned},
    {"LoopOverAlias", "sim/slo/s.cpp",
     "using Map = std::unordered_map<int, T>; Map m; void f() { for (auto& e : m) g(e); }", kBanned},
    {"BeginOfSet", "sim/slo/s.cpp", "std::unordered_set<int> s; auto x = *s.begin();", kBanned},
    {"CopyByIterators", "sim/slo/s.cpp", "std::unordered_set<int> s; std::vector<int> v(std::begin(s), std::end(s));",
     kBanned},
    {"LookUp", "sim/slo/s.cpp", "std::unordered_map<int, T> m; bool f() { return m.find(1) != m.end(); }", kAllowed},
    {"LoopOverVector", "sim/slo/s.cpp",
     "std::unordered_map<int, T> m; std::vector<int> v; void f() { for (int i : v) m[i]; }", kAllowed},
    {"Excused", "sim/slo/s.cpp",
     "std::unordered_set<int> s;\n// order-free: summed\nvoid f() { for (int i : s) n += i; }", kAllowed},
    {"ExcusedWithoutReason", "sim/slo/s.cpp",
     "std::unordered_set<int> s;\n// order-free:\nvoid f() { for (int i : s) n += i; }", kBanned},
    {"OrderedByAddress", "sim/slo/s.cpp", "std::map<const Run*, int> m;", kBanned},
    {"SetOfPointers", "sim/slo/s.cpp", "std::set<Run*> s;", kBanned},
    {"OrderedById", "sim/slo/s.cpp", "std::map<RunId, Run*> m;", kAllowed},
};
INSTANTIATE_TEST_SUITE_P(Order, PlantedLine, testing::ValuesIn(kOrder),
                         [](const auto& i) { return std::string(i.param.name); });

const Planted kSql[] = {
    {"Unordered", "store/sqlite/s.cpp", "db.prepare(\"SELECT id FROM events WHERE run = ?\");", kBanned},
    {"UnorderedInPieces", "store/sqlite/s.cpp", "db.prepare(\"SELECT id \"\n \"FROM events\");", kBanned},
    {"UnorderedRaw", "store/sqlite/s.cpp", "db.prepare(R\"(SELECT id\nFROM events)\");", kBanned},
    {"LimitIsNoOrder", "store/sqlite/s.cpp", "db.prepare(\"SELECT id FROM events LIMIT 1\");", kBanned},
    {"Grouped", "store/sqlite/s.cpp", "db.prepare(\"SELECT COUNT(*), run FROM events GROUP BY run\");", kBanned},
    {"SecondStatement", "store/sqlite/s.cpp", "db.exec(\"SELECT 1 FROM a ORDER BY 1; SELECT 2 FROM b\");", kBanned},
    {"Ordered", "store/sqlite/s.cpp", "db.prepare(\"SELECT id FROM events ORDER BY id\");", kAllowed},
    {"Aggregate", "store/sqlite/s.cpp", "db.prepare(\"SELECT MAX(seq) FROM events WHERE run = ?\");", kAllowed},
    {"LowerCaseAggregate", "store/sqlite/s.cpp", "db.prepare(\"SELECT count(*) FROM events\");", kAllowed},
    {"OneRow", "store/sqlite/s.cpp", "db.prepare(\"SELECT id FROM runs WHERE id = ? -- one row\");", kAllowed},
    {"View", "store/sqlite/s.cpp", "db.exec(\"CREATE VIEW v AS SELECT id FROM events\");", kAllowed},
    {"DeletedSet", "store/sqlite/s.cpp", "db.exec(\"DELETE FROM a WHERE id IN (SELECT id FROM b)\");", kAllowed},
    {"DeletedPart", "store/sqlite/s.cpp", "db.exec(\"DELETE FROM a WHERE id IN (SELECT id FROM b LIMIT 5)\");",
     kBanned},
    {"NoTable", "store/sqlite/s.cpp", "db.prepare(\"SELECT changes()\");", kAllowed},
    {"Analyze", "store/sqlite/s.cpp", "db.exec(\"ANALYZE\");", kBanned},
    {"Optimize", "store/sqlite/s.cpp", "db.exec(\"PRAGMA optimize\");", kBanned},
    {"SqlClock", "store/sqlite/s.cpp", "db.exec(\"INSERT INTO t VALUES (CURRENT_TIMESTAMP)\");", kBanned},
    {"SqlNow", "store/sqlite/s.cpp", "db.exec(\"INSERT INTO t VALUES (datetime('now'))\");", kBanned},
    {"SqlRandom", "store/sqlite/s.cpp", "db.exec(\"SELECT id FROM t ORDER BY RANDOM()\");", kBanned},
};
INSTANTIATE_TEST_SUITE_P(Sql, PlantedLine, testing::ValuesIn(kSql),
                         [](const auto& i) { return std::string(i.param.name); });

const Planted kFibers[] = {
    {"SwallowedKill", "engine/worker/w.cpp", "void f() { try { g(); } catch (...) { log_it(); } }", kBanned},
    {"SwallowedByName", "engine/worker/w.cpp", "void f() { try { g(); } catch (const FiberKilled&) { } }", kBanned},
    {"Rethrown", "engine/worker/w.cpp", "void f() { try { g(); } catch (...) { undo(); throw; } }", kAllowed},
    {"FiberEntry", "sim/kernel/k.cpp",
     "void f() {\n  try { g(); }\n  // fiber entry: the kill ends here\n  catch (const FiberKilled&) { } }", kAllowed},
    {"FiberEntrySaidInside", "sim/kernel/k.cpp",
     "void f() {\n  try { g(); } catch (...) {\n    // fiber entry: kept for run()\n    keep();\n  }\n}", kAllowed},
    {"ErrorsByType", "engine/worker/w.cpp", "void f() { try { g(); } catch (const std::exception& e) { } }", kAllowed},
    {"OutsideFibers", "sim/report/r.cpp", "void f() { try { g(); } catch (...) { } }", kAllowed},
    {"Leftover", "sim/report/r.cpp",
     "// TO"
     "DO: later\nint a;",
     kBanned},
};
INSTANTIATE_TEST_SUITE_P(Fibers, PlantedLine, testing::ValuesIn(kFibers),
                         [](const auto& i) { return std::string(i.param.name); });

TEST(Bans, SeeUnorderedMembersOfAnIncludedHeader) {
  const auto header = read_source_text("sim/slo/s.h", "class S { std::unordered_map<int, T> open_; };");
  const auto file =
      read_source_text("sim/slo/s.cpp", "#include \"sim/slo/s.h\"\nvoid S::f() { for (auto& e : open_) g(e); }");
  EXPECT_EQ(check_bans(file, {&header}).size(), 1U);
  EXPECT_EQ(check_bans(file, {}).size(), 0U);
}

}  // namespace
}  // namespace dvt::layers
