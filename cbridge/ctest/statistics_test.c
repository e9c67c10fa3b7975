/*
 * statistics_test.c: what RocksDB counts, its levels, and failures. Levels came with RocksDB 8.6;
 * this program defines the function for them, so that the glue finds it under any version.
 */
/* link: -Wl,--wrap=rocksdb_options_create_copy */
#include "fixture.h"

#include "later.h"

static bool no_memory;
static int level; /* what came to rocksdb_options_set_statistics_level */

rocksdb_options_t *__real_rocksdb_options_create_copy(rocksdb_options_t *o);
rocksdb_options_t *__wrap_rocksdb_options_create_copy(rocksdb_options_t *o);
rocksdb_options_t *__wrap_rocksdb_options_create_copy(rocksdb_options_t *o) {
  return no_memory ? NULL : __real_rocksdb_options_create_copy(o);
}

void rocksdb_options_set_statistics_level(rocksdb_options_t *o, int l) {
  assert_non_null(o);
  level = l;
}

static int fresh(void **state) {
  no_memory = false;
  level = -1;
  return fx_new(state);
}

/* The database of f in another directory, with so much counted. */
static rb_opened open_with(struct fixture *f, uint32_t statistics) {
  struct setup s = fx_defaults();
  s.db.statistics = statistics;
  s.db_extra = "max_open_files=100"; /* options that are parsed keep the statistics */
  char dir[RB_PATH];
  assert_true(snprintf(dir, sizeof dir, "%s/counted", f->root) < RB_PATH);
  return fx_try_open(dir, s);
}

static void what_is_written_is_counted(void **state) {
  struct fixture *f = *state;
  assert_null(rb_statistics_text(f->db)); /* opened without */
  rb_opened o = open_with(f, RB_STATISTICS_USUAL);
  fx_ok(o.status);
  assert_int_equal(level, -1);
  rb_family_result r = rb_family_find(o.db, "default");
  fx_ok(r.status);
  fx_ok(rb_apply(r.family, RB_PUT, 0, BYTES("key"), BYTES("value")));
  char *text = rb_statistics_text(o.db);
  assert_non_null(text);
  assert_non_null(strstr(text, "rocksdb.number.keys.written COUNT : 1\n"));
  assert_non_null(strstr(text, "rocksdb.db.write.micros P50 : "));
  rb_free(text);
  rb_close(o.db);
}

static void levels_are_those_of_rocksdb(void **state) {
  static const int want[] = {-1, -1, 1, 2, 4, 5};
  for (uint32_t s = RB_STATISTICS_NONE; s <= RB_STATISTICS_ALL; s++) {
    level = -1;
    rb_opened o = open_with(*state, s);
    fx_ok(o.status);
    assert_int_equal(level, want[s]);
    rb_close(o.db);
  }
}

static void failures_open_nothing(void **state) {
  rb_opened o = open_with(*state, RB_STATISTICS_ALL + 1);
  assert_null(o.db);
  fx_error(o.status, RB_INVALID_ARGUMENT, "statistics");
  no_memory = true;
  o = open_with(*state, RB_STATISTICS_USUAL);
  assert_null(o.db);
  fx_error(o.status, RB_NO_MEMORY, NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fresh, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(what_is_written_is_counted),
      CASE(levels_are_those_of_rocksdb),
      CASE(failures_open_nothing),
  };
  return cmocka_run_group_tests_name("statistics", tests, NULL, NULL);
}
