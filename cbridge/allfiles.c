/* allfiles.c: all files that the newest state of a database consists of. */
#include <stdlib.h>

#include "cxx.h"
#include "handles.h"
#include "later.h"

bool rb_all_files_offered(void) {
  return rocksdb_get_livefiles_storage_info != NULL &&
         rocksdb_livefiles_storage_info_options_create != NULL &&
         rocksdb_livefiles_storage_info_options_destroy != NULL &&
         rocksdb_livefiles_storage_info_options_set_wal_size_for_flush != NULL &&
         rocksdb_livefiles_storage_info_count != NULL &&
         rocksdb_livefiles_storage_info_relative_filename != NULL &&
         rocksdb_livefiles_storage_info_directory != NULL &&
         rocksdb_livefiles_storage_info_file_number != NULL &&
         rocksdb_livefiles_storage_info_file_type != NULL &&
         rocksdb_livefiles_storage_info_size != NULL &&
         rocksdb_livefiles_storage_info_destroy != NULL;
}

/* Appends a record to the rb_live_files that to is; RB_NO_MEMORY stays in its status. */
static void rb_file_told(void *to, const uint64_t *numbers, const char *const *texts) {
  rb_live_files *l = to;
  size_t head = RB_FILE_NUMBERS * sizeof *numbers, name = (size_t)numbers[3];
  size_t size = head + name + (size_t)numbers[4];
  uint8_t *data = l->status.code != RB_OK ? NULL : realloc(l->data, (size_t)l->len + size);
  if (data == NULL) {
    l->status.code = RB_NO_MEMORY;
    return;
  }
  l->data = data;
  memcpy(data + l->len, numbers, head);
  memcpy(data + l->len + head, texts[0], name);
  memcpy(data + l->len + head + name, texts[1], (size_t)numbers[4]);
  l->len += size;
  l->count++;
}

static void rb_files_take(const rocksdb_livefiles_storage_info_t *all, rb_live_files *to) {
  for (size_t i = 0; i < rocksdb_livefiles_storage_info_count(all); i++) {
    const char *texts[2] = {rocksdb_livefiles_storage_info_relative_filename(all, i),
                            rocksdb_livefiles_storage_info_directory(all, i)};
    const uint64_t numbers[RB_FILE_NUMBERS] = {
        rocksdb_livefiles_storage_info_size(all, i),
        (uint64_t)rocksdb_livefiles_storage_info_file_type(all, i),
        rocksdb_livefiles_storage_info_file_number(all, i), strlen(texts[0]), strlen(texts[1])};
    rb_file_told(to, numbers, texts);
  }
}

/* By RocksDB's C API. */
static rb_status rb_files_by_c(rb_db *db, rb_live_files *to) {
  char *err = NULL;
  rocksdb_livefiles_storage_info_options_t *o = rocksdb_livefiles_storage_info_options_create();
  rocksdb_livefiles_storage_info_options_set_wal_size_for_flush(o, UINT64_MAX); /* no flush */
  rocksdb_livefiles_storage_info_t *all = rocksdb_get_livefiles_storage_info(db->db, o, &err);
  rocksdb_livefiles_storage_info_options_destroy(o);
  if (all != NULL) {
    rb_files_take(all, to);
    rocksdb_livefiles_storage_info_destroy(all);
  }
  return rb_status_from(err);
}

rb_live_files rb_all_files_get(rb_db *db) {
  rb_live_files r = {NULL, 0, 0, {RB_OK, NULL}};
  if (!rb_supports(RB_FEATURE_ALL_FILES)) {
    r.status.code = RB_UNSUPPORTED;
    return r;
  }
  rb_status s =
      rb_all_files_offered() ? rb_files_by_c(db, &r) : rb_cxx_all_files(db->db, rb_file_told, &r);
  if (s.code != RB_OK) {
    r.status = s;
  }
  if (r.status.code != RB_OK) {
    free(r.data);
    r.data = NULL;
    r.len = r.count = 0;
  }
  return r;
}
