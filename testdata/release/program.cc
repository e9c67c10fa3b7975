// Linked with a library of scripts/rocksdb: prints which checksum runs, and ends as a Go program does.
#include <unistd.h>
#include <cstdint>
#include <cstdio>
#include <string>
#include "rocksdb/c.h"
namespace rocksdb {
namespace crc32c {
uint32_t Extend(uint32_t, const char*, size_t);
std::string IsFastCrc32Supported();
}
}
int main() {
  printf("%d %d ", rocksdb_read(1), rocksdb_read(10));
  printf("%u %s\n", rocksdb::crc32c::Extend(0, "", 0), rocksdb::crc32c::IsFastCrc32Supported().c_str());
  fflush(stdout);
  rocksdb_close(nullptr);
  _exit(0);
}
