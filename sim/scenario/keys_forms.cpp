// Keys whose value is a word or a map: record, knownFaults, objectives, invariants, assertions. Each map form is a
// small struct with a table of its own, so that its keys are explained like all others.
#include "sim/scenario/assertion.h"
#include "sim/scenario/fault_kinds.h"
#include "sim/scenario/keys.h"

namespace dvt::sim {

namespace {
struct SlowestForm {
  std::optional<std::int64_t> slowest, every;
  bool operator==(const SlowestForm&) const = default;
};
struct ExceptForm {
  ExceptList except;
  bool operator==(const ExceptForm&) const = default;
};
struct AssertionForm {
  std::string expect;
  bool abort_on_fail = false;
  bool operator==(const AssertionForm&) const = default;
};
struct ObjectivesFile {
  FilePath file;
  bool operator==(const ObjectivesFile&) const = default;
};
}  // namespace
DVT_OBJECT(SlowestForm);
DVT_OBJECT(ExceptForm);
DVT_OBJECT(AssertionForm);
DVT_OBJECT(ObjectivesFile);

template <>
const ObjectTable& table<SlowestForm>() {
  static const ObjectTable made = [] {
    TableBuilder<SlowestForm> t("{slowest: n} or {every: n}");
    t.field("slowest", &SlowestForm::slowest, "Keep the histories of the n slowest runs.")
        .example("20")
        .range(1, 1'000'000);
    t.field("every", &SlowestForm::every, "Keep the history of each n-th run.").example("100").range(1, 1'000'000'000);
    t.finish([](Reading& reading, const Node& node, SlowestForm&) {
      if (node.items.size() != 1) reading.error(node.mark, "expected {slowest: n} or {every: n}");
    });
    return t.build();
  }();
  return made;
}

bool Codec<HistoriesValue>::read(Reading& reading, const Node& node, HistoriesValue& out) {
  using H = Record::Histories;
  if (node.is_word("none") || node.is_word("all") || node.is_word("failed")) {
    out.record = {node.is_word("none") ? H::none : node.is_word("all") ? H::all : H::failed, 0};
    return true;
  }
  if (!node.is_mapping()) {
    reading.error(node.mark,
                  fmt::format("expected none, all, failed, {{slowest: n}} or {{every: n}}, found {}", describe(node)));
    return false;
  }
  SlowestForm form;
  if (!Codec<SlowestForm>::read(reading, node, form)) return false;
  out.record = form.slowest ? Record{H::slowest, *form.slowest} : Record{H::every, *form.every};
  return true;
}
Node Codec<HistoriesValue>::write(const HistoriesValue& value, const WriteContext& context) {
  using H = Record::Histories;
  switch (value.record.histories) {
    case H::none:
      return Node::scalar("none");
    case H::all:
      return Node::scalar("all");
    case H::failed:
      return Node::scalar("failed");
    case H::slowest:
      return Codec<SlowestForm>::write({value.record.n, {}}, context);
    case H::every:
      return Codec<SlowestForm>::write({{}, value.record.n}, context);
  }
  return Node{};
}
const TypeInfo& Codec<HistoriesValue>::type() {
  static const TypeInfo info = [] {
    TypeInfo made = scalar_type("word or map", "none | all | failed | {slowest: n} | {every: n}",
                                json::Object{{"enum", json::Array{"none", "all", "failed"}}});
    made.object = &table<SlowestForm>();
    return made;
  }();
  return info;
}

template <>
const ObjectTable& table<Record>() {
  static const ObjectTable made = [] {
    TableBuilder<Record> t("{histories}");
    t.custom<HistoriesValue>(
         "histories", [](const Record& r) { return std::optional(HistoriesValue{r}); },
         [](Record& r, HistoriesValue value) { r = value.record; }, "Which runs' engine histories are kept.")
        .example("{slowest: 20}");
    return t.build();
  }();
  return made;
}

namespace {
bool is_modelled(int number) {
  for (const KnownFaultInfo& row : known_faults()) {
    if (row.number == number) return row.fix_modelled;
  }
  return false;
}
KnownFaults all_fixed() {
  KnownFaults faults;
  for (const KnownFaultInfo& row : known_faults())
    faults.mended.at(static_cast<std::size_t>(row.number)) = row.fix_modelled;
  return faults;
}
}  // namespace

bool Codec<KnownFaults>::read(Reading& reading, const Node& node, KnownFaults& out) {
  if (node.is_word("upstream") || node.is_word("fixed")) {
    out = node.is_word("fixed") ? all_fixed() : KnownFaults{};
    return true;
  }
  if (!node.is_mapping()) {
    reading.error(node.mark,
                  fmt::format("expected upstream, fixed, or a map such as {{7: fixed}}, found {}", describe(node)));
    return false;
  }
  const std::size_t before = reading.error_count();
  KnownFaults faults;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    PathScope scope(reading, node.keys[i].text);
    const auto number = parse_integer(node.keys[i].text, 10);
    const Node& value = node.items[i];
    if (!number.has_value() || number.value() == 0) {
      reading.error(node.keys[i].mark,
                    "expected the number of a known fault, 1 to 10; see `dvtsim explain known-faults`");
    } else if (!value.is_word("upstream") && !value.is_word("fixed")) {
      reading.error(value.mark, fmt::format("expected upstream or fixed, found {}", describe(value)));
    } else if (value.is_word("fixed") && !is_modelled(static_cast<int>(number.value()))) {
      reading.error(value.mark, "fixed is not modelled yet; only upstream is accepted");
    } else {
      faults.mended.at(number.value()) = value.is_word("fixed");
    }
  }
  if (reading.error_count() != before) return false;
  out = faults;
  return true;
}
Node Codec<KnownFaults>::write(const KnownFaults& value, const WriteContext&) {
  if (value == KnownFaults{}) return Node::scalar("upstream");
  if (value == all_fixed()) return Node::scalar("fixed");
  Node node = Node::mapping();
  for (const KnownFaultInfo& row : known_faults()) {
    if (value.fixed(row.number)) node.add(std::to_string(row.number), Node::scalar("fixed"));
  }
  return node;
}
const TypeInfo& Codec<KnownFaults>::type() {
  static const TypeInfo info = scalar_type(
      "word or map", "upstream | fixed | {7: fixed, …}",
      json::Object{
          {"anyOf", json::Array{json::Object{{"enum", json::Array{"upstream", "fixed"}}},
                                json::Object{{"type", "object"},
                                             {"patternProperties",
                                              json::Object{{"^([1-9]|10)$",
                                                            json::Object{{"enum", json::Array{"upstream", "fixed"}}}}}},
                                             {"additionalProperties", false}}}}});
  return info;
}

template <>
const ObjectTable& table<ObjectivesFile>() {
  static const ObjectTable made = [] {
    TableBuilder<ObjectivesFile> t("{file}");
    t.field("file", &ObjectivesFile::file, "OpenSLO file.").required().example("slo.yaml").not_empty();
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<ObjectiveSpec>() {
  using O = ObjectiveSpec;
  static const ObjectTable made = [] {
    TableBuilder<O> t("an objective");
    t.field("metric", &O::metric, "The metric it is about.")
        .required()
        .example("dvt_plan_persist_duration_ms")
        .not_empty();
    t.field("bad", &O::bad, "Labels of the bad occurrences of a counter or histogram, all of which must match.")
        .example("status=failed");
    t.field("threshold", &O::threshold,
            "Observations up to it are good: one of a histogram's bounds, or any level of a gauge.")
        .example("300ms");
    t.field("target", &O::target, "Share of good ones.").required().example("99%");
    t.field("budgeting", &O::budgeting,
            "Count occurrences, or slices of time: one is bad when its share of good occurrences is below the target.")
        .example("Occurrences");
    t.field("slice", &O::slice, "Timeslices: their length.").example("1m").above(Duration{});
    t.field("window", &O::window, "Rolling period of the objective; a shorter run is judged as a whole.")
        .example("30d")
        .above(Duration{});
    t.finish([](Reading& reading, const Node& node, O&) {
      if (present(node, {"bad", "threshold"}).size() != 1)
        reading.error(node.mark, "expected exactly one of bad, threshold");
    });
    return t.build();
  }();
  return made;
}

bool Codec<Objectives>::read(Reading& reading, const Node& node, Objectives& out) {
  if (node.is_word("builtin")) {
    out = {};
    return true;
  }
  const Node* file = node.find("file");
  if (file != nullptr && file->is_scalar()) {
    ObjectivesFile form;
    if (!Codec<ObjectivesFile>::read(reading, node, form)) return false;
    out = {{}, form.file};
    return true;
  }
  if (node.is_mapping()) {
    out = {};
    return Codec<std::vector<ObjectiveSpec>>::read(reading, node, out.added);
  }
  reading.error(node.mark,
                fmt::format("expected builtin, a map of objectives, or {{file: slo.yaml}}, found {}", describe(node)));
  return false;
}
Node Codec<Objectives>::write(const Objectives& value, const WriteContext& context) {
  if (!value.file.empty()) return Codec<ObjectivesFile>::write({value.file}, context);
  if (value.added.empty()) return Node::scalar("builtin");
  return Codec<std::vector<ObjectiveSpec>>::write(value.added, context);
}
const TypeInfo& Codec<Objectives>::type() {
  static const TypeInfo info = [] {
    TypeInfo made;
    made.shape = TypeInfo::Shape::map;
    made.name = "word or map";
    made.notation = "builtin | {name: {metric, bad | threshold, target, …}} | {file: slo.yaml}";
    made.schema = json::Object{
        {"anyOf", json::Array{json::Object{{"const", "builtin"}},
                              json::Object{{"type", "object"},
                                           {"properties", json::Object{{"file", json::Object{{"type", "string"}}}}},
                                           {"required", json::Array{"file"}},
                                           {"additionalProperties", false}}}}};
    made.element = &Codec<ObjectiveSpec>::type();
    return made;
  }();
  return info;
}

bool Codec<ExceptList>::read(Reading& reading, const Node& node, ExceptList& out) {
  const std::size_t before = reading.error_count();
  out.names.clear();
  const auto add = [&](const Node& name, std::string reason) {
    if (!name.is_scalar() || !is_name(name.text)) {
      reading.error(name.mark, fmt::format("expected the name of an invariant, found {}", describe(name)));
    } else {
      out.names.emplace_back(name.text, std::move(reason));
    }
  };
  const auto add_pairs = [&](const Node& map) {
    for (std::size_t i = 0; i < map.items.size(); ++i) {
      std::string reason;
      Node name = Node::scalar(map.keys[i].text);
      name.mark = map.keys[i].mark;
      if (Codec<std::string>::read(reading, map.items[i], reason)) add(name, reason);
    }
  };
  if (node.is_mapping()) {
    add_pairs(node);
  } else if (node.is_sequence()) {
    for (const Node& item : node.items) {
      if (item.is_mapping()) {
        add_pairs(item);
      } else {
        add(item, "");
      }
    }
  } else {
    reading.error(node.mark, fmt::format("expected a list of names, found {}", describe(node)));
  }
  return reading.error_count() == before;
}
Node Codec<ExceptList>::write(const ExceptList& value, const WriteContext&) {
  Node node = Node::sequence();
  for (const auto& [name, reason] : value.names) {
    if (reason.empty()) {
      node.items.push_back(Node::scalar(name));
    } else {
      Node pair = Node::mapping();
      pair.add(name, Node::string(reason));
      node.items.push_back(std::move(pair));
    }
  }
  return node;
}
const TypeInfo& Codec<ExceptList>::type() {
  static const TypeInfo info = scalar_type("list", "[name: reason, …], [name, …] or {name: reason, …}",
                                           json::Object{{"type", json::Array{"array", "object"}}});
  return info;
}

template <>
const ObjectTable& table<ExceptForm>() {
  static const ObjectTable made = [] {
    TableBuilder<ExceptForm> t("{except: [name: reason, …]}");
    t.field("except", &ExceptForm::except, "Invariants that do not count here, each with its reason.")
        .required()
        .example("[timers-fire-once: \"the clock is skewed\"]");
    return t.build();
  }();
  return made;
}

bool Codec<Invariants>::read(Reading& reading, const Node& node, Invariants& out) {
  if (node.is_word("all")) {
    out = {};
    return true;
  }
  if (!node.is_mapping()) {
    reading.error(node.mark, fmt::format("expected all or {{except: [name: reason, …]}}, found {}", describe(node)));
    return false;
  }
  ExceptForm form;
  if (!Codec<ExceptForm>::read(reading, node, form)) return false;
  out.except = std::move(form.except.names);
  return true;
}
Node Codec<Invariants>::write(const Invariants& value, const WriteContext& context) {
  return value.except.empty() ? Node::scalar("all") : Codec<ExceptForm>::write({{value.except}}, context);
}
const TypeInfo& Codec<Invariants>::type() {
  static const TypeInfo info = [] {
    TypeInfo made = scalar_type("word or map", "all | {except: [name: reason, …]}", json::Object{{"const", "all"}});
    made.object = &table<ExceptForm>();
    return made;
  }();
  return info;
}

template <>
const ObjectTable& table<AssertionForm>() {
  static const ObjectTable made = [] {
    TableBuilder<AssertionForm> t("{expect, abortOnFail}");
    t.field("expect", &AssertionForm::expect, "The assertion.").required().example("\"budget.consumed < 216m\"");
    t.field("abortOnFail", &AssertionForm::abort_on_fail,
            "Ends the run at the first point of the sampling grid after warm-up where it fails (exit code 4).")
        .example("true");
    return t.build();
  }();
  return made;
}

bool Codec<AssertionSpec>::read(Reading& reading, const Node& node, AssertionSpec& out) {
  AssertionForm form;
  const Node* text = &node;
  if (node.is_mapping()) {
    const std::size_t before = reading.error_count();
    table<AssertionForm>().read(reading, node, &form);
    if (reading.error_count() != before) return false;
    text = node.find("expect");
  } else if (node.is_scalar()) {
    form.expect = node.text;
  } else {
    reading.error(node.mark, fmt::format("expected an assertion such as runs.failed == 0, found {}", describe(node)));
    return false;
  }
  set_source(out, text->mark);
  out.text = form.expect;
  out.abort_on_fail = form.abort_on_fail;
  const auto parsed = Assertion::parse(out.text);
  if (parsed.has_value()) return true;
  Mark mark = text->mark;  // exact for one-line texts; later lines of a folded text count on from the first
  mark.column += static_cast<std::uint32_t>(parsed.error().offset) + (text->quoted ? 1 : 0);
  reading.error(mark, parsed.error().message);
  return false;
}
Node Codec<AssertionSpec>::write(const AssertionSpec& value, const WriteContext& context) {
  if (!value.abort_on_fail) return Node::string(value.text);
  return Codec<AssertionForm>::write({value.text, true}, context);
}
const TypeInfo& Codec<AssertionSpec>::type() {
  static const TypeInfo info = [] {
    TypeInfo made = scalar_type(
        "assertion", "an expression, or {expect: expression, abortOnFail: true}; see `dvtsim explain assertions`",
        json::Object{{"type", "string"}});
    made.object = &table<AssertionForm>();
    return made;
  }();
  return info;
}

}  // namespace dvt::sim
