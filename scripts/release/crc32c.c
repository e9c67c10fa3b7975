// Asks the processor which of the two forms of RocksDB's log checksum in a release library to run:
// the plain one, or the one that was compiled for SSE 4.2 and PCLMUL. scripts/rocksdb renames both;
// here their old names are given out.

#include <stddef.h>
#include <stdint.h>

uint32_t rb_crc32c_plain(uint32_t crc, const char *data, size_t n);
uint32_t rb_crc32c_sse42(uint32_t crc, const char *data, size_t n);

// A C++ string is returned through a pointer that comes as the first argument and goes back as the
// result.
void *rb_crc32c_plain_name(void *text);
void *rb_crc32c_sse42_name(void *text);

uint32_t rb_crc32c_extend(uint32_t crc, const char *data,
                          size_t n) __asm__("_ZN7rocksdb6crc32c6ExtendEjPKcm");
void *rb_crc32c_name(void *text) __asm__("_ZN7rocksdb6crc32c20IsFastCrc32SupportedB5cxx11Ev");

static int fast(void) {
  return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

uint32_t rb_crc32c_extend(uint32_t crc, const char *data, size_t n) {
  return fast() ? rb_crc32c_sse42(crc, data, n) : rb_crc32c_plain(crc, data, n);
}

void *rb_crc32c_name(void *text) {
  return fast() ? rb_crc32c_sse42_name(text) : rb_crc32c_plain_name(text);
}
