// Reader and writer of plan files. The plan part is the plan reader's; this file adds the notes.
#include "engine/plan/sim_notes.h"

#include "engine/base/format.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>

#include "engine/base/assert.h"
#include "engine/base/json.h"
#include "engine/base/text.h"
#include "engine/plan/duration_text.h"
#include "engine/plan/plan_json.h"

namespace dvt::engine {

std::string_view to_string(StepSize size) {
  switch (size) {
    case StepSize::small:
      return "small";
    case StepSize::medium:
      return "medium";
    case StepSize::large:
      return "large";
  }
  DVT_ASSERT(false, "unknown StepSize");
}

std::optional<StepSize> step_size_from_text(std::string_view text) {
  for (const StepSize size : {StepSize::small, StepSize::medium, StepSize::large})
    if (to_string(size) == text) return size;
  return std::nullopt;
}

std::string_view to_string(RecordedOutcome outcome) {
  switch (outcome) {
    case RecordedOutcome::success:
      return "success";
    case RecordedOutcome::error:
      return "error";
    case RecordedOutcome::skipped:
      return "skipped";
    case RecordedOutcome::fail:
      return "fail";
  }
  DVT_ASSERT(false, "unknown RecordedOutcome");
}

std::optional<RecordedOutcome> recorded_outcome_from_text(std::string_view text) {
  for (const RecordedOutcome outcome :
       {RecordedOutcome::success, RecordedOutcome::error, RecordedOutcome::skipped, RecordedOutcome::fail})
    if (to_string(outcome) == text) return outcome;
  return std::nullopt;
}

std::string write_plan_file(const AnnotatedPlan& annotated) {
  DVT_ASSERT(annotated.notes.size() == annotated.plan.steps.size(), "a plan's notes must be one for each step");
  json::Object root = to_json(annotated.plan).as_object();
  json::Object sim;
  for (std::size_t i = 0; i < annotated.notes.size(); ++i) {
    const StepNotes& notes = annotated.notes[i];
    json::Object entry;
    if (notes.size) entry.append("size", to_string(*notes.size));
    if (notes.materialization) entry.append("materialization", *notes.materialization);
    if (notes.duration) entry.append("duration", format_seconds(*notes.duration) + "s");
    if (notes.outcome) entry.append("outcome", to_string(*notes.outcome));
    if (!notes.message.empty()) entry.append("message", notes.message);
    if (!entry.empty()) sim.append(annotated.plan.steps[i].step_id, std::move(entry));
  }
  if (!sim.empty()) root.append("sim", std::move(sim));
  if (annotated.concurrency) {
    json::Object whole;
    whole.append("concurrency", *annotated.concurrency);
    root.append("simPlan", std::move(whole));
  }
  return json::write_pretty(root);
}

namespace {

constexpr std::array<std::string_view, 4> kTopLevel{"metadata", "steps", "sim", "simPlan"};
constexpr std::array<std::string_view, 5> kNotes{"size", "materialization", "duration", "outcome", "message"};
constexpr std::array<std::string_view, 1> kPlanNotes{"concurrency"};

std::string unknown(std::string_view path, std::string_view name, std::span<const std::string_view> known) {
  const std::string_view meant = nearest_name(name, known);
  std::string text = fmt::format("{}: unknown member \"{}\"", path, name);
  if (!meant.empty()) text += fmt::format("; did you mean \"{}\"?", meant);
  return text;
}

class NotesReader {
 public:
  NotesReader(AnnotatedPlan& annotated, std::vector<std::string>& errors) : annotated_(annotated), errors_(errors) {
    annotated_.notes.resize(annotated_.plan.steps.size());
    for (std::size_t i = 0; i < annotated_.plan.steps.size(); ++i)
      by_id_.try_emplace(annotated_.plan.steps[i].step_id, i);
  }

  void read_steps(const json::Value& value) {
    const json::Object* sim = value.if_object();
    if (sim == nullptr) return errors_.push_back("sim: expected an object of step ids");
    for (const json::Member& member : *sim) {
      const auto found = by_id_.find(member.key);
      if (found == by_id_.end()) {
        std::vector<std::string_view> ids;
        for (const auto& entry : by_id_) ids.push_back(entry.first);
        errors_.push_back(unknown("sim", member.key, ids));
        continue;
      }
      read_notes(fmt::format("sim.{}", member.key), member.value, annotated_.notes[found->second]);
    }
  }

  void read_plan_notes(const json::Value& value) {
    const json::Object* object = value.if_object();
    if (object == nullptr) return errors_.push_back("simPlan: expected an object");
    for (const json::Member& member : *object) {
      if (member.key != "concurrency") {
        errors_.push_back(unknown("simPlan", member.key, kPlanNotes));
        continue;
      }
      const std::optional<std::int64_t> number = member.value.if_int();
      if (!number || *number < 1 || *number > std::numeric_limits<std::uint32_t>::max())
        errors_.push_back("simPlan.concurrency: expected a whole number of at least 1");
      else
        annotated_.concurrency = static_cast<std::uint32_t>(*number);
    }
  }

 private:
  void read_notes(const std::string& path, const json::Value& value, StepNotes& notes) {
    const json::Object* object = value.if_object();
    if (object == nullptr) return errors_.push_back(path + ": expected an object of notes");
    for (const json::Member& member : *object) {
      const std::string where = fmt::format("{}.{}", path, member.key);
      const std::string* text = member.value.if_string();
      if (member.key == "size")
        read(where, text, step_size_from_text, "small, medium or large", notes.size);
      else if (member.key == "duration")
        read(where, text, duration_from_text, "a duration in a string, such as \"2.5s\"", notes.duration);
      else if (member.key == "outcome")
        read(where, text, recorded_outcome_from_text, "success, error, skipped or fail", notes.outcome);
      else if (member.key == "materialization")
        read(
            where, text, [](std::string_view t) { return std::optional<std::string>(t); }, "a string",
            notes.materialization);
      else if (member.key != "message")
        errors_.push_back(unknown(path, member.key, kNotes));
      else if (text == nullptr)
        errors_.push_back(where + ": expected a string");
      else
        notes.message = *text;
    }
  }

  template <class T, class Parse>
  void read(const std::string& where, const std::string* text, Parse parse, std::string_view expected,
            std::optional<T>& out) {
    out = text == nullptr ? std::nullopt : parse(*text);
    if (!out) errors_.push_back(fmt::format("{}: expected {}", where, expected));
  }

  AnnotatedPlan& annotated_;
  std::vector<std::string>& errors_;
  std::map<std::string, std::size_t, std::less<>> by_id_;
};

}  // namespace

Result<AnnotatedPlan, std::vector<std::string>> parse_plan_file(std::string_view text) {
  std::vector<std::string> errors;
  const Result<json::Value, json::ParseError> parsed = json::parse(text);
  if (!parsed.has_value()) {
    const json::ParseError& error = parsed.error();
    errors.push_back(fmt::format("{}:{}: not JSON: {}", error.line, error.col, error.message));
    return failure(std::move(errors));
  }
  const json::Value& root = parsed.value();

  AnnotatedPlan annotated;
  Result<Plan, std::vector<PlanError>> plan = plan_from_json(root);
  if (plan.has_value())
    annotated.plan = std::move(plan).value();
  else
    for (const PlanError& error : plan.error())
      errors.push_back(error.where.empty() ? error.text() : fmt::format("{} ({})", error.text(), error.where));

  if (const json::Object* object = root.if_object())
    for (const json::Member& member : *object)
      if (std::find(kTopLevel.begin(), kTopLevel.end(), member.key) == kTopLevel.end())
        errors.push_back(unknown("plan file", member.key, kTopLevel));

  // Without its steps a plan's notes cannot be judged.
  if (plan.has_value()) {
    NotesReader reader(annotated, errors);
    if (const json::Value* sim = root.find("sim")) reader.read_steps(*sim);
    if (const json::Value* whole = root.find("simPlan")) reader.read_plan_notes(*whole);
  }
  if (!errors.empty()) return failure(std::move(errors));
  return annotated;
}

}  // namespace dvt::engine
