/* sst.c: table files that are made outside of a database. */
#include <stdlib.h>
#include <string.h>

#include "handles.h"

struct rb_sst {
  rocksdb_sstfilewriter_t *writer;
};

rb_sst_result rb_plan_sst(rb_plan *p, const char *family, const char *path) {
  rb_sst_result r = {NULL, {RB_OK, NULL}};
  const rocksdb_options_t *options = rb_plan_options(p, family);
  if (options == NULL) {
    r.status = rb_status_make(RB_NOT_FOUND, "the plan has no such family");
    return r;
  }
  rb_sst *w = calloc(1, sizeof *w);
  rocksdb_envoptions_t *env = w == NULL ? NULL : rocksdb_envoptions_create();
  if (env == NULL) {
    free(w);
    r.status = rb_status_make(RB_NO_MEMORY, NULL);
    return r;
  }
  char *err = NULL;
  w->writer = rocksdb_sstfilewriter_create(env, options); /* it copies both */
  rocksdb_envoptions_destroy(env);
  rocksdb_sstfilewriter_open(w->writer, path, &err);
  if (err != NULL) {
    rb_sst_free(w);
    r.status = rb_status_from(err);
    return r;
  }
  r.writer = w;
  return r;
}

/* Adds one record. */
static void rb_sst_put(rb_sst *w, uint32_t op, const char *key, size_t klen, const char *value,
                       size_t vlen, rb_status *s) {
  char *err = NULL;
  switch (op) {
    case RB_PUT:
      rocksdb_sstfilewriter_put(w->writer, key, klen, value, vlen, &err);
      break;
    case RB_DELETE:
      rocksdb_sstfilewriter_delete(w->writer, key, klen, &err);
      break;
    case RB_MERGE:
      rocksdb_sstfilewriter_merge(w->writer, key, klen, value, vlen, &err);
      break;
    case RB_DELETE_RANGE:
      rocksdb_sstfilewriter_delete_range(w->writer, key, klen, value, vlen, &err);
      break;
    default:
      *s = rb_status_make(RB_INVALID_ARGUMENT, "unknown operation");
      return;
  }
  if (err != NULL) {
    *s = rb_status_from(err);
  }
}

static uint64_t rb_sst_size(rb_sst *w) {
  uint64_t size = 0;
  rocksdb_sstfilewriter_file_size(w->writer, &size);
  return size;
}

rb_sst_state rb_sst_add(rb_sst *w, const uint8_t *rows, size_t len) {
  rb_sst_state r = {0, {RB_OK, NULL}};
  uint32_t head[3];
  for (size_t at = 0; at < len && r.status.code == RB_OK;) {
    if (len - at < sizeof head) {
      r.status = rb_status_make(RB_INVALID_ARGUMENT, "malformed rows");
      break;
    }
    memcpy(head, rows + at, sizeof head);
    at += sizeof head;
    if (head[1] > len - at || head[2] > len - at - head[1]) {
      r.status = rb_status_make(RB_INVALID_ARGUMENT, "malformed rows");
      break;
    }
    const char *key = (const char *)rows + at;
    rb_sst_put(w, head[0], key, head[1], key + head[1], head[2], &r.status);
    at += (size_t)head[1] + head[2];
  }
  r.size = rb_sst_size(w);
  return r;
}

rb_sst_state rb_sst_row(rb_sst *w, uint32_t op, const uint8_t *key, size_t klen,
                        const uint8_t *value, size_t vlen) {
  rb_sst_state r = {0, {RB_OK, NULL}};
  rb_sst_put(w, op, (const char *)key, klen, (const char *)value, vlen, &r.status);
  r.size = rb_sst_size(w);
  return r;
}

rb_sst_state rb_sst_finish(rb_sst *w) {
  rb_sst_state r = {0, {RB_OK, NULL}};
  char *err = NULL;
  rocksdb_sstfilewriter_finish(w->writer, &err);
  r.status = rb_status_from(err);
  r.size = rb_sst_size(w);
  return r;
}

void rb_sst_free(rb_sst *w) {
  if (w == NULL) {
    return;
  }
  rocksdb_sstfilewriter_destroy(w->writer);
  free(w);
}
