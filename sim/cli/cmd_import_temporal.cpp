// import temporal HISTORY... [-o FILE]: what recorded executions did, as a table, and a scenario that does it again;
// --check: whether the histories keep Temporal's rules.
#include <cstdio>
#include <filesystem>

#include "engine/base/format.h"
#include "engine/base/json.h"
#include "engine/history/history_check.h"
#include "sim/cli/commands.h"
#include "sim/cli/output_file.h"
#include "sim/import/plan_source.h"
#include "sim/import/temporal.h"
#include "sim/report/text_table.h"

namespace dvt::sim::cli {
namespace {

struct Arguments {
  std::vector<std::string> files;
  std::string out;
  bool check = false;
};

struct File {
  std::string path;
  std::vector<engine::EventFacts> events;
  std::vector<engine::HistoryBreach> breaches;
};

// Every file's errors, not only the first one's.
std::optional<std::vector<File>> read_all(const std::vector<std::string>& paths) {
  std::vector<File> files;
  bool good = true;
  for (const std::string& path : paths) {
    auto events = engine::read_temporal_json(read_file(path));
    if (!events.has_value()) {
      good = false;
      for (const std::string& error : events.error()) std::fprintf(stderr, "%s: %s\n", path.c_str(), error.c_str());
      continue;
    }
    File file{path, std::move(events.value()), {}};
    file.breaches = engine::check_history(file.events);
    files.push_back(std::move(file));
  }
  return good ? std::optional(std::move(files)) : std::nullopt;
}

// ---- --check ----

int show_check(const std::vector<File>& files, OutputForm form) {
  int exit_code = kExitPassed;
  std::string text;
  json::Writer w(text, json::Style::pretty);
  if (form == OutputForm::json) w.begin_object().member("schemaVersion", 1).key("histories").begin_array();
  for (const File& file : files) {
    if (!file.breaches.empty()) exit_code = kExitViolated;
    if (form == OutputForm::text) {
      text += fmt::format("{}: {} events, {}\n", file.path, file.events.size(),
                          file.breaches.empty() ? "keeps the rules" : fmt::format("{} breaches", file.breaches.size()));
      for (const engine::HistoryBreach& breach : file.breaches) text += "  " + to_string(breach, file.events) + "\n";
      continue;
    }
    w.begin_object().member("file", file.path).member("events", file.events.size()).key("breaches").begin_array();
    for (const engine::HistoryBreach& breach : file.breaches)
      w.begin_object()
          .member("rule", breach.rule)
          .member("event", breach.event)
          .member("message", breach.message)
          .end_object();
    w.end_array().end_object();
  }
  if (form == OutputForm::json) {
    w.end_array().end_object();
    text += '\n';
  }
  std::fputs(text.c_str(), stdout);
  return exit_code;
}

// ---- The timeline ----

std::string outcome_of(const RecordedActivity& activity) {
  const std::string end(to_string(activity.end));
  return activity.error.empty() ? end : fmt::format("{} ({})", end, activity.error);
}

std::string text_timeline(const std::vector<RecordedWorkflow>& workflows, Colour colour) {
  std::string out;
  const auto since = [](const std::optional<Duration>& at) { return at ? "+" + show_duration(*at) : std::string("-"); };
  for (const RecordedWorkflow& workflow : workflows) {
    out += fmt::format("{} ({}), {}, {}\n", workflow.type, workflow.source, show_duration(workflow.length),
                       workflow.ended.empty() ? "open" : workflow.ended);
    if (workflow.activities.empty()) out += "  no activities\n";
    TextTable table({{"activity"},
                     {"type"},
                     {"scheduled", Align::right},
                     {"started", Align::right},
                     {"closed", Align::right},
                     {"attempts", Align::right},
                     {"outcome"}});
    for (const RecordedActivity& activity : workflow.activities)
      table.add({activity.activity_id, activity.type, since(activity.scheduled_at), since(activity.started_at),
                 since(activity.closed_at), fmt::format("{}", activity.attempts), outcome_of(activity)});
    if (!workflow.activities.empty()) out += table.render(colour);
    TextTable work({{"also"}, {"type"}, {"opened", Align::right}, {"closed", Align::right}, {"outcome"}});
    for (const RecordedWork& one : workflow.work)
      work.add({std::string(to_string(one.kind)), one.name, since(one.opened_at), since(one.closed_at),
                std::string(to_string(one.end))});
    if (!workflow.work.empty()) out += work.render(colour);
    for (const RecordedSignal& signal : workflow.signals)
      out += fmt::format("  {} at +{}\n", signal.name.empty() ? "cancel request" : "signal " + signal.name,
                         show_duration(signal.at));
    out += '\n';
  }
  const std::vector<ActivityTypeWork> work = work_by_type(workflows);
  if (work.empty()) return out;
  TextTable types({{"type"},
                   {"activities", Align::right},
                   {"retries", Align::right},
                   {"failed", Align::right},
                   {"shortest", Align::right},
                   {"median", Align::right},
                   {"longest", Align::right}});
  for (const ActivityTypeWork& type : work)
    types.add({type.type, grouped(type.count), grouped(type.retries), grouped(type.failed),
               show_duration(type.shortest), show_duration(type.median), show_duration(type.longest)});
  return out + types.render(colour);
}

std::string json_timeline(const std::vector<RecordedWorkflow>& workflows) {
  std::string out;
  json::Writer w(out, json::Style::pretty);
  const auto seconds = [&w](std::string_view key, const std::optional<Duration>& value) {
    w.key(key);
    if (value) {
      w.raw(format_seconds(*value));
    } else {
      w.value(nullptr);
    }
  };
  w.begin_object().member("schemaVersion", 1).key("workflows").begin_array();
  for (const RecordedWorkflow& workflow : workflows) {
    w.begin_object().member("file", workflow.source).member("type", workflow.type);
    w.member("started_at", format_rfc3339(workflow.start, 9));
    seconds("length_seconds", workflow.length);
    w.member("ended", workflow.ended.empty() ? "open" : workflow.ended);
    w.key("activities").begin_array();
    for (const RecordedActivity& activity : workflow.activities) {
      w.begin_object().member("activity", activity.activity_id).member("step", activity.step_id);
      w.member("type", activity.type);
      seconds("scheduled_seconds", activity.scheduled_at);
      seconds("started_seconds", activity.started_at);
      seconds("closed_seconds", activity.closed_at);
      w.member("attempts", activity.attempts).member("outcome", to_string(activity.end));
      if (!activity.error.empty()) w.member("error", activity.error);
      w.end_object();
    }
    w.end_array().key("other_work").begin_array();
    for (const RecordedWork& work : workflow.work) {
      w.begin_object().member("kind", to_string(work.kind)).member("type", work.name);
      seconds("opened_seconds", work.opened_at);
      seconds("closed_seconds", work.closed_at);
      w.member("outcome", to_string(work.end)).end_object();
    }
    w.end_array().key("signals").begin_array();
    for (const RecordedSignal& signal : workflow.signals) {
      w.begin_object().member("name", signal.name.empty() ? "CANCEL_REQUEST" : signal.name);
      seconds("at_seconds", signal.at);
      w.end_object();
    }
    w.end_array().end_object();
  }
  w.end_array().key("types").begin_array();
  for (const ActivityTypeWork& type : work_by_type(workflows)) {
    w.begin_object().member("type", type.type).member("activities", type.count).member("retries", type.retries);
    w.member("failed", type.failed);
    seconds("shortest_seconds", type.shortest);
    seconds("median_seconds", type.median);
    seconds("longest_seconds", type.longest);
    w.end_object();
  }
  w.end_array().end_object();
  return out + "\n";
}

int run_import(const Arguments& arguments, const CommonOptions& common) {
  if (arguments.check && !arguments.out.empty()) throw Error("import temporal --check writes nothing: leave out -o");
  const std::optional<std::vector<File>> files = read_all(arguments.files);
  if (!files) return kExitUsage;
  if (arguments.check) return show_check(*files, common.form());
  std::vector<RecordedWorkflow> workflows;
  for (const File& file : *files) {
    for (const engine::HistoryBreach& breach : file.breaches)
      std::fprintf(stderr, "warning: %s: %s\n", file.path.c_str(), to_string(breach, file.events).c_str());
    workflows.push_back(recorded_workflow(file.events, std::filesystem::path(file.path).filename().string()));
  }
  const std::string timeline = common.form() == OutputForm::json
                                   ? json_timeline(workflows)
                                   : text_timeline(workflows, common.colored() ? Colour::on : Colour::off);
  std::fputs(timeline.c_str(), stdout);
  if (arguments.out.empty()) return kExitPassed;
  const std::filesystem::path scenario(arguments.out);
  const Reenactment reenactment = reenact(workflows, scenario.stem().string());
  for (const std::string& warning : reenactment.warnings) std::fprintf(stderr, "warning: %s\n", warning.c_str());
  for (const auto& [name, text] : reenactment.files) write_file(scenario.parent_path() / name, text);
  write_file(scenario, reenactment.scenario);
  return kExitPassed;
}

}  // namespace

void add_import_temporal(CLI::App& import_command, const CommonOptions& common, int& exit_code) {
  auto* command = import_command.add_subcommand(
      "temporal", "what recorded Temporal histories did, and a scenario that does it again");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("HISTORY", arguments->files, "histories in Temporal's JSON form")->required();
  command->add_option("-o,--out", arguments->out,
                      "scenario to write, with its plans beside it; without it the table alone is shown");
  command->add_flag("--check", arguments->check,
                    "only check the histories against Temporal's rules; exit code 5 when one breaks a rule");
  command->callback([=, &common, &exit_code] { exit_code = run_import(*arguments, common); });
}

}  // namespace dvt::sim::cli
