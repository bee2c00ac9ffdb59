// audit FILE.db: whether a store file is what was written into it, row by row.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "engine/base/format.h"
#include "engine/base/json.h"
#include "sim/cli/commands.h"
#include "store/sqlite/audit.h"
#include "store/sqlite/sqlite_state_store.h"

namespace dvt::sim::cli {
namespace {

constexpr std::size_t kFindingsMax = 1'000;

// What SQLite would say less clearly, or answer by creating a file.
void require_database(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) throw Error("audit " + path + ": no such file");
  if (std::filesystem::is_directory(path, error))
    throw Error("audit " + path + ": is a directory; the store of `run --out DIR` is DIR/run.db");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error("audit " + path + ": cannot be read");
  char head[16] = {};
  file.read(head, sizeof head);
  if (file.gcount() == 0) throw Error("audit " + path + ": is empty");
  if (std::string_view(head, sizeof head) != std::string_view("SQLite format 3\0", 16))
    throw Error("audit " + path + ": is not an SQLite database");
}

struct Audited {
  std::int64_t events = 0;
  std::int64_t runs = 0;
  std::int64_t snapshots = 0;
  std::int64_t archived = 0;  // events, according to the store
  std::vector<store::AuditFinding> findings;
};

void look_at_archive(store::db::Database& database, const std::string& path,
                     std::vector<store::AuditFinding>& findings) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    findings.push_back({"", 0, "the archive " + path + " is missing: archived events are gone"});
    return;
  }
  store::db::Database archive(path, store::db::Open::read_only);
  for (store::AuditFinding& finding : store::audit_archive(database, archive, kFindingsMax))
    findings.push_back(std::move(finding));
}

Audited look(const std::string& path) {
  require_database(path);
  try {
    store::db::Database database(path, store::db::Open::read_only);
    Audited out;
    out.findings = store::audit(database, kFindingsMax);
    if (store::has_archive(database)) look_at_archive(database, store::archive_path(path), out.findings);
    out.events = database.query_int("SELECT count(*) FROM event ORDER BY 1");
    out.runs = database.query_int("SELECT count(*) FROM run ORDER BY 1");
    out.snapshots = database.query_int("SELECT count(*) FROM snapshot ORDER BY 1");
    out.archived = database.query_int("SELECT sum(last_position - first_position + 1) FROM archive_anchor ORDER BY 1");
    return out;
  } catch (const store::db::DbError& error) {
    if (error.store_error() == StoreError::unavailable &&
        std::string_view(error.what()).find("lock") != std::string::npos)
      throw Error("audit " + path + ": another process holds it (locked)");
    // SQLite itself cannot read it: that is a finding, not a wrong argument.
    if (error.store_error() != StoreError::corrupt) throw Error("audit " + path + ": " + error.what());
    Audited out;
    out.findings.push_back({"", 0, std::string("the file is damaged: ") + error.what()});
    return out;
  } catch (const Error& error) {
    throw Error("audit " + path + ": " + error.what());
  }
}

void print_json(const std::string& path, const Audited& audited) {
  json::Object out;
  out.append("schemaVersion", std::int64_t{1});
  out.append("file", path);
  out.append("sound", audited.findings.empty());
  out.append("events", audited.events);
  out.append("runs", audited.runs);
  out.append("snapshots", audited.snapshots);
  out.append("archivedEvents", audited.archived);
  json::Array findings;
  for (const store::AuditFinding& finding : audited.findings) {
    json::Object one;
    if (!finding.table.empty()) {
      one.append("table", finding.table);
      one.append("row", finding.row);
    }
    one.append("what", finding.what);
    findings.push_back(json::Value(std::move(one)));
  }
  out.append("findings", json::Value(std::move(findings)));
  std::printf("%s\n", json::write(json::Value(std::move(out))).c_str());
}

void print_text(const std::string& path, const Audited& audited) {
  for (const store::AuditFinding& finding : audited.findings) {
    const std::string row = finding.table.empty() ? "" : fmt::format("{} {}: ", finding.table, finding.row);
    std::printf("%s%s\n", row.c_str(), finding.what.c_str());
  }
  const std::string found =
      audited.findings.empty()
          ? "sound"
          : fmt::format("{}{} finding{}", audited.findings.size() >= kFindingsMax ? "at least " : "",
                        audited.findings.size(), audited.findings.size() == 1 ? "" : "s");
  std::printf("%s: %s (%lld events of %lld runs, %lld snapshots, %lld archived events)\n", path.c_str(), found.c_str(),
              static_cast<long long>(audited.events), static_cast<long long>(audited.runs),
              static_cast<long long>(audited.snapshots), static_cast<long long>(audited.archived));
}

}  // namespace

void add_audit(CLI::App& app, const CommonOptions& common, int& exit_code) {
  auto* command = app.add_subcommand("audit", "look for edited, removed and inserted rows in a store file");
  auto path = std::make_shared<std::string>();
  command->add_option("FILE.db", *path, "a store: what `run --store` keeps, or run.db of `run --out`")->required();
  command->callback([=, &common, &exit_code] {
    const Audited audited = look(*path);
    if (common.form() == OutputForm::json) {
      print_json(*path, audited);
    } else {
      print_text(*path, audited);
    }
    if (!audited.findings.empty()) exit_code = kExitViolated;
  });
}

}  // namespace dvt::sim::cli
