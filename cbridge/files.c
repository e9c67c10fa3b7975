/* files.c: databases whose files are in memory. */
#include <stdlib.h>

#include "handles.h"

rb_files *rb_files_new(void) {
  rb_files *f = calloc(1, sizeof *f);
  if (f == NULL) {
    return NULL;
  }
  atomic_init(&f->holders, 1);
  f->env = rocksdb_create_mem_env();
  if (f->env == NULL) {
    free(f);
    return NULL;
  }
  return f;
}

rb_files *rb_files_hold(rb_files *f) {
  atomic_fetch_add(&f->holders, 1);
  return f;
}

void rb_files_use(const rb_files *f, rocksdb_options_t *o) {
  if (f != NULL) {
    rocksdb_options_set_env(o, f->env);
  }
}

void rb_files_free(rb_files *f) {
  if (f == NULL || atomic_fetch_sub(&f->holders, 1) > 1) {
    return;
  }
  rocksdb_env_destroy(f->env);
  free(f);
}
