/* killpoint.cc: has the process die inside RocksDB. A library that was built with assertions passes a kill point
 * before and after each step that changes files, and there it ends the process once in so many times if it is told to.
 * Preloaded (LD_PRELOAD) into a process under test, this tells it so: KILLPOINT_ODDS is how many times, and
 * KILLPOINT_SPARE names, with commas between them, the beginnings of points that are passed over. A library without
 * kill points ends the process at once, with exit code 77. */
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace rocksdb {
/* As far as it is needed here: the same members in the same order in every version from 7.8 to 9.11. */
struct KillPoint {
  int rocksdb_kill_odds;
  std::vector<std::string> rocksdb_kill_exclude_prefixes;
  __attribute__((weak)) static KillPoint *GetInstance();
};
}  // namespace rocksdb

/* RocksDB dies by a SIGTERM to itself, which Go would take at some later time, on any thread: here it dies where it
 * stands. */
extern "C" int kill(pid_t pid, int number) noexcept {
  if (number == SIGTERM && pid == getpid()) {
    number = SIGKILL;
  }
  return static_cast<int>(syscall(SYS_kill, pid, number));
}

__attribute__((constructor)) static void killpoint_begin() {
  const char *odds = getenv("KILLPOINT_ODDS");
  if (odds == nullptr) {
    return;
  }
  rocksdb::KillPoint *(*volatile instance)() = rocksdb::KillPoint::GetInstance;
  if (instance == nullptr) {
    fprintf(stderr, "the library has no kill points\n");
    _exit(77);
  }
  rocksdb::KillPoint *point = instance();
  const char *spared = getenv("KILLPOINT_SPARE");
  std::string rest = spared == nullptr ? "" : spared;
  while (!rest.empty()) {
    size_t end = rest.find(',');
    point->rocksdb_kill_exclude_prefixes.push_back(rest.substr(0, end));
    rest = end == std::string::npos ? "" : rest.substr(end + 1);
  }
  point->rocksdb_kill_odds = atoi(odds);
}
