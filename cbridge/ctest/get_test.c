/* get_test.c: point reads. */
#include "fixture.h"

static uint8_t buf[64];

static rb_value get(const struct fixture *f, uint32_t flags, const char *key, size_t cap) {
  memset(buf, 0xA5, sizeof buf);
  return rb_get(f->family, NULL, flags, 0, BYTES(key), buf, cap);
}

/* Asserts that nothing of buf from n on was written. */
static void untouched_from(size_t n) {
  for (; n < sizeof buf; n++) {
    assert_int_equal(buf[n], 0xA5);
  }
}

static void a_value_that_fits_is_copied(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "key", "value");
  for (size_t cap = 5; cap < 8; cap++) {
    rb_value v = get(f, 0, "key", cap);
    fx_ok(v.status);
    assert_null(v.pin);
    assert_null(v.data);
    assert_int_equal(v.len, 5);
    assert_memory_equal(buf, "value", 5);
    untouched_from(5);
  }
}

static void a_value_one_byte_too_long_comes_back_pinned(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "key", "value");
  for (int flushed = 0; flushed < 2; flushed++) {
    rb_value v = get(f, 0, "key", 4);
    fx_ok(v.status);
    assert_non_null(v.pin);
    assert_int_equal(v.len, 5);
    assert_memory_equal(v.data, "value", 5);
    untouched_from(0);
    rb_unpin(v.pin);
    fx_flush(f);
  }
  rb_unpin(NULL);
}

static void a_pinned_value_outlives_its_key(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "key", "value");
  fx_flush(f);
  rb_value v = rb_get(f->family, NULL, 0, 0, BYTES("key"), NULL, 0);
  fx_ok(v.status);
  assert_non_null(v.pin);
  fx_ok(rb_apply(f->family, RB_DELETE, 0, BYTES("key"), NULL, 0));
  fx_flush(f);
  fx_ok(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0));
  assert_memory_equal(v.data, "value", 5);
  rb_unpin(v.pin);
  fx_expect(f->family, NULL, "key", NULL);
}

static void an_empty_value_is_there_and_never_pinned(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "key", "");
  rb_value v = rb_get(f->family, NULL, 0, 0, BYTES("key"), NULL, 0);
  fx_ok(v.status);
  assert_int_equal(v.len, 0);
  assert_null(v.pin);
  fx_ok(rb_has(f->family, NULL, 0, 0, BYTES("key")));
}

static void the_empty_key_is_a_key(void **state) {
  struct fixture *f = *state;
  fx_error(rb_has(f->family, NULL, 0, 0, NULL, 0), RB_NOT_FOUND, NULL);
  fx_ok(rb_apply(f->family, RB_PUT, 0, NULL, 0, BYTES("value")));
  rb_value v = rb_get(f->family, NULL, 0, 0, NULL, 0, buf, sizeof buf);
  fx_ok(v.status);
  assert_int_equal(v.len, 5);
}

static void bytes_of_any_value_come_back(void **state) {
  struct fixture *f = *state;
  fx_ok(rb_apply(f->family, RB_PUT, 0, U8("k\0\xFF"), 3, U8("\0v\0"), 3));
  rb_value v = rb_get(f->family, NULL, 0, 0, U8("k\0\xFF"), 3, buf, sizeof buf);
  fx_ok(v.status);
  assert_int_equal(v.len, 3);
  assert_memory_equal(buf, "\0v\0", 3);
  fx_error(rb_has(f->family, NULL, 0, 0, BYTES("k")), RB_NOT_FOUND, NULL);
}

static void a_miss_is_not_found_without_a_text(void **state) {
  struct fixture *f = *state;
  rb_value v = get(f, 0, "nothing", sizeof buf);
  assert_int_equal(v.status.code, RB_NOT_FOUND);
  assert_null(v.status.msg);
  assert_null(v.pin);
  assert_null(v.data);
  assert_int_equal(v.len, 0);
  untouched_from(0);
  rb_status s = rb_has(f->family, NULL, 0, 0, BYTES("nothing"));
  assert_int_equal(s.code, RB_NOT_FOUND);
  assert_null(s.msg);
}

static void a_snapshot_shows_the_state_it_was_taken_of(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "kept", "old");
  rb_snapshot *s = rb_snapshot_new(f->db);
  assert_non_null(s);
  fx_put(f->family, "kept", "new");
  fx_put(f->family, "added", "new");
  fx_flush(f);
  fx_ok(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0));
  fx_expect(f->family, s, "kept", "old");
  fx_expect(f->family, s, "added", NULL);
  /* With flags or a deadline the options are made for the call: the snapshot must be in them. */
  uint64_t far = UINT64_C(1) << 60;
  for (uint32_t flags = 0; flags < 8; flags += RB_READ_NO_FILL) {
    rb_value v = rb_get(f->family, s, flags, flags == 0 ? far : 0, BYTES("kept"), buf, sizeof buf);
    fx_ok(v.status);
    assert_memory_equal(buf, "old", 3);
    fx_error(rb_has(f->family, s, flags, 0, BYTES("added")), RB_NOT_FOUND, NULL);
  }
  fx_expect(f->family, NULL, "kept", "new");
  rb_snapshot_free(s);
  rb_snapshot_free(NULL);
}

/* Leaves one row in a file and nothing in the block cache. */
static void only_on_disk(struct fixture *f, const char *value) {
  fx_put(f->family, "key", value);
  fx_flush(f);
  fx_open(f, fx_defaults());
}

static void cache_only_reads_no_file(void **state) {
  struct fixture *f = *state;
  only_on_disk(f, "value");
  rb_value v = get(f, RB_READ_CACHE_ONLY, "key", sizeof buf);
  assert_null(v.pin);
  fx_error(v.status, RB_INCOMPLETE, NULL);
  fx_error(rb_has(f->family, NULL, RB_READ_CACHE_ONLY, 0, BYTES("key")), RB_INCOMPLETE, NULL);
  fx_ok(get(f, 0, "key", sizeof buf).status);
  fx_ok(get(f, RB_READ_CACHE_ONLY, "key", sizeof buf).status);
  assert_memory_equal(buf, "value", 5);
}

static void no_fill_leaves_the_block_cache_as_it_was(void **state) {
  struct fixture *f = *state;
  only_on_disk(f, "value");
  fx_ok(get(f, RB_READ_NO_FILL, "key", sizeof buf).status);
  assert_memory_equal(buf, "value", 5);
  fx_error(get(f, RB_READ_CACHE_ONLY, "key", sizeof buf).status, RB_INCOMPLETE, NULL);
}

static void a_damaged_block_is_corruption_unless_checksums_are_off(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "key", "value");
  fx_flush(f);
  fx_close(f);
  fx_damage(f, "value", 4);
  fx_open(f, fx_defaults());
  fx_error(get(f, RB_READ_NO_FILL, "key", sizeof buf).status, RB_CORRUPTION, "checksum");
  fx_error(rb_has(f->family, NULL, 0, 0, BYTES("key")), RB_CORRUPTION, "checksum");
  fx_ok(get(f, RB_READ_NO_FILL | RB_READ_NO_VERIFY, "key", sizeof buf).status);
  assert_memory_equal(buf, "valu", 4);
  assert_int_equal(buf[4], 'e' ^ 0x40);
}

static void a_deadline_in_the_past_times_a_file_read_out(void **state) {
  struct fixture *f = *state;
  only_on_disk(f, "value");
  rb_value v = rb_get(f->family, NULL, 0, 1, BYTES("key"), buf, sizeof buf);
  assert_null(v.pin);
  fx_error(v.status, RB_TIMED_OUT, NULL);
  fx_error(rb_has(f->family, NULL, 0, 1, BYTES("key")), RB_TIMED_OUT, NULL);
  v = rb_get(f->family, NULL, 0, UINT64_C(1) << 60, BYTES("key"), buf, sizeof buf);
  fx_ok(v.status);
}

static void a_deadline_does_not_stop_a_read_from_memory(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "key", "value");
  fx_ok(rb_get(f->family, NULL, 0, 1, BYTES("key"), buf, sizeof buf).status);
}

static void keys_only_means_nothing_to_a_point_read(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "key", "value");
  rb_value v = get(f, RB_READ_KEYS_ONLY | 0x80000000u, "key", sizeof buf);
  fx_ok(v.status);
  assert_int_equal(v.len, 5);
}

/* A probe costs no text, and is a read of the cache in every other way. */
static void a_probe_that_needs_a_file_says_so_without_a_text(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.db.block_cache_size = -1;
  fx_open(f, s);
  fx_put(f->family, "key", "value");
  rb_value v = get(f, RB_READ_CACHE_ONLY | RB_READ_PROBE, "key", sizeof buf);
  fx_ok(v.status);
  assert_int_equal(v.len, 5);
  fx_flush(f);
  fx_expect(f->family, NULL, "key", "value");
  v = get(f, RB_READ_CACHE_ONLY, "key", sizeof buf);
  bool told = v.status.code == RB_INCOMPLETE;
  if (told) {
    assert_non_null(v.status.msg);
    rb_free(v.status.msg);
  }
  v = get(f, RB_READ_CACHE_ONLY | RB_READ_PROBE, "key", sizeof buf);
  assert_int_equal(v.status.code, told ? RB_INCOMPLETE : RB_OK);
  assert_null(v.status.msg);
  assert_int_equal(v.len, 0);
  v = get(f, RB_READ_CACHE_ONLY | RB_READ_PROBE, "other", sizeof buf);
  assert_null(v.status.msg);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_value_that_fits_is_copied),
      CASE(a_probe_that_needs_a_file_says_so_without_a_text),
      CASE(a_value_one_byte_too_long_comes_back_pinned),
      CASE(a_pinned_value_outlives_its_key),
      CASE(an_empty_value_is_there_and_never_pinned),
      CASE(the_empty_key_is_a_key),
      CASE(bytes_of_any_value_come_back),
      CASE(a_miss_is_not_found_without_a_text),
      CASE(a_snapshot_shows_the_state_it_was_taken_of),
      CASE(cache_only_reads_no_file),
      CASE(no_fill_leaves_the_block_cache_as_it_was),
      CASE(a_damaged_block_is_corruption_unless_checksums_are_off),
      CASE(a_deadline_in_the_past_times_a_file_read_out),
      CASE(a_deadline_does_not_stop_a_read_from_memory),
      CASE(keys_only_means_nothing_to_a_point_read),
  };
  return cmocka_run_group_tests_name("get", tests, NULL, NULL);
}
