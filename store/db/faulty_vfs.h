// A disk that can fail: a VFS of SQLite's own kind between the library and the real files, so that the store meets the
// library's real SQLITE_FULL, SQLITE_IOERR and recovery. It changes nothing until a fault begins.
//
// What was written but not synced is remembered beside the file, so that a crash of the host can take it away again
// (power_off, lose_unsynced, power_on). Blocks carry checksums, kept by the disk as ZFS or dm-integrity keep them: a
// block that does not come back as it was written is never handed to SQLite (SQLITE_IOERR_DATA).
//
// Nothing here looks at a clock: faults begin and end when told, strike by count, and draw from what they are given. A
// slow disk is a matter of virtual time and therefore not of this file (sim/fault).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace dvt::store::db {

enum class DiskFault : std::uint8_t {
  full,          // a write ends after its first sector with SQLITE_FULL; nothing can be allocated, not to overwrite
                 // either (copy-on-write or thinly provisioned storage)
  read_error,    // SQLITE_IOERR_READ
  write_error,   // SQLITE_IOERR_WRITE, nothing is written
  short_write,   // half of the bytes are written, then SQLITE_IOERR_WRITE
  sync_error,    // SQLITE_IOERR_FSYNC, nothing becomes durable
  lost_sync,     // reported as done, and nothing becomes durable
  delayed_sync,  // reported as done; becomes durable with the next sync of any file
  altered_read,  // one bit of each block that is read is flipped on its way from the medium
};
inline constexpr std::size_t kDiskFaults = 8;

/// The operations that a fault strikes: passes `skip` of its kind, then strikes `count`.
struct DiskStrikes {
  std::uint64_t skip = 0;
  std::uint64_t count = ~std::uint64_t{0};
};

class FaultyDisk {
 public:
  enum class Medium : std::uint8_t {
    kept,     // syncs reach the operating system
    scratch,  // they do not: the file is deleted at the end of the run, and only virtual crashes matter
  };
  /// Registers the VFS. Every database on it must be closed before the disk goes. `checksums` false: altered blocks are
  /// handed to SQLite (what the store's own hashes are tested with).
  explicit FaultyDisk(Medium medium, bool checksums = true);
  ~FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  /// For Database and SqliteOptions; unique in the process.
  const std::string& vfs() const;

  void begin(DiskFault fault, DiskStrikes strikes = {});
  void end(DiskFault fault);
  /// How often it has struck so far.
  std::uint64_t struck(DiskFault fault) const;
  /// Which bits altered_read flips.
  void seed(std::uint64_t word);

  /// The host is down: everything fails, so that closing a database changes nothing any more.
  void power_off();
  struct Loss {
    std::uint64_t lost = 0;  // writes of which nothing is left
    std::uint64_t torn = 0;  // … of which the first sectors are left
    std::uint64_t kept = 0;  // … which reached the medium all the same
  };
  /// Takes away what was not synced: `draw` gives a word for each such write (lost, torn or kept, a third each, in any
  /// order over the files); without it all of them are lost. Powered off and everything closed. Throws dvt::Error.
  Loss lose_unsynced(const std::function<std::uint64_t()>& draw = {});
  void power_on();
  std::uint64_t unsynced_writes() const;

 private:
  struct Vfs;
  std::unique_ptr<Vfs> vfs_;
};

}  // namespace dvt::store::db
