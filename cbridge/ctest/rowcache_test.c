/* rowcache_test.c: the cache of rows: that it serves, what it takes, and memory that is short. */
/* link: -Wl,--wrap=rocksdb_cache_create_lru */
#include "fixture.h"

#include "rocksdb/c.h"

enum { ROWS = 3 << 20 };

static bool no_memory; /* for caches of ROWS bytes */

rocksdb_cache_t *__real_rocksdb_cache_create_lru(size_t size);
rocksdb_cache_t *__wrap_rocksdb_cache_create_lru(size_t size);
rocksdb_cache_t *__wrap_rocksdb_cache_create_lru(size_t size) {
  return no_memory && size == ROWS ? NULL : __real_rocksdb_cache_create_lru(size);
}

static int fresh(void **state) {
  no_memory = false;
  return fx_new(state);
}

static void a_row_that_was_read_is_kept(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.db.row_cache_size = ROWS;
  fx_open(f, s);
  fx_put(f->family, "k", "v");
  fx_flush(f);
  assert_int_equal(rb_row_cache_used(f->db), 0);
  fx_expect(f->family, NULL, "k", "v");
  uint64_t used = rb_row_cache_used(f->db);
  assert_in_range(used, 1, 1000);
  fx_expect(f->family, NULL, "k", "v");
  assert_int_equal(rb_row_cache_used(f->db), used);
  rb_family_metrics unused;
  rb_metrics m = rb_metrics_get(f->db, &f->family, 1, &unused);
  assert_int_equal(m.row_cache_usage, used);
  assert_int_equal(m.row_cache_capacity, ROWS);
}

static void there_is_none_unless_it_is_asked_for(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "k", "v");
  fx_flush(f);
  fx_expect(f->family, NULL, "k", "v");
  assert_int_equal(rb_row_cache_used(f->db), 0);
  rb_family_metrics unused;
  rb_metrics m = rb_metrics_get(f->db, &f->family, 1, &unused);
  assert_int_equal(m.row_cache_usage + m.row_cache_capacity, 0);
}

static void memory_that_is_short_fails_the_opening(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  fx_close(f);
  s.db.row_cache_size = ROWS;
  no_memory = true;
  rb_opened o = fx_try_open(f->dir, s);
  assert_null(o.db);
  fx_error(o.status, RB_NO_MEMORY, NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fresh, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_row_that_was_read_is_kept),
      CASE(there_is_none_unless_it_is_asked_for),
      CASE(memory_that_is_short_fails_the_opening),
  };
  return cmocka_run_group_tests_name("rowcache", tests, NULL, NULL);
}
