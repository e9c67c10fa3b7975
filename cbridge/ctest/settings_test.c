/*
 * settings_test.c: options changed in an open database. The function for those of the whole
 * database came with RocksDB 11.5; this program defines it, so that the glue finds it under any
 * version.
 */
/* link: -Wl,--wrap=calloc */
#include "fixture.h"

#include "later.h"

static bool no_memory;
static char passed[256]; /* what came to rocksdb_set_db_options */
static const char *refusal;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) { return no_memory ? NULL : __real_calloc(n, size); }

void rocksdb_set_db_options(rocksdb_t *db, int count, const char *const keys[],
                            const char *const values[], char **errptr) {
  assert_non_null(db);
  passed[0] = '\0';
  for (int i = 0; i < count; i++) {
    strcat(strcat(strcat(strcat(passed, keys[i]), "="), values[i]), ";");
  }
  if (refusal != NULL) {
    *errptr = strdup(refusal);
  }
}

static int opened(void **state) {
  passed[0] = '\0';
  refusal = NULL;
  no_memory = false;
  return fx_new(state);
}

static void a_family_takes_them(void **state) {
  struct fixture *f = *state;
  static const char three[] = "disable_auto_compactions\0true\0write_buffer_size\0"
                              "65536\0arena_block_size\0"
                              "8192";
  fx_ok(rb_family_set_options(f->family, three, 3));
  fx_error(rb_family_set_options(f->family,
                                 "no_such_thing\0"
                                 "1",
                                 1),
           RB_INVALID_ARGUMENT, "no_such_thing");
  fx_error(rb_family_set_options(f->family,
                                 "num_levels\0"
                                 "3",
                                 1),
           RB_INVALID_ARGUMENT, "num_levels");
  fx_error(rb_family_set_options(f->family, "", 0), RB_INVALID_ARGUMENT, "no options");
  fx_error(rb_family_set_options(f->family, "", (size_t)1 << 40), RB_INVALID_ARGUMENT,
           "no options");
  for (int i = 0; i < 60; i++) { /* into several memtables: without compactions their files stay */
    char key[16];
    static char value[4096];
    snprintf(key, sizeof key, "%d", i);
    fx_ok(rb_apply(f->family, RB_PUT, 0, BYTES(key), U8(value), sizeof value));
  }
  fx_flush(f);
  assert_true(fx_number(f->family, "rocksdb.num-files-at-level0") > 2);
}

static void the_database_takes_them(void **state) {
  struct fixture *f = *state;
  assert_int_equal(rb_supports(RB_FEATURE_SET_DB_OPTIONS), 1);
  fx_ok(rb_db_set_options(f->db,
                          "a\0"
                          "1\0"
                          "b\0"
                          "",
                          2));
  assert_string_equal(passed, "a=1;b=;");
  refusal = "Invalid argument: planted";
  fx_error(rb_db_set_options(f->db,
                             "c\0"
                             "2",
                             1),
           RB_INVALID_ARGUMENT, "planted");
  assert_string_equal(passed, "c=2;");
}

static void without_memory_nothing_changes(void **state) {
  struct fixture *f = *state;
  no_memory = true;
  rb_status one = rb_family_set_options(f->family,
                                        "ttl\0"
                                        "1",
                                        1);
  rb_status all = rb_db_set_options(f->db,
                                    "a\0"
                                    "1",
                                    1);
  no_memory = false;
  fx_error(one, RB_NO_MEMORY, NULL);
  fx_error(all, RB_NO_MEMORY, NULL);
  assert_string_equal(passed, "");
}

static void a_read_only_database_takes_none(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.db.read_only = 1;
  fx_open(f, s);
  fx_error(rb_family_set_options(f->family,
                                 "ttl\0"
                                 "1",
                                 1),
           RB_READ_ONLY, NULL);
  fx_error(rb_db_set_options(f->db,
                             "a\0"
                             "1",
                             1),
           RB_READ_ONLY, NULL);
  assert_string_equal(passed, "");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, opened, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_family_takes_them),
      CASE(the_database_takes_them),
      CASE(without_memory_nothing_changes),
      CASE(a_read_only_database_takes_none),
  };
  return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
