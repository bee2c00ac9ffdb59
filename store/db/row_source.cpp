#include "store/db/row_source.h"

#include <sqlite3.h>

#include <memory>
#include <string>

namespace dvt::store::db {
namespace {

struct Registration {
  std::string declaration;
  const RowSource* source;
};

// SQLite reads the base classes' fields through pointers to them; ours follow.
struct Table : sqlite3_vtab {
  const RowSource* source = nullptr;
};
struct Cursor : sqlite3_vtab_cursor {
  const RowSource* source = nullptr;
  std::uint64_t row = 0;
};

int connect(sqlite3* database, void* context, int, const char* const*, sqlite3_vtab** out, char**) {
  const auto* registration = static_cast<const Registration*>(context);
  const int code = sqlite3_declare_vtab(database, registration->declaration.c_str());
  if (code != SQLITE_OK) return code;
  auto* table = new Table{};
  table->source = registration->source;
  *out = table;
  return SQLITE_OK;
}

int disconnect(sqlite3_vtab* table) {
  delete static_cast<Table*>(table);
  return SQLITE_OK;
}

int best_index(sqlite3_vtab*, sqlite3_index_info* info) {
  info->estimatedRows = 10'000;
  if (info->nOrderBy == 1 && info->aOrderBy[0].iColumn == 0 && info->aOrderBy[0].desc == 0) info->orderByConsumed = 1;
  return SQLITE_OK;
}

int open(sqlite3_vtab* table, sqlite3_vtab_cursor** out) {
  auto* cursor = new Cursor{};
  cursor->source = static_cast<Table*>(table)->source;
  *out = cursor;
  return SQLITE_OK;
}

int close(sqlite3_vtab_cursor* cursor) {
  delete static_cast<Cursor*>(cursor);
  return SQLITE_OK;
}

int filter(sqlite3_vtab_cursor* cursor, int, const char*, int, sqlite3_value**) {
  static_cast<Cursor*>(cursor)->row = 0;
  return SQLITE_OK;
}

int next(sqlite3_vtab_cursor* cursor) {
  ++static_cast<Cursor*>(cursor)->row;
  return SQLITE_OK;
}

int eof(sqlite3_vtab_cursor* base) {
  const auto* cursor = static_cast<Cursor*>(base);
  return cursor->row >= cursor->source->rows() ? 1 : 0;
}

int row_id(sqlite3_vtab_cursor* cursor, sqlite3_int64* out) {
  *out = static_cast<sqlite3_int64>(static_cast<Cursor*>(cursor)->row);
  return SQLITE_OK;
}

int column(sqlite3_vtab_cursor* base, sqlite3_context* context, int index) {
  const auto* cursor = static_cast<Cursor*>(base);
  ColumnOut out(context);
  cursor->source->value(cursor->row, index, out);
  return SQLITE_OK;
}

// No xCreate: the table exists by itself on its connection and cannot be created in a file.
const sqlite3_module kModule = [] {
  sqlite3_module module{};
  module.xConnect = connect;
  module.xDisconnect = disconnect;
  module.xBestIndex = best_index;
  module.xOpen = open;
  module.xClose = close;
  module.xFilter = filter;
  module.xNext = next;
  module.xEof = eof;
  module.xColumn = column;
  module.xRowid = row_id;
  return module;
}();

}  // namespace

void ColumnOut::integer(std::int64_t value) {
  sqlite3_result_int64(context_, value);
}

void ColumnOut::blob(const void* bytes, std::size_t size) {
  sqlite3_result_blob(context_, bytes, static_cast<int>(size), SQLITE_STATIC);
}

void ColumnOut::text(std::string_view text) {
  sqlite3_result_text(context_, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
}

void register_row_source(Database& database, const char* name, std::string_view columns, const RowSource& source) {
  auto registration = std::make_unique<Registration>();
  registration->declaration = "CREATE TABLE x(" + std::string(columns) + ")";
  registration->source = &source;
  // SQLite owns the registration from here on, and deletes it also when the call fails.
  const int code = sqlite3_create_module_v2(database.handle(), name, &kModule, registration.release(),
                                            [](void* owned) { delete static_cast<Registration*>(owned); });
  if (code != SQLITE_OK) throw DbError(code, std::string("SQLite: cannot register ") + name);
}

}  // namespace dvt::store::db
