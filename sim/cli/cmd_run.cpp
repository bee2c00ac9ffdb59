// run FILE: one scenario, from its file to its verdict.
#include <fcntl.h>
#include <sys/file.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "sim/check/digest.h"
#include "sim/check/fingerprint.h"
#include "sim/cli/commands.h"
#include "sim/cli/fd_stream.h"
#include "sim/cli/output_file.h"
#include "sim/cli/progress.h"
#include "sim/cli/verify.h"
#include "sim/record/history_keeper.h"
#include "sim/record/run_recorder.h"
#include "sim/report/json_report.h"
#include "sim/report/text_report.h"
#include "sim/scenario/scalars.h"
#include "sim/study/execute.h"
#include "store/sqlite/sqlite_state_store.h"

namespace dvt::sim::cli {
namespace {

struct Arguments {
  std::string file;
  std::string seed;
  std::vector<std::string> sets;
  std::string store;
  std::string commit;
  std::string out;
  std::string until;
  std::string record;
  bool verify = false;
  int digest_fd = -1;
};

std::atomic<World*> g_world{nullptr};
std::atomic<int> g_interrupts{0};

// First interrupt: end the run and keep what was measured. Second: the shell's own way.
void on_interrupt(int signal) {
  if (g_interrupts.fetch_add(1) > 0) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
    return;
  }
  if (World* world = g_world.load()) world->request_stop();
}

// An output directory is new, empty, or holds an earlier result of ours, which is replaced. Two runs at once would mix
// their files: the directory is locked as long as this process lives.
void prepare_directory(const std::string& path) {
  std::error_code error;
  if (std::filesystem::exists(path, error) && !std::filesystem::is_directory(path))
    throw Error("--out " + path + ": is not a directory");
  std::filesystem::create_directories(path, error);
  if (error) throw Error("--out " + path + ": " + error.message());
  const int directory = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0 && flock(directory, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    throw Error("--out " + path + ": another run is writing there");
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    const std::string name = entry.path().filename().string();
    const bool ours = name == "scenario.yaml" || name == "result.json" || name.starts_with("run.db");
    if (!ours)
      throw Error("--out " + path + ": holds '" + name + "', which is no result of a run; nothing was written");
  }
  for (const char* name : {"scenario.yaml", "result.json", "run.db", "run.db-wal", "run.db-shm", "run.db-archive"})
    std::filesystem::remove(std::filesystem::path(path) / name, error);
}

std::vector<std::string> verify_arguments(const Arguments& arguments, const CommonOptions& common) {
  std::vector<std::string> out{
      "dvtsim", "run", arguments.file, "--output", common.output, "--color", common.colored() ? "always" : "never"};
  if (common.quiet) out.emplace_back("--quiet");
  if (!arguments.seed.empty()) out.insert(out.end(), {"--seed", arguments.seed});
  for (const std::string& set : arguments.sets) out.insert(out.end(), {"--set", set});
  if (!arguments.store.empty()) out.insert(out.end(), {"--store", arguments.store});
  if (!arguments.commit.empty()) out.insert(out.end(), {"--commit", arguments.commit});
  if (!arguments.until.empty()) out.insert(out.end(), {"--until", arguments.until});
  return out;
}

RecorderOptions recorder_options(const Scenario& scenario, const WorldNames& names, const std::string& path) {
  RecorderOptions options;
  options.path = path;
  options.start = scenario.start;
  options.plans = names.plans;
  options.tenants = names.tenants;
  for (const TaskQueueSpec& queue : scenario.topology.task_queues) options.queues.push_back(queue.name);
  for (const SubscriptionSpec& subscription : scenario.topology.bus.subscriptions)
    options.subscriptions.push_back(subscription.name);
  return options;
}

std::optional<HistoryRule> history_rule(const Record& record) {
  const auto n = static_cast<std::uint64_t>(record.n);
  switch (record.histories) {
    case Record::Histories::none:
      return std::nullopt;
    case Record::Histories::all:
      return HistoryRule{HistoryRule::Kind::all, 0};
    case Record::Histories::failed:
      return HistoryRule{HistoryRule::Kind::failed, 0};
    case Record::Histories::slowest:
      return HistoryRule{HistoryRule::Kind::slowest, n};
    case Record::Histories::every:
      return HistoryRule{HistoryRule::Kind::every, n};
  }
  return std::nullopt;
}

// What no fact tells goes into the timeline last: warm-up and alerts; then the file gets its name.
void keep_record(RunRecorder& recorder, const Scenario& scenario, const Verdict& verdict) {
  recorder.timeline(verdict.measured.warmup_end, TimelineKind::phase, "warm-up", "ends");
  for (const AlertResult& alert : verdict.alerts) {
    const std::string name = alert.set + "/" + alert.rule;
    for (const Firing& firing : alert.firings) {
      recorder.timeline(firing.pending_at, TimelineKind::alert, name, "pending");
      recorder.timeline(firing.firing_at, TimelineKind::alert, name, "firing");
      if (firing.resolved_at) recorder.timeline(*firing.resolved_at, TimelineKind::alert, name, "resolved");
    }
  }
  std::string rule_sets;
  for (const RuleSet set : scenario.alerts.rule_sets)
    rule_sets += (rule_sets.empty() ? "" : " ") + std::string(to_string(set));
  recorder.finish({{"rule_sets", rule_sets},
                   {"rules", prometheus_rules(alert_rules(scenario))},
                   {"scenario", verdict.identity.scenario},
                   {"seed", std::to_string(verdict.identity.seed)},
                   {"fingerprint", verdict.identity.fingerprint},
                   {"reproduce", verdict.identity.reproduce}});
}

class RunCommand {
 public:
  RunCommand(const Arguments& arguments, const CommonOptions& common) : arguments_(arguments), common_(common) {}

  int run() {
    std::vector<SetOverride> overrides = parse_overrides(arguments_.sets);
    if (!arguments_.seed.empty()) overrides.push_back({"seed", arguments_.seed});
    // What is asked for here is what the scenario is checked with (disk faults need a file and commit: per-append).
    if (!arguments_.store.empty())
      overrides.push_back({"topology.stateStore.backend", arguments_.store == "memory"     ? "memory"
                                                          : arguments_.store == ":memory:" ? "':memory:'"
                                                                                           : "file"});
    if (!arguments_.commit.empty()) overrides.push_back({"topology.stateStore.commit", arguments_.commit});
    if (!arguments_.record.empty()) {
      if (arguments_.out.empty()) throw Error("--record histories: they are kept in run.db; add --out DIR");
      overrides.push_back({"record.histories", "all"});
    }
    std::optional<Scenario> scenario = read_checked(arguments_.file, overrides, common_);
    if (!scenario) return kExitUsage;
    if (arguments_.verify) {
      if (!arguments_.out.empty() ||
          (!arguments_.store.empty() && arguments_.store != "memory" && arguments_.store != ":memory:"))
        throw Error("--verify runs twice and keeps nothing: leave out --out and a --store file");
      return verify_in_two_processes(verify_arguments(arguments_, common_));
    }
    ExecuteOptions options;
    options.reproduce = reproduce_line(*scenario, arguments_.sets, arguments_.store);
    options.world.store = arguments_.store;
    if (!arguments_.store.empty() && arguments_.store != "memory" && arguments_.store != ":memory:" &&
        std::filesystem::exists(arguments_.store))
      throw Error("--store " + arguments_.store + ": exists already; a run begins with an empty store");
    if (!arguments_.store.empty() && std::filesystem::exists(store::archive_path(arguments_.store)))
      throw Error("--store " + arguments_.store + ": " + store::archive_path(arguments_.store) +
                  " is left over from another store");
    if (arguments_.commit == "per-append") options.world.commit = CommitMode::per_append;
    if (arguments_.commit == "batched") options.world.commit = CommitMode::batched;
    if (!arguments_.until.empty()) options.world.until = parse_until();
    Progress progress(!common_.quiet);
    options.world.progress = [&](Instant now, Instant end) { progress.update(now, end); };
    std::signal(SIGINT, on_interrupt);
    std::signal(SIGTERM, on_interrupt);

    std::unique_ptr<RunRecorder> recorder;
    std::unique_ptr<HistoryKeeper> histories;
    const std::filesystem::path directory(arguments_.out);
    if (!arguments_.out.empty()) prepare_directory(arguments_.out);
    options.on_world = [&](World* world) {
      g_world.store(world);
      if (world == nullptr || arguments_.out.empty()) return;
      recorder =
          std::make_unique<RunRecorder>(recorder_options(*scenario, world->names(), (directory / "run.db").string()));
      world->record(*recorder, *recorder, recorder->store_copy_path());
      const std::optional<HistoryRule> rule = history_rule(scenario->record);
      if (!rule) return;
      histories = std::make_unique<HistoryKeeper>(*recorder, *rule, scenario->start);
      world->record_histories(*histories);
    };
    std::unique_ptr<FdBuffer> digest_buffer;
    std::unique_ptr<std::ostream> digest_stream;
    std::unique_ptr<DigestLog> digest;
    if (arguments_.digest_fd >= 0) {
      digest_buffer = std::make_unique<FdBuffer>(arguments_.digest_fd);
      digest_stream = std::make_unique<std::ostream>(digest_buffer.get());
      digest = std::make_unique<DigestLog>(*digest_stream);
      options.world.digest = digest.get();
    }
    Executed executed = execute(*scenario, std::move(options));
    if (digest) digest->finish();
    for (const std::string& warning : executed.warnings)
      if (!common_.quiet) std::fprintf(stderr, "warning: %s\n", warning.c_str());

    ReportContext context;
    context.wall_seconds = seconds_since_start();
    context.interrupted = executed.interrupted;
    const std::string json = render_json(executed.verdict, context);
    if (!arguments_.out.empty()) {
      if (histories) histories->finish();
      const std::filesystem::path archive = store::archive_path(recorder->store_copy_path());
      keep_record(*recorder, *scenario, executed.verdict);
      if (std::filesystem::exists(archive))  // the store itself becomes a part of run.db
        std::filesystem::rename(archive, store::archive_path((directory / "run.db").string()));
      write_file(directory / "scenario.yaml", write_resolved(*scenario, (directory / "scenario.yaml").string()));
      write_file(directory / "result.json", json);
    }
    if (common_.form() == OutputForm::json) {
      std::fputs(json.c_str(), stdout);
    } else {
      std::fputs(
          render_text(executed.verdict, *scenario, context, common_.colored() ? Colour::on : Colour::off).c_str(),
          stdout);
    }
    std::fflush(stdout);
    return executed.interrupted ? kExitInterrupted : static_cast<int>(executed.verdict.exit_code);
  }

 private:
  Instant parse_until() const {
    const auto parsed = parse_duration(arguments_.until);
    if (!parsed.has_value()) throw Error("--until " + arguments_.until + ": expected a duration such as 90m or 1h30m");
    return Instant{parsed.value().ns};
  }

  const Arguments& arguments_;
  const CommonOptions& common_;
};

}  // namespace

void add_run(CLI::App& app, const CommonOptions& common, int& exit_code) {
  auto* command = app.add_subcommand("run", "run one scenario and judge it");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("FILE", arguments->file, "scenario file")->required();
  command->add_option("--seed", arguments->seed, "overrides the scenario's seed");
  command->add_option("--set", arguments->sets, "PATH=VALUE: overrides one key; may be repeated")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--store", arguments->store, "memory, :memory:, or a new SQLite file to keep");
  command->add_option("--commit", arguments->commit, "physical commits of the SQLite store")
      ->check(CLI::IsMember({"batched", "per-append"}));
  command->add_option("--out", arguments->out, "directory for scenario.yaml, result.json and run.db");
  command->add_option("--record", arguments->record, "histories: keep every execution's history in --out's run.db")
      ->check(CLI::IsMember({"histories"}));
  command->add_option("--until", arguments->until, "stop at this virtual time");
  command->add_flag("--verify", arguments->verify, "run in two processes and compare them fact by fact");
  command->add_option("--digest-fd", arguments->digest_fd, "")->group("");  // used by --verify
  command->callback([=, &common, &exit_code] { exit_code = RunCommand(*arguments, common).run(); });
}

}  // namespace dvt::sim::cli
