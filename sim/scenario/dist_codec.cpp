// Reading and writing distributions in every form of the language.
#include "sim/scenario/dist_codec.h"

#include <array>

#include "sim/scenario/table_builder.h"

namespace dvt::sim {
namespace {

struct UniformForm {
  Duration min, max;
  bool operator==(const UniformForm&) const = default;
};
struct ExponentialForm {
  Duration mean;
  bool operator==(const ExponentialForm&) const = default;
};
struct NormalForm {
  Duration mean, sd;
  bool operator==(const NormalForm&) const = default;
};
struct LognormalForm {
  std::optional<Duration> p50, p99;
  std::optional<double> mu, sigma;
  std::optional<TimeUnit> unit;
  bool operator==(const LognormalForm&) const = default;
};
struct GammaForm {
  Duration mean;
  double cv = 1;
  bool operator==(const GammaForm&) const = default;
};
struct BimodalForm {
  Dist fast, slow;
  Share slow_share;
  bool operator==(const BimodalForm&) const = default;
};
struct EmpiricalFile {
  FilePath file;
  std::string column;
  TimeUnit unit;
  bool operator==(const EmpiricalFile&) const = default;
};
// {file, column} or [v, …].
struct EmpiricalForm {
  std::vector<Duration> values;
  EmpiricalFile file;
  bool operator==(const EmpiricalForm&) const = default;
};

struct DistForms {
  std::optional<UniformForm> uniform;
  std::optional<ExponentialForm> exponential;
  std::optional<NormalForm> normal;
  std::optional<LognormalForm> lognormal;
  std::optional<GammaForm> gamma;
  std::optional<BimodalForm> bimodal;
  std::optional<EmpiricalForm> empirical;
};

}  // namespace

DVT_OBJECT(UniformForm);
DVT_OBJECT(ExponentialForm);
DVT_OBJECT(NormalForm);
DVT_OBJECT(LognormalForm);
DVT_OBJECT(GammaForm);
DVT_OBJECT(BimodalForm);
DVT_OBJECT(EmpiricalFile);
DVT_CODEC(EmpiricalForm);

template <>
const ObjectTable& table<UniformForm>() {
  static const ObjectTable made = [] {
    TableBuilder<UniformForm> t("{min, max}");
    t.field("min", &UniformForm::min, "Smallest value.").required().example("1m");
    t.field("max", &UniformForm::max, "Largest value.").required().example("10m");
    t.finish([](Reading& reading, const Node& node, UniformForm& form) {
      if (form.max < form.min) reading.error(node.mark, "max is less than min");
    });
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<ExponentialForm>() {
  static const ObjectTable made = [] {
    TableBuilder<ExponentialForm> t("{mean}");
    t.field("mean", &ExponentialForm::mean, "Mean.").required().example("30s");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<NormalForm>() {
  static const ObjectTable made = [] {
    TableBuilder<NormalForm> t("{mean, sd}");
    t.field("mean", &NormalForm::mean, "Mean before the cut at 0.").required().example("30s");
    t.field("sd", &NormalForm::sd, "Standard deviation.").required().example("5s");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<LognormalForm>() {
  static const ObjectTable made = [] {
    TableBuilder<LognormalForm> t("{p50, p99} or {mu, sigma, unit}");
    t.field("p50", &LognormalForm::p50, "Median.").example("2ms").above(Duration{});
    t.field("p99", &LognormalForm::p99, "99th percentile, at least the median.").example("8ms").above(Duration{});
    t.field("mu", &LognormalForm::mu, "Mean of the natural logarithm of the value in units.")
        .example("2.06")
        .range(-50, 50);
    t.field("sigma", &LognormalForm::sigma, "Standard deviation of that logarithm.").example("0.39").range(0, 20);
    t.field("unit", &LognormalForm::unit, "Unit of mu and sigma.").example("s").default_text("s").above(TimeUnit{});
    t.finish([](Reading& reading, const Node& node, LognormalForm& form) {
      const auto quantiles = present(node, {"p50", "p99"}).size();
      const auto logs = present(node, {"mu", "sigma", "unit"}).size();
      const bool either = (quantiles == 2 && logs == 0) ||
                          (quantiles == 0 && node.find("mu") != nullptr && node.find("sigma") != nullptr);
      if (!either) reading.error(node.mark, "expected {p50, p99} or {mu, sigma, unit}");
      if (form.p50 && form.p99 && *form.p99 < *form.p50) reading.error(node.mark, "p99 is less than p50");
    });
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<GammaForm>() {
  static const ObjectTable made = [] {
    TableBuilder<GammaForm> t("{mean, cv}");
    t.field("mean", &GammaForm::mean, "Mean.").required().example("30s").above(Duration{});
    t.field("cv", &GammaForm::cv, "Coefficient of variation: standard deviation / mean.")
        .required()
        .example("0.5")
        .above(0)
        .max(100);
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<BimodalForm>() {
  static const ObjectTable made = [] {
    TableBuilder<BimodalForm> t("{fast, slow, slowShare}");
    t.field("fast", &BimodalForm::fast, "The usual case.").required().example("10ms");
    t.field("slow", &BimodalForm::slow, "The slow case.").required().example("2s");
    t.field("slowShare", &BimodalForm::slow_share, "Probability of the slow case.").required().example("1%");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<EmpiricalFile>() {
  static const ObjectTable made = [] {
    TableBuilder<EmpiricalFile> t("{file, column}");
    t.field("file", &EmpiricalFile::file, "CSV file with a header line.").required().example("times.csv").not_empty();
    t.field("column", &EmpiricalFile::column, "Its column of durations.").required().example("duration_ms").not_empty();
    t.field("unit", &EmpiricalFile::unit,
            "Unit of bare numbers; otherwise the column's name ends with it, or cells have units.")
        .example("ms")
        .default_text("");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<DistForms>() {
  static const ObjectTable made = [] {
    TableBuilder<DistForms> t("a distribution");
    t.field("uniform", &DistForms::uniform, "Whole nanoseconds from min to max.").example("{min: 1m, max: 10m}");
    t.field("exponential", &DistForms::exponential, "Exponential.").example("{mean: 30s}");
    t.field("normal", &DistForms::normal, "Normal, cut at 0.").example("{mean: 30s, sd: 5s}");
    t.field("lognormal", &DistForms::lognormal, "Lognormal, by two quantiles or by its logarithm.")
        .example("{p50: 2ms, p99: 8ms}");
    t.field("gamma", &DistForms::gamma, "Gamma.").example("{mean: 30s, cv: 0.5}");
    t.field("bimodal", &DistForms::bimodal, "One of two distributions.")
        .example("{fast: 10ms, slow: 2s, slowShare: 1%}");
    t.field("empirical", &DistForms::empirical, "Values with equal chance: a list, or a column of a CSV file.")
        .example("[1s, 2s, 5s]");
    t.finish([](Reading& reading, const Node& node, DistForms&) {
      if (node.items.size() == 1) return;
      reading.error(node.mark, "expected one of uniform, exponential, normal, lognormal, gamma, bimodal, empirical");
    });
    return t.build();
  }();
  return made;
}

const ObjectTable& dist_table() {
  return table<DistForms>();
}

bool Codec<TimeUnit>::read(Reading& reading, const Node& node, TimeUnit& out) {
  const std::string* text = expect_scalar(reading, node, type());
  if (text == nullptr) return false;
  for (std::string_view unit : {"ns", "us", "ms", "s", "m", "h", "d"}) {
    if (*text == unit) return take(reading, node, parse_duration("1" + *text), out.value);
  }
  return take(reading, node, parse_duration(*text), out.value);
}

Node Codec<TimeUnit>::write(const TimeUnit& value, const WriteContext&) {
  const std::string text = format_value(value.value);
  return Node::scalar(text.size() <= 3 && text[0] == '1' && (text[1] < '0' || text[1] > '9') ? text.substr(1) : text);
}

const TypeInfo& Codec<TimeUnit>::type() {
  static const TypeInfo info = scalar_type("unit", "ns us ms s m h d", json::Object{{"type", "string"}});
  return info;
}

bool Codec<EmpiricalForm>::read(Reading& reading, const Node& node, EmpiricalForm& out) {
  if (!node.is_sequence()) return Codec<EmpiricalFile>::read(reading, node, out.file);
  if (node.items.empty()) {
    reading.error(node.mark, "expected at least one value");
    return false;
  }
  return Codec<std::vector<Duration>>::read(reading, node, out.values);
}

Node Codec<EmpiricalForm>::write(const EmpiricalForm& value, const WriteContext& context) {
  if (!value.values.empty()) return Codec<std::vector<Duration>>::write(value.values, context);
  Node node = Codec<EmpiricalFile>::write(value.file, context);
  if (value.file.unit.value.ns == 0) {
    node.keys.pop_back();
    node.items.pop_back();
  }
  return node;
}

const TypeInfo& Codec<EmpiricalForm>::type() {
  static const TypeInfo info = [] {
    TypeInfo made =
        scalar_type("list or map", "[v, …] or {file, column}",
                    json::Object{{"type", "array"}, {"items", json::Object{{"type", "string"}}}, {"minItems", 1}});
    made.object = &table<EmpiricalFile>();
    return made;
  }();
  return info;
}

namespace {

Dist from_forms(const DistForms& forms) {
  Dist dist;
  if (forms.uniform) {
    dist = Dist::uniform(forms.uniform->min, forms.uniform->max);
  } else if (forms.exponential) {
    dist.form = Dist::Form::exponential;
    dist.a = forms.exponential->mean;
  } else if (forms.normal) {
    dist.form = Dist::Form::normal;
    dist.a = forms.normal->mean;
    dist.b = forms.normal->sd;
  } else if (forms.lognormal && forms.lognormal->p50) {
    dist = Dist::lognormal(*forms.lognormal->p50, *forms.lognormal->p99);
  } else if (forms.lognormal) {
    dist = Dist::lognormal_log(*forms.lognormal->mu, *forms.lognormal->sigma,
                               forms.lognormal->unit.value_or(TimeUnit{seconds(1)}).value);
  } else if (forms.gamma) {
    dist.form = Dist::Form::gamma;
    dist.a = forms.gamma->mean;
    dist.x = forms.gamma->cv;
  } else if (forms.bimodal) {
    dist.form = Dist::Form::bimodal;
    dist.parts = {forms.bimodal->fast, forms.bimodal->slow};
    dist.share = forms.bimodal->slow_share;
  } else if (!forms.empirical->values.empty()) {
    dist.form = Dist::Form::empirical_list;
    dist.values = forms.empirical->values;
  } else {
    dist.form = Dist::Form::empirical_file;
    dist.file = forms.empirical->file.file;
    dist.column = forms.empirical->file.column;
    dist.a = forms.empirical->file.unit.value;
  }
  return dist;
}

DistForms to_forms(const Dist& dist) {
  DistForms forms;
  switch (dist.form) {
    case Dist::Form::constant:
      break;
    case Dist::Form::uniform:
      forms.uniform = {dist.a, dist.b};
      break;
    case Dist::Form::exponential:
      forms.exponential = {dist.a};
      break;
    case Dist::Form::normal:
      forms.normal = {dist.a, dist.b};
      break;
    case Dist::Form::lognormal_quantiles:
      forms.lognormal = {dist.a, dist.b, {}, {}, {}};
      break;
    case Dist::Form::lognormal_log:
      forms.lognormal = {{}, {}, dist.x, dist.y, TimeUnit{dist.a}};
      break;
    case Dist::Form::gamma:
      forms.gamma = {dist.a, dist.x};
      break;
    case Dist::Form::bimodal:
      forms.bimodal = {dist.parts.at(0), dist.parts.at(1), dist.share};
      break;
    case Dist::Form::empirical_list:
      forms.empirical = {dist.values, {}};
      break;
    case Dist::Form::empirical_file:
      forms.empirical = {{}, {dist.file, dist.column, TimeUnit{dist.a}}};
      break;
  }
  return forms;
}

}  // namespace

bool Codec<Dist>::read(Reading& reading, const Node& node, Dist& out) {
  if (node.is_scalar()) {
    const auto value = parse_duration(node.text);
    if (value.has_value()) {
      out = Dist::constant(value.value());
      return true;
    }
    reading.error(node.mark, value.error() + ", or a distribution such as {lognormal: {p50: 2ms, p99: 8ms}}");
    return false;
  }
  if (!node.is_mapping()) {
    reading.error(
        node.mark,
        fmt::format("expected a duration, or a distribution such as {{lognormal: {{p50: 2ms, p99: 8ms}}}}, found {}",
                    describe(node)));
    return false;
  }
  DistForms forms;
  const std::size_t before = reading.error_count();
  table<DistForms>().read(reading, node, &forms);
  if (reading.error_count() != before) return false;
  out = from_forms(forms);
  return true;
}

Node Codec<Dist>::write(const Dist& value, const WriteContext& context) {
  if (value.is_constant()) return Node::scalar(format_value(value.a));
  const DistForms forms = to_forms(value);
  return table<DistForms>().write(&forms, context);
}

const TypeInfo& Codec<Dist>::type() {
  static const TypeInfo info = scalar_type(
      "distribution", "a duration, or e.g. {lognormal: {p50: 2ms, p99: 8ms}}; see `dvtsim explain distribution`",
      json::Object{{"$ref", "#/$defs/distribution"}});
  return info;
}

}  // namespace dvt::sim
