#include "store/db/faulty_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "engine/base/assert.h"
#include "engine/base/result.h"

namespace dvt::store::db {
namespace {

constexpr std::int64_t kSector = 512;

std::uint64_t mix(std::uint64_t word) {
  word ^= word >> 30;
  word *= 0xbf58476d1ce4e5b9;
  word ^= word >> 27;
  word *= 0x94d049bb133111eb;
  return word ^ (word >> 31);
}

// Catches flipped bits, not attackers. Eight bytes at a time; blocks are multiples of eight.
std::uint64_t checksum(const void* bytes, std::size_t size) {
  const auto* at = static_cast<const char*>(bytes);
  std::uint64_t sum = size;
  for (; size >= 8; size -= 8, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    sum = (sum ^ word) * 0x9e3779b97f4a7c15;
    sum ^= sum >> 29;
  }
  std::uint64_t rest = 0;
  std::memcpy(&rest, at, size);
  return mix(sum ^ rest);
}

struct UnsyncedWrite {
  std::int64_t offset = 0;
  std::int64_t size_before = 0;  // of the file
  std::string before;            // shorter than `after` where the file ended
  std::string after;
  bool truncation = false;                         // to `offset`
  std::uint64_t durable_with = ~std::uint64_t{0};  // this sync, counted over all files
};

/// What the disk knows of a file, open or not.
struct FileState {
  std::vector<UnsyncedWrite> unsynced;
  struct Block {
    std::int64_t size;
    std::uint64_t sum;
  };
  std::map<std::int64_t, Block> blocks;  // by offset
  int open = 0;

  void forget_blocks(std::int64_t offset, std::int64_t size) {
    auto at = blocks.lower_bound(offset);
    if (at != blocks.begin() && std::prev(at)->first + std::prev(at)->second.size > offset) --at;
    while (at != blocks.end() && at->first < offset + size) at = blocks.erase(at);
  }
};

struct Armed {
  bool on = false;
  DiskStrikes left;
  std::uint64_t struck = 0;
};

}  // namespace

// SQLite reads the base classes' fields through pointers to them; ours follow.
struct FaultyDisk::Vfs : sqlite3_vfs {
  /// The real file lies behind.
  struct File : sqlite3_file {
    Vfs* disk;
    FileState* state;  // null: a temporary file, which no fault strikes
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };
  static_assert(sizeof(File) % alignof(std::max_align_t) == 0 || alignof(std::max_align_t) > alignof(void*));

  Vfs(Medium medium_, bool checksums_);
  bool strikes(DiskFault fault);
  int write_through(File& file, const void* bytes, int size, std::int64_t offset);
  void remember(File& file, const void* bytes, int size, std::int64_t offset, bool truncation);
  void alter(File& file, char* bytes, int size, std::int64_t offset);
  bool intact(const File& file, const char* bytes, int size, std::int64_t offset) const;
  void take_away(const std::string& path, FileState& state, const std::function<std::uint64_t()>& draw, Loss& loss);

  static Vfs& of(sqlite3_vfs* vfs) { return *static_cast<Vfs*>(vfs); }
  static File& of(sqlite3_file* file) { return *static_cast<File*>(file); }
  static int open(sqlite3_vfs*, const char*, sqlite3_file*, int, int*);
  static int remove(sqlite3_vfs*, const char*, int);
  static int close(sqlite3_file*);
  static int read(sqlite3_file*, void*, int, sqlite3_int64);
  static int write(sqlite3_file*, const void*, int, sqlite3_int64);
  static int truncate(sqlite3_file*, sqlite3_int64);
  static int sync(sqlite3_file*, int);
  static const sqlite3_io_methods kMethods;

  sqlite3_vfs* real;
  std::string name;
  Medium medium;
  bool checksums;
  bool off = false;
  std::uint64_t flips = 0;
  std::uint64_t syncs = 0;
  std::array<Armed, kDiskFaults> faults;
  std::map<std::string, FileState> files;
};

FaultyDisk::Vfs::Vfs(Medium medium_, bool checksums_)
    : sqlite3_vfs{}, real(sqlite3_vfs_find(nullptr)), medium(medium_), checksums(checksums_) {
  DVT_ASSERT(real != nullptr, "SQLite without a VFS");
  static std::atomic<std::uint64_t> disks{0};
  name = "dvt-disk-" + std::to_string(disks.fetch_add(1));
  iVersion = 2;
  szOsFile = static_cast<int>(sizeof(File)) + real->szOsFile;
  mxPathname = real->mxPathname;
  zName = name.c_str();
  xOpen = open;
  xDelete = remove;
  xAccess = [](sqlite3_vfs* vfs, const char* path, int flags, int* out) {
    return of(vfs).real->xAccess(of(vfs).real, path, flags, out);
  };
  xFullPathname = [](sqlite3_vfs* vfs, const char* path, int size, char* out) {
    return of(vfs).real->xFullPathname(of(vfs).real, path, size, out);
  };
  xRandomness = [](sqlite3_vfs* vfs, int size, char* out) {
    return of(vfs).real->xRandomness(of(vfs).real, size, out);
  };
  xSleep = [](sqlite3_vfs* vfs, int microseconds) { return of(vfs).real->xSleep(of(vfs).real, microseconds); };
  xCurrentTime = [](sqlite3_vfs* vfs, double* out) { return of(vfs).real->xCurrentTime(of(vfs).real, out); };
  xCurrentTimeInt64 = [](sqlite3_vfs* vfs, sqlite3_int64* out) {
    return of(vfs).real->xCurrentTimeInt64(of(vfs).real, out);
  };
  xGetLastError = [](sqlite3_vfs* vfs, int size, char* out) {
    return of(vfs).real->xGetLastError(of(vfs).real, size, out);
  };
}

bool FaultyDisk::Vfs::strikes(DiskFault fault) {
  Armed& armed = faults[static_cast<std::size_t>(fault)];
  if (!armed.on) return false;
  if (armed.left.skip > 0) {
    --armed.left.skip;
    return false;
  }
  if (armed.left.count == 0) return false;
  --armed.left.count;
  ++armed.struck;
  return true;
}

int FaultyDisk::Vfs::open(sqlite3_vfs* vfs, const char* path, sqlite3_file* base, int flags, int* out_flags) {
  Vfs& disk = of(vfs);
  File& file = of(base);
  file.pMethods = nullptr;
  file.disk = &disk;
  file.state = nullptr;
  constexpr int kLasting = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL;
  const bool lasting = path != nullptr && (flags & kLasting) != 0;
  if (lasting && disk.off) return SQLITE_CANTOPEN;
  const int code = disk.real->xOpen(disk.real, path, file.real(), flags, out_flags);
  if (file.real()->pMethods == nullptr) return code;
  file.pMethods = &kMethods;  // from here on SQLite closes it, after a failure too
  if (lasting) {
    file.state = &disk.files[path];
    ++file.state->open;
  }
  return code;
}

int FaultyDisk::Vfs::remove(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  Vfs& disk = of(vfs);
  if (disk.off) return SQLITE_IOERR_DELETE;
  const int code = disk.real->xDelete(disk.real, path, sync_directory);
  if (const auto found = disk.files.find(path); code == SQLITE_OK && found != disk.files.end()) {
    found->second.unsynced.clear();
    found->second.blocks.clear();
  }
  return code;
}

int FaultyDisk::Vfs::close(sqlite3_file* base) {
  File& file = of(base);
  if (file.state != nullptr) --file.state->open;
  return file.real()->pMethods->xClose(file.real());
}

bool FaultyDisk::Vfs::intact(const File& file, const char* bytes, int size, std::int64_t offset) const {
  if (!checksums) return true;
  const auto& blocks = file.state->blocks;
  for (auto block = blocks.lower_bound(offset); block != blocks.end(); ++block) {
    if (block->first + block->second.size > offset + size) break;
    const char* const at = bytes + (block->first - offset);
    if (checksum(at, static_cast<std::size_t>(block->second.size)) != block->second.sum) return false;
  }
  return true;
}

void FaultyDisk::Vfs::alter(File&, char* bytes, int size, std::int64_t offset) {
  const std::uint64_t bit =
      mix(flips++ ^ mix(static_cast<std::uint64_t>(offset))) % (static_cast<std::uint64_t>(size) * 8);
  bytes[bit / 8] = static_cast<char>(static_cast<unsigned char>(bytes[bit / 8]) ^ (1U << (bit % 8)));
}

int FaultyDisk::Vfs::read(sqlite3_file* base, void* bytes, int size, sqlite3_int64 offset) {
  File& file = of(base);
  Vfs& disk = *file.disk;
  if (file.state == nullptr) return file.real()->pMethods->xRead(file.real(), bytes, size, offset);
  if (disk.off || disk.strikes(DiskFault::read_error)) return SQLITE_IOERR_READ;
  const int code = file.real()->pMethods->xRead(file.real(), bytes, size, offset);
  if (code != SQLITE_OK) return code;
  auto* const block = static_cast<char*>(bytes);
  if (size >= kSector && disk.strikes(DiskFault::altered_read)) disk.alter(file, block, size, offset);
  return disk.intact(file, block, size, offset) ? SQLITE_OK : SQLITE_IOERR_DATA;
}

void FaultyDisk::Vfs::remember(File& file, const void* bytes, int size, std::int64_t offset, bool truncation) {
  UnsyncedWrite& write = file.state->unsynced.emplace_back();
  write.offset = offset;
  write.truncation = truncation;
  sqlite3_int64 end = 0;
  file.real()->pMethods->xFileSize(file.real(), &end);
  write.size_before = end;
  if (bytes != nullptr) write.after.assign(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
  const std::int64_t until = truncation ? end : std::min<std::int64_t>(end, offset + size);
  if (until <= offset) return;
  write.before.resize(static_cast<std::size_t>(until - offset));
  file.real()->pMethods->xRead(file.real(), write.before.data(), static_cast<int>(write.before.size()), offset);
}

int FaultyDisk::Vfs::write_through(File& file, const void* bytes, int size, std::int64_t offset) {
  remember(file, bytes, size, offset, false);
  const int code = file.real()->pMethods->xWrite(file.real(), bytes, size, offset);
  file.state->forget_blocks(offset, size);
  if (code == SQLITE_OK && size >= kSector)
    file.state->blocks[offset] = {size, checksum(bytes, static_cast<std::size_t>(size))};
  return code;
}

int FaultyDisk::Vfs::write(sqlite3_file* base, const void* bytes, int size, sqlite3_int64 offset) {
  File& file = of(base);
  Vfs& disk = *file.disk;
  if (file.state == nullptr) return file.real()->pMethods->xWrite(file.real(), bytes, size, offset);
  if (disk.off || disk.strikes(DiskFault::write_error)) return SQLITE_IOERR_WRITE;
  if (disk.strikes(DiskFault::full)) {
    (void)disk.write_through(file, bytes, std::min<int>(size, kSector), offset);
    return SQLITE_FULL;
  }
  if (disk.strikes(DiskFault::short_write)) {
    if (size > 1) (void)disk.write_through(file, bytes, size / 2, offset);
    return SQLITE_IOERR_WRITE;
  }
  return disk.write_through(file, bytes, size, offset);
}

int FaultyDisk::Vfs::truncate(sqlite3_file* base, sqlite3_int64 size) {
  File& file = of(base);
  Vfs& disk = *file.disk;
  if (file.state != nullptr) {
    if (disk.off || disk.strikes(DiskFault::write_error)) return SQLITE_IOERR_TRUNCATE;
    disk.remember(file, nullptr, 0, size, true);
    file.state->forget_blocks(size, std::int64_t{1} << 62);
  }
  return file.real()->pMethods->xTruncate(file.real(), size);
}

int FaultyDisk::Vfs::sync(sqlite3_file* base, int flags) {
  File& file = of(base);
  Vfs& disk = *file.disk;
  if (file.state == nullptr) return file.real()->pMethods->xSync(file.real(), flags);
  if (disk.off || disk.strikes(DiskFault::sync_error)) return SQLITE_IOERR_FSYNC;
  if (disk.medium == Medium::kept) {
    if (const int code = file.real()->pMethods->xSync(file.real(), flags); code != SQLITE_OK) return code;
  }
  ++disk.syncs;
  if (disk.strikes(DiskFault::lost_sync)) return SQLITE_OK;
  if (disk.strikes(DiskFault::delayed_sync)) {
    for (UnsyncedWrite& write : file.state->unsynced) write.durable_with = std::min(write.durable_with, disk.syncs + 1);
  } else {
    file.state->unsynced.clear();
  }
  for (auto& [path, state] : disk.files)
    std::erase_if(state.unsynced, [&](const UnsyncedWrite& write) { return write.durable_with <= disk.syncs; });
  return SQLITE_OK;
}

const sqlite3_io_methods FaultyDisk::Vfs::kMethods = [] {
  sqlite3_io_methods methods{};
  methods.iVersion = 2;  // without xFetch: every byte comes through xRead
  methods.xClose = close;
  methods.xRead = read;
  methods.xWrite = write;
  methods.xTruncate = truncate;
  methods.xSync = sync;
  methods.xFileSize = [](sqlite3_file* file, sqlite3_int64* size) {
    return of(file).real()->pMethods->xFileSize(of(file).real(), size);
  };
  methods.xLock = [](sqlite3_file* file, int lock) { return of(file).real()->pMethods->xLock(of(file).real(), lock); };
  methods.xUnlock = [](sqlite3_file* file, int lock) {
    return of(file).real()->pMethods->xUnlock(of(file).real(), lock);
  };
  methods.xCheckReservedLock = [](sqlite3_file* file, int* out) {
    return of(file).real()->pMethods->xCheckReservedLock(of(file).real(), out);
  };
  methods.xFileControl = [](sqlite3_file* file, int op, void* argument) {
    return of(file).real()->pMethods->xFileControl(of(file).real(), op, argument);
  };
  methods.xSectorSize = [](sqlite3_file* file) { return of(file).real()->pMethods->xSectorSize(of(file).real()); };
  methods.xDeviceCharacteristics = [](sqlite3_file* file) {
    return of(file).real()->pMethods->xDeviceCharacteristics(of(file).real());
  };
  methods.xShmMap = [](sqlite3_file* file, int page, int size, int extend, void volatile** out) {
    return of(file).real()->pMethods->xShmMap(of(file).real(), page, size, extend, out);
  };
  methods.xShmLock = [](sqlite3_file* file, int offset, int n, int flags) {
    return of(file).real()->pMethods->xShmLock(of(file).real(), offset, n, flags);
  };
  methods.xShmBarrier = [](sqlite3_file* file) { of(file).real()->pMethods->xShmBarrier(of(file).real()); };
  methods.xShmUnmap = [](sqlite3_file* file, int remove_it) {
    return of(file).real()->pMethods->xShmUnmap(of(file).real(), remove_it);
  };
  return methods;
}();

FaultyDisk::FaultyDisk(Medium medium, bool checksums) : vfs_(std::make_unique<Vfs>(medium, checksums)) {
  const int code = sqlite3_vfs_register(vfs_.get(), 0);
  DVT_ASSERT(code == SQLITE_OK, "SQLite refuses a VFS");
}

FaultyDisk::~FaultyDisk() {
  sqlite3_vfs_unregister(vfs_.get());
}

const std::string& FaultyDisk::vfs() const {
  return vfs_->name;
}

void FaultyDisk::begin(DiskFault fault, DiskStrikes strikes) {
  Armed& armed = vfs_->faults[static_cast<std::size_t>(fault)];
  armed.on = true;
  armed.left = strikes;
}

void FaultyDisk::end(DiskFault fault) {
  vfs_->faults[static_cast<std::size_t>(fault)].on = false;
}

std::uint64_t FaultyDisk::struck(DiskFault fault) const {
  return vfs_->faults[static_cast<std::size_t>(fault)].struck;
}

void FaultyDisk::seed(std::uint64_t word) {
  vfs_->flips = word;
}

void FaultyDisk::power_off() {
  vfs_->off = true;
}

void FaultyDisk::power_on() {
  vfs_->off = false;
}

std::uint64_t FaultyDisk::unsynced_writes() const {
  std::uint64_t writes = 0;
  for (const auto& [path, state] : vfs_->files) writes += state.unsynced.size();
  return writes;
}

namespace {

/// A file opened past the faults.
class RawFile {
 public:
  RawFile(sqlite3_vfs* vfs, const std::string& path)
      : storage_(std::make_unique<std::max_align_t[]>(
            static_cast<std::size_t>(vfs->szOsFile) / sizeof(std::max_align_t) + 1)),
        path_(path + std::string(2, '\0')) {
    std::memset(storage_.get(), 0, static_cast<std::size_t>(vfs->szOsFile));
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MAIN_DB;
    check(vfs->xOpen(vfs, path_.c_str(), file(), flags, nullptr), "open");
  }
  ~RawFile() {
    if (file()->pMethods != nullptr) file()->pMethods->xClose(file());
  }
  RawFile(const RawFile&) = delete;
  RawFile& operator=(const RawFile&) = delete;

  void write(std::string_view bytes, std::int64_t offset) {
    if (!bytes.empty())
      check(file()->pMethods->xWrite(file(), bytes.data(), static_cast<int>(bytes.size()), offset), "write");
  }
  void resize(std::int64_t size) {
    sqlite3_int64 now = 0;
    check(file()->pMethods->xFileSize(file(), &now), "size");
    if (now > size) check(file()->pMethods->xTruncate(file(), size), "truncate");
  }

 private:
  sqlite3_file* file() { return reinterpret_cast<sqlite3_file*>(storage_.get()); }
  void check(int code, const char* doing) const {
    if (code != SQLITE_OK)
      throw Error("the disk under " + std::string(path_.c_str()) + ": cannot " + doing + " (" + std::to_string(code) +
                  ")");
  }
  std::unique_ptr<std::max_align_t[]> storage_;
  std::string path_;
};

}  // namespace

// Back to what was synced, newest write first; then forward again with those that are drawn to have reached the medium.
void FaultyDisk::Vfs::take_away(const std::string& path, FileState& state, const std::function<std::uint64_t()>& draw,
                                Loss& loss) {
  DVT_ASSERT(state.open == 0, "a database is still open on a disk that lost its power");
  if (state.unsynced.empty()) return;
  RawFile file(real, path);
  for (auto write = state.unsynced.rbegin(); write != state.unsynced.rend(); ++write) {
    file.write(write->before, write->offset);
    file.resize(std::max<std::int64_t>(write->size_before, 0));
    state.forget_blocks(write->offset, std::int64_t{1} << 62);
  }
  for (const UnsyncedWrite& write : state.unsynced) {
    const std::uint64_t word = draw ? draw() : 0;
    const std::uint64_t sectors = (write.after.size() + kSector - 1) / kSector;
    if (word % 3 == 0) {
      ++loss.lost;
    } else if (word % 3 == 1 || sectors < 2) {
      ++loss.kept;
      if (write.truncation) {
        file.resize(write.offset);
      } else {
        file.write(write.after, write.offset);
      }
    } else {
      ++loss.torn;
      const std::uint64_t left = 1 + (word / 3) % (sectors - 1);
      file.write(std::string_view(write.after).substr(0, left * kSector), write.offset);
    }
  }
  state.unsynced.clear();
}

FaultyDisk::Loss FaultyDisk::lose_unsynced(const std::function<std::uint64_t()>& draw) {
  DVT_ASSERT(vfs_->off, "a disk loses what is unsynced when its power is off");
  Loss loss;
  for (auto& [path, state] : vfs_->files) vfs_->take_away(path, state, draw, loss);
  return loss;
}

}  // namespace dvt::store::db
