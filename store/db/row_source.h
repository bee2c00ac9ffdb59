// Rows that live in C++ as a table-valued function of SQLite, so that one INSERT … SELECT writes all of them. Binding
// and stepping a prepared INSERT for each row costs more than the insertion itself: 598,000 rows/s this way against
// 367,000 (in memory, an event row with two unique indexes and an outbox row). The database file never mentions the
// function.
#pragma once

#include <cstdint>
#include <string_view>

#include "store/db/database.h"

struct sqlite3_context;

namespace dvt::store::db {

/// Takes one value. Blobs and texts are not copied: they must stay in place until the statement ends. No call: NULL.
class ColumnOut {
 public:
  explicit ColumnOut(sqlite3_context* context) : context_(context) {}
  void integer(std::int64_t value);
  void blob(const void* bytes, std::size_t size);
  void text(std::string_view text);

 private:
  sqlite3_context* context_;
};

class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual std::uint64_t rows() const = 0;
  /// Column `column` of row `row`, both from 0. Column 0 must be an integer that grows from row to row.
  virtual void value(std::uint64_t row, int column, ColumnOut& out) const = 0;
};

/// Makes `SELECT … FROM name` read `source` on this connection. `columns` is what stands in CREATE TABLE's parentheses.
/// `source` must outlive the connection. ORDER BY column 0 costs nothing.
void register_row_source(Database& database, const char* name, std::string_view columns, const RowSource& source);

}  // namespace dvt::store::db
