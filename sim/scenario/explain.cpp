// `dvtsim explain`: the rows of the tables as text.
#include "engine/base/format.h"

#include <algorithm>

#include "engine/base/text.h"
#include "sim/scenario/dist_codec.h"
#include "sim/scenario/fault_kinds.h"
#include "sim/scenario/help.h"
#include "sim/scenario/key_table.h"
#include "sim/scenario/reader.h"
#include "sim/scenario/study_spec.h"
#include "sim/scenario/traps.h"
#include "sim/scenario/words.h"

namespace dvt::sim {
namespace {

std::string first_sentence(const std::string& doc) {
  const std::size_t end = doc.find(". ");
  return end == std::string::npos ? doc : doc.substr(0, end + 1);
}

// `  name        what it is`, aligned.
std::string listing(const std::vector<std::pair<std::string, std::string>>& rows) {
  std::size_t width = 0;
  for (const auto& [name, doc] : rows) width = std::max(width, name.size());
  std::string out;
  for (const auto& [name, doc] : rows) out += fmt::format("  {:<{}}  {}\n", name, width, doc);
  return out;
}

std::string keys_of(const ObjectTable& table) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Field& field : table.fields()) rows.emplace_back(field.key, first_sentence(field.doc));
  return listing(rows);
}

std::string default_of(const Field& field) {
  if (field.required) return "none: required";
  constexpr std::size_t kLongest = 120;
  if (field.type->shape == TypeInfo::Shape::object && field.default_text.size() > kLongest) return "that of each key";
  std::string text = field.default_text.empty() ? "absent" : field.default_text;
  if (!field.default_note.empty()) text += fmt::format(" ({})", field.default_note);
  return text;
}

std::string explain_key(std::string_view root, const KeyInfo& key) {
  const Field& field = *key.field;
  std::string out = fmt::format("{}.{}\n  {}\n\n", root, key.path, field.doc);
  std::vector<std::pair<std::string, std::string>> rows{
      {"type", fmt::format("{} ({})", field.type->name, field.type->notation)}};
  if (!field.range.empty()) rows.emplace_back("range", field.range);
  rows.emplace_back("default", default_of(field));
  if (!field.example.empty()) rows.emplace_back("example", fmt::format("{}: {}", field.key, field.example));
  std::string status = key.status == ModelStatus::supported
                           ? "modelled"
                           : "not modelled yet: read and checked, but only the default is accepted";
  if (key.status == ModelStatus::supported && !field.not_yet_note.empty())
    status += fmt::format("; {}", field.not_yet_note);
  rows.emplace_back("status", std::move(status));
  out += listing(rows);
  const TypeInfo* type = field.type;
  while (type->element != nullptr) type = type->element;
  if (type->object != nullptr) out += fmt::format("\nKeys of {}:\n{}", type->object->what(), keys_of(*type->object));
  return out;
}

// `root` is scenario or study, `path` a key below it; empty: all of them.
Result<std::string, NoTopic> explain_keys(std::string_view root, const ObjectTable& table, std::string_view path) {
  if (path.empty())
    return fmt::format("A {} file (one YAML document, at most 1 MiB). Its keys; ask for {}.KEY:\n", root, root) +
           keys_of(table);
  const std::vector<KeyInfo> keys = all_keys(table);
  if (const KeyInfo* key = find_key(keys, path)) return explain_key(root, *key);
  // The name level of a map: scenario.faults.slow
  const std::size_t dot = path.rfind('.');
  if (dot != std::string_view::npos) {
    const KeyInfo* parent = find_key(keys, path.substr(0, dot));
    if (parent != nullptr && parent->field->type->shape == TypeInfo::Shape::map) return explain_key(root, *parent);
  }
  std::vector<std::string_view> known;
  for (const KeyInfo& key : keys) known.push_back(key.path);
  constexpr std::size_t kLongest = 100;
  const std::string nearest = path.size() > kLongest ? std::string() : std::string(nearest_name(path, known));
  return failure(NoTopic{fmt::format("no key {}.{}{}", root, path,
                                     nearest.empty() ? "" : fmt::format(" (did you mean {}.{}?)", root, nearest))});
}

std::string target_list(const std::vector<TargetKind>& kinds) {
  std::vector<std::string_view> names;
  for (TargetKind kind : kinds) names.push_back(info(kind).notation);
  return names.empty() ? "none so far" : fmt::format("{}", fmt::join(names, ", "));
}

Result<std::string, NoTopic> explain_fault(std::string_view name) {
  if (!name.empty()) {
    const auto kind = from_word<FaultKind>(name);
    if (!kind) {
      std::vector<std::string_view> known;
      for (const FaultKindInfo& row : fault_kinds()) known.push_back(word(row.kind));
      return failure(NoTopic{fmt::format("no fault kind \"{}\"{}", name, Reading::suggestion(name, known))});
    }
    const FaultKindInfo& row = info(*kind);
    std::vector<std::string> parameters{"at", "every", "until", "probability", "correlation", "maxCount"};
    if (row.has_length) parameters.insert(parameters.begin() + 1, "for");
    parameters.insert(parameters.end(), row.parameters.begin(), row.parameters.end());
    return fmt::format("fault {}\n  {}\n\n", name, row.doc) +
           listing({{"targets", target_list(row.targets)},
                    {"modelled on", target_list(row.modelled)},
                    {"parameters", fmt::format("{}", fmt::join(parameters, ", "))}}) +
           "\nEach parameter: `dvtsim explain scenario.faults.NAME.PARAMETER`.\n";
  }
  std::vector<std::pair<std::string, std::string>> rows;
  for (const FaultKindInfo& row : fault_kinds())
    rows.emplace_back(word(row.kind), fmt::format("{}{}", row.doc, row.modelled.empty() ? " (not modelled yet)" : ""));
  std::vector<std::pair<std::string, std::string>> targets;
  for (const TargetKindInfo& row : target_kinds()) targets.emplace_back(row.notation, row.doc);
  return "Fault kinds; ask for `fault KIND`:\n" + listing(rows) + "\nTargets:\n" + listing(targets) +
         "\nParameters:\n" + keys_of(*scenario_table().find("faults")->type->element->object);
}

Result<std::string, NoTopic> explain_objectives(std::string_view name) {
  std::vector<std::pair<std::string, std::string>> rows;
  std::vector<std::string_view> known;
  for (const ObjectiveInfo& row : builtin_objectives()) {
    if (row.name == name) {
      return fmt::format("objective {}\n", name) +
             listing({{"metric", std::string(row.metric)},
                      {"measured", std::string(row.measured)},
                      {"target", std::string(row.target)},
                      {"alert", row.alert.empty() ? "none" : std::string(row.alert)},
                      {"observed", std::string(to_string(row.observed))}});
    }
    known.push_back(row.name);
    rows.emplace_back(row.name, fmt::format("{}: {}", row.target, row.measured));
  }
  if (!name.empty())
    return failure(NoTopic{fmt::format("no objective \"{}\"{}", name, Reading::suggestion(name, known))});
  return "The built-in objectives; ask for `objectives NAME`:\n" + listing(rows) +
         "\nVerdicts: pass, fail, insufficient (a p99 that passes on fewer than 299 observations), not_measured, "
         "not_applicable.\n";
}

std::string explain_known_faults() {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const KnownFaultInfo& row : known_faults())
    rows.emplace_back(std::to_string(row.number),
                      fmt::format("{} Fixed: {}{}. Breaks: {}.", row.doc, row.fix,
                                  row.fix_modelled ? "" : " (not modelled yet)", row.breaks));
  return "Known faults of the production design; `knownFaults: upstream` reproduces them, `fixed` mends those whose "
         "fix is modelled, {7: fixed} one of them:\n" +
         listing(rows);
}

std::string text_of(const Trap& trap) {
  std::string out = fmt::format("trap {}\n  {}\n\n", trap.number, trap.trap);
  std::vector<std::pair<std::string, std::string>> rows{{"instead", std::string(trap.instead)}};
  for (const std::string_view file : trap.demonstrations)
    rows.emplace_back("see", fmt::format("dvtsim run tests/scenarios/{}", file));
  return out + listing(rows);
}

Result<std::string, NoTopic> explain_traps(std::string_view number) {
  std::string all = "Traps in the documents; each has a scenario whose assertions show it:\n\n";
  for (const Trap& trap : traps()) {
    if (std::to_string(trap.number) == number) return text_of(trap);
    all += text_of(trap) + "\n";
  }
  if (!number.empty()) return failure(NoTopic{fmt::format("no trap \"{}\"; expected 1 to {}", number, traps().size())});
  all.pop_back();
  return all;
}

std::string explain_distribution() {
  std::string out = "A distribution stands wherever <dist> does: a bare duration (constant), or one of\n";
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Field& field : dist_table().fields())
    rows.emplace_back(fmt::format("{{{}: {}}}", field.key, field.example), field.doc);
  out += listing(rows);
  for (const Field& field : dist_table().fields()) {
    if (field.type->object != nullptr) out += fmt::format("\n{}:\n{}", field.key, keys_of(*field.type->object));
  }
  return out;
}

constexpr std::string_view kAssertions =
    R"(An assertion is a condition on the result. When there are any, only they and the invariants decide the exit code.
  and or not   == != < <= > >=   + - * /   ( )      a minus sign stands between spaces: names may hold '-'
  literals     12  1.5  30%  250ms  1h30m  10MB  5/s  0.01 USD  true  false; words such as fail, "quoted text"
  paths        objectives.<name>.{verdict,observed,target,n,good,bad}   alerts.<rule>.{fired,detection,false_alarms,first_firing}
               runs.{started,completed,failed,cancelled,in_flight,stuck}   store.{events,duplicates,write_errors,bytes}
               pauses.{applied,last_scheduled,last_started,drained}.{p50,p99,max}   faults.<name>.{count,recovered}
               budget.{consumed,total,pace,state,transitions}   releases.{planned,shipped,deferred,waiting,dropped,incidents,delayed}
               cost.{per_run,total,idle,idle_share,marginal_per_run}   cost.parts.{compute,storage,network}
               invariants.<name>.violations   counts.*
               also of an alert {impacts,caught,late,missed,precision,recall,budget_consumed}: how it did against what was bad
               with two rule sets: alerts.<set>/<rule>.<field>; a file's rules are a set of the file's name
  metrics      metric(NAME{label=value}).{min,max,mean,last,increase}; within [30m, 2h] after a comparison limits its window
A number of a _ms or _seconds metric may be compared with a duration. A path without a value makes its comparison unknown;
an assertion that stays unknown, or divides by zero, fails and says so.
  {expect: EXPRESSION, abortOnFail: true} is also judged at each point of the sampling grid after warm-up, on what is known
until then; the run ends at the first point where it fails. While a path has no value yet, the run goes on.
)";

constexpr std::string_view kUnits =
    R"(durations  250us 250ms 90s 30m 2h 7d, sums with falling units (1h30m), decimals (1.5h); at most ten years
rates      35/m 400/s 2/w, per s m h d w
shares     30% or 0.3
sizes      64KiB 10MB: B kB MB GB TB KiB MiB GiB TiB
money      0.045 USD
instants   2026-01-01T00:00:00Z (RFC 3339, UTC)
switches   true | false
A bare number where a unit is due is an error.
)";

constexpr std::string_view kExitCodes = R"(  0    passed
  1    internal error
  2    usage or invalid input
  3    objective or assertion failed
  4    aborted by abortOnFail
  5    invariant violated or replay diverged
  6    liveness (swarm)
  7    nothing was checked, inconclusive or no data
  130  interrupted (partial results kept)
)";

std::string topics() {
  return "Topics of `dvtsim explain`:\n" + listing({{"scenario", "the keys of a scenario file"},
                                                    {"scenario.KEY", "one key: type, range, default, example"},
                                                    {"study", "the keys of a study file"},
                                                    {"study.KEY", "one key of it"},
                                                    {"fault", "fault kinds, targets, parameters"},
                                                    {"fault KIND", "one fault kind"},
                                                    {"distribution", "the forms of <dist>"},
                                                    {"objectives", "the built-in objectives"},
                                                    {"objectives NAME", "one objective"},
                                                    {"known-faults", "known faults of the production design"},
                                                    {"traps", "traps in the documents, with demonstrations"},
                                                    {"traps N", "one trap"},
                                                    {"assertions", "the assertion language"},
                                                    {"units", "how scalars are written"},
                                                    {"exit-codes", "what the exit codes mean"}});
}

}  // namespace

Result<std::string, NoTopic> explain(std::string_view topic) {
  while (topic.ends_with(' ')) topic.remove_suffix(1);
  const std::size_t space = topic.find(' ');
  const std::string_view head = topic.substr(0, space);
  const std::string_view rest =
      space == std::string_view::npos ? std::string_view() : topic.substr(topic.find_first_not_of(' ', space));
  if (head.empty()) return topics();
  if (rest.empty()) {
    if (head == "scenario") return explain_keys("scenario", scenario_table(), "");
    if (head.starts_with("scenario.")) return explain_keys("scenario", scenario_table(), head.substr(9));
    if (head == "study") return explain_keys("study", study_table(), "");
    if (head.starts_with("study.")) return explain_keys("study", study_table(), head.substr(6));
  }
  if (head == "fault" || head == "faults") return explain_fault(rest);
  if (head == "objectives" || head == "objective") return explain_objectives(rest);
  if (head == "traps" || head == "trap") return explain_traps(rest);
  if (topic == "distribution" || topic == "dist") return explain_distribution();
  if (topic == "known-faults" || topic == "known faults") return explain_known_faults();
  if (topic == "assertions" || topic == "assertion") return std::string(kAssertions);
  if (topic == "units") return std::string(kUnits);
  if (topic == "exit-codes" || topic == "exit codes") return std::string(kExitCodes);
  const std::vector<std::string_view> known{"scenario",     "study", "fault",      "distribution", "objectives",
                                            "known-faults", "traps", "assertions", "units",        "exit-codes"};
  std::string hint = Reading::suggestion(topic, known);
  std::string nearest;
  if (is_key_path(topic, nearest)) hint = fmt::format(" (did you mean scenario.{}?)", topic);
  return failure(NoTopic{fmt::format("no topic \"{}\"{}", topic, hint)});
}

std::string init_template() {
  return R"(# A scenario of dvtsim. Every key: `dvtsim explain scenario`; one key: `dvtsim explain scenario.topology.projector.replicas`.
apiVersion: dvtsim/v1
kind: Scenario
metadata: {name: my-scenario, description: "What should be found out"}
seed: 1                          # the root of every random draw: same file, same seed, same bytes out
duration: 1h                     # virtual time
warmup: 5m                       # not judged

workload:
  plans:                         # weights choose per run
    small: {weight: 8, steps: [{stepId: a, kind: dbt, size: small}, {stepId: b, kind: dbt, size: small, dependsOn: [a]}]}
    wide: {weight: 1, synthetic: {steps: 12, layers: 3, kind: dbt, size: small}}
  arrivals: {process: poisson, rate: 35/m}
  signals: {PAUSE: {rate: 1/m, resumeAfter: {uniform: {min: 1m, max: 5m}}}}

warehouses:
  bq: {kinds: [dbt, custom], concurrency: 50, duration: {small: {lognormal: {p50: 3s, p99: 30s}}}}

faults:
  slow: {kind: latency, target: warehouse/bq, at: 20m, for: 10m, factor: 3, jitter: 30%, ramp: 1m}

operations:
  hold: {at: 40m, signal: PAUSE, reason: "maintenance", select: {status: RUNNING, fraction: 30%}, spread: 30s}
  resume: {after: {operation: hold, until: drained, timeout: 10m}, signal: RESUME, select: {sameAs: hold}}

# Without assertions the built-in objectives decide: `dvtsim explain objectives`.
assertions:
  - runs.failed == 0
  - objectives.pause-latency.verdict != fail
)";
}

}  // namespace dvt::sim
