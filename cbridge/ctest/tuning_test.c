/*
 * tuning_test.c: kinds of caches, the rate limiter, and options below those by name. The functions
 * that came after RocksDB 7.8 are defined here, so that the glue finds them under any version.
 */
/* link: -Wl,--wrap=rocksdb_ratelimiter_create */
#include "fixture.h"

#include "later.h"

static bool no_memory;
static int64_t rate; /* of the limiter that was made last */
static bool tuned;
static int limited;   /* the mode it was told; -1: none */
static size_t charge; /* what the HyperClockCache was told */

rocksdb_ratelimiter_t *__real_rocksdb_ratelimiter_create(int64_t r, int64_t refill, int32_t fair);
rocksdb_ratelimiter_t *__wrap_rocksdb_ratelimiter_create(int64_t r, int64_t refill, int32_t fair);
rocksdb_ratelimiter_t *__wrap_rocksdb_ratelimiter_create(int64_t r, int64_t refill, int32_t fair) {
  rate = r;
  return no_memory ? NULL : __real_rocksdb_ratelimiter_create(r, refill, fair);
}

rocksdb_ratelimiter_t *rocksdb_ratelimiter_create_auto_tuned(int64_t r, int64_t refill,
                                                             int32_t fair) {
  tuned = true;
  return __wrap_rocksdb_ratelimiter_create(r, refill, fair);
}

rocksdb_ratelimiter_t *rocksdb_ratelimiter_create_with_mode(int64_t r, int64_t refill, int32_t fair,
                                                            int mode, bool tunes) {
  tuned = tunes;
  limited = mode;
  return __wrap_rocksdb_ratelimiter_create(r, refill, fair);
}

rocksdb_cache_t *rocksdb_cache_create_hyper_clock(size_t size, size_t entry) {
  charge = entry;
  return rocksdb_cache_create_lru(size);
}

static int fresh(void **state) {
  no_memory = tuned = false;
  rate = 0;
  limited = -1;
  charge = 0;
  return fx_new(state);
}

static rb_opened open_as(struct fixture *f, struct setup s) {
  char dir[RB_PATH];
  assert_true(snprintf(dir, sizeof dir, "%s/tuned", f->root) < RB_PATH);
  return fx_try_open(dir, s);
}

static void the_rate_is_limited(void **state) {
  struct setup s = fx_defaults();
  s.db.rate_limit = 1 << 20;
  rb_opened o = open_as(*state, s);
  fx_ok(o.status);
  rb_close(o.db);
  assert_int_equal(rate, 1 << 20);
  assert_false(tuned);
  s.db.rate_limit_tunes = 1;
  o = open_as(*state, s);
  fx_ok(o.status);
  rb_close(o.db);
  assert_true(tuned);
  no_memory = true;
  o = open_as(*state, s);
  assert_null(o.db);
  fx_error(o.status, RB_NO_MEMORY, NULL);
}

static void the_mode_is_rocksdbs(void **state) {
  static const struct {
    uint8_t ours;
    int theirs;
  } modes[] = {{RB_LIMIT_WRITES, -1}, {RB_LIMIT_READS, 0}, {RB_LIMIT_ALL, 2}};
  struct setup s = fx_defaults();
  s.db.rate_limit = 1 << 20;
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
    s.db.rate_limit_mode = modes[i].ours;
    s.db.rate_limit_tunes = i == 2;
    rb_opened o = open_as(*state, s);
    fx_ok(o.status);
    rb_close(o.db);
    assert_int_equal(limited, modes[i].theirs);
    assert_int_equal(tuned, i == 2);
  }
  s.db.rate_limit_mode = RB_LIMIT_ALL + 1;
  rb_opened o = open_as(*state, s);
  assert_null(o.db);
  fx_error(o.status, RB_INVALID_ARGUMENT, "mode");
}

static void the_cache_is_of_the_kind_asked_for(void **state) {
  struct setup s = fx_defaults();
  s.db.cache_entry = 8192;
  rb_opened o = open_as(*state, s);
  fx_ok(o.status);
  rb_close(o.db);
  assert_int_equal(charge, 0);
  s.db.hyper_clock = 1;
  o = open_as(*state, s);
  fx_ok(o.status);
  rb_close(o.db);
  assert_int_equal(charge, 8192);
}

static void names_go_on_top_of_names(void **state) {
  struct setup s = fx_defaults();
  s.family.named = "no_such=1";
  rb_opened o = open_as(*state, s);
  assert_null(o.db);
  fx_error(o.status, RB_INVALID_ARGUMENT, "no_such");
  s.family.named = "num_levels=3;enable_blob_files=true";
  s.family_extra = "enable_blob_files=false";
  o = open_as(*state, s);
  fx_ok(o.status);
  rb_family_result r = rb_family_find(o.db, "default");
  fx_ok(r.status);
  assert_int_equal(r.blobs, 0);
  char *files = rb_property(r.family, "rocksdb.num-files-at-level2");
  assert_non_null(files);
  rb_free(files);
  assert_null(rb_property(r.family, "rocksdb.num-files-at-level3"));
  rb_close(o.db);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fresh, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(the_rate_is_limited),
      CASE(the_mode_is_rocksdbs),
      CASE(the_cache_is_of_the_kind_asked_for),
      CASE(names_go_on_top_of_names),
  };
  return cmocka_run_group_tests_name("tuning", tests, NULL, NULL);
}
