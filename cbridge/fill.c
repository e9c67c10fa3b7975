/* fill.c: many rows of an iterator in one call: delivered, counted, or lent one by one. */
#include <time.h>

#include "rows.h"
#include "walk.h"

bool rb_iter_late(const rb_iter *it, uint64_t n) {
  if (it->deadline == 0 || n % 64 != 0) {
    return false;
  }
  struct timespec now = {0, 0};
  (void)clock_gettime(CLOCK_REALTIME, &now); /* the clock that RocksDB compares with */
  return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000 >= it->deadline;
}

rb_status rb_iter_timed_out(void) { return rb_status_make(RB_TIMED_OUT, "deadline exceeded"); }

rb_status rb_iter_status(const rb_iter *it) {
  char *err = NULL;
  if (it->placed) { /* else it is of a place that was left */
    rocksdb_iter_get_error(it->it, &err);
  }
  return err == NULL && it->placed && it->merged != NULL ? rb_merged_failure(it)
                                                         : rb_status_from(err);
}

rb_fill rb_iter_fill(rb_iter *it, uint32_t move, const uint8_t *key, size_t klen, uint8_t *buf,
                     size_t cap, uint32_t max_rows) {
  rb_fill f = {0, 0, 0, 0, {RB_OK, NULL}};
  struct rb_rows rows = {buf, cap, 0, 0};
  struct rb_search search = {0, 0, false};
  rb_family_reads(it->family);
  rb_iter_move(it, move, key, klen);
  while (rb_search_next(it, &search)) {
    size_t n = 0, vlen = 0, whole = 0;
    const char *k = rb_cursor_key(it, &n);
    const char *value = rb_row_value(it, &vlen, &whole);
    uint64_t stamp = it->timed ? rb_iter_timestamp(it, n) : 0;
    if (!rb_rows_append_stamped(&rows, k, n, value, vlen, whole, it->timed ? &stamp : NULL)) {
      f.need = rows.count == 0 ? rb_rows_need(n, vlen) + (it->timed ? sizeof stamp : 0) : 0;
      break;
    }
    if (rows.count >= max_rows) {
      it->delivered = true; /* the next row is not read before somebody asks for it */
      break;
    }
    rb_iter_advance(it);
  }
  f.status = rb_search_end(it, &search, &f.end);
  if (!rb_iter_was_read(it, &f.status, &f.end)) {
    f.need = 0;
    return f;
  }
  f.used = rows.used;
  f.rows = rows.count;
  return f;
}

rb_count rb_iter_count(rb_iter *it, uint32_t move, uint64_t max_rows) {
  rb_count c = {0, 0, 0, 0, {RB_OK, NULL}};
  struct rb_search search = {0, 0, false};
  rb_family_reads(it->family);
  rb_iter_move(it, move, NULL, 0);
  while (c.rows < max_rows && rb_search_next(it, &search)) {
    size_t n = 0, vlen = 0, whole = 0;
    rb_cursor_key(it, &n);
    rb_row_value(it, &vlen, &whole);
    c.rows++;
    c.key_bytes += n;
    c.value_bytes += vlen;
    rb_iter_advance(it);
  }
  c.status = rb_search_end(it, &search, &c.end);
  (void)rb_iter_was_read(it, &c.status, &c.end);
  return c;
}

rb_row rb_iter_step(rb_iter *it, uint32_t move, uint8_t next, const uint8_t *key, size_t klen) {
  rb_row r = {NULL, NULL, 0, 0, 0, {RB_OK, NULL}};
  rb_family_reads(it->family);
  if (move == RB_MOVE_ON) {
    if (rb_iter_on_row(it)) {
      it->backward = !next;
      rb_iter_advance(it);
    }
  } else {
    rb_iter_move(it, move, key, klen);
  }
  uint8_t end = !rb_iter_on_row(it);
  if (end) {
    r.status = rb_iter_status(it);
  }
  (void)rb_iter_was_read(it, &r.status, &end);
  if (!end && !rb_row_ready(it)) {
    end = 1;
    r.status = rb_columns_failure(it);
  }
  if (end) {
    return r;
  }
  r.valid = 1;
  r.key = (const uint8_t *)rb_cursor_key(it, &r.klen);
  size_t whole = 0;
  r.value = (const uint8_t *)rb_row_value(it, &r.vlen, &whole);
  return r;
}
