/*
 * taggeddb_test.c: databases with what C++ offers beside RocksDB's C API: their life, iterators,
 * compactions of ranges, and memory. As in tagged_test.c, this program has the functions of cxx.h
 * in the place of those that the build tag rb_cxx compiles.
 */
#include "fixture.h"

#include "cxx.h"
#include "handles.h"
#include "later.h"
#include "listen.h"

static const char *unfit; /* why the C++ part must not be used; NULL: it may */
static rb_status told;    /* what the next call answers, if it is an error */
static char asked[256];   /* what was asked for */
static int alive;         /* objects of C++ */
static bool none;         /* memory is short for such objects */

static rb_status answer(const char *what) {
  strcat(asked, what);
  rb_status s = told;
  told = rb_ok();
  return s;
}

/* Asserts what was asked for since the last time. */
static void expect_asked(const char *want) {
  assert_string_equal(asked, want);
  asked[0] = 0;
}

const char *rb_cxx_refusal(void) { return unfit; }

rb_status rb_cxx_check(const rocksdb_t *db, const rocksdb_column_family_handle_t *family) {
  assert_non_null(db);
  assert_non_null(family);
  return answer("check ");
}

rb_status rb_cxx_listen(rocksdb_options_t *o, rb_events *e) {
  assert_non_null(o);
  rb_event v = rb_event_of(RB_EVENT_TABLE_CREATED);
  rb_events_put(e, &v);
  return answer("listen ");
}

rb_status rb_cxx_hold(rocksdb_options_t *o) {
  assert_non_null(o);
  return answer("hold ");
}

rb_status rb_cxx_limit(rocksdb_options_t *o, int64_t rate, int mode, uint8_t tunes) {
  char text[64];
  assert_non_null(o);
  snprintf(text, sizeof text, "limit %d of %lld, %d ", mode, (long long)rate, tunes);
  return answer(text);
}

void rb_cxx_io_begin(void) { strcat(asked, "io "); }

char *rb_cxx_io_figures(void) { return none ? NULL : strdup("bytes_read = 7"); }

rb_status rb_cxx_resume(rocksdb_t *db) {
  assert_non_null(db);
  return answer("resume ");
}

rb_status rb_cxx_compact(rocksdb_t *db, rocksdb_column_family_handle_t *family, const char *from,
                         size_t from_len, const char *to, size_t to_len, const rb_compaction *how) {
  char text[64];
  assert_non_null(db);
  assert_non_null(family);
  snprintf(text, sizeof text, "compact %.*s to %.*s in %d ", (int)from_len, from, (int)to_len, to,
           (int)how->subcompactions);
  return answer(text);
}

rb_status rb_cxx_refresh(rocksdb_iterator_t *it) {
  assert_non_null(it);
  return answer("refresh ");
}

struct rb_cxx_buffers {
  size_t bytes;
};

rb_cxx_buffers *rb_cxx_buffers_new(size_t bytes, const rocksdb_cache_t *cache) {
  assert_non_null(cache);
  if (none) {
    return NULL;
  }
  rb_cxx_buffers *b = calloc(1, sizeof *b);
  assert_non_null(b);
  b->bytes = bytes;
  alive++;
  return b;
}

void rb_cxx_buffers_free(rb_cxx_buffers *b) {
  free(b);
  alive--;
}

void rb_cxx_buffers_resize(rb_cxx_buffers *b, size_t bytes) { b->bytes = bytes; }
size_t rb_cxx_buffers_used(const rb_cxx_buffers *b) { return b->bytes + 1; }
size_t rb_cxx_buffers_charge(const rb_cxx_buffers *b) { return b->bytes + 2; }

void rb_cxx_buffers_use(rb_cxx_buffers *b, rocksdb_options_t *o) {
  assert_non_null(b);
  assert_non_null(o);
  answer("use ");
}

/* What 8.5 brought says that scans need no seams: without them RocksDB's iterator is refreshed. */
rocksdb_t *rocksdb_transactiondb_get_base_db(rocksdb_transactiondb_t *db) {
  (void)db;
  fail();
  return NULL;
}

static int with_nothing(void **state) {
  unfit = NULL;
  none = false;
  told = rb_ok();
  fx_new(state);
  asked[0] = 0;
  return 0;
}

static rb_opened open_with(struct fixture *f, rb_db_options db, rb_events *e) {
  struct setup s = fx_defaults();
  rb_plan *p = rb_plan_new(f->dir, db);
  assert_non_null(p);
  fx_ok(rb_plan_family(p, "default", s.family, NULL));
  if (e != NULL) {
    rb_plan_events(p, e);
  }
  rb_opened o = rb_plan_open(p);
  rb_plan_free(p);
  return o;
}

static void a_database_that_does_not_look_right_does_not_open(void **state) {
  struct fixture *f = *state;
  fx_close(f);
  told = rb_status_make(RB_UNSUPPORTED, "another layout");
  rb_opened o = fx_try_open(f->dir, fx_defaults());
  assert_null(o.db);
  fx_error(o.status, RB_UNSUPPORTED, "another layout");
  expect_asked("check ");
  fx_open(f, fx_defaults());
  expect_asked("check ");
}

static void errors_are_held_and_ended_by_hand(void **state) {
  struct fixture *f = *state;
  fx_ok(rb_resume(f->db));
  expect_asked("resume ");
  told = rb_status_make(RB_NO_SPACE, "still full");
  fx_error(rb_resume(f->db), RB_NO_SPACE, "still full");
  fx_close(f);
  asked[0] = 0;
  told = rb_status_make(RB_NO_MEMORY, NULL);
  rb_opened o = open_with(f, (rb_db_options){.manual_recovery = 1}, NULL);
  assert_null(o.db);
  fx_error(o.status, RB_NO_MEMORY, NULL);
  expect_asked("hold ");
  o = open_with(f, (rb_db_options){.manual_recovery = 1}, NULL);
  fx_ok(o.status);
  expect_asked("hold check ");
  rb_close(o.db);
}

/* C++ is asked for what RocksDB's C API lacks of a limiter only. */
static void rates_are_limited_by_it(void **state) {
  struct fixture *f = *state;
  bool modes = rocksdb_ratelimiter_create_with_mode != NULL;
  bool tunes = rocksdb_ratelimiter_create_auto_tuned != NULL;
  const struct {
    uint8_t mode, tunes;
    const char *asked;
  } cases[] = {{RB_LIMIT_WRITES, 0, "check "},
               {RB_LIMIT_WRITES, 1, tunes ? "check " : "limit 1 of 70000, 1 check "},
               {RB_LIMIT_READS, 0, modes ? "check " : "limit 0 of 70000, 0 check "},
               {RB_LIMIT_ALL, 1, modes ? "check " : "limit 2 of 70000, 1 check "}};
  fx_close(f);
  asked[0] = 0;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    rb_db_options d = {
        .rate_limit = 70000, .rate_limit_mode = cases[i].mode, .rate_limit_tunes = cases[i].tunes};
    rb_opened o = open_with(f, d, NULL);
    fx_ok(o.status);
    expect_asked(cases[i].asked);
    rb_close(o.db);
    if (strstr(cases[i].asked, "limit") != NULL) {
      told = rb_status_make(RB_NO_MEMORY, NULL);
      fx_error(open_with(f, d, NULL).status, RB_NO_MEMORY, NULL);
      asked[0] = 0;
      unfit = "another version";
      fx_error(open_with(f, d, NULL).status, RB_UNSUPPORTED, NULL);
      unfit = NULL;
    }
  }
}

static void what_files_cost_is_told_by_it(void **state) {
  (void)state;
  asked[0] = 0;
  assert_int_equal(rb_perf_begin(0), 1);
  expect_asked("io ");
  assert_int_equal(rb_perf_begin(0), 0);
  expect_asked("");
  char *text = rb_perf_io();
  assert_string_equal(text, "bytes_read = 7");
  rb_free(text);
  none = true;
  assert_null(rb_perf_io());
  unfit = "another version";
  none = false;
  assert_null(rb_perf_io());
  rb_free(rb_perf_end(1));
  assert_int_equal(rb_perf_begin(0), 1);
  expect_asked("");
  rb_perf_end(0);
  unfit = NULL;
}

/* C++ tells more than C, so it is asked wherever it is. */
static void events_come_from_it(void **state) {
  struct fixture *f = *state;
  fx_close(f);
  rb_events *e = rb_events_new(9);
  assert_non_null(e);
  asked[0] = 0;
  told = rb_status_make(RB_NO_MEMORY, NULL);
  rb_opened o = open_with(f, (rb_db_options){0}, e);
  assert_null(o.db);
  fx_error(o.status, RB_NO_MEMORY, NULL);
  expect_asked("listen ");
  o = open_with(f, (rb_db_options){0}, e);
  fx_ok(o.status);
  expect_asked("listen check ");
  assert_int_equal(rb_events_count(e).of_kind[RB_EVENT_TABLE_CREATED], 2);
  rb_close(o.db);
  rb_events_free(e);
}

static void ranges_are_compacted_by_it(void **state) {
  struct fixture *f = *state;
  rb_compaction how = RB_COMPACTION_DEFAULT;
  how.subcompactions = 3;
  fx_ok(rb_compact_with(f->family, 1, BYTES("ab"), 1, BYTES("z"), how));
  expect_asked("compact ab to z in 3 ");
  told = rb_status_make(RB_CORRUPTION, "a block");
  fx_error(rb_compact(f->family, 1, BYTES("a"), 1, BYTES("b")), RB_CORRUPTION, "a block");
}

static void iterators_are_refreshed_by_it(void **state) {
  struct fixture *f = *state;
  if (rocksdb_iter_refresh != NULL) {
    skip();
  }
  fx_put(f->family, "a", "1");
  fx_put(f->family, "b", "2");
  rb_iter_result r = rb_iter_new(f->family, NULL, (rb_iter_options){0}, NULL, 0, NULL, 0);
  fx_ok(r.status);
  f->it = r.iter;
  assert_int_equal(rb_iter_step(f->it, RB_MOVE_FIRST, 1, NULL, 0).valid, 1);
  told = rb_status_make(RB_IO, "no refresh");
  fx_error(rb_iter_refresh(f->it), RB_IO, "no refresh");
  expect_asked("refresh ");
  rb_row row = rb_iter_step(f->it, RB_MOVE_ON, 1, NULL, 0); /* it is as it was */
  assert_int_equal(row.valid, 1);
  assert_int_equal(row.key[0], 'b');
  fx_ok(rb_iter_refresh(f->it));
  expect_asked("refresh ");
  assert_int_equal(rb_iter_step(f->it, RB_MOVE_ON, 1, NULL, 0).valid, 0); /* stands nowhere */
  unfit = "another version";
  fx_put(f->family, "0", "0");
  fx_ok(rb_iter_refresh(f->it)); /* another iterator */
  expect_asked("");
  row = rb_iter_step(f->it, RB_MOVE_FIRST, 1, NULL, 0);
  assert_int_equal(row.valid, 1);
  assert_int_equal(row.key[0], '0');
}

static void memtables_are_counted_by_it(void **state) {
  struct fixture *f = *state;
  if (rocksdb_write_buffer_manager_create_with_cache != NULL) {
    skip();
  }
  none = true;
  assert_null(rb_memory_new(1 << 20, 100));
  none = false;
  rb_memory *m = rb_memory_new(1 << 20, 100);
  assert_non_null(m);
  assert_int_equal(alive, 1);
  rb_memory_use u = rb_memory_used(m);
  assert_int_equal(u.memtables, 101);
  assert_int_equal(u.charge, 102);
  rb_memory_resize(m, 1 << 20, 200);
  assert_int_equal(rb_memory_used(m).memtables, 201);
  rb_plan *p = rb_plan_new(f->dir, (rb_db_options){.block_cache_size = -1});
  assert_non_null(p);
  rb_plan_share(p, m, 1 << 20);
  expect_asked("use ");
  rb_memory_free(m);
  assert_int_equal(alive, 1);
  rb_plan_free(p);
  assert_int_equal(alive, 0);
}

static void what_it_brings_is_supported(void **state) {
  struct fixture *f = *state;
  static const uint32_t features[] = {RB_FEATURE_RESUME,        RB_FEATURE_COMPACT_STATUS,
                                      RB_FEATURE_EVENTS,        RB_FEATURE_WRITE_BUFFERS,
                                      RB_FEATURE_COMPACT_PARTS, RB_FEATURE_WIDE_COLUMNS};
  for (size_t i = 0; i < sizeof features / sizeof features[0]; i++) {
    assert_int_equal(rb_supports(features[i]), 1);
  }
  assert_null(rb_cxx_words());
  unfit = "another version";
  assert_string_equal(rb_cxx_words(), "another version");
  assert_int_equal(rb_supports(RB_FEATURE_RESUME), 0);
  assert_int_equal(rb_supports(RB_FEATURE_COMPACT_STATUS), 0);
  assert_int_equal(rb_supports(RB_FEATURE_EVENTS), rb_listeners());
  fx_error(rb_resume(f->db), RB_UNSUPPORTED, NULL);
  expect_asked("");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, with_nothing, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_database_that_does_not_look_right_does_not_open),
      CASE(errors_are_held_and_ended_by_hand),
      CASE(rates_are_limited_by_it),
      CASE(what_files_cost_is_told_by_it),
      CASE(events_come_from_it),
      CASE(ranges_are_compacted_by_it),
      CASE(iterators_are_refreshed_by_it),
      CASE(memtables_are_counted_by_it),
      CASE(what_it_brings_is_supported),
  };
  return cmocka_run_group_tests_name("tagged databases", tests, NULL, NULL);
}
