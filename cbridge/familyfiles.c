/* familyfiles.c: a family as table files that another database can take. */
#include <stdlib.h>

#include "cxx.h"
#include "handles.h"

/* Where a record's texts have their lengths among its numbers. */
enum { RB_LENGTHS = RB_FAMILY_FILE_NUMBERS - 5 };

bool rb_family_files_offered(void) {
  return rocksdb_checkpoint_export_column_family != NULL &&
         rocksdb_create_column_family_with_import != NULL &&
         rocksdb_export_import_files_metadata_create != NULL &&
         rocksdb_export_import_files_metadata_get_files != NULL &&
         rocksdb_livefiles_largest_seqno != NULL && rocksdb_livefile_create != NULL;
}

const uint8_t *rb_family_file_read(struct rb_family_file *f, const uint8_t *from) {
  memcpy(f->numbers, from, sizeof f->numbers);
  from += sizeof f->numbers;
  for (size_t i = 0; i < 5; i++) {
    f->texts[i] = (const char *)from;
    from += f->numbers[RB_LENGTHS + i] + 1;
  }
  return from;
}

void rb_family_file_add(struct rb_family_list_of_files *l, const struct rb_family_file *f) {
  uint64_t size = sizeof f->numbers + 5;
  for (size_t i = 0; i < 5; i++) {
    size += f->numbers[RB_LENGTHS + i];
  }
  uint8_t *data = l->short_of_memory ? NULL : realloc(l->data, (size_t)(l->len + size));
  if (data == NULL) {
    l->short_of_memory = true;
    return;
  }
  l->data = data;
  uint8_t *to = data + l->len;
  memcpy(to, f->numbers, sizeof f->numbers);
  to += sizeof f->numbers;
  for (size_t i = 0; i < 5; i++) {
    size_t n = (size_t)f->numbers[RB_LENGTHS + i];
    if (n > 0) {
      memcpy(to, f->texts[i], n);
    }
    to[n] = 0;
    to += n + 1;
  }
  l->len += size;
  l->count++;
}

/* ---- export ---- */

/* Takes what C++ tells of a file. */
static void rb_family_file_told(void *to, const uint64_t *numbers, const char *const *texts) {
  struct rb_family_file f;
  memcpy(f.numbers, numbers, sizeof f.numbers);
  memcpy(f.texts, texts, sizeof f.texts);
  rb_family_file_add(to, &f);
}

/* Lists what RocksDB's C API has exported; it does not tell the last two texts. */
static void rb_family_list_exported(rocksdb_export_import_files_metadata_t *m,
                                    struct rb_family_list_of_files *l) {
  rocksdb_livefiles_t *all = rocksdb_export_import_files_metadata_get_files(m);
  int n = rocksdb_livefiles_count(all);
  for (int i = 0; i < n; i++) {
    size_t smallest = 0, largest = 0;
    struct rb_family_file f = {{0}, {NULL}};
    f.texts[0] = rocksdb_livefiles_name(all, i);
    f.texts[1] = rocksdb_livefiles_smallestkey(all, i, &smallest);
    f.texts[2] = rocksdb_livefiles_largestkey(all, i, &largest);
    f.numbers[0] = rocksdb_livefiles_size(all, i);
    f.numbers[1] = (uint64_t)rocksdb_livefiles_level(all, i);
    f.numbers[2] = rocksdb_livefiles_smallest_seqno(all, i);
    f.numbers[3] = rocksdb_livefiles_largest_seqno(all, i);
    f.numbers[RB_LENGTHS] = strlen(f.texts[0]);
    f.numbers[RB_LENGTHS + 1] = smallest;
    f.numbers[RB_LENGTHS + 2] = largest;
    rb_family_file_add(l, &f);
  }
  rocksdb_livefiles_destroy(all);
}

/* By RocksDB's C API. */
static rb_status rb_family_export_by_c(rb_family *f, const char *dir,
                                       struct rb_family_list_of_files *l, char **comparator) {
  char *err = NULL;
  rocksdb_checkpoint_t *c = rocksdb_checkpoint_object_create(f->db->db, &err);
  if (err != NULL) {
    return rb_status_from(err);
  }
  rocksdb_export_import_files_metadata_t *m =
      rocksdb_checkpoint_export_column_family(c, f->handle, dir, &err);
  rocksdb_checkpoint_object_destroy(c);
  if (err != NULL) {
    return rb_status_from(err);
  }
  rb_family_list_exported(m, l);
  *comparator = rocksdb_export_import_files_metadata_get_db_comparator_name(m);
  rocksdb_export_import_files_metadata_destroy(m);
  return rb_ok();
}

rb_family_exported rb_family_export(rb_family *f, const char *dir) {
  rb_family_exported r = {NULL, 0, 0, NULL, {RB_OK, NULL}};
  struct rb_family_list_of_files l = {NULL, 0, 0, false};
  if (f->db->read_only) {
    r.status = rb_read_only();
  } else if (rb_cxx_offered()) { /* which tells all of the texts */
    r.status = rb_cxx_export(f->db->db, f->handle, dir, rb_family_file_told, &l, &r.comparator);
  } else if (rb_family_files_offered()) {
    r.status = rb_family_export_by_c(f, dir, &l, &r.comparator);
  } else {
    r.status = rb_status_make(RB_UNSUPPORTED, NULL);
  }
  if (r.status.code == RB_OK && (l.short_of_memory || r.comparator == NULL)) {
    r.status = rb_status_make(RB_NO_MEMORY, NULL);
  }
  if (r.status.code != RB_OK) {
    free(l.data);
    free(r.comparator);
    r.comparator = NULL;
    return r;
  }
  r.data = l.data;
  r.len = l.len;
  r.count = l.count;
  return r;
}

/* ---- import ---- */

uint8_t rb_family_import_bounds(void) { return rb_cxx_offered() && rb_cxx_import_bounds(); }

/* What the C API is told of the files. */
static rocksdb_export_import_files_metadata_t *rb_family_metadata(const rb_family_source *from) {
  rocksdb_livefiles_t *all = rocksdb_livefiles_create();
  const uint8_t *at = from->files.data;
  for (uint64_t i = 0; i < from->files.count; i++) {
    struct rb_family_file f;
    at = rb_family_file_read(&f, at);
    rocksdb_livefile_t *one = rocksdb_livefile_create();
    rocksdb_livefile_set_name(one, f.texts[0]);
    rocksdb_livefile_set_directory(one, from->dir);
    rocksdb_livefile_set_size(one, (size_t)f.numbers[0]);
    rocksdb_livefile_set_level(one, (int)f.numbers[1]);
    rocksdb_livefile_set_smallest_seqno(one, f.numbers[2]);
    rocksdb_livefile_set_largest_seqno(one, f.numbers[3]);
    rocksdb_livefile_set_smallest_key(one, f.texts[1], (size_t)f.numbers[RB_LENGTHS + 1]);
    rocksdb_livefile_set_largest_key(one, f.texts[2], (size_t)f.numbers[RB_LENGTHS + 2]);
    rocksdb_livefiles_add(all, one); /* which takes it over */
  }
  rocksdb_export_import_files_metadata_t *m = rocksdb_export_import_files_metadata_create();
  rocksdb_export_import_files_metadata_set_db_comparator_name(m, from->comparator);
  rocksdb_export_import_files_metadata_set_files(m, all); /* as this does */
  return m;
}

static rb_status rb_family_from_files_by_c(rb_db *db, rocksdb_options_t *o, const char *name,
                                           const rb_family_source *from,
                                           rocksdb_column_family_handle_t **h) {
  rocksdb_export_import_files_metadata_t *m = rb_family_metadata(from);
  rocksdb_import_column_family_options_t *how = rocksdb_import_column_family_options_create();
  rocksdb_import_column_family_options_set_move_files(how, from->move);
  char *err = NULL;
  *h = rocksdb_create_column_family_with_import(db->db, o, name, how, m, &err);
  rocksdb_import_column_family_options_destroy(how);
  rocksdb_export_import_files_metadata_destroy(m);
  return rb_status_from(err);
}

static rb_status rb_family_from_files_by_cxx(rb_db *db, const rocksdb_options_t *o,
                                             const char *name, const rb_family_source *from,
                                             rocksdb_column_family_handle_t **h) {
  rb_cxx_files *files = rb_cxx_files_new(from->dir, from->comparator);
  rb_status s = files == NULL ? rb_status_make(RB_NO_MEMORY, NULL) : rb_ok();
  const uint8_t *at = from->files.data;
  for (uint64_t i = 0; i < from->files.count && s.code == RB_OK; i++) {
    struct rb_family_file f;
    at = rb_family_file_read(&f, at);
    s = rb_cxx_files_add(files, f.numbers, f.texts);
  }
  if (s.code == RB_OK) {
    s = rb_cxx_import(db->db, o, name, files, from->move, h);
  }
  if (files != NULL) {
    rb_cxx_files_free(files);
  }
  return s;
}

rb_status rb_family_from_files(rb_db *db, rocksdb_options_t *o, const char *name,
                               const rb_family_source *from, rocksdb_column_family_handle_t **h) {
  *h = NULL;
  if (rb_cxx_offered()) { /* which takes the ends of files */
    return rb_family_from_files_by_cxx(db, o, name, from, h);
  }
  if (rb_family_files_offered()) {
    return rb_family_from_files_by_c(db, o, name, from, h);
  }
  return rb_status_make(RB_UNSUPPORTED, NULL);
}
