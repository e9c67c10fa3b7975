/* called_test.c: databases whose operators ask Go, with C in Go's place; shortages on the way. */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=rocksdb_mergeoperator_create */
/* link: -Wl,--wrap=rocksdb_compactionfilterfactory_create,--wrap=rocksdb_compactionfilter_create */
/* link: -Wl,--wrap=rocksdb_slicetransform_create */
#include "fixture.h"

#include <stdatomic.h>

#include "callbacks.h"

/* What fails: RocksDB's threads look at it too. */
static atomic_bool no_malloc, no_calloc, no_filter, no_maker;

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n) { return no_malloc ? NULL : __real_malloc(n); }

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) { return no_calloc ? NULL : __real_calloc(n, size); }

/* Neither a merge operator nor a factory of filters is to be had while no_maker is set. */
rocksdb_mergeoperator_t *__real_rocksdb_mergeoperator_create(
    void *state, void (*end)(void *),
    char *(*full)(void *, const char *, size_t, const char *, size_t, const char *const *,
                  const size_t *, int, unsigned char *, size_t *),
    char *(*partial)(void *, const char *, size_t, const char *const *, const size_t *, int,
                     unsigned char *, size_t *),
    void (*delete_value)(void *, const char *, size_t), const char *(*name)(void *));
rocksdb_mergeoperator_t *__wrap_rocksdb_mergeoperator_create(
    void *state, void (*end)(void *),
    char *(*full)(void *, const char *, size_t, const char *, size_t, const char *const *,
                  const size_t *, int, unsigned char *, size_t *),
    char *(*partial)(void *, const char *, size_t, const char *const *, const size_t *, int,
                     unsigned char *, size_t *),
    void (*delete_value)(void *, const char *, size_t), const char *(*name)(void *));
rocksdb_mergeoperator_t *__wrap_rocksdb_mergeoperator_create(
    void *state, void (*end)(void *),
    char *(*full)(void *, const char *, size_t, const char *, size_t, const char *const *,
                  const size_t *, int, unsigned char *, size_t *),
    char *(*partial)(void *, const char *, size_t, const char *const *, const size_t *, int,
                     unsigned char *, size_t *),
    void (*delete_value)(void *, const char *, size_t), const char *(*name)(void *)) {
  return no_maker
             ? NULL
             : __real_rocksdb_mergeoperator_create(state, end, full, partial, delete_value, name);
}

rocksdb_compactionfilterfactory_t *__real_rocksdb_compactionfilterfactory_create(
    void *state, void (*end)(void *),
    rocksdb_compactionfilter_t *(*make)(void *, rocksdb_compactionfiltercontext_t *),
    const char *(*name)(void *));
rocksdb_compactionfilterfactory_t *__wrap_rocksdb_compactionfilterfactory_create(
    void *state, void (*end)(void *),
    rocksdb_compactionfilter_t *(*make)(void *, rocksdb_compactionfiltercontext_t *),
    const char *(*name)(void *));
rocksdb_compactionfilterfactory_t *__wrap_rocksdb_compactionfilterfactory_create(
    void *state, void (*end)(void *),
    rocksdb_compactionfilter_t *(*make)(void *, rocksdb_compactionfiltercontext_t *),
    const char *(*name)(void *)) {
  return no_maker ? NULL : __real_rocksdb_compactionfilterfactory_create(state, end, make, name);
}

rocksdb_compactionfilter_t *__real_rocksdb_compactionfilter_create(
    void *state, void (*end)(void *),
    unsigned char (*removes)(void *, int, const char *, size_t, const char *, size_t, char **,
                             size_t *, unsigned char *),
    const char *(*name)(void *));
rocksdb_compactionfilter_t *__wrap_rocksdb_compactionfilter_create(
    void *state, void (*end)(void *),
    unsigned char (*removes)(void *, int, const char *, size_t, const char *, size_t, char **,
                             size_t *, unsigned char *),
    const char *(*name)(void *));
rocksdb_compactionfilter_t *__wrap_rocksdb_compactionfilter_create(
    void *state, void (*end)(void *),
    unsigned char (*removes)(void *, int, const char *, size_t, const char *, size_t, char **,
                             size_t *, unsigned char *),
    const char *(*name)(void *)) {
  return no_filter ? NULL : __real_rocksdb_compactionfilter_create(state, end, removes, name);
}

/* Its parameters are not the same in all versions; RocksDB's own is never called. */
void *__wrap_rocksdb_slicetransform_create(void);
void *__wrap_rocksdb_slicetransform_create(void) { return NULL; }

/* Which kind of call Go fails at, and how often each came. */
static atomic_uint fails_at;
static atomic_uint counts[RB_CALLBACK_PREFIX + 1];

/* Appends to the result, which is made larger as it needs be. */
static void append(rb_callback *call, const void *data, size_t n) {
  if (n == 0 || call->out_len + n > call->out_cap) {
    return; /* what does not fit is not there */
  }
  memcpy(call->out + call->out_len, data, n);
  call->out_len += n;
}

/* Merges by appending, removes the keys with an "x", and gives those with an "r" a value. */
static void go(rb_callback *call) {
  counts[call->kind]++;
  call->answer = RB_ANSWER_OK;
  call->out_len = 0;
  switch (call->kind) {
    case RB_CALLBACK_MERGE:
    case RB_CALLBACK_PARTIAL:
      append(call, call->value, call->value_len);
      for (size_t i = 0; i < call->count; i++) {
        append(call, call->operands[i], call->lens[i]);
      }
      break;
    case RB_CALLBACK_FILTER_BEGIN:
      call->made = 99;
      break;
    case RB_CALLBACK_FILTER:
      assert_int_equal(call->made, 99);
      if (call->key[0] == 'x') {
        call->answer = RB_ANSWER_REMOVE;
      } else if (call->key[0] == 'r') {
        assert_true(rb_callback_reserve(call, 5));
        append(call, "fresh", 5);
        call->answer = RB_ANSWER_REPLACE;
      }
      break;
    default:
      break;
  }
  if (call->kind == fails_at) {
    call->answer = RB_ANSWER_FAILED;
  }
}

enum { NOWHERE = 1000 };

/* Opens a database whose merges and filters ask go. */
static int with_called(void **state) {
  no_malloc = no_calloc = no_filter = no_maker = false;
  fails_at = NOWHERE;
  memset(counts, 0, sizeof counts);
  fx_new_empty(state);
  rb_callee *c = rb_callee_new(go, 7, "ours");
  assert_non_null(c);
  struct setup s = fx_defaults();
  s.family.operators = (rb_operators){.called_merge = c, .called_filter = c};
  fx_open(*state, s);
  rb_callee_free(c);
  return 0;
}

static void merge(struct fixture *f, const char *key, const char *operand) {
  fx_ok(rb_apply(f->family, RB_MERGE, 0, BYTES(key), BYTES(operand)));
}

static void compact(struct fixture *f) {
  fx_flush(f);
  fx_ok(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0));
}

static void operands_are_appended(void **state) {
  struct fixture *f = *state;
  merge(f, "m", "a");
  merge(f, "m", "bc");
  fx_expect(f->family, NULL, "m", "abc");
  fx_put(f->family, "n", "base ");
  merge(f, "n", "and");
  fx_expect(f->family, NULL, "n", "base and");
  merge(f, "e", "");
  fx_expect(f->family, NULL, "e", "");
  fx_flush(f);
  assert_true(counts[RB_CALLBACK_MERGE] >= 3);
  assert_true(counts[RB_CALLBACK_PARTIAL] >= 1);
  fx_expect(f->family, NULL, "m", "abc");
}

static void room_for_a_result_has_a_limit(void **state) {
  struct fixture *f = *state;
  size_t size = 2 << 20;
  uint8_t *large = calloc(1, size);
  assert_non_null(large);
  fx_ok(rb_apply(f->family, RB_MERGE, 0, BYTES("m"), large, size));
  free(large);
  merge(f, "m", "after");
  fx_expect(f->family, NULL, "m", "after"); /* go leaves out what does not fit */
}

static void a_merge_that_fails_is_an_error(void **state) {
  struct fixture *f = *state;
  merge(f, "m", "a");
  fails_at = RB_CALLBACK_MERGE;
  uint8_t buf[8];
  fx_error(rb_get(f->family, NULL, 0, 0, BYTES("m"), buf, sizeof buf).status, RB_CORRUPTION, NULL);
  fails_at = NOWHERE;
  fx_expect(f->family, NULL, "m", "a");
}

static void a_merge_without_memory_has_no_room(void **state) {
  struct fixture *f = *state;
  merge(f, "m", "a");
  no_malloc = true;
  uint8_t buf[8];
  rb_value v = rb_get(f->family, NULL, 0, 0, BYTES("m"), buf, sizeof buf);
  no_malloc = false;
  fx_ok(v.status);
  assert_int_equal(v.len, 0);
  fx_expect(f->family, NULL, "m", "a");
}

/* Rows that the filter keeps, removes and changes. */
static void put_three(struct fixture *f) {
  fx_put(f->family, "keep", "1");
  fx_put(f->family, "remove", "2");
  fx_put(f->family, "x", "3");
}

static void rows_are_removed_and_replaced(void **state) {
  struct fixture *f = *state;
  put_three(f);
  compact(f);
  fx_expect(f->family, NULL, "keep", "1");
  fx_expect(f->family, NULL, "remove", "fresh");
  fx_expect(f->family, NULL, "x", NULL);
  assert_int_equal(counts[RB_CALLBACK_FILTER_BEGIN], counts[RB_CALLBACK_FILTER_END]);
}

static void expect_untouched(struct fixture *f) {
  put_three(f);
  compact(f);
  fx_expect(f->family, NULL, "remove", "2");
  fx_expect(f->family, NULL, "x", "3");
  assert_int_equal(counts[RB_CALLBACK_FILTER], 0);
}

static void a_filter_that_does_not_begin_changes_nothing(void **state) {
  fails_at = RB_CALLBACK_FILTER_BEGIN;
  expect_untouched(*state);
  assert_true(counts[RB_CALLBACK_FILTER_BEGIN] > 0);
  assert_int_equal(counts[RB_CALLBACK_FILTER_END], 0);
}

static void a_filter_without_memory_changes_nothing(void **state) {
  struct fixture *f = *state;
  put_three(f);
  fx_flush(f);
  no_calloc = true;
  rb_status s = rb_compact(f->family, 0, NULL, 0, 0, NULL, 0);
  no_calloc = false;
  fx_ok(s);
  fx_expect(f->family, NULL, "x", "3");
  assert_int_equal(counts[RB_CALLBACK_FILTER_BEGIN], 0);
}

static void a_filter_that_rocksdb_does_not_take_is_ended(void **state) {
  no_filter = true;
  expect_untouched(*state);
  assert_true(counts[RB_CALLBACK_FILTER_BEGIN] > 0);
  assert_int_equal(counts[RB_CALLBACK_FILTER_BEGIN], counts[RB_CALLBACK_FILTER_END]);
}

/* What cannot be made holds no callee: its life ends with its maker's hold. */
static void what_rocksdb_cannot_make_holds_nothing(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    counts[RB_CALLBACK_RELEASE] = 0;
    rb_callee *c = rb_callee_new(go, 7, "ours");
    rb_operators o = {.called_merge = i == 0 ? c : NULL,
                      .called_filter = i == 1 ? c : NULL,
                      .called_prefix = i == 2 ? c : NULL};
    rocksdb_options_t *options = rocksdb_options_create();
    no_maker = true;
    fx_error(rb_options_set_operators(options, o), RB_NO_MEMORY, NULL);
    no_maker = false;
    assert_int_equal(counts[RB_CALLBACK_RELEASE], 0);
    rb_callee_free(c);
    assert_int_equal(counts[RB_CALLBACK_RELEASE], 1);
    rocksdb_options_destroy(options);
  }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, with_called, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(operands_are_appended),
      CASE(room_for_a_result_has_a_limit),
      CASE(a_merge_that_fails_is_an_error),
      CASE(a_merge_without_memory_has_no_room),
      CASE(rows_are_removed_and_replaced),
      CASE(a_filter_that_does_not_begin_changes_nothing),
      CASE(a_filter_without_memory_changes_nothing),
      CASE(a_filter_that_rocksdb_does_not_take_is_ended),
      cmocka_unit_test(what_rocksdb_cannot_make_holds_nothing),
  };
  return cmocka_run_group_tests_name("called", tests, NULL, NULL);
}
