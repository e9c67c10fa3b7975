/* livefiles_test.c: the list of table files. */
/* link: -Wl,--wrap=malloc */
#include "fixture.h"

static bool no_memory;

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n) { return no_memory ? NULL : __real_malloc(n); }

/* A record, read back. */
struct record {
  uint64_t numbers[RB_LIVE_NUMBERS];
  const char *texts[4];
};

static const uint8_t *unpack(const uint8_t *at, struct record *r) {
  memcpy(r->numbers, at, sizeof r->numbers);
  at += sizeof r->numbers;
  for (size_t i = 0; i < 4; i++) {
    r->texts[i] = (const char *)at;
    at += r->numbers[4 + i];
  }
  return at;
}

static void a_new_database_has_none(void **state) {
  struct fixture *f = *state;
  rb_live_files r = rb_live_files_get(f->db);
  fx_ok(r.status);
  assert_null(r.data);
  assert_int_equal(r.len, 0);
  assert_int_equal(r.count, 0);
}

static void each_file_is_a_record(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "", "value");
  fx_put(f->family, "key", "value");
  fx_flush(f);
  fx_put(f->family, "b", "value");
  fx_ok(rb_apply(f->family, RB_DELETE, 0, BYTES("c"), NULL, 0));
  fx_flush(f);
  rb_live_files r = rb_live_files_get(f->db);
  fx_ok(r.status);
  assert_int_equal(r.count, 2);
  static const struct {
    const char *smallest, *largest;
    uint64_t deletions;
  } want[] = {{"b", "c", 1}, {"", "key", 0}};
  const uint8_t *at = r.data;
  for (size_t i = 0; i < 2; i++) {
    struct record file;
    at = unpack(at, &file);
    assert_true(file.numbers[0] > 0);
    assert_int_equal(file.numbers[1], 0);
    assert_int_equal(file.numbers[2], 2);
    assert_int_equal(file.numbers[3], want[i].deletions);
    assert_int_equal(file.numbers[4], strlen("default"));
    assert_memory_equal(file.texts[0], "default", strlen("default"));
    assert_int_equal(file.texts[1][0], '/');
    assert_int_equal(file.numbers[6], strlen(want[i].smallest));
    assert_memory_equal(file.texts[2], want[i].smallest, strlen(want[i].smallest));
    assert_int_equal(file.numbers[7], strlen(want[i].largest));
    assert_memory_equal(file.texts[3], want[i].largest, strlen(want[i].largest));
  }
  assert_ptr_equal(at, r.data + r.len);
  rb_free(r.data);
}

static void no_memory_is_told(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "key", "value");
  fx_flush(f);
  no_memory = true;
  rb_live_files r = rb_live_files_get(f->db);
  no_memory = false;
  fx_error(r.status, RB_NO_MEMORY, NULL);
  assert_null(r.data);
  assert_int_equal(r.len, 0);
  assert_int_equal(r.count, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_new_database_has_none),
      CASE(each_file_is_a_record),
      CASE(no_memory_is_told),
  };
  return cmocka_run_group_tests_name("livefiles", tests, NULL, NULL);
}
