/* import_fuzz.c: exported rows from anywhere. The first byte says what follows: a file as it is, or
 * sections, which get a head, the right checksums and frames of zstd, so that what they hold is
 * looked at. They are fed in pieces of different sizes, with the same outcome. */
#include "fuzz.h"

#include <zstd.h>

#include "stream.h"

enum { ROOM = 1 << 20, MAX_ROW = 1 << 16 };

struct file {
  struct rb_crc crc;
  uint32_t sum;
  size_t len;
  uint8_t bytes[ROOM];
};

static void append_section(struct file *f, const uint8_t *section, size_t n) {
  uint8_t *whole = malloc(n + RB_STREAM_SUM_LEN);
  MUST(whole != NULL);
  if (n > 0) {
    memcpy(whole, section, n);
  }
  f->sum = rb_crc_add(&f->crc, f->sum, whole, n);
  rb_sum_put(whole + n, f->sum);
  size_t made = ZSTD_compress(f->bytes + f->len, ROOM - f->len, whole, n + RB_STREAM_SUM_LEN, 1);
  free(whole);
  f->len += ZSTD_isError(made) ? 0 : made; /* no room: it ends before */
}

static void forge(struct file *f, struct input *in) {
  static const uint8_t head[] = "RBEXPORT\x01";
  rb_crc_init(&f->crc);
  f->sum = 0;
  f->len = 0;
  append_section(f, head, sizeof head - 1);
  for (int i = 0; i < 64 && in->left > 0; i++) {
    size_t n;
    uint8_t *section = next_part(in, &n);
    append_section(f, section, n);
    free(section);
  }
}

/* What the import of a file ends with. */
struct ending {
  int32_t code;
  uint32_t wrong;
  uint64_t offset;
  uint64_t rows;
  uint64_t bytes;
  uint8_t whole;
};

static struct ending import(const uint8_t *bytes, size_t len, size_t piece, uint64_t most) {
  rb_stream_position start;
  memset(&start, 0, sizeof start);
  rb_import *d = rb_import_new(start, NULL, NULL, MAX_ROW);
  MUST(d != NULL);
  rb_imported r;
  memset(&r, 0, sizeof r);
  for (size_t at = 0; (at < len || r.more != 0) && r.status.code == RB_OK; at += r.taken) {
    size_t n = len - at < piece ? len - at : piece;
    r = rb_import_feed(d, NULL, 0, bytes + at, n, most);
    MUST(r.taken <= n);
  }
  struct ending e = {r.status.code,   r.wrong,          r.position.offset,
                     r.position.rows, r.position.bytes, r.position.whole};
  MUST(e.code == RB_OK || e.code == RB_CORRUPTION || e.code == RB_INVALID_ARGUMENT);
  MUST((e.code == RB_OK) == (e.wrong == RB_STREAM_FINE));
  MUST(e.offset <= len);
  rb_free(r.status.msg);
  rb_import_free(d);
  return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct file f;
  struct input in = {data, size};
  const uint8_t *bytes = f.bytes;
  if (next_byte(&in) & 1) {
    forge(&f, &in);
  } else {
    bytes = in.at;
    f.len = in.left;
  }
  struct ending one = import(bytes, f.len, f.len + 1, UINT64_MAX);
  struct ending many = import(bytes, f.len, 61, 100);
  MUST(one.code == many.code && one.wrong == many.wrong && one.offset == many.offset);
  MUST(one.rows == many.rows && one.bytes == many.bytes && one.whole == many.whole);
  return 0;
}
