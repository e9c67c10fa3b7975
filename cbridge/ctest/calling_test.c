/* calling_test.c: functions in which Go is called on the thread that called them, and beside each
 * the one that has it called on another. */
#include "fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "callbacks.h"

static pthread_t caller;
static atomic_uint here, elsewhere;

/* The bytewise order, and on which thread it was asked for. */
static void go(rb_callback *call) {
  if (call->kind != RB_CALLBACK_COMPARE) {
    return;
  }
  if (pthread_equal(pthread_self(), caller)) {
    here++;
  } else {
    elsewhere++;
  }
  call->level = rb_compare(call->key, call->key_len, call->value, call->value_len);
  call->answer = RB_ANSWER_OK;
}

/* Gives the thread a signal stack, as all of Go's have. */
static stack_t like_go(void) {
  stack_t s = {.ss_sp = malloc(65536), .ss_size = 65536}, old;
  assert_non_null(s.ss_sp);
  assert_int_equal(sigaltstack(&s, &old), 0);
  return old;
}

static void as_before(const stack_t *old) {
  stack_t none = {.ss_flags = SS_DISABLE}, s;
  assert_int_equal(sigaltstack((old->ss_flags & SS_DISABLE) != 0 ? &none : old, &s), 0);
  free(s.ss_sp);
}

static stack_t before;

static int set_up(void **state) {
  fx_new_empty(state);
  struct fixture *f = *state;
  caller = pthread_self();
  before = like_go();
  rb_callee *c = rb_callee_new(go, 7, "an order");
  assert_non_null(c);
  struct setup s = fx_defaults();
  s.family.operators.called_order = c;
  fx_open(f, s);
  rb_callee_free(c);
  for (int i = 0; i < 3; i++) {
    fx_put(f->family, (char[]){(char)('a' + i), '\0'}, "value");
  }
  return 0;
}

static int tear_down(void **state) {
  int r = fx_free(state);
  as_before(&before);
  return r;
}

/* Asserts where Go was called since the last time. */
static void expect_called_here(bool want) {
  assert_true(want ? here > 0 && elsewhere == 0 : here == 0 && elsewhere > 0);
  here = elsewhere = 0;
}

/* What the thread was said to be is so again: the plain function after it calls elsewhere. */
static void reads_call_here(void **state) {
  struct fixture *f = *state;
  uint8_t buf[8];
  here = elsewhere = 0;
  rb_value v = rb_get_calling(f->family, NULL, 0, 0, BYTES("b"));
  fx_ok(v.status);
  assert_non_null(v.pin);
  assert_int_equal(v.len, 5);
  assert_memory_equal(v.data, "value", 5);
  rb_unpin(v.pin);
  expect_called_here(true);
  fx_ok(rb_get(f->family, NULL, 0, 0, BYTES("b"), buf, sizeof buf).status);
  expect_called_here(false);
  fx_ok(rb_has_calling(f->family, NULL, 0, 0, BYTES("b")));
  expect_called_here(true);
  fx_error(rb_has_calling(f->family, NULL, 0, 0, BYTES("bb")), RB_NOT_FOUND, NULL);
  expect_called_here(true);
  fx_ok(rb_has(f->family, NULL, 0, 0, BYTES("b")));
  expect_called_here(false);
}

static void reads_of_many_keys_call_here(void **state) {
  struct fixture *f = *state;
  rb_key keys[] = {{0, 1}, {0, 1}};
  rb_answer found[2];
  uint8_t buf[16];
  here = elsewhere = 0;
  rb_multi m = rb_multi_get_calling(&f->family, (rb_read){0}, keys, 2, U8("bx"), found);
  expect_called_here(true);
  fx_ok(m.status);
  assert_int_equal(m.used, 0);
  assert_int_equal(m.need, 5);
  assert_int_equal(found[0].code, RB_OK);
  assert_int_equal(found[0].rest, 1);
  assert_int_equal(found[1].code, RB_NOT_FOUND);
  rb_rest_take(m.rest, buf);
  assert_memory_equal(buf, "value", 5);
  m = rb_multi_get(&f->family, (rb_read){0}, keys, 2, U8("bx"), buf, sizeof buf, found);
  expect_called_here(false);
  fx_ok(m.status);
  assert_null(m.rest);
}

static void iterators_call_here(void **state) {
  struct fixture *f = *state;
  uint8_t buf[128];
  rb_iter_result r = rb_iter_new(f->family, NULL, (rb_iter_options){0}, NULL, 0, NULL, 0);
  fx_ok(r.status);
  f->it = r.iter;
  here = elsewhere = 0;
  rb_fill one = rb_iter_fill_calling(f->it, RB_MOVE_GE, BYTES("b"), buf, sizeof buf, 9);
  expect_called_here(true);
  fx_ok(one.status);
  assert_int_equal(one.rows, 2);
  assert_memory_equal(buf + 8, "bvalue", 6);
  one = rb_iter_fill(f->it, RB_MOVE_GE, BYTES("b"), buf, sizeof buf, 9);
  expect_called_here(false);
  fx_ok(one.status);
  rb_count c = rb_iter_count_calling(f->it, RB_MOVE_FIRST, 9);
  expect_called_here(true);
  fx_ok(c.status);
  assert_int_equal(c.rows, 3);
  c = rb_iter_count(f->it, RB_MOVE_FIRST, 9);
  expect_called_here(false);
  fx_ok(c.status);
}

static void writes_call_here(void **state) {
  struct fixture *f = *state;
  static const uint8_t rep[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 'd', 1, '4'};
  here = elsewhere = 0;
  fx_ok(rb_apply_calling(f->family, RB_PUT, 0, BYTES("bb"), BYTES("3")));
  expect_called_here(true);
  fx_ok(rb_apply(f->family, RB_PUT, 0, BYTES("bc"), BYTES("3")));
  expect_called_here(false);
  fx_ok(rb_write_calling(f->db, 0, rep, sizeof rep));
  expect_called_here(true);
  fx_ok(rb_write(f->db, 0, rep, sizeof rep));
  expect_called_here(false);
  fx_expect(f->family, NULL, "bb", "3");
  fx_expect(f->family, NULL, "d", "4");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(reads_call_here),
      CASE(reads_of_many_keys_call_here),
      CASE(iterators_call_here),
      CASE(writes_call_here),
  };
  return cmocka_run_group_tests_name("calling", tests, NULL, NULL);
}
