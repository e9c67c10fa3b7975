/*
 * allfiles_test.c: all files that a database consists of. RocksDB's C API lists them from 11.6 on;
 * this program defines its functions, so that the glue finds them under any version.
 */
/* link: -Wl,--wrap=realloc */
#include "fixture.h"

#include "later.h"

static char options, list;
static int options_alive, lists_alive;
static uint64_t flush_at;
static const char *refusal;
static int reallocs_left = -1; /* below 0: no limit */

void *__real_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n) {
  return reallocs_left >= 0 && reallocs_left-- == 0 ? NULL : __real_realloc(p, n);
}

static const struct {
  const char *name, *folder;
  uint64_t number, size;
  int type;
} files[] = {{"000012.sst", "/db", 12, 1000, RB_FILE_TABLE},
             {"CURRENT", "/db", 0, 16, RB_FILE_CURRENT},
             {"000011.log", "/logs", 11, 0, RB_FILE_LOG}};

rocksdb_livefiles_storage_info_options_t *rocksdb_livefiles_storage_info_options_create(void) {
  options_alive++;
  flush_at = 0;
  return (rocksdb_livefiles_storage_info_options_t *)&options;
}

void rocksdb_livefiles_storage_info_options_destroy(rocksdb_livefiles_storage_info_options_t *o) {
  assert_ptr_equal(o, &options);
  options_alive--;
}

void rocksdb_livefiles_storage_info_options_set_wal_size_for_flush(
    rocksdb_livefiles_storage_info_options_t *o, uint64_t v) {
  assert_ptr_equal(o, &options);
  flush_at = v;
}

rocksdb_livefiles_storage_info_t *
rocksdb_get_livefiles_storage_info(rocksdb_t *db, const rocksdb_livefiles_storage_info_options_t *o,
                                   char **err) {
  assert_non_null(db);
  assert_ptr_equal(o, &options);
  assert_true(flush_at == UINT64_MAX);
  if (refusal != NULL) {
    *err = strdup(refusal);
    return NULL;
  }
  lists_alive++;
  return (rocksdb_livefiles_storage_info_t *)&list;
}

size_t rocksdb_livefiles_storage_info_count(const rocksdb_livefiles_storage_info_t *l) {
  assert_ptr_equal(l, &list);
  return sizeof files / sizeof files[0];
}

const char *
rocksdb_livefiles_storage_info_relative_filename(const rocksdb_livefiles_storage_info_t *l,
                                                 size_t i) {
  assert_ptr_equal(l, &list);
  return files[i].name;
}

const char *rocksdb_livefiles_storage_info_directory(const rocksdb_livefiles_storage_info_t *l,
                                                     size_t i) {
  assert_ptr_equal(l, &list);
  return files[i].folder;
}

uint64_t rocksdb_livefiles_storage_info_file_number(const rocksdb_livefiles_storage_info_t *l,
                                                    size_t i) {
  assert_ptr_equal(l, &list);
  return files[i].number;
}

int rocksdb_livefiles_storage_info_file_type(const rocksdb_livefiles_storage_info_t *l, size_t i) {
  assert_ptr_equal(l, &list);
  return files[i].type;
}

uint64_t rocksdb_livefiles_storage_info_size(const rocksdb_livefiles_storage_info_t *l, size_t i) {
  assert_ptr_equal(l, &list);
  return files[i].size;
}

void rocksdb_livefiles_storage_info_destroy(rocksdb_livefiles_storage_info_t *l) {
  assert_ptr_equal(l, &list);
  lists_alive--;
}

static void files_are_packed(void **state) {
  struct fixture *f = *state;
  rb_live_files r = rb_all_files_get(f->db);
  fx_ok(r.status);
  assert_int_equal(r.count, 3);
  const uint8_t *at = r.data;
  for (size_t i = 0; i < 3; i++) {
    uint64_t n[RB_FILE_NUMBERS];
    memcpy(n, at, sizeof n);
    assert_int_equal(n[0], files[i].size);
    assert_int_equal(n[1], files[i].type);
    assert_int_equal(n[2], files[i].number);
    assert_int_equal(n[3], strlen(files[i].name));
    assert_int_equal(n[4], strlen(files[i].folder));
    at += sizeof n;
    assert_memory_equal(at, files[i].name, n[3]);
    assert_memory_equal(at + n[3], files[i].folder, n[4]);
    at += n[3] + n[4];
  }
  assert_ptr_equal(at, r.data + r.len);
  rb_free(r.data);
  assert_int_equal(options_alive + lists_alive, 0);
}

static void errors_leave_nothing(void **state) {
  struct fixture *f = *state;
  refusal = "IO error: no";
  rb_live_files r = rb_all_files_get(f->db);
  refusal = NULL;
  assert_null(r.data);
  fx_error(r.status, RB_IO, "no");
  for (int n = 0; n < 3; n++) {
    reallocs_left = n;
    r = rb_all_files_get(f->db);
    reallocs_left = -1;
    assert_null(r.data);
    assert_int_equal(r.len + r.count, 0);
    fx_error(r.status, RB_NO_MEMORY, NULL);
  }
  assert_int_equal(options_alive + lists_alive, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(files_are_packed),
      CASE(errors_leave_nothing),
  };
  return cmocka_run_group_tests_name("all files", tests, NULL, NULL);
}
