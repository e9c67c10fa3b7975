/* approximate.c: about how many bytes ranges of keys take. */
#include <stdlib.h>

#include "cxx.h"
#include "handles.h"
#include "later.h"

bool rb_size_flags_offered(void) { return rocksdb_approximate_sizes_cf_with_flags != NULL; }

bool rb_size_options_offered(void) {
  return rocksdb_approximate_sizes_cf_with_options != NULL &&
         rocksdb_size_approximation_options_create != NULL &&
         rocksdb_size_approximation_options_destroy != NULL &&
         rocksdb_size_approximation_options_set_include_memtables != NULL &&
         rocksdb_size_approximation_options_set_include_files != NULL &&
         rocksdb_size_approximation_options_set_include_blob_files != NULL &&
         rocksdb_size_approximation_options_set_files_size_error_margin != NULL;
}

/* Whether RocksDB can count what is asked for. */
static bool rb_size_offered(rb_size_options o) {
  bool flags = o.memtables != 0 || o.no_files != 0;
  return (!flags || rb_supports(RB_FEATURE_SIZE_FLAGS)) &&
         (!(o.margin > 0) || rb_supports(RB_FEATURE_SIZE_MARGIN)) &&
         (!o.blobs || rb_supports(RB_FEATURE_SIZE_BLOBS));
}

/* By RocksDB's object of options. */
static void rb_size_by_options(rb_family *f, rb_size_options o, const struct rb_ranges *r,
                               uint64_t *sizes, char **err) {
  rocksdb_size_approximation_options_t *s = rocksdb_size_approximation_options_create();
  rocksdb_size_approximation_options_set_include_memtables(s, o.memtables);
  rocksdb_size_approximation_options_set_include_files(s, !o.no_files);
  rocksdb_size_approximation_options_set_include_blob_files(s, o.blobs);
  rocksdb_size_approximation_options_set_files_size_error_margin(s, o.margin);
  rocksdb_approximate_sizes_cf_with_options(f->db->db, f->handle, s, (int)r->n, r->starts,
                                            r->start_lens, r->ends, r->end_lens, sizes, err);
  rocksdb_size_approximation_options_destroy(s);
}

/* By the youngest way that the linked RocksDB has. */
static rb_status rb_size_ranges(rb_family *f, rb_size_options o, const struct rb_ranges *r,
                                uint64_t *sizes) {
  char *err = NULL;
  if (rb_size_options_offered()) {
    rb_size_by_options(f, o, r, sizes, &err);
  } else if (rb_cxx_offered()) {
    return rb_cxx_sizes(f->db->db, f->handle, &o, r, sizes);
  } else if (rb_size_flags_offered()) {
    uint8_t flags =
        (uint8_t)((o.memtables ? RB_SIZE_MEMTABLES : 0) | (o.no_files ? 0 : RB_SIZE_FILES));
    rocksdb_approximate_sizes_cf_with_flags(f->db->db, f->handle, (int)r->n, r->starts,
                                            r->start_lens, r->ends, r->end_lens, flags, sizes,
                                            &err);
  } else {
    rocksdb_approximate_sizes_cf(f->db->db, f->handle, (int)r->n, r->starts, r->start_lens, r->ends,
                                 r->end_lens, sizes, &err);
  }
  return rb_status_from(err);
}

/* Makes room for n ranges, in one piece of memory, which starts with starts. */
static bool rb_ranges_new(struct rb_ranges *r, size_t n) {
  void *room = calloc(n, 2 * sizeof *r->starts + 2 * sizeof *r->start_lens);
  if (room == NULL) {
    return false;
  }
  r->n = n;
  r->starts = room;
  r->ends = r->starts + n;
  r->start_lens = (void *)(r->ends + n);
  r->end_lens = r->start_lens + n;
  return true;
}

/* A key above all others. NULL when memory is short. */
static char *rb_highest_key(size_t *len) {
  *len = (size_t)RB_MAX_KEY + 1;
  char *key = malloc(*len);
  if (key != NULL) {
    memset(key, 0xFF, *len);
  }
  return key;
}

rb_status rb_approximate_sizes(rb_family *f, rb_size_options o, const uint64_t *lens,
                               const uint8_t *keys, size_t n, uint64_t *sizes) {
  if (!rb_size_offered(o)) {
    return rb_status_make(RB_UNSUPPORTED, NULL);
  }
  struct rb_ranges r = {0, NULL, NULL, NULL, NULL};
  char *highest = NULL;
  size_t highest_len = 0;
  bool room = rb_ranges_new(&r, n);
  for (size_t i = 0; i < n && room; i++) {
    r.starts[i] = (const char *)keys;
    r.start_lens[i] = (size_t)lens[2 * i];
    keys += lens[2 * i];
    if (lens[2 * i + 1] == RB_NO_END) {
      highest = highest != NULL ? highest : rb_highest_key(&highest_len);
      room = highest != NULL;
      r.ends[i] = highest;
      r.end_lens[i] = highest_len;
    } else {
      r.ends[i] = (const char *)keys;
      r.end_lens[i] = (size_t)lens[2 * i + 1];
      keys += lens[2 * i + 1];
    }
  }
  rb_status s = room ? rb_size_ranges(f, o, &r, sizes) : rb_status_make(RB_NO_MEMORY, NULL);
  free(highest);
  free(r.starts);
  return s;
}
