/* modes_test.c: deadlines of iterators, and reads of the cache only. */
/* link: -Wl,--wrap=clock_gettime */
#include <time.h>

#include "iterate.h"

/* The glue's clock: it shows early until so many looks have been taken, then late. RocksDB has its
 * own, which the deadline is far from. */
static const uint64_t deadline = (uint64_t)4000000000 * 1000000;
static unsigned early_looks;

int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now) {
  assert_int_equal(clock, CLOCK_REALTIME);
  now->tv_sec = early_looks > 0 ? 3999999999 : 4000000000;
  now->tv_nsec = early_looks > 0 ? 999999999 : 0;
  early_looks -= early_looks > 0;
  return 0;
}

static void fill_rows(struct fixture *f) {
  for (int i = 0; i < 200; i++) {
    char key[16];
    snprintf(key, sizeof key, "%03d", i);
    fx_put(f->family, key, "");
  }
}

static void hurried(struct fixture *f, unsigned looks) {
  rb_iter_options o = {.deadline = deadline};
  early_looks = looks;
  iterate(f, o, NULL, NULL);
}

static void a_count_stops_within_64_rows_of_its_deadline(void **state) {
  struct fixture *f = *state;
  fill_rows(f);
  for (unsigned looks = 0; looks < 4; looks++) {
    hurried(f, looks);
    rb_count c = rb_iter_count(f->it, RB_MOVE_FIRST, 1000);
    fx_error(c.status, RB_TIMED_OUT, "deadline");
    assert_int_equal(c.rows, 64 * looks);
    assert_int_equal(c.end, 1);
  }
  hurried(f, 4);
  rb_count c = rb_iter_count(f->it, RB_MOVE_FIRST, 1000);
  fx_ok(c.status);
  assert_int_equal(c.rows, 200);
}

static void a_fill_stops_and_stays_stopped(void **state) {
  struct fixture *f = *state;
  fill_rows(f);
  hurried(f, 1);
  rb_fill r = rb_iter_fill(f->it, RB_MOVE_FIRST, NULL, 0, buf, sizeof buf, 1000);
  fx_error(r.status, RB_TIMED_OUT, "deadline");
  assert_int_equal(r.rows, 64);
  assert_int_equal(r.end, 1);
  static const uint32_t moves[] = {RB_MOVE_ON, RB_MOVE_FIRST, RB_MOVE_LAST, RB_MOVE_TURN_BACK};
  for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
    r = rb_iter_fill(f->it, moves[i], NULL, 0, buf, sizeof buf, 1000);
    fx_error(r.status, RB_TIMED_OUT, NULL);
    assert_int_equal(r.rows, 0);
  }
}

static void a_clock_that_is_set_back_loses_no_row(void **state) {
  struct fixture *f = *state;
  fill_rows(f);
  hurried(f, 1);
  rb_fill r = rb_iter_fill(f->it, RB_MOVE_FIRST, NULL, 0, buf, sizeof buf, 1000);
  fx_error(r.status, RB_TIMED_OUT, NULL);
  early_looks = 1;
  r = rb_iter_fill(f->it, RB_MOVE_ON, NULL, 0, buf, sizeof buf, 1);
  fx_ok(r.status);
  assert_string_equal(row(0), "064=");
}

static void the_cache_only_gives_no_row_of_a_cold_file(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "key", "value");
  fx_flush(f);
  iterate(f, options(RB_READ_CACHE_ONLY), NULL, NULL);
  rb_fill r = rb_iter_fill(f->it, RB_MOVE_FIRST, NULL, 0, buf, sizeof buf, 1);
  fx_error(r.status, RB_INCOMPLETE, NULL);
  assert_int_equal(r.rows, 0);
  iterate(f, options(0), NULL, NULL);
  r = rb_iter_fill(f->it, RB_MOVE_FIRST, NULL, 0, buf, sizeof buf, 1);
  fx_ok(r.status);
  assert_int_equal(r.rows, 1);
  iterate(f, options(RB_READ_CACHE_ONLY), NULL, NULL);
  r = rb_iter_fill(f->it, RB_MOVE_FIRST, NULL, 0, buf, sizeof buf, 1);
  fx_ok(r.status);
  assert_int_equal(r.rows, 1);
}

static void async_io_is_refused_where_there_is_none(void **state) {
  struct fixture *f = *state;
  rb_iter_result r = rb_iter_new(f->family, NULL, options(RB_READ_ASYNC_IO), NULL, 0, NULL, 0);
  f->it = r.iter;
  if (rb_supports(RB_FEATURE_ASYNC_IO)) {
    fx_ok(r.status);
    return;
  }
  fx_error(r.status, RB_UNSUPPORTED, NULL);
  assert_null(r.iter);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_count_stops_within_64_rows_of_its_deadline),
      CASE(a_fill_stops_and_stays_stopped),
      CASE(a_clock_that_is_set_back_loses_no_row),
      CASE(the_cache_only_gives_no_row_of_a_cold_file),
      CASE(async_io_is_refused_where_there_is_none),
  };
  return cmocka_run_group_tests_name("modes", tests, NULL, NULL);
}
