#include "sim/cli/verify.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <istream>

#include "engine/base/result.h"
#include "sim/check/digest.h"
#include "sim/cli/fd_stream.h"
#include "sim/cli/options.h"

namespace dvt::sim::cli {
namespace {

struct Child {
  pid_t pid = -1;
  int digest = -1;  // read end
};

Child start(std::vector<std::string> arguments, bool keep_output) {
  int ends[2];
  if (pipe(ends) != 0) throw Error("cannot make a pipe for --verify");
  const pid_t pid = fork();
  if (pid < 0) throw Error("cannot start a second process for --verify");
  if (pid == 0) {
    close(ends[0]);
    if (!keep_output) {
      const int null = open("/dev/null", O_WRONLY);
      dup2(null, STDOUT_FILENO);
      dup2(null, STDERR_FILENO);
    }
    arguments.push_back("--digest-fd");
    arguments.push_back(std::to_string(ends[1]));
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    execv("/proc/self/exe", argv.data());
    _exit(kExitInternal);
  }
  close(ends[1]);
  return {pid, ends[0]};
}

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : kExitInternal;
}

}  // namespace

int verify_in_two_processes(const std::vector<std::string>& arguments) {
  const Child first = start(arguments, true);
  const Child second = start(arguments, false);
  std::optional<DigestDivergence> difference;
  std::string broken;
  {
    FdBuffer first_buffer(first.digest);
    FdBuffer second_buffer(second.digest);
    std::istream first_stream(&first_buffer);
    std::istream second_stream(&second_buffer);
    try {
      difference = compare_digest_streams(first_stream, second_stream);
    } catch (const Error& error) {
      broken = error.what();
    }
  }
  close(first.digest);  // a child that still writes is told by SIGPIPE
  close(second.digest);
  const int code = wait_for(first.pid);
  const int second_code = wait_for(second.pid);
  if (code == kExitUsage || code == kExitInterrupted) return code;
  if (difference) {
    std::fprintf(stderr, "dvtsim: --verify: the runs differ at fact %llu\n  first process:  %s\n  second process: %s\n",
                 static_cast<unsigned long long>(difference->sequence), difference->first.c_str(),
                 difference->second.c_str());
    return kExitViolated;
  }
  if (!broken.empty() || code != second_code) {
    std::fprintf(stderr, "dvtsim: --verify: the processes ended with %d and %d %s\n", code, second_code,
                 broken.c_str());
    return code == kExitPassed ? kExitInternal : code;
  }
  std::fprintf(stderr, "dvtsim: --verify: both processes did the same, fact by fact\n");
  return code;
}

}  // namespace dvt::sim::cli
