/* iter_state_test.c: the state and the bounds that an iterator shows, and how long it keeps them.
 */
#include "iterate.h"

static void bounds_are_half_open_and_copied(void **state) {
  struct fixture *f = *state;
  char lower[] = "d", upper[] = "h";
  iterate(f, options(0), lower, upper);
  lower[0] = 'a';
  upper[0] = 'z';
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "d f", 1);
  expect_rows(f, RB_MOVE_LAST, "", ALL, "f d", 1);
  expect_rows(f, RB_MOVE_GE, "a", ALL, "d f", 1);
  expect_rows(f, RB_MOVE_LE, "z", ALL, "f d", 1);
  expect_rows(f, RB_MOVE_GE, "h", ALL, "", 1);
  expect_rows(f, RB_MOVE_LT, "d", ALL, "", 1);
}

static void empty_bounds_are_bounds(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "", "");
  iterate(f, options(0), "", NULL);
  expect_rows(f, RB_MOVE_FIRST, "", 2, " b", 0);
  iterate(f, options(0), NULL, "");
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "", 1);
  set_bounds(f, "", "c");
  expect_rows(f, RB_MOVE_LAST, "", ALL, "b ", 1);
}

static void bounds_change_to_wider_narrower_and_none(void **state) {
  struct fixture *f = *state;
  static const char *const first[][2] = {{"d", "i"}, {NULL, NULL}, {"d", NULL}, {NULL, "i"}};
  for (size_t i = 0; i < 4; i++) {
    iterate(f, options(0), first[i][0], first[i][1]);
    expect_rows(f, RB_MOVE_GE, "f", 1, "f", 0);
    set_bounds(f, "e", "g"); /* narrower */
    expect_rows(f, RB_MOVE_FIRST, "", ALL, "f", 1);
    expect_rows(f, RB_MOVE_TURN_BACK, "", ALL, "f", 1);
    set_bounds(f, "c", "k"); /* wider */
    expect_rows(f, RB_MOVE_LAST, "", ALL, "j h f d", 1);
    set_bounds(f, NULL, NULL);
    expect_rows(f, RB_MOVE_FIRST, "", ALL, "b d f h j", 1);
    expect_rows(f, RB_MOVE_LAST, "", ALL, "j h f d b", 1);
    set_bounds(f, "h", "d"); /* no row can be in there */
    expect_rows(f, RB_MOVE_FIRST, "", ALL, "", 1);
    expect_rows(f, RB_MOVE_LE, "f", ALL, "", 1);
    expect_rows(f, RB_MOVE_TURN_FORWARD, "", ALL, "", 1);
    set_bounds(f, "h", NULL);
    expect_rows(f, RB_MOVE_FIRST, "", ALL, "h j", 1);
    fx_ok(rb_iter_refresh(f->it));
    expect_rows(f, RB_MOVE_LAST, "", ALL, "j h", 1);
  }
}

static void a_row_on_the_upper_bound_stays_outside_after_a_turn(void **state) {
  struct fixture *f = *state;
  iterate(f, options(0), NULL, NULL);
  set_bounds(f, NULL, "f");
  expect_rows(f, RB_MOVE_GT, "f", ALL, "", 1);
  expect_rows(f, RB_MOVE_TURN_BACK, "", ALL, "d b", 1);
}

static void it_keeps_its_state_until_refreshed(void **state) {
  struct fixture *f = *state;
  iterate(f, options(0), "c", "g");
  fx_put(f->family, "e", "e");
  fx_ok(rb_apply(f->family, RB_DELETE, 0, BYTES("d"), NULL, 0));
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "d f", 1);
  fx_flush(f);
  fx_ok(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0));
  expect_rows(f, RB_MOVE_LAST, "", ALL, "f d", 1);
  fx_ok(rb_iter_refresh(f->it));
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "e f", 1);
}

static void one_of_a_snapshot_shows_the_snapshot_until_refreshed(void **state) {
  struct fixture *f = *state;
  f->snap = rb_snapshot_new(f->db);
  assert_non_null(f->snap);
  fx_put(f->family, "e", "e");
  iterate(f, options(0), "c", "g");
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "d f", 1);
  fx_ok(rb_iter_refresh(f->it));
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "d e f", 1);
}

static const char snapshots[] = "rocksdb.num-snapshots";

static void a_snapshot_lives_as_long_as_an_iterator_of_it(void **state) {
  struct fixture *f = *state;
  f->snap = rb_snapshot_new(f->db);
  assert_non_null(f->snap);
  iterate(f, options(0), NULL, NULL);
  fx_put(f->family, "e", "e");
  rb_snapshot_free(f->snap);
  f->snap = NULL;
  assert_int_equal(fx_number(f->family, snapshots), 1);
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "b d f h j", 1);
  rb_iter_free(f->it);
  f->it = NULL;
  assert_int_equal(fx_number(f->family, snapshots), 0);
}

static void a_refresh_lets_the_snapshot_go(void **state) {
  struct fixture *f = *state;
  f->snap = rb_snapshot_new(f->db);
  assert_non_null(f->snap);
  iterate(f, options(0), NULL, NULL);
  rb_snapshot_free(f->snap);
  f->snap = NULL;
  fx_ok(rb_iter_refresh(f->it));
  assert_int_equal(fx_number(f->family, snapshots), 0);
}

static void one_over_a_dropped_family_lives_on(void **state) {
  struct fixture *f = *state;
  rb_family_result r = rb_family_create(f->db, "other", fx_defaults().family, NULL);
  fx_ok(r.status);
  fx_put(r.family, "b", "b");
  fx_ok(rb_flush(f->db, &r.family, 1));
  fx_put(r.family, "d", "d");
  rb_family *of_default = f->family;
  f->family = r.family;
  iterate(f, options(0), NULL, NULL);
  fx_ok(rb_family_drop(r.family, NULL));
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "b d", 1);
  set_bounds(f, "c", NULL);
  expect_rows(f, RB_MOVE_LAST, "", ALL, "d", 1);
  f->family = of_default;
}

static void freeing_nothing_is_allowed(void **state) {
  (void)state;
  rb_iter_free(NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, with_rows, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(bounds_are_half_open_and_copied),
      CASE(empty_bounds_are_bounds),
      CASE(bounds_change_to_wider_narrower_and_none),
      CASE(a_row_on_the_upper_bound_stays_outside_after_a_turn),
      CASE(it_keeps_its_state_until_refreshed),
      CASE(one_of_a_snapshot_shows_the_snapshot_until_refreshed),
      CASE(a_snapshot_lives_as_long_as_an_iterator_of_it),
      CASE(a_refresh_lets_the_snapshot_go),
      CASE(one_over_a_dropped_family_lives_on),
      cmocka_unit_test(freeing_nothing_is_allowed),
  };
  return cmocka_run_group_tests_name("iter_state", tests, NULL, NULL);
}
