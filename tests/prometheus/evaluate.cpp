// evaluate DIR: reads expressions from stdin, one a line, and writes what our own reader of expressions makes of them
// at every point of the grid of the run recorded in DIR: `expression <tab> milliseconds <tab> value <tab> labels`,
// labels as JSON would have them. For parity.py, which asks a real Prometheus the same.
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "engine/base/format.h"
#include "engine/base/json.h"
#include "sim/report/sample_replay.h"
#include "sim/slo/promql_expr.h"

namespace {

using namespace dvt;
using namespace dvt::sim;

std::string labels_json(const LabelPairs& labels) {
  std::string out;
  json::Writer writer(out);
  writer.begin_object();
  for (const auto& [name, value] : labels) writer.member(name, value);
  writer.end_object();
  return out;
}

int evaluate(const std::string& directory) {
  RunFile file(directory);
  std::vector<promql::Expression> expressions;
  Duration reach = minutes(5);
  for (std::string line; std::getline(std::cin, line);) {
    expressions.emplace_back(line);
    reach = std::max(reach, expressions.back().reach());
  }
  const UnixNanos start = file.start();
  std::vector<promql::Element> found;
  std::string out;
  replay_samples(file, reach, [&](const SeriesStore& store, Instant at) {
    for (std::size_t i = 0; i < expressions.size(); ++i) {
      try {
        expressions[i].evaluate({store, at, start}, found);
      } catch (const Error& error) {
        out += fmt::format("{}\t{}\terror\t{}\n", i, (start.ns + at.ns) / 1'000'000, error.what());
        continue;
      }
      for (const promql::Element& element : found)
        out += fmt::format("{}\t{}\t{}\t{}\n", i, (start.ns + at.ns) / 1'000'000, element.value,
                           labels_json(expressions[i].labels(element)));
    }
    if (out.size() > 1'000'000) {
      std::fwrite(out.data(), 1, out.size(), stdout);
      out.clear();
    }
  });
  std::fwrite(out.data(), 1, out.size(), stdout);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: evaluate DIR < expressions\n", stderr);
    return 2;
  }
  try {
    return evaluate(argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "evaluate: %s\n", error.what());
    return 1;
  }
}
