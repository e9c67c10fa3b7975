/* calledprefix_test.c: a database whose prefixes ask Go, with C in Go's place. */
#include "fixture.h"

#include <stdatomic.h>

#include "callbacks.h"

static atomic_uint asked, too_long, failed;

/* The prefix is what stands before a colon. Of "long" it is longer than the key, of "none" there is
 * none. */
static void go(rb_callback *call) {
  call->answer = RB_ANSWER_OK;
  if (call->kind != RB_CALLBACK_PREFIX) {
    return;
  }
  asked++;
  const uint8_t *colon = call->key_len == 0 ? NULL : memchr(call->key, ':', call->key_len);
  call->out_len = colon == NULL ? call->key_len : (size_t)(colon - call->key);
  if (call->key_len == 4 && memcmp(call->key, "long", 4) == 0) {
    call->out_len = 5;
    too_long++;
  }
  if (call->key_len == 4 && memcmp(call->key, "none", 4) == 0) {
    call->answer = RB_ANSWER_FAILED;
    failed++;
  }
}

/* Without the bound on a prefix, bytes behind the key would be part of it, and they are not the
 * same when it is looked for. */
static void keys_are_found_by_prefix_and_without(void **state) {
  struct fixture *f = *state;
  rb_callee *c = rb_callee_new(go, 7, "ours");
  struct setup s = fx_defaults();
  s.family.bloom_bits_per_key = 10;
  s.family.operators = (rb_operators){.called_prefix = c};
  s.family_extra = "memtable_prefix_bloom_size_ratio=0.1";
  fx_open(f, s);
  rb_callee_free(c);
  static const char *const keys[] = {"a:1", "a:2", "b:1", "long", "none", ""};
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    fx_put(f->family, keys[i], "value");
  }
  for (int flushed = 0; flushed < 2; flushed++) {
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
      fx_expect(f->family, NULL, keys[i], "value");
    }
    fx_expect(f->family, NULL, "a:3", NULL);
    rb_iter_options o = {0};
    rb_iter_result r = rb_iter_new(f->family, NULL, o, NULL, 0, NULL, 0);
    fx_ok(r.status);
    rb_count n = rb_iter_count(r.iter, RB_MOVE_FIRST, UINT64_MAX);
    rb_iter_free(r.iter);
    fx_ok(n.status);
    assert_int_equal(n.rows, sizeof keys / sizeof keys[0]);
    fx_flush(f);
  }
  assert_true(asked > 0);
  assert_true(too_long > 0);
  assert_true(failed > 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new_empty, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(keys_are_found_by_prefix_and_without),
  };
  return cmocka_run_group_tests_name("calledprefix", tests, NULL, NULL);
}
