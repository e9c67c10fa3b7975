/* timestamps_test.c: keys with timestamps: reads as of one, all versions, and the history. */
/* link: -Wl,--wrap=calloc,--wrap=realloc,--wrap=rocksdb_readoptions_create */
#include "fixture.h"

#include "handles.h"

static unsigned options_fail_in; /* the how many-th is NULL; 0: none */
static unsigned countdown;       /* the same of allocations */

static bool fails(unsigned *left) { return *left > 0 && --*left == 0; }

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) {
  return fails(&countdown) ? NULL : __real_calloc(n, size);
}

void *__real_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n) { return fails(&countdown) ? NULL : __real_realloc(p, n); }

rocksdb_readoptions_t *__real_rocksdb_readoptions_create(void);
rocksdb_readoptions_t *__wrap_rocksdb_readoptions_create(void);
rocksdb_readoptions_t *__wrap_rocksdb_readoptions_create(void) {
  return fails(&options_fail_in) ? NULL : __real_rocksdb_readoptions_create();
}

static int set_up(void **state) {
  fx_new_empty(state);
  struct setup s = fx_defaults();
  s.family.operators.stamped = 1;
  fx_open(*state, s);
  options_fail_in = 0;
  countdown = 0;
  return 0;
}

/* A batch of one record: a put, or a deletion if value is NULL. */
static void write_at(struct fixture *f, const char *key, uint64_t at, const char *value) {
  uint8_t rep[256] = {0};
  size_t n = 12, klen = strlen(key), vlen = value == NULL ? 0 : strlen(value);
  rep[8] = 1;
  rep[n++] = value == NULL ? 0 : 1;
  rep[n++] = (uint8_t)(klen + RB_STAMP);
  memcpy(rep + n, key, klen);
  n += klen;
  memcpy(rep + n, rb_stamp_of(at).bytes, RB_STAMP);
  n += RB_STAMP;
  if (value != NULL) {
    rep[n++] = (uint8_t)vlen;
    memcpy(rep + n, value, vlen);
    n += vlen;
  }
  fx_ok(rb_write(f->db, 0, rep, n));
}

static void expect_stamped(rb_value v, const char *want, const uint8_t *buf) {
  fx_ok(v.status);
  assert_int_equal(v.len, strlen(want));
  assert_memory_equal(v.pin == NULL ? buf : v.data, want, v.len);
  rb_unpin(v.pin);
}

static void test_stamps_are_little_endian(void **state) {
  (void)state;
  struct rb_stamp s = rb_stamp_of(0x0102030405060708);
  assert_memory_equal(s.bytes, "\x08\x07\x06\x05\x04\x03\x02\x01", RB_STAMP);
  assert_true(rb_stamp_number(s.bytes) == 0x0102030405060708);
  assert_true(rb_stamp_number(rb_stamp_of(UINT64_MAX).bytes) == UINT64_MAX);
}

static void test_reads_as_of(void **state) {
  struct fixture *f = *state;
  uint8_t buf[16];
  write_at(f, "k", 3, "three");
  write_at(f, "k", 5, "five!");
  f->snap = rb_snapshot_new(f->db);
  write_at(f, "k", 7, NULL);
  expect_stamped(rb_get_at(f->family, NULL, 0, 0, 4, BYTES("k"), buf, sizeof buf), "three", buf);
  expect_stamped(rb_get_at(f->family, NULL, 0, 0, 6, BYTES("k"), buf, 2), "five!", buf);
  expect_stamped(rb_get_at(f->family, f->snap, 0, 0, 9, BYTES("k"), buf, sizeof buf), "five!", buf);
  assert_int_equal(rb_get_at(f->family, NULL, 0, 0, 7, BYTES("k"), buf, 16).status.code,
                   RB_NOT_FOUND);
  assert_int_equal(rb_get_at(f->family, NULL, 0, 0, 2, BYTES("k"), buf, 16).status.code,
                   RB_NOT_FOUND);
  rb_stamped s = rb_get_stamped(f->family, f->snap, 0, 0, UINT64_MAX, BYTES("k"));
  fx_ok(s.status);
  assert_int_equal(s.timestamp, 5);
  assert_int_equal(s.len, 5);
  assert_memory_equal(s.data, "five!", 5);
  rb_free(s.data);
  s = rb_get_stamped(f->family, NULL, 0, 0, 8, BYTES("k"));
  assert_int_equal(s.status.code, RB_NOT_FOUND);
  assert_null(s.data);
}

static void test_reads_without_memory(void **state) {
  struct fixture *f = *state;
  options_fail_in = 1;
  fx_error(rb_get_at(f->family, NULL, 0, 0, 1, BYTES("k"), NULL, 0).status, RB_NO_MEMORY, NULL);
  options_fail_in = 1;
  fx_error(rb_get_stamped(f->family, NULL, 0, 0, 1, BYTES("k")).status, RB_NO_MEMORY, NULL);
}

static void test_many_keys_as_of(void **state) {
  struct fixture *f = *state;
  write_at(f, "a", 3, "old");
  write_at(f, "a", 5, "new");
  write_at(f, "b", 5, "b");
  rb_key keys[2] = {{0, 1}, {0, 1}};
  rb_answer found[2];
  uint8_t buf[16];
  rb_read how = {.timed = 1, .at = 4};
  rb_multi m = rb_multi_get(&f->family, how, keys, 2, U8("ab"), buf, sizeof buf, found);
  fx_ok(m.status);
  assert_int_equal(found[0].code, RB_OK);
  assert_int_equal(found[0].len, 3);
  assert_memory_equal(buf + found[0].at, "old", 3);
  assert_int_equal(found[1].code, RB_NOT_FOUND);
}

static rb_iter *iter_at(struct fixture *f, rb_iter_options o) {
  o.timed = 1;
  rb_iter_result r = rb_iter_new(f->family, f->snap, o, NULL, 0, NULL, 0);
  fx_ok(r.status);
  f->it = r.iter;
  return r.iter;
}

static void test_rows_have_timestamps(void **state) {
  struct fixture *f = *state;
  write_at(f, "a", 3, "one");
  write_at(f, "b", 4, "two");
  write_at(f, "b", 6, "three");
  rb_iter_options o = {.at = 5};
  rb_iter *it = iter_at(f, o);
  uint8_t buf[256];
  uint32_t move[] = {RB_MOVE_FIRST, RB_MOVE_LAST};
  for (int i = 0; i < 2; i++) {
    rb_fill r = rb_iter_fill(it, move[i], NULL, 0, buf, sizeof buf, 10);
    fx_ok(r.status);
    assert_int_equal(r.rows, 2);
    assert_int_equal(r.used, 2 * (8 + 1 + 3 + 8));
    uint64_t first, second;
    memcpy(&first, buf + 12, sizeof first);
    memcpy(&second, buf + 20 + 12, sizeof second);
    assert_int_equal(i == 0 ? first : second, 3);
    assert_int_equal(i == 0 ? second : first, 4);
  }
  rb_fill r = rb_iter_fill(it, RB_MOVE_FIRST, NULL, 0, buf, 20, 10);
  fx_ok(r.status);
  assert_int_equal(r.rows, 0);
  assert_int_equal(r.need, 8 + 1 + 3 + 8 + 4);
  assert_int_equal(rb_iter_timestamp(it, 0), 0); /* RocksDB is not asked of a key that is empty */
  fx_ok(rb_iter_refresh(it));
}

/* Checks that the versions from since to at are these: "key@timestamp=value" or "key@timestamp-".
 */
static void expect_versions(struct fixture *f, rb_iter_options o, uint64_t rows, size_t cap,
                            const char *want) {
  char text[1024] = "";
  uint8_t *buf = malloc(cap);
  uint32_t move = RB_MOVE_FIRST;
  rb_versions r;
  o.versions = 1;
  rb_iter *it = iter_at(f, o);
  do {
    r = rb_iter_versions(it, move, rows, buf, cap);
    fx_ok(r.status);
    move = RB_MOVE_ON;
    for (size_t n = 0; n < r.used;) {
      uint64_t at;
      uint32_t head[3];
      memcpy(&at, buf + n, sizeof at);
      memcpy(head, buf + n + 8, sizeof head);
      n += RB_VERSION_HEAD;
      snprintf(text + strlen(text), sizeof text - strlen(text), "%.*s@%d%s%.*s ", (int)head[1],
               (const char *)buf + n, (int)at, head[0] == RB_VERSION_DELETED ? "-" : "=",
               (int)head[2], (const char *)buf + n + head[1]);
      n += head[1] + head[2];
    }
    if (r.need > 0) {
      assert_int_equal(r.rows, 0);
      free(buf);
      buf = malloc(r.need);
      assert_non_null(buf);
      cap = r.need;
    }
  } while (!r.end);
  assert_string_equal(text, want);
  free(buf);
  rb_iter_free(f->it);
  f->it = NULL;
}

static void test_versions(void **state) {
  struct fixture *f = *state;
  write_at(f, "a", 0, "zero");
  write_at(f, "a", 1, "one");
  write_at(f, "a", 2, NULL);
  write_at(f, "a", 3, "three");
  for (int i = 0; i < 30; i++) { /* RocksDB's iterator goes behind the key over these */
    write_at(f, "b", 1, "b");
  }
  for (int i = 0; i < 30; i++) {
    write_at(f, "b", 2, "bb");
  }
  for (int i = 0; i < 30; i++) {
    write_at(f, "c", 5, "c");
  }
  write_at(f, "d", 3, "d");
  f->snap = rb_snapshot_new(f->db);
  rb_iter_options o = {.at = 9};
  const char *all = "a@3=three a@2- a@1=one a@0=zero b@2=bb b@1=b c@5=c d@3=d ";
  expect_versions(f, o, 100, 1000, all);
  expect_versions(f, o, 1, 1000, all);
  expect_versions(f, o, 100, 1, all);
  o.at = 2;
  expect_versions(f, o, 100, 1000, "a@2- a@1=one a@0=zero b@2=bb b@1=b ");
  o.since = 2;
  expect_versions(f, o, 100, 1000, "a@2- b@2=bb ");
  o.max_value = 1;
  expect_versions(f, o, 100, 1000, "a@2- b@2=b ");
  o.flags = RB_READ_KEYS_ONLY;
  expect_versions(f, o, 100, 1000, "a@2- b@2= ");
}

/* Versions behind many writes of one timestamp down to timestamp 0. */
static void test_versions_down_to_zero(void **state) {
  struct fixture *f = *state;
  write_at(f, "a", 0, "zero");
  for (int i = 0; i < 30; i++) {
    write_at(f, "a", 1, "one");
  }
  for (int i = 0; i < 30; i++) {
    write_at(f, "a", 2, "two");
  }
  f->snap = rb_snapshot_new(f->db);
  rb_iter_options o = {.at = 9};
  expect_versions(f, o, 100, 1000, "a@2=two a@1=one a@0=zero ");
}

/* Versions in several files of a level: where one ends, the iterator looks into the next one. A
 * timestamp is no part of the key that is compared with that place: "a" lies before "a\1". */
static void test_versions_in_files(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.family.operators.stamped = 1;
  s.family_extra = "disable_auto_compactions=true;level_compaction_dynamic_level_bytes=false";
  fx_open(f, s);
  const char *keys[] = {"a", "a\1", "b"};
  for (size_t i = 0; i < 3; i++) {
    write_at(f, keys[i], 3, "three");
    write_at(f, keys[i], 5, "five");
    write_at(f, keys[i], 7, i == 1 ? NULL : "seven");
    fx_flush(f);
    fx_ok(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0));
  }
  assert_int_equal(fx_number(f->family, "rocksdb.num-files-at-level1"), 3);
  rb_iter_options o = {.at = 9};
  const char *all = "a@7=seven a@5=five a@3=three a\1@7- a\1@5=five a\1@3=three "
                    "b@7=seven b@5=five b@3=three ";
  expect_versions(f, o, 100, 1000, all);
  expect_versions(f, o, 1, 1000, all);
  o.at = 6;
  o.since = 4;
  expect_versions(f, o, 100, 1000, "a@5=five a\1@5=five b@5=five ");
}

static void test_versions_without_memory_or_time(void **state) {
  struct fixture *f = *state;
  uint8_t buf[100];
  write_at(f, "a", 1, "one");
  rb_iter_options o = {.timed = 1, .versions = 1, .at = 9};
  options_fail_in = 2; /* of the second iterator */
  rb_iter_result r = rb_iter_new(f->family, NULL, o, NULL, 0, NULL, 0);
  assert_null(r.iter);
  fx_error(r.status, RB_NO_MEMORY, NULL);
  countdown = 2;
  r = rb_iter_new(f->family, NULL, o, NULL, 0, NULL, 0);
  assert_null(r.iter);
  fx_error(r.status, RB_NO_MEMORY, NULL);
  rb_iter *it = iter_at(f, o);
  countdown = 1;
  rb_versions v = rb_iter_versions(it, RB_MOVE_FIRST, 9, buf, sizeof buf);
  assert_int_equal(countdown, 0);
  assert_true(v.end && v.rows == 0);
  fx_error(v.status, RB_NO_MEMORY, NULL);
  rb_iter_free(it);
  f->it = NULL;
  o.deadline = 1;
  r = rb_iter_new(f->family, NULL, o, NULL, 0, NULL, 0);
  fx_ok(r.status);
  f->it = r.iter;
  v = rb_iter_versions(r.iter, RB_MOVE_FIRST, 9, buf, sizeof buf);
  assert_true(v.end);
  fx_error(v.status, RB_TIMED_OUT, NULL);
}

static void test_history(void **state) {
  struct fixture *f = *state;
  rb_history h = rb_history_low(f->family);
  fx_ok(h.status);
  assert_int_equal(h.low, 0);
  write_at(f, "k", 3, "three");
  fx_ok(rb_history_raise(f->family, 5));
  fx_flush(f);
  h = rb_history_low(f->family);
  fx_ok(h.status);
  assert_int_equal(h.low, 5);
  uint8_t buf[16];
  fx_error(rb_get_at(f->family, NULL, 0, 0, 4, BYTES("k"), buf, sizeof buf).status,
           RB_INVALID_ARGUMENT, "full_history_ts_low");
  fx_error(rb_get_stamped(f->family, NULL, 0, 0, 4, BYTES("k")).status, RB_INVALID_ARGUMENT,
           "full_history_ts_low");
  rb_iter_options o = {.timed = 1, .at = 4};
  fx_error(rb_iter_new(f->family, NULL, o, NULL, 0, NULL, 0).status, RB_INVALID_ARGUMENT, NULL);
  expect_stamped(rb_get_at(f->family, NULL, 0, 0, 5, BYTES("k"), buf, sizeof buf), "three", buf);
  fx_error(rb_history_raise(f->family, 4), RB_INVALID_ARGUMENT, NULL);
  struct setup s = fx_defaults();
  s.family.operators.stamped = 1;
  s.db.read_only = 1;
  fx_open(f, s);
  h = rb_history_low(f->family);
  fx_ok(h.status);
  assert_int_equal(h.low, 5);
  fx_error(rb_history_raise(f->family, 9), RB_READ_ONLY, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_stamps_are_little_endian),
      cmocka_unit_test_setup_teardown(test_reads_as_of, set_up, fx_free),
      cmocka_unit_test_setup_teardown(test_reads_without_memory, set_up, fx_free),
      cmocka_unit_test_setup_teardown(test_many_keys_as_of, set_up, fx_free),
      cmocka_unit_test_setup_teardown(test_rows_have_timestamps, set_up, fx_free),
      cmocka_unit_test_setup_teardown(test_versions, set_up, fx_free),
      cmocka_unit_test_setup_teardown(test_versions_down_to_zero, set_up, fx_free),
      cmocka_unit_test_setup_teardown(test_versions_in_files, set_up, fx_free),
      cmocka_unit_test_setup_teardown(test_versions_without_memory_or_time, set_up, fx_free),
      cmocka_unit_test_setup_teardown(test_history, set_up, fx_free),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
