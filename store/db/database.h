// RAII over SQLite: a database, prepared statements, transactions. Used from the main stack only (SQLite needs more
// stack than a fiber has). Every failure is a DbError that says which StoreError it amounts to; nothing is half done
// after one: a transaction that is not committed is rolled back by its destructor.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/ports/state_store.h"

struct sqlite3;
struct sqlite3_stmt;

namespace dvt::store::db {

/// A failed call of SQLite. `what()` has SQLite's message and the statement. As a StoreFailure: SQLITE_FULL →
/// disk_full, SQLITE_IOERR → io_error; SQLITE_CORRUPT, NOTADB and IOERR_DATA (a block that does not match its checksum)
/// → corrupt; the rest → unavailable (SQLITE_BUSY among it: another process holds the file).
class DbError : public StoreFailure {
 public:
  DbError(int extended_code, const std::string& message);
  /// SQLite's extended result code.
  int code() const { return code_; }

 private:
  int code_;
};

enum class Open : std::uint8_t { create, existing, read_only };

class Database {
 public:
  /// ":memory:" or a file name. `vfs` names a registered SQLite VFS; empty: the default one. Throws DbError.
  explicit Database(const std::string& path, Open mode = Open::create, const std::string& vfs = {});
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Lets go of the file, as a process does that dies: nothing is flushed that was not committed. Statements must be
  /// gone before. Nothing else may be called until open().
  void close() noexcept;
  void open();
  bool is_open() const { return handle_ != nullptr; }
  /// Pages are read from the medium again.
  void drop_cache();

  /// One or more statements without results.
  void exec(const char* sql);
  /// A PRAGMA's or a SELECT's single value; 0 or empty when there is none.
  std::int64_t query_int(std::string_view sql);
  std::string query_text(std::string_view sql);

  std::int64_t user_version() { return query_int("PRAGMA user_version"); }
  void set_user_version(std::int64_t version);
  /// "ok", or SQLite's list of what is broken.
  std::string integrity_check() { return query_text("PRAGMA integrity_check(20)"); }
  /// Page count × page size.
  std::uint64_t bytes();
  bool in_transaction() const;
  /// Copies the whole database, page by page, to `path`, replacing the database in that file.
  void backup_to(const std::string& path, const char* schema = "main");

  bool in_memory() const { return in_memory_; }
  sqlite3* handle() const { return handle_; }

 private:
  std::string path_;
  std::string vfs_;
  Open mode_;
  sqlite3* handle_ = nullptr;
  bool in_memory_;
};

/// A statement prepared once and run many times. Parameters count from 1, columns from 0. Blobs and texts are bound
/// without a copy: they must live until the statement is reset.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  ~Statement();
  Statement(Statement&& other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  Statement& operator=(Statement&&) = delete;

  void bind(int index, std::int64_t value);
  void bind(int index, std::uint64_t value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, std::uint32_t value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, int value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind_blob(int index, const void* bytes, std::size_t size);
  void bind_text(int index, std::string_view text);
  void bind_null(int index);

  /// True while there is a row. Throws DbError after resetting.
  bool step();
  /// For statements without rows: steps to the end and resets.
  void run();
  void reset() noexcept;

  std::int64_t int_at(int column) const;
  std::uint64_t uint_at(int column) const { return static_cast<std::uint64_t>(int_at(column)); }
  std::uint32_t u32_at(int column) const { return static_cast<std::uint32_t>(int_at(column)); }
  /// Valid until the next step or reset.
  std::string_view text_at(int column) const;
  std::string_view blob_at(int column) const;
  bool null_at(int column) const;

 private:
  [[noreturn]] void fail(int code);
  sqlite3_stmt* handle_ = nullptr;
};

/// Resets a statement at the end of a scope, so that no read transaction stays open.
class ResetGuard {
 public:
  explicit ResetGuard(Statement& statement) : statement_(statement) {}
  ~ResetGuard() { statement_.reset(); }
  ResetGuard(const ResetGuard&) = delete;
  ResetGuard& operator=(const ResetGuard&) = delete;

 private:
  Statement& statement_;
};

/// BEGIN IMMEDIATE … COMMIT; rolled back when destroyed without commit().
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
};

}  // namespace dvt::store::db
