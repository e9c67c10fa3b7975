/*
 * disk_test.c: what watches over table files. RocksDB's C API has it from 10.6 on; this program
 * defines its functions, so that the glue finds them under any version.
 */
/* link: -Wl,--wrap=calloc */
#include "fixture.h"

#include "later.h"

static char manager;
static int managers; /* alive */
static int set;      /* options that got one */
static int64_t rate;
static double share;
static bool no_memory;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) { return no_memory ? NULL : __real_calloc(n, size); }

rocksdb_sst_file_manager_t *rocksdb_sst_file_manager_create(rocksdb_env_t *env) {
  assert_non_null(env);
  managers++;
  return (rocksdb_sst_file_manager_t *)&manager;
}

void rocksdb_sst_file_manager_destroy(rocksdb_sst_file_manager_t *m) {
  assert_ptr_equal(m, &manager);
  managers--;
}

void rocksdb_sst_file_manager_set_delete_rate_bytes_per_second(rocksdb_sst_file_manager_t *m,
                                                               int64_t n) {
  assert_ptr_equal(m, &manager);
  rate = n;
}

void rocksdb_sst_file_manager_set_max_trash_db_ratio(rocksdb_sst_file_manager_t *m, double d) {
  assert_ptr_equal(m, &manager);
  share = d;
}

uint64_t rocksdb_sst_file_manager_get_total_size(rocksdb_sst_file_manager_t *m) {
  assert_ptr_equal(m, &manager);
  return 4711;
}

uint64_t rocksdb_sst_file_manager_get_total_trash_size(rocksdb_sst_file_manager_t *m) {
  assert_ptr_equal(m, &manager);
  return 42;
}

void rocksdb_options_set_sst_file_manager(rocksdb_options_t *o, rocksdb_sst_file_manager_t *m) {
  assert_non_null(o);
  assert_ptr_equal(m, &manager);
  set++;
}

static int with_none(void **state) {
  managers = set = 0;
  no_memory = false;
  return fx_new_empty(state);
}

static void limits_are_told_and_changed(void **state) {
  (void)state;
  assert_int_equal(rb_supports(RB_FEATURE_DISK), 1);
  rb_disk *d = rb_disk_new((rb_disk_limits){.limit = 4711, .rate = 7, .share = 0.5});
  assert_non_null(d);
  assert_int_equal(rate, 7);
  assert_true(share == 0.5);
  rb_disk_use u = rb_disk_used(d);
  assert_int_equal(u.files, 4711);
  assert_int_equal(u.trash, 42);
  assert_int_equal(u.full, 1);
  rb_disk_set(d, (rb_disk_limits){.limit = 4712, .share = 0.25});
  assert_int_equal(rate, 0);
  assert_true(share == 0.25);
  assert_int_equal(rb_disk_used(d).full, 0);
  rb_disk_set(d, (rb_disk_limits){.share = 0.25});
  assert_int_equal(rb_disk_used(d).full, 0);
  rb_disk_free(d);
  rb_disk_free(NULL);
  assert_int_equal(managers, 0);
}

static void the_last_holder_frees(void **state) {
  struct fixture *f = *state;
  for (int caller_first = 0; caller_first < 2; caller_first++) {
    rb_disk *d = rb_disk_new((rb_disk_limits){.share = 0.25});
    assert_non_null(d);
    rb_plan *p = rb_plan_new(f->dir, (rb_db_options){.block_cache_size = -1});
    assert_non_null(p);
    rb_plan_disk(p, d);
    assert_int_equal(set, caller_first + 1);
    if (caller_first) {
      rb_disk_free(d);
    } else {
      rb_plan_free(p);
    }
    assert_int_equal(managers, 1);
    if (caller_first) {
      rb_plan_free(p);
    } else {
      rb_disk_free(d);
    }
    assert_int_equal(managers, 0);
  }
}

static void a_database_tells_whether_it_is_full(void **state) {
  struct fixture *f = *state;
  rb_disk *d = rb_disk_new((rb_disk_limits){.share = 0.25});
  rb_plan *p = rb_plan_new(f->dir, (rb_db_options){.block_cache_size = -1});
  rb_plan_disk(p, d);
  fx_ok(rb_plan_family(p, "default", (rb_family_options){.compression = RB_NO_COMPRESSION}, NULL));
  rb_opened o = rb_plan_open(p);
  fx_ok(o.status);
  rb_plan_free(p);
  assert_int_equal(rb_db_full(o.db), 0);
  rb_disk_set(d, (rb_disk_limits){.limit = 4711, .share = 0.25});
  assert_int_equal(rb_db_full(o.db), 1);
  rb_disk_free(d);
  assert_int_equal(managers, 1);
  assert_int_equal(rb_db_full(o.db), 1);
  rb_close(o.db);
  assert_int_equal(managers, 0);
  o = fx_try_open(f->dir, fx_defaults());
  fx_ok(o.status);
  assert_int_equal(rb_db_full(o.db), 0);
  rb_close(o.db);
}

static void short_memory_is_told(void **state) {
  (void)state;
  no_memory = true;
  assert_null(rb_disk_new((rb_disk_limits){.share = 0.25}));
  no_memory = false;
  assert_int_equal(managers, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, with_none, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(limits_are_told_and_changed),
      CASE(the_last_holder_frees),
      CASE(a_database_tells_whether_it_is_full),
      CASE(short_memory_is_told),
  };
  return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}
