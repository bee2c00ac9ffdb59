// A process that dies by kill -9 while it appends to a file: afterwards the file opens, is sound, holds a prefix of the
// order in which events were appended, and everything that was acknowledged. As many children as the first argument
// says.
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstring>
#include <filesystem>

#include "store/sqlite/audit.h"
#include "tests/store/store_fixture.h"

namespace dvt {
namespace {

std::uint32_t g_children = 20;

constexpr std::uint32_t kRuns = 3;

[[noreturn]] void append_until_killed(const std::string& path, int acknowledgements) {
  store::SqliteStateStore store(test::sqlite_options(path, store::Commit::per_append));
  test::describe_world(store, kRuns);
  for (std::uint32_t i = 0;; ++i) {
    NewEvent event = test::numbered_event(i % kRuns, i);
    event.payload = std::make_shared<const std::string>(100 + i * 37 % 3000, 'p');
    const auto receipt = store.append(event, Instant{i});
    if (!receipt) _exit(3);
    const std::uint64_t position = receipt.value().position;
    if (write(acknowledgements, &position, sizeof position) != static_cast<ssize_t>(sizeof position)) _exit(4);
  }
}

TEST(KilledProcess, LeavesASoundFileWithEverythingAcknowledged) {
  std::uint32_t with_log = 0;
  std::uint64_t beyond = 0;
  for (std::uint32_t child = 0; child < g_children; ++child) {
    SCOPED_TRACE("child " + std::to_string(child));
    const test::TemporaryFile file("killed_" + std::to_string(child));
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    const pid_t pid = fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      close(pipe_ends[0]);
      append_until_killed(file.path(), pipe_ends[1]);
    }
    close(pipe_ends[1]);
    // After so many acknowledgements, and a while that differs, so that the end comes anywhere within an append.
    const std::uint32_t wanted = 1 + child * 7 % 12;
    std::uint64_t acknowledged = 0, position = 0;
    for (std::uint32_t i = 0; i < wanted && read(pipe_ends[0], &position, sizeof position) == sizeof position; ++i)
      acknowledged = position;
    volatile std::uint32_t spin = child * 397 % 7000 * 200;
    while (spin > 0) {
      const std::uint32_t left = spin;
      spin = left - 1;
    }
    kill(pid, SIGKILL);
    while (read(pipe_ends[0], &position, sizeof position) == sizeof position) acknowledged = position;
    close(pipe_ends[0]);
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the child ended by itself: " << status;
    ASSERT_GE(acknowledged, wanted);

    std::error_code none;
    const auto log_bytes = std::filesystem::file_size(file.path() + "-wal", none);
    if (!none && log_bytes > 0) ++with_log;

    store::SqliteStateStore store(test::sqlite_options(file.path(), store::Commit::per_append));
    EXPECT_EQ(store.database().integrity_check(), "ok");
    EXPECT_TRUE(store::audit(store.database()).empty());
    std::vector<StoredEvent> log;
    const std::uint64_t last = store.read_partition(0, 0, 1, 1'000'000, log);
    EXPECT_GE(last, acknowledged) << "an acknowledged event is gone";
    ASSERT_EQ(log.size(), last);
    for (std::uint32_t i = 0; i < last; ++i) {
      EXPECT_EQ(log[i].position, i + 1);
      EXPECT_EQ(log[i].idempotency_key, test::numbered_event(i % kRuns, i).idempotency_key);
    }
    beyond += last - acknowledged;
  }
  EXPECT_GE(with_log * 2, g_children) << "most files had nothing to recover: the test does not kill in time";
  std::printf("%u children killed, %u left a write-ahead log, %llu events were stored and not acknowledged\n",
              g_children, with_log, static_cast<unsigned long long>(beyond));
}

}  // namespace
}  // namespace dvt

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc > 1) std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), dvt::g_children);
  return RUN_ALL_TESTS();
}
