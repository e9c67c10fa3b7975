/*
 * columns_test.c: rows of several columns, with functions of this program in the place of those
 * that C++ has for them: that what they give arrives whole, and what they fail with too.
 */
/* link: -Wl,--wrap=malloc,--wrap=calloc */
/* link: -Wl,--wrap=rocksdb_readoptions_create,--wrap=rb_order_was_read */
#include "iterate.h"

#include "cxx.h"
#include "handles.h"

static const char *unfit; /* why the C++ part must not be used; NULL: it may */
static rb_status told;    /* what the next call answers, if it is an error */
static size_t times;      /* how often a row's columns repeat its key */
static int left = -1;     /* rows whose columns can be had before told is; -1: all */
static bool no_memory;
static bool no_columns; /* none for those of an iterator */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size) { return no_memory ? NULL : __real_malloc(size); }
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) {
  return no_memory || (size == sizeof(struct rb_columns) && no_columns) ? NULL
                                                                        : __real_calloc(n, size);
}
rocksdb_readoptions_t *__real_rocksdb_readoptions_create(void);
rocksdb_readoptions_t *__wrap_rocksdb_readoptions_create(void);
rocksdb_readoptions_t *__wrap_rocksdb_readoptions_create(void) {
  return no_memory ? NULL : __real_rocksdb_readoptions_create();
}
rb_status __wrap_rb_order_was_read(const struct rb_order *o);
rb_status __wrap_rb_order_was_read(const struct rb_order *o) {
  (void)o;
  return rb_status_make(RB_ABORTED, "the order of the keys");
}

const char *rb_cxx_refusal(void) { return unfit; }

static rb_status answer(void) {
  rb_status s = told;
  told = rb_ok();
  return s;
}

/* The columns of a row are its key, so many times. */
static void put_columns(const char *key, size_t klen, uint8_t *to) {
  for (size_t i = 0; i < times; i++) {
    memcpy(to + i * klen, key, klen);
  }
}

rb_status rb_cxx_get_entity(rocksdb_t *db, const rocksdb_readoptions_t *o,
                            rocksdb_column_family_handle_t *family, const char *key, size_t klen,
                            uint8_t *buf, size_t cap, uint8_t **rest, size_t *len) {
  assert_non_null(db);
  assert_non_null(o);
  assert_non_null(family);
  *rest = NULL;
  *len = times * klen;
  if (told.code == RB_OK) {
    if (*len > cap) {
      *rest = buf = __real_malloc(*len);
    }
    put_columns(key, klen, buf);
  }
  return answer();
}

rb_status rb_cxx_columns(const rocksdb_iterator_t *it, uint8_t *buf, size_t cap, size_t *len) {
  size_t klen = 0;
  const char *key = rocksdb_iter_key(it, &klen);
  *len = times * klen;
  if (left == 0) {
    return answer();
  }
  left -= left > 0 && *len <= cap;
  if (*len <= cap) {
    put_columns(key, klen, buf);
  }
  return rb_ok();
}

static int with_columns(void **state) {
  unfit = NULL;
  told = rb_ok();
  times = 1;
  left = -1;
  no_memory = no_columns = false;
  return with_rows(state);
}

static rb_iter_options columns(uint32_t flags) {
  rb_iter_options o = options(flags);
  o.columns = 1;
  return o;
}

static rb_entity get(struct fixture *f, uint32_t flags, uint64_t deadline, size_t cap) {
  return rb_get_entity(f->family, f->snap, flags, deadline, BYTES("ab"), buf, cap);
}

static void a_row_is_in_the_buffer_or_in_memory_of_its_own(void **state) {
  struct fixture *f = *state;
  times = 3;
  rb_entity e = get(f, 0, 0, 6);
  fx_ok(e.status);
  assert_int_equal(e.len, 6);
  assert_null(e.rest);
  assert_memory_equal(buf, "ababab", 6);
  e = get(f, RB_READ_NO_FILL, 1, 5); /* with options made for the call */
  fx_ok(e.status);
  assert_int_equal(e.len, 6);
  assert_memory_equal(e.rest, "ababab", 6);
  rb_free(e.rest);
}

static void a_row_that_cannot_be_had(void **state) {
  struct fixture *f = *state;
  told = rb_status_make(RB_NOT_FOUND, NULL);
  rb_entity e = get(f, 0, 0, 9);
  fx_error(e.status, RB_NOT_FOUND, NULL);
  assert_int_equal(e.len, 0);
  told = rb_status_make(RB_INCOMPLETE, "not in the cache");
  fx_error(get(f, RB_READ_CACHE_ONLY, 0, 9).status, RB_INCOMPLETE, "not in the cache");
  told = rb_status_make(RB_INCOMPLETE, "not in the cache");
  e = get(f, RB_READ_CACHE_ONLY | RB_READ_PROBE, 0, 9);
  assert_null(e.status.msg);
  fx_error(e.status, RB_INCOMPLETE, NULL);
}

static void an_iterator_gives_all_columns(void **state) {
  struct fixture *f = *state;
  iterate(f, columns(0), NULL, NULL);
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "b d f h j", 1);
  expect_rows(f, RB_MOVE_LAST, "", 2, "j h", 0);
  times = 50; /* longer than the room of before */
  rb_fill r = rb_iter_fill(f->it, RB_MOVE_GE, BYTES("d"), buf, sizeof buf, 1);
  fx_ok(r.status);
  assert_int_equal(r.rows, 1);
  assert_string_equal(row(0), "d=dddddddddddddddddddddddddddddddddddddddddddddddddd");
  r = rb_iter_fill(f->it, RB_MOVE_ON, NULL, 0, buf, 40, 1);
  fx_ok(r.status);
  assert_int_equal(r.rows, 0);
  assert_int_equal(r.need, 50 + 1 + 12);
  rb_count c = rb_iter_count(f->it, RB_MOVE_FIRST, ALL);
  fx_ok(c.status);
  assert_int_equal(c.value_bytes, 250);
  rb_row step = rb_iter_step(f->it, RB_MOVE_FIRST, 1, NULL, 0);
  assert_int_equal(step.valid, 1);
  assert_int_equal(step.vlen, 50);
  iterate(f, options(0), NULL, NULL); /* and without columns the value */
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "b d f h j", 1);
}

static void rows_before_a_failure_are_delivered(void **state) {
  struct fixture *f = *state;
  iterate(f, columns(0), NULL, NULL);
  left = 2;
  told = rb_status_make(RB_CORRUPTION, "a row");
  rb_fill r = rb_iter_fill(f->it, RB_MOVE_FIRST, NULL, 0, buf, sizeof buf, ALL);
  assert_int_equal(r.rows, 2);
  assert_int_equal(r.end, 1);
  fx_error(r.status, RB_CORRUPTION, "a row");
  left = -1;
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "b d f h j", 1);
  left = 0;
  told = rb_status_make(RB_CORRUPTION, "a row");
  rb_row step = rb_iter_step(f->it, RB_MOVE_FIRST, 1, NULL, 0);
  assert_int_equal(step.valid, 0);
  fx_error(step.status, RB_CORRUPTION, "a row");
  rb_iter_move(f->it, RB_MOVE_FIRST, NULL, 0);
  told = rb_status_make(RB_IO, "a failure that nobody takes");
  assert_false(rb_columns_fetch(f->it));
}

static void memory_that_is_short(void **state) {
  struct fixture *f = *state;
  iterate(f, columns(0), NULL, NULL);
  expect_rows(f, RB_MOVE_FIRST, "", 1, "b", 0);
  times = 1000;
  no_memory = true;
  rb_row r = rb_iter_step(f->it, RB_MOVE_ON, 1, NULL, 0);
  no_memory = false;
  assert_int_equal(r.valid, 0);
  fx_error(r.status, RB_NO_MEMORY, NULL);
  no_columns = true;
  fx_error(rb_iter_new(f->family, NULL, columns(0), NULL, 0, NULL, 0).status, RB_NO_MEMORY, NULL);
  no_memory = true;
  fx_error(get(f, 0, 1, 9).status, RB_NO_MEMORY, NULL);
  no_memory = false;
}

/* What a comparator has failed over is not handed out. */
static void a_row_found_in_no_order(void **state) {
  struct fixture *f = *state;
  int any = 0;
  f->family->order = (struct rb_order *)&any;
  times = 9;
  rb_entity e = get(f, 0, 0, 3);
  f->family->order = NULL;
  assert_null(e.rest);
  assert_int_equal(e.len, 0);
  fx_error(e.status, RB_ABORTED, "the order of the keys");
}

static void without_it_there_is_none(void **state) {
  struct fixture *f = *state;
  rb_iter_options both = columns(0);
  both.timed = 1;
  fx_error(rb_iter_new(f->family, NULL, both, NULL, 0, NULL, 0).status, RB_UNSUPPORTED, NULL);
  assert_int_equal(rb_supports(RB_FEATURE_WIDE_COLUMNS), 1);
  unfit = "another version";
  assert_int_equal(rb_supports(RB_FEATURE_WIDE_COLUMNS), 0);
  fx_error(rb_iter_new(f->family, NULL, columns(0), NULL, 0, NULL, 0).status, RB_UNSUPPORTED, NULL);
  rb_entity e = get(f, 0, 0, 9);
  fx_error(e.status, RB_UNSUPPORTED, NULL);
  assert_int_equal(e.len, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, with_columns, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_row_is_in_the_buffer_or_in_memory_of_its_own),
      CASE(a_row_that_cannot_be_had),
      CASE(an_iterator_gives_all_columns),
      CASE(rows_before_a_failure_are_delivered),
      CASE(memory_that_is_short),
      CASE(a_row_found_in_no_order),
      CASE(without_it_there_is_none),
  };
  return cmocka_run_group_tests_name("columns", tests, NULL, NULL);
}
