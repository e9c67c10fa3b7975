/* order_test.c: orders of keys, with C in Go's place. */
/* link: -Wl,--wrap=calloc,--wrap=rocksdb_comparator_create,--wrap=rocksdb_options_create */
#include "fixture.h"

#include "callbacks.h"
#include "order.h"

static bool no_calloc, no_comparator, no_options;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) { return no_calloc ? NULL : __real_calloc(n, size); }

rocksdb_comparator_t *__real_rocksdb_comparator_create(void *state, void (*end)(void *),
                                                       int (*compare)(void *, const char *, size_t,
                                                                      const char *, size_t),
                                                       const char *(*name)(void *));
rocksdb_comparator_t *__wrap_rocksdb_comparator_create(void *state, void (*end)(void *),
                                                       int (*compare)(void *, const char *, size_t,
                                                                      const char *, size_t),
                                                       const char *(*name)(void *));
rocksdb_comparator_t *__wrap_rocksdb_comparator_create(void *state, void (*end)(void *),
                                                       int (*compare)(void *, const char *, size_t,
                                                                      const char *, size_t),
                                                       const char *(*name)(void *)) {
  return no_comparator ? NULL : __real_rocksdb_comparator_create(state, end, compare, name);
}

rocksdb_options_t *__real_rocksdb_options_create(void);
rocksdb_options_t *__wrap_rocksdb_options_create(void);
rocksdb_options_t *__wrap_rocksdb_options_create(void) {
  return no_options ? NULL : __real_rocksdb_options_create();
}

static bool sick, once; /* once: until it was asked */
static unsigned asked, told;
static struct rb_order *telling; /* looked at when Go is told */

static void expect_code(rb_status s, int code) {
  assert_int_equal(s.code, code);
  rb_free(s.msg);
}

static unsigned released;

static void called(rb_callback *call) {
  if (call->kind == RB_CALLBACK_RELEASE) {
    released++;
  }
  if (call->kind == RB_CALLBACK_ORDER_FAILED) {
    told++;
    if (telling != NULL) {
      expect_code(rb_order_sound(telling), RB_ABORTED);
    }
  }
  if (call->kind != RB_CALLBACK_COMPARE) {
    return;
  }
  asked++;
  bool fails = sick;
  sick = sick && !once;
  if (!fails) { /* the last byte counts most */
    call->level = (int)call->key[call->key_len - 1] - (int)call->value[call->value_len - 1];
    call->answer = RB_ANSWER_OK;
  }
}

static int compare(struct rb_order *o, const char *a, const char *b) {
  return rb_order_compare(o, (const uint8_t *)a, strlen(a), (const uint8_t *)b, strlen(b));
}

/* An order that is asked for elsewhere, given to options that are then freed. */
static struct rb_order *asked_order(void) {
  rocksdb_options_t *options = rocksdb_options_create();
  rb_callee *c = rb_callee_new(called, 7, "an order");
  rb_operators ops = {.called_order = c};
  struct rb_order *o = NULL;
  fx_ok(rb_options_set_order(&options, ops, &o));
  assert_non_null(o);
  rb_callee_free(c);
  rocksdb_options_destroy(options);
  sick = once = false;
  asked = told = 0;
  telling = NULL;
  return o;
}

static void test_orders_of_c(void **state) {
  (void)state;
  rocksdb_options_t *options = rocksdb_options_create();
  rb_operators none = {0}, back = {.reversed = 1};
  struct rb_order *o = NULL;
  fx_ok(rb_options_set_order(&options, none, &o));
  assert_null(o);
  fx_ok(rb_options_set_order(&options, back, &o));
  assert_true(compare(o, "a", "b") > 0 && compare(o, "b", "a") < 0 && compare(o, "a", "a") == 0);
  assert_true(compare(o, "aa", "a") < 0);
  assert_false(rb_order_calls(o));
  expect_code(rb_order_sound(o), RB_OK);
  rb_order_free(o);
  rb_order_free(NULL);
  rocksdb_options_destroy(options);
}

static void test_keys_that_are_the_same_are_not_asked_for(void **state) {
  (void)state;
  struct rb_order *o = asked_order();
  assert_true(rb_order_calls(o));
  assert_true(compare(o, "bc", "ad") < 0 && compare(o, "ad", "bc") > 0);
  assert_int_equal(asked, 2);
  assert_int_equal(compare(o, "bc", "bc"), 0);
  assert_int_equal(compare(o, "", ""), 0);
  assert_int_equal(asked, 2);
  rb_order_free(o);
}

/* A failure in a read is that read's; the read within the read belongs to it. */
static void test_a_read_fails_alone(void **state) {
  (void)state;
  struct rb_order *o = asked_order();
  rb_order_reads();
  expect_code(rb_order_was_read(o), RB_OK);
  rb_order_reads();
  sick = true;
  assert_true(compare(o, "a", "b") < 0);
  sick = false;
  rb_order_reads();
  expect_code(rb_order_was_read(o), RB_ABORTED);
  expect_code(rb_order_sound(o), RB_OK);
  assert_int_equal(told, 0);
  rb_order_reads();
  assert_true(compare(o, "b", "a") > 0);
  expect_code(rb_order_was_read(o), RB_OK);
  rb_order_free(o);
}

/* Outside of reads it stays, and so does what was said of the pair: RocksDB has built on it. Go is
 * told of it before that, once no write can pass any more. */
static void test_a_failure_elsewhere_stays(void **state) {
  (void)state;
  struct rb_order *o = asked_order();
  rb_orders all = NULL;
  rb_orders_add(&all, NULL);
  rb_orders_add(&all, o);
  expect_code(rb_orders_sound(&all), RB_OK);
  sick = true;
  telling = o;
  assert_true(compare(o, "b", "a") < 0);
  sick = false;
  assert_int_equal(told, 1);
  expect_code(rb_order_sound(o), RB_ABORTED);
  expect_code(rb_orders_sound(&all), RB_ABORTED);
  rb_order_reads();
  expect_code(rb_order_was_read(o), RB_ABORTED);
  asked = 0;
  assert_true(compare(o, "b", "a") < 0); /* as before, though Go would know now */
  assert_int_equal(asked, 0);
  assert_true(compare(o, "a", "b") < 0); /* rightly */
  assert_true(compare(o, "d", "c") > 0);
  assert_int_equal(asked, 2);
  sick = true;
  for (int i = 0; i < 3000; i++) { /* more pairs than are kept */
    char a[16];
    snprintf(a, sizeof a, "%d", i);
    assert_true(compare(o, a, "x") < 0);
  }
  rb_orders_free(&all);
}

/* One that failed once is asked again, for what RocksDB makes of it to hold together; it has failed
 * all the same. */
static void test_an_order_that_failed_is_asked_again(void **state) {
  (void)state;
  struct rb_order *o = asked_order();
  sick = once = true;
  assert_true(compare(o, "b", "a") > 0);
  assert_int_equal(asked, 2);
  assert_int_equal(told, 1);
  expect_code(rb_order_sound(o), RB_ABORTED);
  assert_true(compare(o, "b", "a") > 0);
  rb_order_free(o);
}

/* What cannot be made holds no callee, and the options are as they were. */
static void test_an_order_without_memory_is_none(void **state) {
  (void)state;
  rb_callee *c = rb_callee_new(called, 7, "an order");
  assert_non_null(c);
  rb_operators ops[] = {{.called_order = c}, {.reversed = 1}};
  released = 0;
  for (int i = 0; i < 4; i++) {
    rocksdb_options_t *options = rocksdb_options_create(), *was = options;
    struct rb_order *o = NULL;
    no_calloc = i < 2;
    no_comparator = i == 2;
    no_options = i == 3;
    rb_status s = rb_options_set_order(&options, ops[i % 2], &o);
    no_calloc = no_comparator = no_options = false;
    fx_error(s, RB_NO_MEMORY, NULL);
    assert_null(o);
    assert_ptr_equal(options, was);
    rocksdb_options_destroy(options);
  }
  assert_int_equal(released, 0);
  rb_callee_free(c);
  assert_int_equal(released, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_orders_of_c),
      cmocka_unit_test(test_keys_that_are_the_same_are_not_asked_for),
      cmocka_unit_test(test_a_read_fails_alone),
      cmocka_unit_test(test_a_failure_elsewhere_stays),
      cmocka_unit_test(test_an_order_that_failed_is_asked_again),
      cmocka_unit_test(test_an_order_without_memory_is_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
