// Reading Temporal's JSON: the files of SDK teams, of `temporal workflow show --output json`, and our own.
#include <charconv>

#include "engine/base/format.h"
#include "engine/base/json.h"
#include "engine/history/event_facts.h"
#include "engine/history/temporal_json.h"

namespace dvt::engine {
namespace {

using Errors = std::vector<std::string>;

class EventReader {
 public:
  EventReader(const json::Value& event, std::size_t place, Errors& errors)
      : event_(event), place_(place), errors_(errors) {}

  EventFacts read() {
    if (!event_.is_object()) {
      error("expected an object");
      return std::move(out_);
    }
    if (const auto id = whole(event_, "eventId")) {
      out_.id = *id;
    } else {
      error("expected an eventId");
    }
    read_time();
    const json::Value* type = event_.find("eventType");
    if (type == nullptr || !type->is_string()) {
      error("expected an eventType");
      return std::move(out_);
    }
    out_.kind = event_kind(type->as_string());
    if (out_.kind == EventKind::unknown) {
      out_.type = type->as_string();
      return std::move(out_);
    }
    const std::string key = attributes_key(to_string(out_.kind));
    attributes_ = event_.find(key);
    if (attributes_ == nullptr || !attributes_->is_object()) {
      // A type without attributes of interest may leave them out; with those of another type the event is wrong.
      for (const json::Member& member : event_.as_object())
        if (member.key.ends_with("EventAttributes")) error(fmt::format("expected {}, found {}", key, member.key));
      static const json::Value kEmpty{json::Object{}};
      attributes_ = &kEmpty;
    }
    read_attributes();
    return std::move(out_);
  }

 private:
  void error(std::string_view what) { errors_.push_back(fmt::format("event {}: {}", place_, what)); }

  // An int64: a number or a text of digits. nullopt: absent.
  std::optional<std::int64_t> whole(const json::Value& object, std::string_view key) {
    const json::Value* value = object.find(key);
    if (value == nullptr || value->is_null()) return std::nullopt;
    if (const auto number = value->if_int()) return number;
    std::int64_t number = 0;
    if (const std::string* text = value->if_string()) {
      const auto parsed = std::from_chars(text->data(), text->data() + text->size(), number);
      if (parsed.ec == std::errc{} && parsed.ptr == text->data() + text->size()) return number;
    }
    error(fmt::format("{}: expected a whole number, found {}", key, json::write(*value)));
    return std::nullopt;
  }
  EventId reference(std::string_view key) {
    const std::int64_t id = whole(*attributes_, key).value_or(0);
    if (id >= 0 && id <= INT32_MAX) return static_cast<EventId>(id);
    error(fmt::format("{}: {} is no event id", key, id));
    return 0;
  }
  std::uint32_t count(const json::Value& object, std::string_view key) {
    const std::int64_t n = whole(object, key).value_or(0);
    if (n >= 0 && n <= INT32_MAX) return static_cast<std::uint32_t>(n);
    error(fmt::format("{}: expected a number that is not negative, found {}", key, n));
    return 0;
  }

  void read_time() {
    const json::Value* value = event_.find("eventTime");
    if (value == nullptr) return error("expected an eventTime");
    if (const std::string* text = value->if_string()) {
      if (const auto time = parse_rfc3339(*text)) {
        out_.time = *time;
        return;
      }
    } else if (const auto parts = seconds_and_nanos(*value)) {
      out_.time = UnixNanos{parts->ns};
      return;
    }
    error(fmt::format("eventTime: expected RFC 3339 with Z, found {}", json::write(*value)));
  }
  // {"seconds": "10", "nanos": 5}
  std::optional<Duration> seconds_and_nanos(const json::Value& value) {
    if (!value.is_object()) return std::nullopt;
    const std::int64_t whole_seconds = whole(value, "seconds").value_or(0);
    const std::int64_t nanos = whole(value, "nanos").value_or(0);
    // More than three hundred years would not fit.
    if (whole_seconds < -9'000'000'000 || whole_seconds > 9'000'000'000 || nanos < 0 || nanos >= 1'000'000'000)
      return std::nullopt;
    return seconds(whole_seconds) + nanoseconds(nanos);
  }
  // "10s", "0.100s", "-1s"
  static std::optional<Duration> decimal_seconds(std::string_view text) {
    if (!text.ends_with('s')) return std::nullopt;
    text.remove_suffix(1);
    const std::size_t point = text.find('.');
    const std::string_view whole_part = text.substr(0, point);
    const std::string_view fraction = point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
    std::int64_t whole_seconds = 0;
    const auto parsed = std::from_chars(whole_part.data(), whole_part.data() + whole_part.size(), whole_seconds);
    if (parsed.ec != std::errc{} || parsed.ptr != whole_part.data() + whole_part.size() || fraction.size() > 9 ||
        whole_seconds > 9'000'000'000 || whole_seconds < 0)
      return std::nullopt;
    std::int64_t nanos = 0;
    for (std::size_t i = 0; i < 9; ++i) {
      const char digit = i < fraction.size() ? fraction[i] : '0';
      if (digit < '0' || digit > '9') return std::nullopt;
      nanos = nanos * 10 + (digit - '0');
    }
    return seconds(whole_seconds) + nanoseconds(nanos);
  }
  Duration duration(std::string_view key) {
    const json::Value* value = attributes_->find(key);
    if (value == nullptr || value->is_null()) return {};
    const std::string* text = value->if_string();
    const auto read = text != nullptr ? decimal_seconds(*text) : seconds_and_nanos(*value);
    if (read) return *read;
    error(fmt::format("{}: expected a duration like \"10s\", found {}", key, json::write(*value)));
    return {};
  }
  std::string text(std::string_view key) const {
    const json::Value* value = attributes_->find(key);
    const std::string* found = value == nullptr ? nullptr : value->if_string();
    return found == nullptr ? std::string() : *found;
  }
  std::string name_in(std::string_view key) const {
    const json::Value* type = attributes_->find(key);
    const json::Value* name = type == nullptr ? nullptr : type->find("name");
    const std::string* found = name == nullptr ? nullptr : name->if_string();
    return found == nullptr ? std::string() : *found;
  }

  // "StartToClose" or "TIMEOUT_TYPE_START_TO_CLOSE".
  static std::optional<TimeoutType> timeout(std::string_view word) {
    constexpr std::pair<std::string_view, TimeoutType> kWords[] = {
        {"StartToClose", TimeoutType::start_to_close},
        {"TIMEOUT_TYPE_START_TO_CLOSE", TimeoutType::start_to_close},
        {"ScheduleToStart", TimeoutType::schedule_to_start},
        {"TIMEOUT_TYPE_SCHEDULE_TO_START", TimeoutType::schedule_to_start},
        {"ScheduleToClose", TimeoutType::schedule_to_close},
        {"TIMEOUT_TYPE_SCHEDULE_TO_CLOSE", TimeoutType::schedule_to_close},
        {"Heartbeat", TimeoutType::heartbeat},
        {"TIMEOUT_TYPE_HEARTBEAT", TimeoutType::heartbeat},
    };
    for (const auto& [known, type] : kWords)
      if (known == word) return type;
    return std::nullopt;
  }
  // "UnhandledCommand" or "WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND" → "UNHANDLED_COMMAND".
  static std::string cause(const std::string& word) {
    constexpr std::string_view kPrefix = "WORKFLOW_TASK_FAILED_CAUSE_";
    if (word.starts_with(kPrefix)) return word.substr(kPrefix.size());
    constexpr std::string_view kType = "EVENT_TYPE_";
    return word.empty() ? word : event_type_constant(word).substr(kType.size());
  }
  void read_failure() {
    const json::Value* failure = attributes_->find("failure");
    if (failure == nullptr || !failure->is_object()) return;
    if (const json::Value* late = failure->find("timeoutFailureInfo")) {
      const json::Value* type = late->find("timeoutType");
      if (type != nullptr && type->is_string()) out_.timeout = timeout(type->as_string());
    }
    const json::Value* application = failure->find("applicationFailureInfo");
    const json::Value* type = application == nullptr ? nullptr : application->find("type");
    const json::Value* message = failure->find("message");
    if (type != nullptr && type->is_string()) {
      out_.error = type->as_string();
    } else if (message != nullptr && message->is_string()) {
      out_.error = message->as_string();
    }
  }

  // The members are called the same wherever they occur.
  void read_attributes() {
    out_.scheduled = reference("scheduledEventId");
    out_.started = reference("startedEventId");
    out_.initiated = reference("initiatedEventId");
    out_.accepted = reference("acceptedEventId");
    out_.cancel_requested = reference("latestCancelRequestedEventId");
    out_.task_completed = reference("workflowTaskCompletedEventId");
    out_.attempt = count(*attributes_, "attempt");
    const json::Value* last = attributes_->find("lastFailure");
    out_.last_failure = last != nullptr && last->is_object();
    read_failure();
    switch (out_.kind) {
      case EventKind::workflow_execution_started:
      case EventKind::start_child_workflow_execution_initiated:
        out_.name = name_in("workflowType");
        out_.subject = text("workflowId");
        break;
      case EventKind::workflow_execution_signaled:
        out_.name = text("signalName");
        break;
      case EventKind::marker_recorded:
        out_.name = text("markerName");
        break;
      case EventKind::nexus_operation_scheduled:
        out_.name = text("service") + "/" + text("operation");
        break;
      case EventKind::workflow_task_timed_out:
        out_.timeout = timeout(text("timeoutType"));
        break;
      case EventKind::workflow_task_failed:
        out_.error = cause(text("cause"));
        break;
      case EventKind::activity_task_scheduled:
        out_.name = name_in("activityType");
        out_.subject = text("activityId");
        out_.schedule_to_close = duration("scheduleToCloseTimeout");
        out_.schedule_to_start = duration("scheduleToStartTimeout");
        out_.start_to_close = duration("startToCloseTimeout");
        out_.heartbeat = duration("heartbeatTimeout");
        if (const json::Value* policy = attributes_->find("retryPolicy"); policy != nullptr && policy->is_object()) {
          out_.retry_policy = true;
          out_.maximum_attempts = count(*policy, "maximumAttempts");
        }
        break;
      case EventKind::timer_started:
      case EventKind::timer_fired:
      case EventKind::timer_canceled:
        out_.subject = text("timerId");
        out_.start_to_close = duration("startToFireTimeout");
        break;
      default:
        break;
    }
  }

  const json::Value& event_;
  std::size_t place_;
  Errors& errors_;
  const json::Value* attributes_ = nullptr;
  EventFacts out_;
};

}  // namespace

Result<std::vector<EventFacts>, std::vector<std::string>> read_temporal_json(std::string_view text) {
  json::Limits limits;
  limits.duplicates = json::DuplicateKeys::last_wins;
  const auto parsed = json::parse(text, limits);
  if (!parsed.has_value()) {
    const json::ParseError& wrong = parsed.error();
    return failure(Errors{fmt::format("line {}, column {}: {}", wrong.line, wrong.col, wrong.message)});
  }
  const json::Value* events = parsed.value().find("events");
  if (events == nullptr) {
    const json::Value* history = parsed.value().find("history");  // an answer of GetWorkflowExecutionHistory
    events = history == nullptr ? nullptr : history->find("events");
  }
  if (events == nullptr || !events->is_array())
    return failure(Errors{"expected an object with an array of \"events\": a history in Temporal's JSON form"});
  if (events->as_array().empty()) return failure(Errors{"the history has no events"});
  Errors errors;
  std::vector<EventFacts> out;
  out.reserve(events->as_array().size());
  for (const json::Value& event : events->as_array()) out.push_back(EventReader(event, out.size() + 1, errors).read());
  if (!errors.empty()) return failure(std::move(errors));
  return out;
}

}  // namespace dvt::engine
