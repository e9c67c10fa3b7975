/* livefiles.c: what table files a database consists of. */
#include <stdlib.h>

#include "handles.h"

/* One file as RocksDB tells of it; the texts are RocksDB's. */
struct rb_live_file {
  uint64_t numbers[RB_LIVE_NUMBERS];
  const char *texts[4];
};

static struct rb_live_file rb_live_file_at(const rocksdb_livefiles_t *all, int i) {
  size_t smallest = 0, largest = 0;
  struct rb_live_file f = {{0}, {0}};
  f.texts[0] = rocksdb_livefiles_column_family_name(all, i);
  f.texts[1] = rocksdb_livefiles_name(all, i);
  f.texts[2] = rocksdb_livefiles_smallestkey(all, i, &smallest);
  f.texts[3] = rocksdb_livefiles_largestkey(all, i, &largest);
  f.numbers[0] = rocksdb_livefiles_size(all, i);
  f.numbers[1] = (uint64_t)rocksdb_livefiles_level(all, i);
  f.numbers[2] = rocksdb_livefiles_entries(all, i);
  f.numbers[3] = rocksdb_livefiles_deletions(all, i);
  f.numbers[4] = strlen(f.texts[0]);
  f.numbers[5] = strlen(f.texts[1]);
  f.numbers[6] = smallest;
  f.numbers[7] = largest;
  return f;
}

static uint64_t rb_live_file_size(const struct rb_live_file *f) {
  return sizeof f->numbers + f->numbers[4] + f->numbers[5] + f->numbers[6] + f->numbers[7];
}

/* Writes a record and gives the place behind it. */
static uint8_t *rb_live_file_pack(const struct rb_live_file *f, uint8_t *to) {
  memcpy(to, f->numbers, sizeof f->numbers);
  to += sizeof f->numbers;
  for (size_t i = 0; i < 4; i++) {
    size_t n = (size_t)f->numbers[4 + i];
    if (n > 0) {
      memcpy(to, f->texts[i], n);
    }
    to += n;
  }
  return to;
}

rb_live_files rb_live_files_get(rb_db *db) {
  rb_live_files r = {NULL, 0, 0, {RB_OK, NULL}};
  const rocksdb_livefiles_t *all = rocksdb_livefiles(db->db);
  int n = rocksdb_livefiles_count(all);
  uint64_t len = 0;
  for (int i = 0; i < n; i++) {
    struct rb_live_file f = rb_live_file_at(all, i);
    len += rb_live_file_size(&f);
  }
  uint8_t *to = len == 0 ? NULL : malloc((size_t)len);
  if (to != NULL) {
    r.data = to;
    r.len = len;
    r.count = (uint64_t)n;
    for (int i = 0; i < n; i++) {
      struct rb_live_file f = rb_live_file_at(all, i);
      to = rb_live_file_pack(&f, to);
    }
  } else if (len > 0) {
    r.status = rb_status_make(RB_NO_MEMORY, NULL);
  }
  rocksdb_livefiles_destroy(all);
  return r;
}
