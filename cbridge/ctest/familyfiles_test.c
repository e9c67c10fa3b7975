/*
 * familyfiles_test.c: families as table files. RocksDB's C API has them from 10.7 on; this program
 * defines its functions, so that the glue finds them under any version.
 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* link: -Wl,--wrap=rocksdb_checkpoint_object_create,--wrap=rocksdb_livefiles_count */
/* link: -Wl,--wrap=rocksdb_livefiles_name,--wrap=rocksdb_livefiles_smallestkey */
/* link: -Wl,--wrap=rocksdb_livefiles_largestkey,--wrap=rocksdb_livefiles_size */
/* link: -Wl,--wrap=rocksdb_livefiles_level,--wrap=rocksdb_livefiles_destroy */
#include "shortage.h"

#include "handles.h"
#include "later.h"

enum { FILES = 3 };

static char metadata, list, files[FILES], how;
static int metadata_alive, lists_alive, hows_alive;
static int exports, added;
static unsigned char moves;
static bool no_name;
static const char *no_export; /* what an export answers instead of being made */
static char seen[512];        /* what an import was told, as text */

static void say(const char *format, ...) {
  va_list args;
  va_start(args, format);
  size_t n = strlen(seen);
  vsnprintf(seen + n, sizeof seen - n, format, args);
  va_end(args);
}

WRAP_ERR(rocksdb_checkpoint_t *, rocksdb_checkpoint_object_create, (rocksdb_t * db, char **err),
         (db, err), err)

rocksdb_export_import_files_metadata_t *rocksdb_checkpoint_export_column_family(
    rocksdb_checkpoint_t *c, rocksdb_column_family_handle_t *family, const char *dir, char **err) {
  assert_non_null(c);
  assert_non_null(family);
  assert_string_equal(dir, "/folder");
  exports++;
  if (no_export != NULL) {
    *err = __real_strdup(no_export);
    return NULL;
  }
  metadata_alive++;
  return (rocksdb_export_import_files_metadata_t *)&metadata;
}

rocksdb_export_import_files_metadata_t *rocksdb_export_import_files_metadata_create(void) {
  metadata_alive++;
  return (rocksdb_export_import_files_metadata_t *)&metadata;
}

void rocksdb_export_import_files_metadata_destroy(rocksdb_export_import_files_metadata_t *m) {
  assert_ptr_equal(m, &metadata);
  metadata_alive--;
}

char *rocksdb_export_import_files_metadata_get_db_comparator_name(
    rocksdb_export_import_files_metadata_t *m) {
  assert_ptr_equal(m, &metadata);
  return no_name ? NULL : __real_strdup("order");
}

void rocksdb_export_import_files_metadata_set_db_comparator_name(
    rocksdb_export_import_files_metadata_t *m, const char *name) {
  assert_ptr_equal(m, &metadata);
  say("order %s;", name);
}

rocksdb_livefiles_t *
rocksdb_export_import_files_metadata_get_files(rocksdb_export_import_files_metadata_t *m) {
  assert_ptr_equal(m, &metadata);
  lists_alive++;
  return (rocksdb_livefiles_t *)&list;
}

void rocksdb_export_import_files_metadata_set_files(rocksdb_export_import_files_metadata_t *m,
                                                    rocksdb_livefiles_t *l) {
  assert_ptr_equal(m, &metadata);
  assert_ptr_equal(l, &list);
  lists_alive--; /* it is the metadata's */
}

rocksdb_livefiles_t *rocksdb_livefiles_create(void) {
  lists_alive++;
  added = 0;
  return (rocksdb_livefiles_t *)&list;
}

int __wrap_rocksdb_livefiles_count(const rocksdb_livefiles_t *l);
int __wrap_rocksdb_livefiles_count(const rocksdb_livefiles_t *l) {
  assert_ptr_equal(l, &list);
  return FILES;
}

const char *__wrap_rocksdb_livefiles_name(const rocksdb_livefiles_t *l, int i);
const char *__wrap_rocksdb_livefiles_name(const rocksdb_livefiles_t *l, int i) {
  static const char *const all[FILES] = {"/1.sst", "/22.sst", "/333.sst"};
  (void)l;
  return all[i];
}

const char *__wrap_rocksdb_livefiles_smallestkey(const rocksdb_livefiles_t *l, int i, size_t *n);
const char *__wrap_rocksdb_livefiles_smallestkey(const rocksdb_livefiles_t *l, int i, size_t *n) {
  (void)l;
  *n = (size_t)i;
  return "a\0c";
}

const char *__wrap_rocksdb_livefiles_largestkey(const rocksdb_livefiles_t *l, int i, size_t *n);
const char *__wrap_rocksdb_livefiles_largestkey(const rocksdb_livefiles_t *l, int i, size_t *n) {
  (void)l;
  *n = (size_t)i + 1;
  return "zyx";
}

size_t __wrap_rocksdb_livefiles_size(const rocksdb_livefiles_t *l, int i);
size_t __wrap_rocksdb_livefiles_size(const rocksdb_livefiles_t *l, int i) {
  (void)l;
  return 1000 + (size_t)i;
}

int __wrap_rocksdb_livefiles_level(const rocksdb_livefiles_t *l, int i);
int __wrap_rocksdb_livefiles_level(const rocksdb_livefiles_t *l, int i) {
  (void)l;
  return 2 * i;
}

uint64_t rocksdb_livefiles_smallest_seqno(const rocksdb_livefiles_t *l, int i) {
  (void)l;
  return 10 + (uint64_t)i;
}

uint64_t rocksdb_livefiles_largest_seqno(const rocksdb_livefiles_t *l, int i) {
  (void)l;
  return 20 + (uint64_t)i;
}

void __wrap_rocksdb_livefiles_destroy(const rocksdb_livefiles_t *l);
void __wrap_rocksdb_livefiles_destroy(const rocksdb_livefiles_t *l) {
  assert_ptr_equal(l, &list);
  lists_alive--;
}

rocksdb_livefile_t *rocksdb_livefile_create(void) { return (rocksdb_livefile_t *)&files[added]; }

void rocksdb_livefiles_add(rocksdb_livefiles_t *l, rocksdb_livefile_t *f) {
  assert_ptr_equal(l, &list);
  assert_ptr_equal(f, &files[added]);
  added++;
}

void rocksdb_livefile_set_name(rocksdb_livefile_t *f, const char *name) {
  assert_ptr_equal(f, &files[added]);
  say("%s ", name);
}

void rocksdb_livefile_set_directory(rocksdb_livefile_t *f, const char *dir) {
  (void)f;
  say("in %s ", dir);
}

void rocksdb_livefile_set_size(rocksdb_livefile_t *f, size_t n) {
  (void)f;
  say("%zu bytes ", n);
}

void rocksdb_livefile_set_level(rocksdb_livefile_t *f, int level) {
  (void)f;
  say("level %d ", level);
}

void rocksdb_livefile_set_smallest_seqno(rocksdb_livefile_t *f, uint64_t n) {
  (void)f;
  say("%u ", (unsigned)n);
}

void rocksdb_livefile_set_largest_seqno(rocksdb_livefile_t *f, uint64_t n) {
  (void)f;
  say("to %u ", (unsigned)n);
}

void rocksdb_livefile_set_smallest_key(rocksdb_livefile_t *f, const char *key, size_t n) {
  (void)f;
  say("key %.*s(%zu) ", (int)n, key, n);
}

void rocksdb_livefile_set_largest_key(rocksdb_livefile_t *f, const char *key, size_t n) {
  (void)f;
  say("to %.*s(%zu);", (int)n, key, n);
}

rocksdb_import_column_family_options_t *rocksdb_import_column_family_options_create(void) {
  hows_alive++;
  return (rocksdb_import_column_family_options_t *)&how;
}

void rocksdb_import_column_family_options_set_move_files(rocksdb_import_column_family_options_t *o,
                                                         unsigned char v) {
  assert_ptr_equal(o, &how);
  moves = v;
}

void rocksdb_import_column_family_options_destroy(rocksdb_import_column_family_options_t *o) {
  assert_ptr_equal(o, &how);
  hows_alive--;
}

rocksdb_column_family_handle_t *
rocksdb_create_column_family_with_import(rocksdb_t *db, rocksdb_options_t *o, const char *name,
                                         rocksdb_import_column_family_options_t *h,
                                         rocksdb_export_import_files_metadata_t *m, char **err) {
  assert_ptr_equal(h, &how);
  assert_ptr_equal(m, &metadata);
  return refused(err) ? NULL : rocksdb_create_column_family(db, o, name, err);
}

static int with_nothing(void **state) {
  countdown = 0;
  refusal = NULL;
  no_name = false;
  no_export = NULL;
  exports = 0;
  seen[0] = 0;
  return fx_new(state);
}

static void nothing_is_left(void) {
  assert_int_equal(metadata_alive, 0);
  assert_int_equal(lists_alive, 0);
  assert_int_equal(hows_alive, 0);
}

static rb_family_source source(rb_family_exported x, uint8_t move) {
  return (rb_family_source){
      .dir = "/folder",
      .comparator = x.comparator,
      .files = {.data = x.data, .len = x.len, .count = x.count},
      .move = move,
  };
}

static void free_exported(rb_family_exported x) {
  rb_free(x.data);
  rb_free(x.comparator);
}

static void what_is_exported_is_what_is_imported(void **state) {
  struct fixture *f = *state;
  assert_int_equal(rb_supports(RB_FEATURE_FAMILY_FILES), 1);
  assert_int_equal(rb_family_import_bounds(), 0);
  rb_family_exported x = rb_family_export(f->family, "/folder");
  fx_ok(x.status);
  assert_int_equal(x.count, FILES);
  assert_string_equal(x.comparator, "order");
  rb_family_options o = {.compression = RB_NO_COMPRESSION};
  for (uint8_t move = 0; move < 2; move++) {
    seen[0] = 0;
    char name[] = {'g', (char)('0' + move), 0};
    rb_family_result r = rb_family_import(f->db, name, o, "", source(x, move));
    fx_ok(r.status);
    assert_non_null(r.family);
    assert_int_equal(moves, move);
    assert_string_equal(
        seen, "/1.sst in /folder 1000 bytes level 0 10 to 20 key (0) to z(1);"
              "/22.sst in /folder 1001 bytes level 2 11 to 21 key a(1) to zy(2);"
              "/333.sst in /folder 1002 bytes level 4 12 to 22 key a(2) to zyx(3);order order;");
    fx_put(r.family, "k", "v");
    nothing_is_left();
  }
  free_exported(x);
}

static void refusals_are_told(void **state) {
  struct fixture *f = *state;
  refusal = "IO error: no checkpoint";
  fx_error(rb_family_export(f->family, "/folder").status, RB_IO, "no checkpoint");
  assert_int_equal(exports, 0);
  no_export = "Invalid argument: Specified export_dir exists";
  fx_error(rb_family_export(f->family, "/folder").status, RB_INVALID_ARGUMENT, "exists");
  no_export = NULL;
  rb_family_exported x = rb_family_export(f->family, "/folder");
  fx_ok(x.status);
  refusal = "Invalid argument: Comparator name mismatch";
  rb_family_options o = {.compression = RB_NO_COMPRESSION};
  rb_family_result r = rb_family_import(f->db, "g", o, "", source(x, 0));
  assert_null(r.family);
  fx_error(r.status, RB_INVALID_ARGUMENT, "mismatch");
  r = rb_family_import(f->db, "g", o, "no_such=1", source(x, 0));
  assert_null(r.family);
  fx_error(r.status, RB_INVALID_ARGUMENT, "no_such");
  free_exported(x);
  no_name = true;
  x = rb_family_export(f->family, "/folder");
  assert_null(x.data);
  fx_error(x.status, RB_NO_MEMORY, NULL);
  nothing_is_left();
}

static rb_status export_once(struct fixture *f) {
  rb_family_exported x = rb_family_export(f->family, "/folder");
  if (x.status.code != RB_OK) {
    assert_null(x.data);
    assert_null(x.comparator);
    assert_int_equal(x.count, 0);
  }
  free_exported(x);
  nothing_is_left();
  return x.status;
}

static void short_memory_is_told(void **state) { fail_everywhere(*state, export_once, FILES); }

static void an_export_that_rocksdb_refuses_is_none(void **state) {
  struct fixture *f = *state;
  fx_close(f);
  struct setup u = fx_defaults();
  u.db.read_only = 1;
  rb_opened o = fx_try_open(f->dir, u);
  fx_ok(o.status);
  rb_family_result r = rb_family_find(o.db, "default");
  fx_error(rb_family_export(r.family, "/folder").status, RB_READ_ONLY, NULL);
  r = rb_family_import(o.db, "g", (rb_family_options){.compression = RB_NO_COMPRESSION}, "",
                       (rb_family_source){.dir = "/folder"});
  fx_error(r.status, RB_READ_ONLY, NULL);
  rb_close(o.db);
  assert_int_equal(exports, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, with_nothing, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(what_is_exported_is_what_is_imported),
      CASE(refusals_are_told),
      CASE(short_memory_is_told),
      CASE(an_export_that_rocksdb_refuses_is_none),
  };
  return cmocka_run_group_tests_name("familyfiles", tests, NULL, NULL);
}
