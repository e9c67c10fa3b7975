/* perf_test.c: timing what a thread's calls do, and leaving no trace of it. */
/* link: -Wl,--wrap=rocksdb_perfcontext_create */
#include "fixture.h"

#include "rocksdb/c.h"

static bool no_memory;

rocksdb_perfcontext_t *__real_rocksdb_perfcontext_create(void);
rocksdb_perfcontext_t *__wrap_rocksdb_perfcontext_create(void);
rocksdb_perfcontext_t *__wrap_rocksdb_perfcontext_create(void) {
  return no_memory ? NULL : __real_rocksdb_perfcontext_create();
}

static int with_memory(void **state) {
  no_memory = false;
  return fx_new(state);
}

/* The time that this thread's perf context says was spent in memtables, and how often. */
static uint64_t memtable_time(void) {
  rocksdb_perfcontext_t *c = __real_rocksdb_perfcontext_create();
  uint64_t v = rocksdb_perfcontext_metric(c, rocksdb_get_from_memtable_time);
  rocksdb_perfcontext_destroy(c);
  return v;
}

static void what_a_call_does_is_timed(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "key", "value");
  assert_int_equal(rb_perf_begin(1), 1);
  fx_expect(f->family, NULL, "key", "value");
  char *text = rb_perf_end(1);
  assert_non_null(text);
  assert_non_null(strstr(text, "get_from_memtable_time = "));
  assert_non_null(strstr(text, "get_from_memtable_count = 1"));
  rb_free(text);
  uint64_t timed = memtable_time();
  assert_true(timed > 0);
  fx_expect(f->family, NULL, "key", "value");
  assert_int_equal(memtable_time(), timed); /* calls afterwards are not timed */
  assert_int_equal(rb_perf_begin(1), 1);
  assert_int_equal(memtable_time(), 0); /* each begins anew */
  fx_expect(f->family, NULL, "key", "value");
  assert_null(rb_perf_end(0));
  timed = memtable_time();
  fx_expect(f->family, NULL, "key", "value");
  assert_int_equal(memtable_time(), timed);
}

static void without_memory_calls_go_on(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "key", "value");
  no_memory = true;
  assert_int_equal(rb_perf_begin(1), 1);
  fx_expect(f->family, NULL, "key", "value");
  assert_null(rb_perf_end(1));
  no_memory = false;
  uint64_t timed = memtable_time();
  fx_expect(f->family, NULL, "key", "value");
  assert_int_equal(memtable_time(), timed);
}

static void within_itself_nothing_begins(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "key", "value");
  assert_int_equal(rb_perf_begin(1), 1);
  fx_expect(f->family, NULL, "key", "value");
  assert_int_equal(rb_perf_begin(0), 0);
  fx_expect(f->family, NULL, "key", "value");
  char *text = rb_perf_end(1);
  assert_non_null(text);
  assert_non_null(strstr(text, "get_from_memtable_count = 2")); /* not set back */
  rb_free(text);
  assert_int_equal(rb_perf_begin(0), 1);
  fx_expect(f->family, NULL, "key", "value");
  text = rb_perf_end(1);
  assert_non_null(text);
  assert_non_null(strstr(text, "get_from_memtable_count = 1"));
  assert_null(strstr(text, "get_from_memtable_time"));
  rb_free(text);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, with_memory, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(what_a_call_does_is_timed),
      CASE(without_memory_calls_go_on),
      CASE(within_itself_nothing_begins),
  };
  return cmocka_run_group_tests_name("perf", tests, NULL, NULL);
}
