/* files_test.c: databases whose files are in memory. */
/* link: -Wl,--wrap=rocksdb_create_mem_env,--wrap=rocksdb_env_destroy,--wrap=calloc */
#include "fixture.h"

#include "rocksdb/c.h"

static int envs; /* alive */
static bool no_memory, no_env;

rocksdb_env_t *__real_rocksdb_create_mem_env(void);
rocksdb_env_t *__wrap_rocksdb_create_mem_env(void);
void __real_rocksdb_env_destroy(rocksdb_env_t *e);
void __wrap_rocksdb_env_destroy(rocksdb_env_t *e);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

static rocksdb_env_t *last;

rocksdb_env_t *__wrap_rocksdb_create_mem_env(void) {
  if (no_env) {
    return NULL;
  }
  envs++;
  last = __real_rocksdb_create_mem_env();
  return last;
}

void __wrap_rocksdb_env_destroy(rocksdb_env_t *e) {
  envs -= e == last;
  __real_rocksdb_env_destroy(e);
}

void *__wrap_calloc(size_t n, size_t size) { return no_memory ? NULL : __real_calloc(n, size); }

static int new_empty(void **state) {
  no_memory = no_env = false;
  return fx_new_empty(state);
}

/* Opens a database in files, with family "f" if that was there before. */
static rb_opened open_in(const struct fixture *f, rb_files *files, bool again) {
  rb_plan *p = rb_plan_new(f->dir, fx_defaults().db);
  assert_non_null(p);
  rb_plan_files(p, files);
  fx_ok(rb_plan_family(p, "default", fx_defaults().family, NULL));
  if (again) {
    fx_ok(rb_plan_family_from_disk(p, "f"));
  }
  rb_opened o = rb_plan_open(p);
  rb_plan_free(p);
  return o;
}

static rb_family *family(rb_db *db, const char *name) {
  rb_family_result r = rb_family_find(db, name);
  fx_ok(r.status);
  return r.family;
}

static void rows_stay_when_a_database_is_closed(void **state) {
  struct fixture *f = *state;
  rb_files *files = rb_files_new();
  assert_non_null(files);
  fx_error(rb_list_families(files, f->dir).status, RB_IO, NULL);
  rb_opened o = open_in(f, files, false);
  fx_ok(o.status);
  fx_ok(rb_family_create(o.db, "f", fx_defaults().family, NULL).status);
  fx_put(family(o.db, "default"), "key", "value");
  fx_put(family(o.db, "f"), "key", "of f");
  fx_error(open_in(f, files, false).status, RB_LOCKED, "lock is already held");
  fx_error(rb_destroy(files, f->dir, NULL), RB_LOCKED, NULL);
  rb_close(o.db);

  rb_family_list l = rb_list_families(files, f->dir);
  fx_ok(l.status);
  assert_int_equal(l.count, 2);
  rb_family_list_free(l);
  o = open_in(f, files, true);
  fx_ok(o.status);
  fx_expect(family(o.db, "default"), NULL, "key", "value");
  fx_expect(family(o.db, "f"), NULL, "key", "of f");
  rb_close(o.db);
  assert_int_equal(access(f->dir, F_OK), -1);

  fx_ok(rb_destroy(files, f->dir, NULL));
  fx_error(rb_list_families(files, f->dir).status, RB_IO, NULL);
  rb_files_free(files);
  assert_int_equal(envs, 0);
}

static void the_last_holder_frees(void **state) {
  struct fixture *f = *state;
  rb_files_free(NULL);
  rb_files *files = rb_files_new();
  rb_opened o = open_in(f, files, false);
  fx_ok(o.status);
  rb_files_free(files);
  assert_int_equal(envs, 1);
  fx_put(family(o.db, "default"), "key", "value");
  fx_expect(family(o.db, "default"), NULL, "key", "value");
  rb_close(o.db);
  assert_int_equal(envs, 0);
}

static void short_memory_makes_none(void **state) {
  (void)state;
  no_memory = true;
  assert_null(rb_files_new());
  no_memory = false;
  no_env = true;
  assert_null(rb_files_new());
  assert_int_equal(envs, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(rows_stay_when_a_database_is_closed, new_empty, fx_free),
      cmocka_unit_test_setup_teardown(the_last_holder_frees, new_empty, fx_free),
      cmocka_unit_test_setup_teardown(short_memory_makes_none, new_empty, fx_free),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
