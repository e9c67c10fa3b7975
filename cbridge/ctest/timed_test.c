/* timed_test.c: databases of RocksDB's TTL, whose values have times behind them. */
/* link: -Wl,--wrap=rocksdb_get_pinned_cf */
#include "fixture.h"

#include "rocksdb/c.h"

static bool unread; /* RocksDB's TTL finds no time in an empty value */

rocksdb_pinnableslice_t *__real_rocksdb_get_pinned_cf(rocksdb_t *db, const rocksdb_readoptions_t *o,
                                                      rocksdb_column_family_handle_t *h,
                                                      const char *key, size_t klen, char **err);
rocksdb_pinnableslice_t *__wrap_rocksdb_get_pinned_cf(rocksdb_t *db, const rocksdb_readoptions_t *o,
                                                      rocksdb_column_family_handle_t *h,
                                                      const char *key, size_t klen, char **err);
rocksdb_pinnableslice_t *__wrap_rocksdb_get_pinned_cf(rocksdb_t *db, const rocksdb_readoptions_t *o,
                                                      rocksdb_column_family_handle_t *h,
                                                      const char *key, size_t klen, char **err) {
  if (unread) {
    *err = strdup("Corruption: Error: value's length less than timestamp's\n: ");
    return NULL;
  }
  return __real_rocksdb_get_pinned_cf(db, o, h, key, klen, err);
}

static struct setup timed(void) {
  struct setup s = fx_defaults();
  s.db.timed_rows = 1;
  s.family.operators.merge_kind = RB_MERGE_APPEND;
  s.family.operators.merge_name = "rockbridge.append.";
  s.family.operators.row_ttl = 3600;
  return s;
}

static int new(void **state) {
  unread = false;
  fx_new_empty(state);
  fx_open(*state, timed());
  return 0;
}

static void merge(rb_family *f, const char *key, const char *operand) {
  fx_ok(rb_apply(f, RB_MERGE, 0, BYTES(key), BYTES(operand)));
}

static void no_time_is_seen(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "a", "value");
  fx_put(f->family, "b", "");
  merge(f->family, "a", "+");
  merge(f->family, "c", "new");
  for (int flushed = 0; flushed < 2; flushed++) {
    fx_expect(f->family, NULL, "a", "value+");
    fx_expect(f->family, NULL, "b", "");
    fx_expect(f->family, NULL, "c", "new");
    const rb_key keys[] = {{0, 1}, {0, 1}, {0, 1}, {0, 1}};
    uint8_t buf[64];
    rb_answer found[4];
    rb_family *const all[] = {f->family};
    rb_multi m = rb_multi_get(all, (rb_read){0}, keys, 4, U8("abcd"), buf, sizeof buf, found);
    fx_ok(m.status);
    assert_null(m.rest);
    assert_int_equal(m.used, 9);
    assert_memory_equal(buf, "value+new", 9);
    fx_flush(f);
  }
}

static uint64_t number(rb_family *f, const char *key) {
  uint64_t n = 0;
  rb_value v = rb_get(f, NULL, 0, 0, BYTES(key), (uint8_t *)&n, sizeof n);
  fx_ok(v.status);
  assert_int_equal(v.len, sizeof n);
  return n;
}

static void families_come_back_with_one_time(void **state) {
  struct fixture *f = *state;
  struct setup s = timed();
  const uint64_t one = 1;
  /* RocksDB before 8.9 writes no OPTIONS file unless it can make the merge operator itself. */
  s.family.operators.merge_kind = RB_MERGE_UINT64_ADD;
  fx_close(f);
  strcat(f->dir, ".numbers");
  fx_open(f, s);
  rb_family_result r = rb_family_create(f->db, "f", s.family, NULL);
  fx_ok(r.status);
  for (uint64_t n = 1; n <= 3; n++) {
    fx_ok(rb_apply(r.family, RB_MERGE, 0, BYTES("key"), (const uint8_t *)&one, sizeof one));
    assert_int_equal(number(r.family, "key"), n);
    fx_ok(rb_flush(f->db, &r.family, 1));
    fx_ok(rb_compact(r.family, 0, NULL, 0, 0, NULL, 0));
    assert_int_equal(number(r.family, "key"), n);
    fx_close(f);
    rb_plan *p = rb_plan_new(f->dir, s.db);
    fx_ok(rb_plan_family(p, "default", s.family, NULL));
    fx_ok(rb_plan_family_from_disk(p, "f"));
    fx_ok(rb_plan_operators(p, "f", s.family.operators));
    rb_opened o = rb_plan_open(p);
    rb_plan_free(p);
    fx_ok(o.status);
    f->db = o.db;
    r = rb_family_find(f->db, "f");
    fx_ok(r.status);
  }
}

static void what_the_cache_lacks_is_no_damage(void **state) {
  struct fixture *f = *state;
  uint8_t buf[8];
  fx_put(f->family, "a", "value");
  unread = true;
  fx_error(rb_get(f->family, NULL, RB_READ_CACHE_ONLY, 0, BYTES("a"), buf, sizeof buf).status,
           RB_INCOMPLETE, NULL);
  fx_error(rb_get(f->family, NULL, 0, 0, BYTES("a"), buf, sizeof buf).status, RB_CORRUPTION, NULL);
}

static void a_refreshed_iterator_is_a_new_one(void **state) {
  struct fixture *f = *state;
  rb_iter_result r = rb_iter_new(f->family, NULL, (rb_iter_options){0}, NULL, 0, NULL, 0);
  fx_ok(r.status);
  f->it = r.iter;
  fx_put(f->family, "a", "value");
  fx_ok(rb_iter_refresh(f->it));
}

static void no_reader_opens_it(void **state) {
  struct fixture *f = *state;
  struct setup s = timed();
  s.db.read_only = 1;
  fx_close(f);
  fx_error(fx_try_open(f->dir, s).status, RB_UNSUPPORTED, "timed rows");
}

/* Records: merge "a", which is in the database; merge "n", which is nowhere; put "p" and merge. */
static const uint8_t records[] = "\x02\x01"
                                 "a\x01!"
                                 "\x02\x01"
                                 "n\x01!"
                                 "\x01\x01"
                                 "p\x01p"
                                 "\x02\x01"
                                 "p\x01!";

static void a_batch_merges_over_it(void **state) {
  struct fixture *f = *state;
  rb_overlay *o = rb_overlay_new();
  fx_put(f->family, "a", "value");
  static const char *const want[][2] = {{"a", "value!"}, {"n", "!"}, {"p", "p!"}};
  for (size_t i = 0; i < 3; i++) {
    uint8_t buf[16];
    rb_found r = rb_overlay_get(o, 0, records, sizeof records - 1, f->family, 0, 0,
                                BYTES(want[i][0]), buf, sizeof buf);
    fx_ok(r.status);
    assert_int_equal(r.len, strlen(want[i][1]));
    assert_memory_equal(buf, want[i][1], r.len);
  }
  rb_overlay_free(o);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(no_time_is_seen, new, fx_free),
      cmocka_unit_test_setup_teardown(families_come_back_with_one_time, new, fx_free),
      cmocka_unit_test_setup_teardown(what_the_cache_lacks_is_no_damage, new, fx_free),
      cmocka_unit_test_setup_teardown(a_refreshed_iterator_is_a_new_one, new, fx_free),
      cmocka_unit_test_setup_teardown(no_reader_opens_it, new, fx_free),
      cmocka_unit_test_setup_teardown(a_batch_merges_over_it, new, fx_free),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
