#include "store/db/database.h"

#include <sqlite3.h>

#include "engine/base/assert.h"

namespace dvt::store::db {
namespace {

// Real time, not virtual: how long to wait for another process (somebody looking into the file) to let go.
constexpr int kBusyTimeoutMs = 2000;

std::string describe(const char* message, int code, std::string_view doing) {
  return std::string("SQLite: ") + message + " (" + std::to_string(code) + "), while: " + std::string(doing);
}

[[noreturn]] void throw_error(sqlite3* handle, int code, std::string_view doing) {
  const int extended =
      handle != nullptr && sqlite3_errcode(handle) != SQLITE_OK ? sqlite3_extended_errcode(handle) : code;
  const char* message = handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
  throw DbError(extended, describe(message, extended, doing));
}

void check(sqlite3* handle, int code, std::string_view doing) {
  if (code != SQLITE_OK) throw_error(handle, code, doing);
}

}  // namespace

namespace {

StoreError store_error_of(int code) {
  if (code == SQLITE_IOERR_DATA) return StoreError::corrupt;
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return StoreError::disk_full;
    case SQLITE_IOERR:
      return StoreError::io_error;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return StoreError::corrupt;
    default:
      return StoreError::unavailable;
  }
}

}  // namespace

DbError::DbError(int extended_code, const std::string& message)
    : StoreFailure(store_error_of(extended_code), message), code_(extended_code) {}

Database::Database(const std::string& path, Open mode, const std::string& vfs)
    : path_(path), vfs_(vfs), mode_(mode), in_memory_(path == ":memory:") {
  open();
}

void Database::open() {
  DVT_ASSERT(handle_ == nullptr, "a database is open already");
  int flags = SQLITE_OPEN_NOMUTEX;
  switch (mode_) {
    case Open::create:
      flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
      break;
    case Open::existing:
      flags |= SQLITE_OPEN_READWRITE;
      break;
    case Open::read_only:
      flags |= SQLITE_OPEN_READONLY;
      break;
  }
  const int code = sqlite3_open_v2(path_.c_str(), &handle_, flags, vfs_.empty() ? nullptr : vfs_.c_str());
  if (code != SQLITE_OK) {
    const std::string message = "cannot open database " + path_ + ": " + sqlite3_errstr(code);
    close();
    throw DbError(code, message);
  }
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_timeout(handle_, kBusyTimeoutMs);
}

void Database::close() noexcept {
  sqlite3_close_v2(handle_);
  handle_ = nullptr;
}

Database::~Database() {
  close();
}

void Database::drop_cache() {
  sqlite3_db_release_memory(handle_);
}

void Database::exec(const char* sql) {
  check(handle_, sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr), sql);
}

std::int64_t Database::query_int(std::string_view sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.int_at(0) : 0;
}

std::string Database::query_text(std::string_view sql) {
  Statement statement(*this, sql);
  std::string text;
  while (statement.step()) {
    if (!text.empty()) text += '\n';
    text += statement.text_at(0);
  }
  return text;
}

void Database::set_user_version(std::int64_t version) {
  exec(("PRAGMA user_version = " + std::to_string(version)).c_str());
}

std::uint64_t Database::bytes() {
  return static_cast<std::uint64_t>(query_int("PRAGMA page_count") * query_int("PRAGMA page_size"));
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(handle_) == 0;
}

void Database::backup_to(const std::string& path, const char* schema) {
  Database target(path);
  // A database in WAL mode cannot change its page size while it is written over; a fresh file has no such mode yet.
  sqlite3_backup* backup = sqlite3_backup_init(target.handle_, "main", handle_, schema);
  if (backup == nullptr) throw_error(target.handle_, sqlite3_errcode(target.handle_), "backup");
  const int step = sqlite3_backup_step(backup, -1);
  const int finish = sqlite3_backup_finish(backup);
  if (step != SQLITE_DONE) throw_error(target.handle_, step, "backup to " + path);
  check(target.handle_, finish, "backup");
}

Statement::Statement(Database& database, std::string_view sql) {
  const int code = sqlite3_prepare_v3(database.handle(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &handle_, nullptr);
  if (code != SQLITE_OK) throw_error(database.handle(), code, sql);
}

Statement::~Statement() {
  sqlite3_finalize(handle_);
}

void Statement::fail(int code) {
  sqlite3* database = sqlite3_db_handle(handle_);
  const int extended = sqlite3_extended_errcode(database);
  const std::string message = describe(sqlite3_errmsg(database), extended != 0 ? extended : code, sqlite3_sql(handle_));
  sqlite3_reset(handle_);
  throw DbError(extended != 0 ? extended : code, message);
}

void Statement::bind(int index, std::int64_t value) {
  const int code = sqlite3_bind_int64(handle_, index, value);
  DVT_ASSERT(code == SQLITE_OK, "a parameter that the statement does not have, or a statement in use");
}

void Statement::bind_blob(int index, const void* bytes, std::size_t size) {
  const int code = sqlite3_bind_blob(handle_, index, bytes, static_cast<int>(size), SQLITE_STATIC);
  DVT_ASSERT(code == SQLITE_OK, "a parameter that the statement does not have, or a statement in use");
}

void Statement::bind_text(int index, std::string_view text) {
  // An empty view may have a null pointer, which SQLite would take for NULL.
  const char* bytes = text.data() != nullptr ? text.data() : "";
  const int code = sqlite3_bind_text(handle_, index, bytes, static_cast<int>(text.size()), SQLITE_STATIC);
  DVT_ASSERT(code == SQLITE_OK, "a parameter that the statement does not have, or a statement in use");
}

void Statement::bind_null(int index) {
  const int code = sqlite3_bind_null(handle_, index);
  DVT_ASSERT(code == SQLITE_OK, "a parameter that the statement does not have, or a statement in use");
}

bool Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  fail(code);
}

void Statement::run() {
  const int code = sqlite3_step(handle_);
  if (code != SQLITE_DONE) fail(code);
  sqlite3_reset(handle_);
}

void Statement::reset() noexcept {
  sqlite3_reset(handle_);
}

std::int64_t Statement::int_at(int column) const {
  return sqlite3_column_int64(handle_, column);
}

std::string_view Statement::text_at(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  return {text != nullptr ? text : "", static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

std::string_view Statement::blob_at(int column) const {
  const auto* blob = static_cast<const char*>(sqlite3_column_blob(handle_, column));
  return {blob != nullptr ? blob : "", static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

bool Statement::null_at(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

Transaction::Transaction(Database& database) : database_(database) {
  database_.exec("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  // SQLITE_FULL and SQLITE_IOERR may have rolled back already.
  if (database_.in_transaction()) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_.exec("COMMIT");
}

}  // namespace dvt::store::db
