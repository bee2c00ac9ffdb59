// Hostile files: each is answered with a place and a sentence, within bounded time and memory.
#include <sys/resource.h>

#include <functional>

#include "support.h"

namespace dvt::sim::test {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

std::string repeat(std::string_view text, std::size_t bytes) {
  std::string out;
  while (out.size() + text.size() <= bytes) out += text;
  return out;
}

std::string numbered(std::string_view before, std::string_view after, std::size_t bytes) {
  std::string out;
  for (int i = 0; out.size() < bytes; ++i) out += std::string(before) + std::to_string(i) + std::string(after);
  out.resize(out.rfind('\n', bytes) + 1);
  return out;
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

struct Hostile {
  const char* name;
  std::string text;
  const char* expected;  // part of some diagnostic
};

std::vector<Hostile> hostile_files() {
  std::string deep_block;
  for (int i = 0; i < 1'000; ++i) deep_block += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  std::string binary;
  for (int i = 0; i < 1'000; ++i) binary += static_cast<char>(i * 37 % 256);
  return {
      {"nothing", "", "the file is empty"},
      {"comments only", "# nothing\n\n", "the file is empty"},
      {"ten megabytes", repeat("a: 1\n", 10 * kMiB), "larger than 1 MiB"},
      {"one byte too many", std::string(kMiB + 1, '#'), "larger than 1 MiB"},
      {"binary", binary, "s.yaml:1:1: binary data"},
      {"a zero byte", std::string("a: \0b", 5), "s.yaml:1:4: binary data: control character 0x00"},
      {"latin-1", "name: caf\xe9\n", "s.yaml:1:10: not UTF-8"},
      {"an overlong sequence", "\xc0\xaf", "not UTF-8"},
      {"a surrogate", "\xed\xa0\x80", "not UTF-8"},
      {"utf-16",
       std::string("\xff\xfe"
                   "a\0:\0",
                   6),
       "not UTF-8"},
      {"100,000 brackets", std::string(100'000, '['), "nested deeper than 64 levels"},
      {"a mebibyte of brackets", std::string(kMiB, '['), "nested deeper than 64 levels"},
      {"100,000 braces", std::string(100'000, '{'), "nested deeper than 64 levels"},
      {"nested maps", repeat("{a: ", 100'000), "nested deeper than 64 levels"},
      {"65 brackets", std::string(65, '[') + std::string(65, ']'), "s.yaml:1:65: nested deeper than 64 levels"},
      {"nested dashes", repeat("- ", 200'000), "nested deeper than 64 levels"},
      {"nested keys", repeat("? ", 200'000), "nested deeper than 64 levels"},
      {"nested indentation", deep_block, "nested deeper than 64 levels"},
      {"a long list of commas", "[" + repeat("x,", kMiB - 8) + "]", "more than 250000 brackets and commas"},
      {"a list as the file", "[" + repeat("x,", 490'000) + "x]", "expected a scenario as a map, found a list"},
      {"a list under a key", "a: [" + repeat("x,", 490'000) + "x]", "s.yaml:1:1: a: unknown key"},
      {"many keys", numbered("k", ": 1\n", kMiB - 20), "more errors are not shown"},
      {"many keys in braces", "{" + numbered("k", ": 1,\n", kMiB - 20) + "}", "more errors are not shown"},
      {"the same key again and again", repeat("k: 1\n", kMiB - 5), "duplicate key \"k\""},
      {"many anchors", numbered("k", ": &a 1\n", kMiB - 20), "s.yaml:1:5: anchors are not allowed"},
      {"many aliases", "a: &a [1]\n" + numbered("k", ": *a\n", kMiB - 40), "s.yaml:2:5: aliases are not allowed"},
      {"a circle", "a: &a [*a]\n", "s.yaml:1:8: aliases are not allowed"},
      {"a long text", "a: " + std::string(kMiB - 10, 'x'), "unknown key"},
      {"a long key", std::string(kMiB - 10, 'x') + ": 1", "not valid YAML"},
      {"many lines of a quoted text", "a: \"x\n" + repeat("\n", kMiB - 20) + "\"", "unknown key"},
      {"many dashes", repeat("-\n", kMiB), "found a list"},
      {"stars", std::string(kMiB, '*'), "not valid YAML"},
      {"quotes", std::string(kMiB - 1, '"'), "s.yaml:1:1:"},
      {"escapes", "a: \"" + repeat("\\x41", kMiB - 20) + "\"", "unknown key"},
      {"a tag", "apiVersion: !!str dvtsim/v1\n", "s.yaml:1:13: tags are not allowed"},
      {"a local tag", "apiVersion: !x dvtsim/v1\n", "s.yaml:1:13: tags are not allowed"},
      {"a bare tag", "apiVersion: ! dvtsim/v1\n", "s.yaml:1:13: tags are not allowed"},
      {"a merge key", "<<: {apiVersion: dvtsim/v1}\n", "s.yaml:1:1: merge keys are not allowed"},
      {"a second document", std::string(kSmall) + "---\nb: 2\n", "only one document"},
      {"an empty second document", std::string(kSmall) + "---\n", "only one document"},
      {"a list as a key", "? [a, b]\n: 1\n", "a key must be a text, not a list"},
      {"an open quote", "a: \"b\n", "s.yaml:1:4: not valid YAML: a quote is not closed"},
      {"an open single quote", "a: 'it''s\n", "s.yaml:1:4: not valid YAML: a quote is not closed"},
      {"a tab as indentation", "a:\n\tb: 1\n", "not valid YAML"},
      {"crossed brackets", "a: [b}\n", "s.yaml:1:6: not valid YAML"},
      {"a scalar", "abc\n", "expected a scenario as a map, found \"abc\""},
  };
}

#ifdef DVT_SANITIZED
constexpr double kMostSeconds = 20;
#else
constexpr double kMostSeconds = 2;
#endif

TEST(HostileFile, IsAnsweredWithAPlaceWithinTwoSecondsAndTwoHundredMegabytes) {
  for (const Hostile& file : hostile_files()) {
    const double before = cpu_seconds();
    const std::string errors = errors_of(file.text);
    EXPECT_LT(cpu_seconds() - before, kMostSeconds) << file.name;
    EXPECT_NE(errors.find(file.expected), std::string::npos) << file.name << ":\n" << errors.substr(0, 2'000);
  }
#ifndef DVT_SANITIZED
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  EXPECT_LT(usage.ru_maxrss, 200L * 1024) << "kilobytes";
#endif
}

TEST(HostileFile, GivesAtMostTwoHundredErrorsOfAKindAndSaysHowManyMore) {
  const auto result = read(numbered("k", ": 1\n", 50'000));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().size(), 201U);
  EXPECT_NE(format(result.error()).find("more errors are not shown"), std::string::npos);
}

TEST(YamlText, MayBeginWithAByteOrderMarkAndEndWithADocumentEnd) {
  EXPECT_EQ(must_read("\xEF\xBB\xBF" + std::string(kSmall)).metadata.name, "small");
  EXPECT_EQ(must_read("---\n" + std::string(kSmall) + "...\n").metadata.name, "small");
}

TEST(YamlText, SixtyFourLevelsAreAllowed) {
  const std::string errors = errors_of(std::string(64, '[') + std::string(64, ']'));
  EXPECT_EQ(errors.find("nested"), std::string::npos) << errors;
}

TEST(YamlText, ReportsEveryDuplicateKeyAtItsSecondPlace) {
  const std::string errors = errors_of(small_and(
      "seed: 1\nseed: 2\nfaults: {a: {kind: stall, target: projector}, a: {kind: stall, target: projector}}"));
  EXPECT_NE(errors.find("s.yaml:11:1: duplicate key \"seed\""), std::string::npos) << errors;
  EXPECT_NE(errors.find("s.yaml:12:47: duplicate key \"a\""), std::string::npos) << errors;
}

// Any byte of a right file may be wrong: never a crash, never a diagnostic without a place.
TEST(RandomDamage, IsAlwaysReportedWithAPlace) {
  const std::string good = modelled_reference();
  std::uint64_t state = 42;
  const auto next = [&state](std::size_t bound) {
    state = state * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
    return static_cast<std::size_t>(state >> 33U) % bound;
  };
  constexpr std::string_view kBytes = "[]{},:#&*!|>'\"%@`-? \n\t0a\x80";
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    std::string text = good;
    for (std::size_t edits = next(4) + 1; edits > 0; --edits) {
      const std::size_t at = next(text.size());
      const std::size_t what = next(3);
      if (what == 0) text.erase(at, next(20) + 1);
      if (what == 1) text[at] = kBytes[next(kBytes.size())];
      if (what == 2) text.insert(at, 1, kBytes[next(kBytes.size())]);
    }
    const auto result = read(text);
    if (result.has_value()) continue;
    ++refused;
    ASSERT_FALSE(result.error().empty());
    for (const Diagnostic& diagnostic : result.error()) {
      EXPECT_FALSE(diagnostic.message.empty());
      EXPECT_GT(diagnostic.line, 0U) << diagnostic.text();
    }
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace dvt::sim::test
