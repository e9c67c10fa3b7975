/* status_test.c: RocksDB's error texts and the codes they stand for. */
#include "fixture.h"

/* Asserts the code of a text, and that the text is handed on as it came. */
static void expect_code(const char *text, int32_t code) {
  char *copy = strdup(text);
  assert_non_null(copy);
  rb_status s = rb_status_from(copy);
  if (s.code != code) {
    fail_msg("\"%s\" gave %d, wanted %d", text, s.code, code);
  }
  assert_ptr_equal(s.msg, copy);
  assert_string_equal(s.msg, text);
  rb_free(s.msg);
}

static void no_text_is_success(void **state) {
  (void)state;
  rb_status s = rb_status_from(NULL);
  assert_int_equal(s.code, RB_OK);
  assert_null(s.msg);
}

static void every_prefix_has_its_code(void **state) {
  (void)state;
  expect_code("NotFound: ", RB_NOT_FOUND);
  expect_code("NotFound: No options files found in the DB directory.: /d", RB_NOT_FOUND);
  expect_code("Corruption: block checksum mismatch: stored = 1", RB_CORRUPTION);
  expect_code("Not implemented: no such thing", RB_UNSUPPORTED);
  expect_code("Invalid argument: Unknown option: x", RB_INVALID_ARGUMENT);
  expect_code("IO error: While pread: /d/000004.log: Input/output error", RB_IO);
  expect_code("Merge in progress: x", RB_MERGE_IN_PROGRESS);
  expect_code("Result incomplete: no blocking io", RB_INCOMPLETE);
  expect_code("Shutdown in progress: ", RB_SHUTTING_DOWN);
  expect_code("Operation timed out: Timeout waiting to lock key", RB_TIMED_OUT);
  expect_code("Operation aborted: Memory limit reached", RB_ABORTED);
  expect_code("Resource busy: Deadlock", RB_BUSY);
  expect_code("Operation expired: x", RB_EXPIRED);
  expect_code("Operation failed. Try again.: x", RB_TRY_AGAIN);
  expect_code("Compaction too large: x", RB_COMPACTION_TOO_LARGE);
  expect_code("Column family dropped: x", RB_FAMILY_DROPPED);
}

static void a_full_disk_is_told_from_other_io_errors(void **state) {
  (void)state;
  expect_code("IO error: No space left on device: While appending to file: /d/000004.log: "
              "No space left on device",
              RB_NO_SPACE);
  expect_code("IO error: While open a file for appending: /d/x: No space left on device",
              RB_NO_SPACE);
  expect_code("IO error: While appending to file: /d/x: Disk quota exceeded", RB_NO_SPACE);
  expect_code("Corruption: : No space left on device", RB_CORRUPTION);
}

static void an_error_is_found_within_an_incomplete_write(void **state) {
  (void)state;
  expect_code("Result incomplete: IO error: No space left on device: While appending to file: "
              "/d/000060.sst: No space left on device",
              RB_NO_SPACE);
  expect_code("Result incomplete: Corruption: block checksum mismatch", RB_CORRUPTION);
  expect_code("Result incomplete: Write stall", RB_INCOMPLETE);
  expect_code("Result incomplete: ", RB_INCOMPLETE);
  expect_code("Result incomplete", RB_UNKNOWN);
}

static void a_failed_sync_is_told_from_other_io_errors(void **state) {
  (void)state;
  expect_code("IO error: While fdatasync: /d/000004.log: Input/output error", RB_SYNC_FAILED);
  expect_code("IO error: While fsync: /d/000004.log: Input/output error", RB_SYNC_FAILED);
  expect_code("IO error: No space left on device: While fdatasync: /d/000004.log: "
              "No space left on device",
              RB_SYNC_FAILED);
  expect_code("IO error: While appending to file: /d/While fsync: Input/output error", RB_IO);
  expect_code("IO error: No space left on device: While appending to file: /While fdatasync: "
              "No space left on device",
              RB_NO_SPACE);
  expect_code("Corruption: While fsync", RB_CORRUPTION);
}

static void a_held_lock_is_told_from_other_io_errors(void **state) {
  (void)state;
  expect_code("IO error: lock hold by current process, acquire time 1 acquiring thread 2: "
              "/d/LOCK: No locks available",
              RB_LOCKED);
  expect_code("IO error: While lock file: /d/LOCK: Resource temporarily unavailable", RB_LOCKED);
  expect_code("IO error: lock /d/LOCK: already held by process", RB_LOCKED);
  expect_code("IO error: While open a file for lock: /d/LOCK: Permission denied", RB_IO);
}

static void words_in_a_path_do_not_make_a_lock(void **state) {
  (void)state;
  expect_code("IO error: While open: /while lock file: x/lock hold by current process: No such",
              RB_IO);
}

static void a_read_only_place_is_told_from_other_errors(void **state) {
  (void)state;
  expect_code("IO error: While open a file for appending: /d/LOG: Read-only file system",
              RB_READ_ONLY);
  expect_code("Not implemented: Not supported operation in read only mode.", RB_READ_ONLY);
}

static void an_unknown_text_is_an_unknown_code(void **state) {
  (void)state;
  expect_code("", RB_UNKNOWN);
  expect_code("Something new: x", RB_UNKNOWN);
  expect_code("io error: x", RB_UNKNOWN);
  expect_code("Corruption", RB_UNKNOWN);
  expect_code("x Corruption: y", RB_UNKNOWN);
}

static void an_own_status_copies_its_text(void **state) {
  (void)state;
  char text[] = "first";
  rb_status s = rb_status_make(RB_BUSY, text);
  text[0] = 'F';
  assert_int_equal(s.code, RB_BUSY);
  assert_string_equal(s.msg, "first");
  rb_free(s.msg);
  s = rb_status_make(RB_NOT_FOUND, NULL);
  assert_int_equal(s.code, RB_NOT_FOUND);
  assert_null(s.msg);
  rb_free(s.msg);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_text_is_success),
      cmocka_unit_test(every_prefix_has_its_code),
      cmocka_unit_test(a_full_disk_is_told_from_other_io_errors),
      cmocka_unit_test(a_failed_sync_is_told_from_other_io_errors),
      cmocka_unit_test(a_held_lock_is_told_from_other_io_errors),
      cmocka_unit_test(words_in_a_path_do_not_make_a_lock),
      cmocka_unit_test(a_read_only_place_is_told_from_other_errors),
      cmocka_unit_test(an_unknown_text_is_an_unknown_code),
      cmocka_unit_test(an_error_is_found_within_an_incomplete_write),
      cmocka_unit_test(an_own_status_copies_its_text),
  };
  return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
