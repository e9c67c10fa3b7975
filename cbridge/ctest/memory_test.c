/*
 * memory_test.c: memory that databases share. Write buffer managers came with RocksDB 8.9; this
 * program defines their functions, so that the glue finds them under any version.
 */
/* link: -Wl,--wrap=rocksdb_cache_create_lru,--wrap=rocksdb_cache_destroy,--wrap=calloc */
#include "fixture.h"

#include "later.h"

static int caches;   /* alive */
static int managers; /* alive */
static int set;      /* options that got a manager */
static size_t limit; /* of the manager */
static bool no_memory;
static bool no_manager;

rocksdb_cache_t *__real_rocksdb_cache_create_lru(size_t n);
rocksdb_cache_t *__wrap_rocksdb_cache_create_lru(size_t n);
void __real_rocksdb_cache_destroy(rocksdb_cache_t *c);
void __wrap_rocksdb_cache_destroy(rocksdb_cache_t *c);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

rocksdb_cache_t *__wrap_rocksdb_cache_create_lru(size_t n) {
  caches++;
  return __real_rocksdb_cache_create_lru(n);
}

void __wrap_rocksdb_cache_destroy(rocksdb_cache_t *c) {
  caches--;
  __real_rocksdb_cache_destroy(c);
}

void *__wrap_calloc(size_t n, size_t size) { return no_memory ? NULL : __real_calloc(n, size); }

static char manager;

rocksdb_write_buffer_manager_t *
rocksdb_write_buffer_manager_create_with_cache(size_t n, const rocksdb_cache_t *cache, bool stall) {
  assert_non_null(cache);
  assert_false(stall);
  if (no_manager) {
    return NULL;
  }
  limit = n;
  managers++;
  return (rocksdb_write_buffer_manager_t *)&manager;
}

void rocksdb_write_buffer_manager_destroy(rocksdb_write_buffer_manager_t *m) {
  assert_ptr_equal(m, &manager);
  managers--;
}

size_t rocksdb_write_buffer_manager_memory_usage(rocksdb_write_buffer_manager_t *m) {
  assert_ptr_equal(m, &manager);
  return 4711;
}

static size_t charge; /* what the manager says that it takes of the cache */

size_t
rocksdb_write_buffer_manager_dummy_entries_in_cache_usage(rocksdb_write_buffer_manager_t *m) {
  assert_ptr_equal(m, &manager);
  return charge;
}

void rocksdb_write_buffer_manager_set_buffer_size(rocksdb_write_buffer_manager_t *m, size_t n) {
  assert_ptr_equal(m, &manager);
  limit = n;
}

void rocksdb_options_set_write_buffer_manager(rocksdb_options_t *o,
                                              rocksdb_write_buffer_manager_t *m) {
  assert_non_null(o);
  assert_ptr_equal(m, &manager);
  set++;
}

static int with_none(void **state) {
  caches = managers = set = 0;
  limit = 0;
  no_memory = no_manager = false;
  charge = 42;
  return fx_new_empty(state);
}

/* Begins to open f's database with m, under the given extra options of its family. */
static rb_plan *share(struct fixture *f, rb_memory *m, const char *extra, int32_t code) {
  rb_plan *p = rb_plan_new(f->dir, (rb_db_options){.block_cache_size = -1});
  assert_non_null(p);
  rb_plan_share(p, m, 1 << 20);
  rb_family_options o = {.compression = RB_NO_COMPRESSION, .cache_index = 1};
  rb_status s = rb_plan_family(p, "default", o, extra);
  assert_int_equal(s.code, code);
  rb_free(s.msg);
  return p;
}

static void the_last_holder_frees(void **state) {
  struct fixture *f = *state;
  for (int caller_first = 0; caller_first < 2; caller_first++) {
    rb_memory *m = rb_memory_new(8 << 20, 4 << 20);
    assert_non_null(m);
    assert_int_equal(limit, 4 << 20);
    rb_plan *p = share(f, m, NULL, RB_OK);
    rb_opened o = rb_plan_open(p);
    fx_ok(o.status);
    rb_plan_free(p);
    if (caller_first) {
      rb_memory_free(m);
    }
    assert_int_equal(caches, 1);
    assert_int_equal(managers, 1);
    rb_family_result r = rb_family_find(o.db, "default");
    fx_ok(r.status);
    fx_put(r.family, "key", "value");
    fx_ok(rb_flush(o.db, &r.family, 1));
    fx_expect(r.family, NULL, "key", "value");
    fx_close(f);
    rb_close(o.db);
    if (!caller_first) {
      assert_int_equal(caches, 1);
      rb_memory_free(m);
    }
    assert_int_equal(caches, 0);
    assert_int_equal(managers, 0);
  }
  assert_int_equal(set, 2);
  rb_memory_free(NULL);
}

static void what_a_cache_has_is_never_less_than_nothing(void **state) {
  struct fixture *f = *state;
  rb_memory *m = rb_memory_new(8 << 20, 4 << 20);
  rb_plan *p = share(f, m, NULL, RB_OK);
  rb_opened o = rb_plan_open(p);
  fx_ok(o.status);
  rb_plan_free(p);
  charge = 1 << 30; /* it changes while the cache is looked at */
  rb_metrics all = rb_metrics_get(o.db, NULL, 0, NULL);
  assert_int_equal(all.cache_pinned, 0);
  assert_int_equal(all.cache_usage, 0);
  rb_close(o.db);
  rb_memory_free(m);
}

static void a_plan_that_opens_nothing_lets_go(void **state) {
  struct fixture *f = *state;
  rb_memory *m = rb_memory_new(8 << 20, 4 << 20);
  rb_plan_free(share(f, m, "no_such_thing=1", RB_INVALID_ARGUMENT));
  rb_plan *p = rb_plan_new(f->root, (rb_db_options){.block_cache_size = -1, .error_if_missing = 1});
  rb_plan_share(p, m, 0);
  fx_ok(rb_plan_family(p, "default", (rb_family_options){.compression = RB_NO_COMPRESSION}, NULL));
  rb_opened o = rb_plan_open(p);
  assert_null(o.db);
  fx_error(o.status, RB_INVALID_ARGUMENT, NULL);
  rb_memory_free(m);
  assert_int_equal(caches, 1); /* the plan's */
  rb_plan_free(p);
  assert_int_equal(caches, 0);
  assert_int_equal(managers, 0);
}

static void use_is_told_and_sizes_change(void **state) {
  (void)state;
  rb_memory *m = rb_memory_new(8 << 20, 4 << 20);
  rb_memory_use u = rb_memory_used(m);
  assert_int_equal(u.cache, 0);
  assert_int_equal(u.pinned, 0);
  assert_int_equal(u.charge, 42);
  assert_int_equal(u.memtables, 4711);
  rb_memory_resize(m, 2 << 20, 1 << 20);
  assert_int_equal(limit, 1 << 20);
  rb_memory_free(m);
}

static void without_memory_nothing_is_left(void **state) {
  (void)state;
  no_memory = true;
  assert_null(rb_memory_new(8 << 20, 4 << 20));
  no_memory = false;
  no_manager = true;
  assert_null(rb_memory_new(8 << 20, 4 << 20));
  assert_int_equal(caches, 0);
  assert_int_equal(managers, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, with_none, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(the_last_holder_frees),
      CASE(what_a_cache_has_is_never_less_than_nothing),
      CASE(a_plan_that_opens_nothing_lets_go),
      CASE(use_is_told_and_sizes_change),
      CASE(without_memory_nothing_is_left),
  };
  return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
