#include "engine/workflow/recorded_execution.h"

#include <algorithm>

#include "engine/base/format.h"
#include "engine/base/text.h"
#include "engine/plan/duration_text.h"

namespace dvt::engine {
namespace {

constexpr Duration kForEver = hours(24 * 36'500);

struct EndName {
  RecordedEnd end;
  std::string_view name;
};
constexpr EndName kEnds[] = {
    {RecordedEnd::completed, "completed"}, {RecordedEnd::failed, "failed"},
    {RecordedEnd::timed_out, "timed_out"}, {RecordedEnd::cancelled, "cancelled"},
    {RecordedEnd::open, "open"},           {RecordedEnd::continued_as_new, "continued_as_new"},
};

FailureRef as_recorded() {
  return make_failure("as recorded", Symbol::intern("RECORDED_FAILURE"), true);
}

class ChildInput final : public PayloadBody {
 public:
  ChildInput(std::string type_, Duration takes_, RecordedEnd end_) : type(std::move(type_)), takes(takes_), end(end_) {}
  void write_json(std::string& out) const override {
    json::Writer w(out);
    w.begin_object().member("type", type).member("takes", format_duration(takes)).member("end", to_string(end));
    w.end_object();
  }

  const std::string type;
  const Duration takes;
  const RecordedEnd end;
};

// ---- Reading ----

class ScriptReader {
 public:
  std::vector<std::string> errors;

  std::vector<RecordedOperation> operations(const json::Value& value) {
    std::vector<RecordedOperation> out;
    const json::Array* list = value.if_array();
    if (list == nullptr) {
      errors.emplace_back("operations: expected a list");
      return out;
    }
    for (const json::Value& one : *list) out.push_back(operation(one, out.size(), list->size()));
    return out;
  }
  RecordedEnd end(const std::string& path, const json::Value& value, std::initializer_list<RecordedEnd> allowed) {
    const std::string* name = value.if_string();
    std::vector<std::string_view> names;
    for (const RecordedEnd end : allowed) {
      names.push_back(to_string(end));
      if (name != nullptr && *name == names.back()) return end;
    }
    expected(path, fmt::format("one of {}", fmt::join(names, ", ")), name != nullptr ? *name : "", names);
    return RecordedEnd::completed;
  }
  void unknown(const std::string& path, std::string_view key, const std::vector<std::string_view>& known) {
    const std::string_view near = nearest_name(key, known);
    errors.push_back(fmt::format("{}{}: not known{}; expected {}", path, key,
                                 near.empty() ? "" : fmt::format(" (did you mean {}?)", near), fmt::join(known, ", ")));
  }

 private:
  void expected(const std::string& path, std::string_view what, std::string_view found = {},
                const std::vector<std::string_view>& known = {}) {
    const std::string_view near = found.empty() ? std::string_view() : nearest_name(found, known);
    errors.push_back(
        fmt::format("{}: expected {}{}", path, what, near.empty() ? "" : fmt::format(" (did you mean {}?)", near)));
  }

  RecordedOperation operation(const json::Value& value, std::size_t place, std::size_t count) {
    const std::string path = fmt::format("operations[{}]", place + 1);
    RecordedOperation out;
    const json::Object* object = value.if_object();
    if (object == nullptr) {
      expected(path, "{kind, takes, …}");
      return out;
    }
    bool has_kind = false, has_takes = false;
    for (const json::Member& member : *object) {
      const std::string at = path + "." + member.key;
      if (member.key == "kind") {
        has_kind = true;
        const std::string* word = member.value.if_string();
        if (word != nullptr && *word == "child") {
          out.kind = RecordedOperation::Kind::child;
        } else if (word == nullptr || *word != "timer") {
          expected(at, "timer or child", word != nullptr ? *word : "", {"timer", "child"});
        }
      } else if (member.key == "takes") {
        has_takes = true;
        const std::string* text = member.value.if_string();
        const auto took = text == nullptr ? std::nullopt : duration_from_text(*text);
        if (took && took->ns > 0) {
          out.takes = *took;
        } else {
          expected(at, "a duration above zero, such as 250ms");
        }
      } else if (member.key == "type") {
        if (const std::string* type = member.value.if_string()) {
          out.type = *type;
        } else {
          expected(at, "a text");
        }
      } else if (member.key == "after") {
        out.after = places(at, member.value, place);
      } else if (member.key == "until") {
        out.until = places(at, member.value, count);
      } else if (member.key != "end") {
        unknown(path + ".", member.key, {"kind", "takes", "type", "after", "until", "end"});
      }
    }
    if (!has_kind) expected(path + ".kind", "timer or child");
    if (!has_takes) expected(path + ".takes", "a duration above zero, such as 250ms");
    const bool child = out.kind == RecordedOperation::Kind::child;
    if (const json::Value* how = object->find("end")) {
      out.end = child ? end(path + ".end", *how,
                            {RecordedEnd::completed, RecordedEnd::failed, RecordedEnd::timed_out, RecordedEnd::open})
                      : end(path + ".end", *how, {RecordedEnd::completed, RecordedEnd::cancelled, RecordedEnd::open});
    }
    if (!out.until.empty() && out.end != RecordedEnd::cancelled)
      expected(path + ".until", "only with a timer whose end is cancelled");
    return out;
  }

  // Numbers from 1 up to `last`.
  std::vector<std::uint32_t> places(const std::string& path, const json::Value& value, std::size_t last) {
    std::vector<std::uint32_t> out;
    const json::Array* list = value.if_array();
    if (list == nullptr) expected(path, "a list of operations' numbers");
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
      const auto number = (*list)[i].if_int();
      if (number && *number >= 1 && static_cast<std::uint64_t>(*number) <= last) {
        out.push_back(static_cast<std::uint32_t>(*number - 1));
      } else {
        expected(path, last == 0 ? std::string("nothing: no operation stands before")
                                 : fmt::format("operations' numbers from 1 to {}", last));
      }
    }
    return out;
  }
};

// ---- Doing ----

// Shared by its branches: one that nobody waits for lives on while the run's end is told.
class Reenacting : public std::enable_shared_from_this<Reenacting> {
 public:
  Reenacting(WorkflowContext& ctx, const RecordedScript& script)
      : ctx_(ctx), script_(script), over_(script.operations.size(), false) {}

  void run() {
    std::vector<BranchHandle> awaited;
    for (std::uint32_t i = 0; i < script_.operations.size(); ++i) {
      const BranchHandle branch = ctx_.spawn([self = shared_from_this(), i] { self->perform(i); });
      if (script_.operations[i].end != RecordedEnd::open) awaited.push_back(branch);
    }
    for (const BranchHandle branch : awaited) ctx_.join(branch);
  }

 private:
  void perform(std::uint32_t place) {
    const RecordedOperation& operation = script_.operations[place];
    ctx_.await([&] { return all_over(operation.after); });
    if (operation.kind == RecordedOperation::Kind::child) {
      start_child(operation);
    } else if (operation.end == RecordedEnd::cancelled) {
      cancelled_timer(operation);
    } else {
      ctx_.sleep(operation.takes);
    }
    over_[place] = true;
  }

  void start_child(const RecordedOperation& operation) {
    ChildOptions options;
    if (operation.end == RecordedEnd::timed_out) options.run_timeout = operation.takes;
    const ChildHandle child =
        ctx_.start_child(Symbol::intern(kRecordedChild), options,
                         make_payload<ChildInput>(operation.type, operation.takes, operation.end));
    (void)ctx_.wait(child);  // its failure was the recorded execution's to handle
  }

  void cancelled_timer(const RecordedOperation& operation) {
    const CancellationScope scope = ctx_.make_scope();
    const BranchHandle canceller = ctx_.spawn([this, &operation, scope] {
      ctx_.await([&] { return all_over(operation.until); });
      scope.cancel();
    });
    try {
      ctx_.run(scope, [&] { ctx_.sleep(operation.takes); });
    } catch (const CancelledFailure&) {
      if (ctx_.cancelled()) throw;  // the whole execution
    }
    ctx_.join(canceller);
  }

  bool all_over(const std::vector<std::uint32_t>& places) const {
    return std::all_of(places.begin(), places.end(), [this](std::uint32_t place) { return over_[place]; });
  }

  WorkflowContext& ctx_;
  const RecordedScript& script_;
  std::vector<bool> over_;
};

}  // namespace

std::string_view to_string(RecordedEnd end) {
  for (const EndName& known : kEnds)
    if (known.end == end) return known.name;
  return "?";
}

void RecordedScript::write_json(std::string& out) const {
  json::Writer w(out);
  const auto numbers = [&w](std::string_view key, const std::vector<std::uint32_t>& places) {
    if (places.empty()) return;
    w.key(key).begin_array();
    for (const std::uint32_t place : places) w.value(place + 1);
    w.end_array();
  };
  w.begin_object().key("operations").begin_array();
  for (const RecordedOperation& operation : operations) {
    const bool child = operation.kind == RecordedOperation::Kind::child;
    w.begin_object().member("kind", child ? "child" : "timer");
    if (!operation.type.empty()) w.member("type", operation.type);
    w.member("takes", format_duration(operation.takes));
    numbers("after", operation.after);
    numbers("until", operation.until);
    if (operation.end != RecordedEnd::completed) w.member("end", to_string(operation.end));
    w.end_object();
  }
  w.end_array().member("end", to_string(end)).end_object();
}

Result<Payload, std::vector<std::string>> read_recorded_script(const json::Value& input) {
  ScriptReader reader;
  std::vector<RecordedOperation> operations;
  RecordedEnd end = RecordedEnd::completed;
  if (const json::Object* object = input.if_object()) {
    for (const json::Member& member : *object) {
      if (member.key == "operations") {
        operations = reader.operations(member.value);
      } else if (member.key == "end") {
        end =
            reader.end("end", member.value,
                       {RecordedEnd::completed, RecordedEnd::failed, RecordedEnd::continued_as_new, RecordedEnd::open});
      } else {
        reader.unknown("", member.key, {"operations", "end"});
      }
    }
  } else {
    reader.errors.emplace_back("expected {operations, end}");
  }
  if (!reader.errors.empty()) return failure(std::move(reader.errors));
  return make_payload<RecordedScript>(std::move(operations), end);
}

Payload recorded_execution(WorkflowContext& ctx, const ActivityOptionsRef&, const Payload& input) {
  const auto& script = payload_as<RecordedScript>(input);
  std::make_shared<Reenacting>(ctx, script)->run();
  switch (script.end) {
    case RecordedEnd::failed:
      throw WorkflowFailure(as_recorded());
    case RecordedEnd::continued_as_new:
      ctx.continue_as_new(make_payload<RecordedScript>(std::vector<RecordedOperation>{}, RecordedEnd::completed));
    case RecordedEnd::open:
      ctx.await([] { return false; });
      break;
    case RecordedEnd::completed:
    case RecordedEnd::timed_out:
    case RecordedEnd::cancelled:
      break;
  }
  return nullptr;
}

Payload recorded_child(WorkflowContext& ctx, const ActivityOptionsRef&, const Payload& input) {
  const auto& work = payload_as<ChildInput>(input);
  const bool ends = work.end == RecordedEnd::completed || work.end == RecordedEnd::failed;
  ctx.sleep(ends ? work.takes : kForEver);
  if (work.end == RecordedEnd::failed) throw WorkflowFailure(as_recorded());
  return nullptr;
}

}  // namespace dvt::engine
