/* hold_test.c: files that are not deleted while a call of ours writes the manifest. */
#include "fixture.h"

#include "handles.h"
#include "later.h"

static bool deletions(struct fixture *f) {
  return fx_number(f->family, "rocksdb.is-file-deletions-enabled") != 0;
}

static void call(struct fixture *f, int32_t code) {
  rb_hold_begin(f->db);
  assert_int_equal(deletions(f), rocksdb_wait_for_compact != NULL);
  rb_status s = rb_hold_end(f->db, rb_status_make(code, NULL));
  assert_int_equal(s.code, code);
  assert_null(s.msg);
}

static void files_are_held_during_a_call(void **state) {
  struct fixture *f = *state;
  call(f, RB_OK);
  assert_true(deletions(f));
  call(f, RB_INVALID_ARGUMENT); /* nothing was written */
  assert_true(deletions(f));
}

/* However often it fails, one call that succeeds ends it. */
static void a_call_that_fails_holds_them_until_one_succeeds(void **state) {
  struct fixture *f = *state;
  static const int32_t codes[] = {RB_NO_SPACE, RB_IO};
  for (unsigned n = 1; n < 4; n++) {
    for (unsigned i = 0; i < n; i++) {
      call(f, codes[i % 2]);
      assert_int_equal(deletions(f), rocksdb_wait_for_compact != NULL);
    }
    call(f, RB_INVALID_ARGUMENT);
    assert_int_equal(deletions(f), rocksdb_wait_for_compact != NULL);
    call(f, RB_OK);
    assert_true(deletions(f));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(files_are_held_during_a_call, fx_new, fx_free),
      cmocka_unit_test_setup_teardown(a_call_that_fails_holds_them_until_one_succeeds, fx_new,
                                      fx_free),
  };
  return cmocka_run_group_tests_name("hold", tests, NULL, NULL);
}
