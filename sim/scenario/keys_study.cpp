// The rows of `kind: Study`, and the way from text to Study.
#include <algorithm>

#include "sim/scenario/keys.h"
#include "sim/scenario/study_spec.h"
#include "sim/scenario/yaml_front.h"

namespace dvt::sim {

DVT_CODEC(FlowValue);
DVT_CODEC(IntRange);
DVT_OBJECT(Replications);
DVT_OBJECT(SearchSpec);
DVT_OBJECT(CompareSpec);
DVT_OBJECT(Study);

bool Codec<FlowValue>::read(Reading&, const Node& node, FlowValue& out) {
  out.text = write_flow(node);
  return true;
}
Node Codec<FlowValue>::write(const FlowValue& value, const WriteContext&) {
  return Node::scalar(value.text);
}
const TypeInfo& Codec<FlowValue>::type() {
  static const TypeInfo info = scalar_type("value", "whatever the key takes", json::Object{});
  return info;
}

bool Codec<IntRange>::read(Reading& reading, const Node& node, IntRange& out) {
  const std::string* text = expect_scalar(reading, node, type());
  if (text == nullptr) return false;
  const std::size_t dots = text->find("..");
  constexpr std::int64_t kGreatest = 1'000'000'000;
  const auto number = [&](std::string_view part) { return parse_integer(part, kGreatest); };
  if (dots != std::string::npos) {
    const auto low = number(std::string_view(*text).substr(0, dots));
    const auto high = number(std::string_view(*text).substr(dots + 2));
    if (low.has_value() && high.has_value() && low.value() <= high.value()) {
      out = {static_cast<std::int64_t>(low.value()), static_cast<std::int64_t>(high.value())};
      return true;
    }
  }
  reading.error(node.mark, fmt::format("expected two whole numbers such as 1..20, found {}", describe(node)));
  return false;
}
Node Codec<IntRange>::write(const IntRange& value, const WriteContext&) {
  return Node::scalar(fmt::format("{}..{}", value.low, value.high));
}
const TypeInfo& Codec<IntRange>::type() {
  static const TypeInfo info = scalar_type("range", "1..20, both included", text_schema("^[0-9]+\\.\\.[0-9]+$"));
  return info;
}

template <>
const ObjectTable& table<Replications>() {
  using R = Replications;
  static const ObjectTable made = [] {
    TableBuilder<R> t("replications");
    t.field("max", &R::max, "Runs of a cell at most.").example("200").range(1, 1'000'000);
    t.field("min", &R::min, "Runs of a cell before its interval is looked at.").example("10").range(2, 1'000'000);
    t.field("relHalfWidth", &R::rel_half_width,
            "A cell is done when the interval of `of` is no wider than its mean ± this share; absent: all `max` runs.")
        .example("10%");
    t.field("of", &R::of, "The path that decides it.").example("objectives.projection-lag.observed");
    t.field("confidence", &R::confidence, "Level of all intervals.")
        .example("95%")
        .range(percent(50), Share{999'999'000});
    t.finish([](Reading& reading, const Node& node, R& r) {
      if (r.rel_half_width && r.of.empty())
        reading.error(node.mark, "relHalfWidth needs `of`, the path whose interval is meant");
      if (r.rel_half_width && r.rel_half_width->ppb == 0)
        reading.error(node.mark, "relHalfWidth: expected more than 0%");
    });
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<SearchSpec>() {
  using S = SearchSpec;
  static const ObjectTable made = [] {
    TableBuilder<S> t("a search");
    t.field("minimise", &S::minimise, "The key whose smallest sufficient value is looked for.")
        .example("topology.projector.replicas");
    t.field("maximise", &S::maximise, "The key whose greatest tolerable value is looked for.")
        .example("workload.arrivals.scale");
    t.field("in", &S::in, "The values, whole numbers.").required().example("1..20");
    t.field("suchThat", &S::such_that, "An assertion on the result of a run.")
        .required()
        .example("objectives.projection-lag.verdict == pass")
        .not_empty();
    t.field("confidence", &S::confidence, "How sure a value must be to be taken or left.")
        .example("95%")
        .range(percent(50), Share{999'999'000});
    t.field("share", &S::share, "Of all runs, so many must fulfil suchThat.")
        .example("90%")
        .range(percent(1), Share{999'999'000});
    t.finish([](Reading& reading, const Node& node, S& s) {
      if (s.minimise.empty() == s.maximise.empty())
        reading.error(node.mark, "expected one of minimise and maximise, the path of a key");
    });
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<CompareSpec>() {
  using C = CompareSpec;
  static const ObjectTable made = [] {
    TableBuilder<C> t("a comparison");
    t.field("baseline", &C::baseline, "The variant that the others are held against.").required().example("freeze");
    t.field("measures", &C::measures, "Paths of the result.")
        .required()
        .example("[budget.consumed, objectives.availability.observed]")
        .not_empty();
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<Study>() {
  using S = Study;
  static const ObjectTable made = [] {
    TableBuilder<S> t("a study");
    constant_key(t, "apiVersion", "dvtsim/v1", "Version of the language.");
    constant_key(t, "kind", "Study", "What the file is.");
    t.field("metadata", &S::metadata, "Name and labels.").required().example("{name: replicas}");
    t.field("scenario", &S::scenario, "The scenario's file, relative to this one.")
        .required()
        .example("projector.yaml");
    t.field("replications", &S::replications, "How often each cell is run.").example("{max: 200}");
    t.field("vary", &S::vary, "Keys and their values: every combination is a cell.")
        .example("{topology.projector.replicas: [3, 5, 10]}");
    t.field("variants", &S::variants, "Named sets of overrides: each is a cell (of every combination of vary).")
        .example("{freeze: {}, none: {budgetPolicy.enforce: false}}");
    t.field("search", &S::search, "The smallest or greatest value that suffices.")
        .example(
            "{minimise: topology.projector.replicas, in: 1..20, suchThat: objectives.projection-lag.verdict == pass}");
    t.field("compare", &S::compare, "Variants against one of them, seed by seed.")
        .example("{baseline: freeze, measures: [budget.consumed]}");
    t.finish([](Reading& reading, const Node& node, S& s) {
      for (const auto& [key, values] : s.vary) {
        if (values.empty()) reading.error(node.mark, fmt::format("vary.{}: expected at least one value", key));
      }
      if (!s.compare) return;
      std::vector<std::string_view> names;
      for (const auto& variant : s.variants) names.push_back(variant.first);
      if (std::find(names.begin(), names.end(), s.compare->baseline) == names.end()) {
        const Node* compare = node.find("compare");
        reading.error(compare == nullptr ? node.mark : compare->mark,
                      fmt::format("compare.baseline: there is no variant \"{}\"{}", s.compare->baseline,
                                  Reading::suggestion(s.compare->baseline, names)));
      } else if (names.size() < 2) {
        reading.error(node.mark, "compare needs two variants or more");
      }
    });
    return t.build();
  }();
  return made;
}

Result<std::pair<std::string, std::vector<FlowValue>>, std::string> parse_varied(std::string_view argument) {
  auto split = parse_override(argument);
  if (!split.has_value()) return failure(std::move(split.error()));
  std::vector<Diagnostic> wrong;
  const std::optional<Node> value = parse_yaml_value(split.value().value, wrong);
  if (!value || !wrong.empty())
    return failure(wrong.empty() ? std::string("expected a list such as [3, 5, 10]") : wrong.front().message);
  std::pair<std::string, std::vector<FlowValue>> out{split.value().path, {}};
  if (value->is_sequence()) {
    for (const Node& item : value->items) out.second.push_back({write_flow(item)});
  } else {
    out.second.push_back({write_flow(*value)});
  }
  if (out.second.empty()) return failure(std::string("expected at least one value"));
  return out;
}

Result<SearchSpec, std::string> parse_search(const std::string& minimise, const std::string& maximise,
                                             const std::string& in, const std::string& such_that) {
  Node node = Node::mapping();
  const std::pair<std::string_view, const std::string*> parts[] = {
      {"minimise", &minimise}, {"maximise", &maximise}, {"in", &in}, {"suchThat", &such_that}};
  for (const auto& [key, text] : parts) {
    if (!text->empty()) node.add(key, Node::scalar(*text));
  }
  Reading reading("", {});
  SearchSpec spec;
  if (!Codec<SearchSpec>::read(reading, node, spec)) return failure(reading.take_diagnostics().front().message);
  return spec;
}

const ObjectTable& study_table() {
  return table<Study>();
}

}  // namespace dvt::sim
