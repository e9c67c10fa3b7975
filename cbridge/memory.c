/* memory.c: a block cache and a manager of memtables that databases share. */
#include <stdlib.h>

#include "cxx.h"
#include "handles.h"

bool rb_write_buffers(void) {
  return rocksdb_write_buffer_manager_create_with_cache != NULL &&
         rocksdb_write_buffer_manager_destroy != NULL &&
         rocksdb_write_buffer_manager_memory_usage != NULL &&
         rocksdb_write_buffer_manager_dummy_entries_in_cache_usage != NULL &&
         rocksdb_write_buffer_manager_set_buffer_size != NULL &&
         rocksdb_options_set_write_buffer_manager != NULL;
}

rb_memory *rb_memory_new(uint64_t bytes, uint64_t memtables) {
  rb_memory *m = calloc(1, sizeof *m);
  if (m == NULL) {
    return NULL;
  }
  atomic_init(&m->holders, 1);
  m->cache = rocksdb_cache_create_lru((size_t)bytes);
  bool ok = m->cache != NULL;
  /* It never stalls writes: an iterator that pins a memtable would stop all databases. */
  if (ok && rb_write_buffers()) {
    m->buffers = rocksdb_write_buffer_manager_create_with_cache((size_t)memtables, m->cache, false);
    ok = m->buffers != NULL;
  } else if (ok && rb_cxx_offered()) {
    m->cxx_buffers = rb_cxx_buffers_new((size_t)memtables, m->cache);
    ok = m->cxx_buffers != NULL;
  }
  if (!ok) {
    rb_memory_free(m);
    return NULL;
  }
  return m;
}

void rb_memory_resize(rb_memory *m, uint64_t bytes, uint64_t memtables) {
  rocksdb_cache_set_capacity(m->cache, (size_t)bytes);
  if (m->buffers != NULL) {
    rocksdb_write_buffer_manager_set_buffer_size(m->buffers, (size_t)memtables);
  } else if (m->cxx_buffers != NULL) {
    rb_cxx_buffers_resize(m->cxx_buffers, (size_t)memtables);
  }
}

bool rb_memory_use_buffers(rb_memory *m, rocksdb_options_t *o) {
  if (m->buffers != NULL) {
    rocksdb_options_set_write_buffer_manager(o, m->buffers);
  } else if (m->cxx_buffers != NULL) {
    rb_cxx_buffers_use(m->cxx_buffers, o);
  }
  return m->buffers != NULL || m->cxx_buffers != NULL;
}

rb_memory_use rb_memory_used(rb_memory *m) {
  rb_memory_use u = {0, 0, 0, 0};
  u.cache = rocksdb_cache_get_usage(m->cache);
  u.pinned = rocksdb_cache_get_pinned_usage(m->cache);
  if (m->buffers != NULL) {
    u.charge = rocksdb_write_buffer_manager_dummy_entries_in_cache_usage(m->buffers);
    u.memtables = rocksdb_write_buffer_manager_memory_usage(m->buffers);
  } else if (m->cxx_buffers != NULL) {
    u.charge = rb_cxx_buffers_charge(m->cxx_buffers);
    u.memtables = rb_cxx_buffers_used(m->cxx_buffers);
  }
  return u;
}

rb_memory *rb_memory_hold(rb_memory *m) {
  atomic_fetch_add(&m->holders, 1);
  return m;
}

void rb_memory_free(rb_memory *m) {
  if (m == NULL || atomic_fetch_sub(&m->holders, 1) > 1) {
    return;
  }
  if (m->buffers != NULL && rb_write_buffers()) {
    rocksdb_write_buffer_manager_destroy(m->buffers);
  }
  if (m->cxx_buffers != NULL) {
    rb_cxx_buffers_free(m->cxx_buffers);
  }
  if (m->cache != NULL) {
    rocksdb_cache_destroy(m->cache);
  }
  free(m);
}
