#include "loop.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static loop_sum begin(void) { return (loop_sum){.nanos = now()}; }

static loop_sum end(loop_sum sum) {
  sum.nanos = now() - sum.nanos;
  return sum;
}

void loop_free(char *error) { rocksdb_free(error); }

static void count_value(loop_sum *sum, const char *value, size_t len) {
  sum->rows++;
  sum->bytes += (int64_t)len;
  sum->check += (uint8_t)value[0];
  sum->check += (uint8_t)value[len - 1];
}

static void count_row(loop_sum *sum, const rocksdb_iterator_t *it) {
  size_t klen, vlen;
  const char *key = rocksdb_iter_key(it, &klen);
  const char *value = rocksdb_iter_value(it, &vlen);
  sum->bytes += (int64_t)klen;
  sum->check += (uint8_t)key[klen - 1];
  count_value(sum, value, vlen);
}

static rocksdb_options_t *options_new(loop_config c, rocksdb_cache_t *cache, char **err) {
  rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
  rocksdb_block_based_options_set_block_cache(table, cache);
  rocksdb_block_based_options_set_block_size(table, c.block);
  rocksdb_block_based_options_set_format_version(table, 5);
  if (c.bloom > 0) {
    rocksdb_block_based_options_set_filter_policy(table,
                                                  rocksdb_filterpolicy_create_bloom_full(c.bloom));
  }
  rocksdb_options_t *o = rocksdb_options_create();
  rocksdb_options_set_create_if_missing(o, 1);
  rocksdb_options_set_error_if_exists(o, !c.exists);
  rocksdb_options_set_write_buffer_size(o, c.memtable);
  rocksdb_options_set_compression(o, rocksdb_no_compression);
  rocksdb_options_set_block_based_table_factory(o, table);
  rocksdb_block_based_options_destroy(table);
  if (c.options[0] != '\0') {
    rocksdb_options_t *named = rocksdb_options_create();
    rocksdb_get_options_from_string(o, c.options, named, err);
    rocksdb_options_destroy(o);
    o = named;
  }
  return o;
}

char *loop_open(const char *dir, loop_config config, loop_db *out) {
  char *err = NULL;
  loop_db d = {.cache = rocksdb_cache_create_lru(config.cache)};
  d.options = options_new(config, d.cache, &err);
  d.read = rocksdb_readoptions_create();
  d.write = rocksdb_writeoptions_create();
  if (err == NULL) {
    const char *name = "default";
    const rocksdb_options_t *of_family = d.options;
    d.db = rocksdb_open_column_families(d.options, dir, 1, &name, &of_family, &d.family, &err);
  }
  *out = d;
  if (err != NULL) {
    loop_close(out);
  }
  return err;
}

void loop_close(loop_db *d) {
  if (d->db != NULL) {
    rocksdb_column_family_handle_destroy(d->family);
    rocksdb_close(d->db);
  }
  rocksdb_writeoptions_destroy(d->write);
  rocksdb_readoptions_destroy(d->read);
  rocksdb_options_destroy(d->options);
  rocksdb_cache_destroy(d->cache);
  *d = (loop_db){0};
}

loop_sum loop_settle(loop_db *d) {
  loop_sum sum = begin();
  rocksdb_flushoptions_t *o = rocksdb_flushoptions_create();
  rocksdb_flush(d->db, o, &sum.error);
  rocksdb_flushoptions_destroy(o);
  rocksdb_compact_range(d->db, NULL, 0, NULL, 0);
  return end(sum);
}

loop_sum loop_scan(loop_db *d, int reverse) {
  loop_sum sum = begin();
  rocksdb_iterator_t *it = rocksdb_create_iterator(d->db, d->read);
  if (reverse) {
    for (rocksdb_iter_seek_to_last(it); rocksdb_iter_valid(it); rocksdb_iter_prev(it)) {
      count_row(&sum, it);
    }
  } else {
    for (rocksdb_iter_seek_to_first(it); rocksdb_iter_valid(it); rocksdb_iter_next(it)) {
      count_row(&sum, it);
    }
  }
  rocksdb_iter_get_error(it, &sum.error);
  rocksdb_iter_destroy(it);
  return end(sum);
}

loop_sum loop_count(loop_db *d) {
  loop_sum sum = begin();
  rocksdb_iterator_t *it = rocksdb_create_iterator(d->db, d->read);
  for (rocksdb_iter_seek_to_first(it); rocksdb_iter_valid(it); rocksdb_iter_next(it)) {
    size_t klen, vlen;
    (void)rocksdb_iter_key(it, &klen);
    (void)rocksdb_iter_value(it, &vlen);
    sum.rows++;
    sum.bytes += (int64_t)(klen + vlen);
  }
  rocksdb_iter_get_error(it, &sum.error);
  rocksdb_iter_destroy(it);
  return end(sum);
}

/* Looks one key up and counts its value. */
static void get(loop_db *d, const char *key, size_t len, int pinned, loop_sum *sum) {
  size_t vlen;
  if (pinned) {
    rocksdb_pinnableslice_t *p = rocksdb_get_pinned(d->db, d->read, key, len, &sum->error);
    if (p != NULL) {
      const char *value = rocksdb_pinnableslice_value(p, &vlen);
      count_value(sum, value, vlen);
      rocksdb_pinnableslice_destroy(p);
    }
    return;
  }
  char *value = rocksdb_get(d->db, d->read, key, len, &vlen, &sum->error);
  if (value != NULL) {
    count_value(sum, value, vlen);
    rocksdb_free(value);
  }
}

loop_sum loop_get(loop_db *d, loop_rows r, int pinned) {
  loop_sum sum = begin();
  for (size_t i = 0; i < r.count && sum.error == NULL; i++) {
    get(d, r.keys + i * r.width, r.width, pinned, &sum);
  }
  return end(sum);
}

/* The room of one lookup of many keys. */
typedef struct group_room {
  const char **keys;
  size_t *widths, *sizes;
  char **values, **errors;
  rocksdb_pinnableslice_t **pinned;
} group_room;

/* One allocation for all of it: each member is as wide as a pointer. */
static group_room group_room_new(size_t n) {
  void **p = calloc(6 * n, sizeof(void *));
  return (group_room){.keys = (const char **)p,
                      .widths = (size_t *)(p + n),
                      .sizes = (size_t *)(p + 2 * n),
                      .values = (char **)(p + 3 * n),
                      .errors = (char **)(p + 4 * n),
                      .pinned = (rocksdb_pinnableslice_t **)(p + 5 * n)};
}

/* Keeps the first error and frees the others. */
static void group_error(loop_sum *sum, char *error) {
  if (sum->error == NULL) {
    sum->error = error;
  } else if (error != NULL) {
    rocksdb_free(error);
  }
}

static void group_get(loop_db *d, group_room g, size_t n, loop_sum *sum) {
  rocksdb_multi_get(d->db, d->read, n, g.keys, g.widths, g.values, g.sizes, g.errors);
  for (size_t j = 0; j < n; j++) {
    group_error(sum, g.errors[j]);
    if (g.values[j] != NULL) {
      count_value(sum, g.values[j], g.sizes[j]);
      rocksdb_free(g.values[j]);
    }
  }
}

static void group_get_batched(loop_db *d, group_room g, size_t n, loop_sum *sum) {
  rocksdb_batched_multi_get_cf(d->db, d->read, d->family, n, g.keys, g.widths, g.pinned, g.errors,
                               false);
  for (size_t j = 0; j < n; j++) {
    group_error(sum, g.errors[j]);
    if (g.pinned[j] != NULL) {
      size_t len;
      const char *value = rocksdb_pinnableslice_value(g.pinned[j], &len);
      count_value(sum, value, len);
      rocksdb_pinnableslice_destroy(g.pinned[j]);
    }
  }
}

loop_sum loop_multiget(loop_db *d, loop_rows r, size_t group, int batched) {
  group_room g = group_room_new(group);
  loop_sum sum = begin();
  for (size_t i = 0; i + group <= r.count && sum.error == NULL; i += group) {
    for (size_t j = 0; j < group; j++) {
      g.keys[j] = r.keys + (i + j) * r.width;
      g.widths[j] = r.width;
    }
    if (batched) {
      group_get_batched(d, g, group, &sum);
    } else {
      group_get(d, g, group, &sum);
    }
  }
  sum = end(sum);
  free(g.keys);
  return sum;
}

loop_sum loop_seek(loop_db *d, loop_rows r, size_t n) {
  loop_sum sum = begin();
  rocksdb_iterator_t *it = rocksdb_create_iterator(d->db, d->read);
  for (size_t i = 0; i < r.count; i++) {
    rocksdb_iter_seek(it, r.keys + i * r.width, r.width);
    for (size_t seen = 0; rocksdb_iter_valid(it);) {
      count_row(&sum, it);
      if (++seen == n) {
        break;
      }
      rocksdb_iter_next(it);
    }
  }
  rocksdb_iter_get_error(it, &sum.error);
  rocksdb_iter_destroy(it);
  return end(sum);
}

loop_sum loop_prefix(loop_db *d, loop_rows r, size_t prefix) {
  char upper[16];
  loop_sum sum = begin();
  for (size_t i = 0; i < r.count && sum.error == NULL; i++) {
    const char *from = r.keys + i * r.width;
    memcpy(upper, from, prefix);
    for (size_t at = prefix; at-- > 0;) { /* prefixes of rows are not all 0xFF */
      upper[at] = (char)((uint8_t)upper[at] + 1);
      if (upper[at] != 0) {
        break;
      }
    }
    rocksdb_readoptions_t *read = rocksdb_readoptions_create();
    rocksdb_readoptions_set_iterate_upper_bound(read, upper, prefix);
    rocksdb_iterator_t *it = rocksdb_create_iterator(d->db, read);
    for (rocksdb_iter_seek(it, from, prefix); rocksdb_iter_valid(it); rocksdb_iter_next(it)) {
      sum.rows++;
    }
    rocksdb_iter_get_error(it, &sum.error);
    rocksdb_iter_destroy(it);
    rocksdb_readoptions_destroy(read);
  }
  return end(sum);
}

static void put(loop_db *d, loop_rows r, size_t i, char **err) {
  rocksdb_put(d->db, d->write, r.keys + i * r.width, r.width, r.pool + r.offsets[i], r.size, err);
}

static void batch_put(rocksdb_writebatch_t *b, loop_rows r, size_t i) {
  rocksdb_writebatch_put(b, r.keys + i * r.width, r.width, r.pool + r.offsets[i], r.size);
}

loop_sum loop_put(loop_db *d, loop_rows r, size_t n) {
  loop_sum sum = begin();
  rocksdb_writebatch_t *b = rocksdb_writebatch_create();
  size_t rows = 0;
  for (size_t i = 0; i < r.count && sum.error == NULL; i++) {
    if (n == 1) {
      put(d, r, i, &sum.error);
      continue;
    }
    batch_put(b, r, i);
    if (++rows == n || i + 1 == r.count) {
      rocksdb_write(d->db, d->write, b, &sum.error);
      rocksdb_writebatch_clear(b);
      rows = 0;
    }
  }
  rocksdb_writebatch_destroy(b);
  return end(sum);
}

loop_sum loop_build(loop_rows r, size_t n) {
  loop_sum sum = begin();
  rocksdb_writebatch_t *b = rocksdb_writebatch_create();
  for (size_t done = 0; done < r.count; done += n) {
    rocksdb_writebatch_clear(b);
    for (size_t i = 0; i < n; i++) {
      batch_put(b, r, i);
    }
    sum.rows += (int64_t)n;
  }
  rocksdb_writebatch_destroy(b);
  return end(sum);
}

static void scan_from(loop_db *d, const char *from, size_t len, size_t n, loop_sum *sum) {
  rocksdb_iterator_t *it = rocksdb_create_iterator(d->db, d->read);
  for (rocksdb_iter_seek(it, from, len); n > 0 && rocksdb_iter_valid(it); n--) {
    count_row(sum, it);
    rocksdb_iter_next(it);
  }
  rocksdb_iter_get_error(it, &sum->error);
  rocksdb_iter_destroy(it);
}

loop_sum loop_replay(loop_db *d, loop_rows r, const uint8_t *kinds, const uint16_t *lengths) {
  enum { read, update, insert, scan, read_modify_write };
  loop_sum sum = begin();
  for (size_t i = 0; i < r.count && sum.error == NULL; i++) {
    const char *key = r.keys + i * r.width;
    switch (kinds[i]) {
      case read:
        get(d, key, r.width, 1, &sum);
        break;
      case scan:
        scan_from(d, key, r.width, lengths[i], &sum);
        break;
      case read_modify_write:
        get(d, key, r.width, 1, &sum);
        if (sum.error == NULL) {
          put(d, r, i, &sum.error);
        }
        break;
      default:
        put(d, r, i, &sum.error);
    }
  }
  return end(sum);
}
