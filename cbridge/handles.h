/* handles.h: what stands behind the opaque handles of rb.h. For the glue's own files only. */
#ifndef RB_HANDLES_H
#define RB_HANDLES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "later.h"
#include "order.h"
#include "rb.h"
#include "rocksdb/c.h"

/* Every combination of the read flags that point reads know, and of the write flags, has its
 * RocksDB options object made when the database opens: a read or write then allocates none. */
enum { RB_READ_COMBINATIONS = 8, RB_WRITE_COMBINATIONS = 16 };

struct rb_family {
  rb_db *db;
  rocksdb_column_family_handle_t *handle;
  char *name;
  uint32_t id;
  struct rb_order *order; /* of its keys, the database's; NULL: bytewise */
  bool fifo;              /* it compacts by dropping its oldest files */
  bool blobs; /* when it was opened or created it had files of blobs, or an option to write some */
  pthread_mutex_t seams_lock; /* of seams */
  struct rb_seams *seams;     /* of its newest state that was asked for; NULL: none yet */
  atomic_uint iterators;      /* that are open on it: RocksDB's look at the handle when they seek */
  struct rb_family *next;
};

/* db is the database below the transactions, if there are any: what takes no part in them goes
 * there directly. One at most of the two others is not NULL; db is then a view of it. */
struct rb_db {
  rocksdb_t *db;
  rocksdb_transactiondb_t *pessimistic;
  rocksdb_optimistictransactiondb_t *optimistic;
  rb_tx **recovered; /* transactions found prepared; NULL where one has ended */
  size_t recovered_count;
  rocksdb_cache_t *block_cache;  /* NULL: none */
  rb_memory *memory;             /* NULL: none; else block_cache is its */
  rocksdb_cache_t *row_cache;    /* NULL: none */
  rb_disk *disk;                 /* NULL: none */
  rb_files *files;               /* NULL: on disk */
  pthread_mutex_t families_lock; /* of the list */
  struct rb_family *families;
  rb_orders orders;              /* of all families that it ever had while it was open */
  rocksdb_options_t *statistics; /* options that share the database's; NULL: it has none */
  bool read_only;
  bool timed; /* RocksDB's TTL takes the times off: off single values and rows of iterators only */
  rocksdb_readoptions_t *reads[RB_READ_COMBINATIONS];
  rocksdb_writeoptions_t *writes[RB_WRITE_COMBINATIONS];
  rocksdb_flushoptions_t *flush;
  atomic_bool held; /* a call that writes the manifest has failed, and deletions are off: hold.c */
  bool tracing[RB_TRACE_KINDS];
  struct rb_cxx_trace *traces[RB_TRACE_KINDS]; /* by C++; NULL: by RocksDB's C API, or none */
};

struct rb_memory {
  atomic_uint holders; /* the caller, and the plans and databases that share it */
  rocksdb_cache_t *cache;
  rocksdb_write_buffer_manager_t *buffers; /* NULL: RocksDB's C API has none */
  struct rb_cxx_buffers *cxx_buffers;      /* in its place, by C++; NULL: none */
};

struct rb_files {
  atomic_uint holders; /* the caller, and the plans and databases in it */
  rocksdb_env_t *env;
};

struct rb_snapshot {
  rb_db *db;
  atomic_uint holders; /* the caller and the iterators made from it */
  const rocksdb_snapshot_t *snap;
  rocksdb_readoptions_t *read; /* with the snapshot and no flags */
};

/* A bound in C memory: RocksDB keeps a pointer to it as long as the iterator lives. */
struct rb_bound {
  uint8_t *data;
  size_t len;
  bool set;
};

/* A timestamp as RocksDB has it, in memory that read options point to. */
enum { RB_STAMP = 8 };

/* Bytes that follow a key in an iterator over versions: its timestamp, and its sequence number with
 * its type. */
enum { RB_VERSION_TAIL = 2 * RB_STAMP };
struct rb_stamp {
  char bytes[RB_STAMP];
};

struct rb_merged;
struct rb_predicate;
struct rb_holes;

/* All columns of the row that an iterator stands on: columns.c. */
struct rb_columns {
  uint8_t *data;
  size_t len;
  size_t cap;
  rb_status failed; /* why they could not be had */
};

struct rb_iter {
  rb_family *family;
  struct rb_merged *merged; /* not NULL: a batch lies over the database, see merged.c */
  rb_snapshot *snap; /* NULL: none. RocksDB looks at it again when it opens a file in mid-scan */
  rocksdb_iterator_t *it;
  rocksdb_readoptions_t *read;
  struct rb_bound lower;
  struct rb_bound upper;
  bool native_lower; /* RocksDB was given a lower bound when the iterator was made */
  bool native_upper;
  bool checked; /* bounds were changed: RocksDB's are not relied on any more */
  bool placed;  /* false: it stands nowhere, though RocksDB's iterator may stand somewhere */
  bool keys_only;
  bool no_values; /* nobody asks for values: keys_only, and the predicate does not either */
  bool timed;     /* as of at */
  bool versions;  /* it is for rb_iter_versions: all versions since since */
  struct rb_stamp at;
  struct rb_stamp since;
  struct rb_holes *holes; /* what RocksDB's iterator over versions may pass over; NULL: none */
  struct rb_table_filter *tables; /* which tables are read; NULL: all */
  struct rb_seams *seams; /* where files begin and end: see seams.c. NULL: nothing to look at */
  size_t seam;            /* the next one: how many lie before it, or before and at it backwards */
  bool seam_backward;     /* the way that seam is for */
  struct rb_columns *columns;     /* not NULL: values are all columns of their rows */
  struct rb_predicate *predicate; /* which rows are kept; NULL: all */
  uint64_t pause;                 /* how much the predicate may look at in one call */
  uint32_t flags;
  uint64_t readahead;
  uint64_t deadline;
  bool backward;  /* direction of the last fill */
  bool delivered; /* it stands on a row that was delivered, not on the next one */
  uint64_t max_value;
};

struct rb_disk {
  atomic_uint holders;                 /* the caller, and the plans and databases that share it */
  atomic_uint_least64_t limit;         /* bytes; 0: none */
  rocksdb_sst_file_manager_t *manager; /* NULL: RocksDB's C API has none */
  struct rb_cxx_disk *cxx;             /* in its place, by C++; NULL: none */
};

/* What a database with transactions is opened from. */
struct rb_tx_plan {
  rb_db_options opts;
  const rocksdb_options_t *db_options;
  const char *path;
  int count;
  const char *const *names;
  const rocksdb_options_t *const *options;
};

/* Opens db with transactions; handles has room for the families. On error db has no RocksDB in it.
 */
rb_status rb_tx_open(const struct rb_tx_plan *p, rb_db *db,
                     rocksdb_column_family_handle_t **handles);

/* Has rb_plan_open cut the database back: see rb_plan_trim. */
void rb_plan_trim_to(rb_plan *p, uint64_t timestamp);

/* Opens db and cuts it back to a timestamp, without transactions. On error db has no RocksDB in it.
 */
rb_status rb_trim_open(const struct rb_tx_plan *p, uint64_t timestamp, rb_db *db,
                       rocksdb_column_family_handle_t **handles);

/* Closes RocksDB, with transactions or without: the part of rb_close that ends db->db. */
void rb_tx_close(rb_db *db);

/* Makes a family in RocksDB, which transactions then know; row_ttl is for timed rows. *err as from
 * RocksDB. */
rocksdb_column_family_handle_t *rb_tx_create_family(rb_db *db, const rocksdb_options_t *o,
                                                    const char *name, int32_t row_ttl, char **err);

/* Makes a block cache of the kind that opts names, if RocksDB has it; else the usual one. NULL when
 * memory is short. */
rocksdb_cache_t *rb_cache_new(size_t size, rb_db_options opts);

/* RB_UNSUPPORTED if RocksDB has not the kind of cache or of limit that opts name. */
rb_status rb_db_options_offered(rb_db_options opts);

/* Makes a cache of rows of so many bytes for the databases that are opened with o, which share it:
 * *cache is the caller's to destroy. NULL on error, and if size is 0. */
rb_status rb_options_set_row_cache(rocksdb_options_t *o, uint64_t size, rocksdb_cache_t **cache);

/* Limits what flushes and compactions write. RocksDB offers what opts name. */
rb_status rb_options_set_rate_limit(rocksdb_options_t *o, rb_db_options opts);

/* Has RocksDB count what an RB_STATISTICS_ says. RB_UNSUPPORTED if it is too old for that. */
rb_status rb_options_set_statistics(rocksdb_options_t *o, uint32_t statistics);

/* Whether RocksDB's C API has write buffer managers. */
bool rb_write_buffers(void);

/* Has the databases opened with o use the manager of memtables of m; false if it has none. */
bool rb_memory_use_buffers(rb_memory *m, rocksdb_options_t *o);

/* Holds m for another plan or database; rb_memory_free ends that. */
rb_memory *rb_memory_hold(rb_memory *m);

/* Holds f for another plan or database; rb_files_free ends that. */
rb_files *rb_files_hold(rb_files *f);

/* Has what is opened with o lie in f, which must live as long; NULL: on disk, as it is. */
void rb_files_use(const rb_files *f, rocksdb_options_t *o);

/* Makes RocksDB read options from RB_READ_ flags; NULL when memory is short. */
rocksdb_readoptions_t *rb_readoptions_new(uint32_t flags);

/* Makes RocksDB write options from RB_WRITE_ flags; NULL when memory is short. */
rocksdb_writeoptions_t *rb_writeoptions_new(uint32_t flags);

/* Makes RocksDB options of one family with the typed settings of o and the cache (NULL: none). *out
 * is NULL on error. */
rb_status rb_family_options_new(rb_family_options o, rocksdb_cache_t *cache,
                                rocksdb_options_t **out);

/* Gives options a merge operator and a compaction filter, which they own. NONE leaves what they
 * have. */
rb_status rb_options_set_operators(rocksdb_options_t *options, rb_operators o);

/* The compaction filter alone. */
rb_status rb_options_set_filter(rocksdb_options_t *options, rb_operators o);

/* The options of a family of a plan, which keeps them; NULL if it has no such family. */
const rocksdb_options_t *rb_plan_options(const rb_plan *p, const char *name);

/* The order of a family of a plan, which has it until it has opened; NULL: the bytewise one. */
struct rb_order *rb_plan_order(const rb_plan *p, const char *name);

/* The directory of a plan, as long as it lives. */
const char *rb_plan_path(const rb_plan *p);

/* Puts the settings by name in text on top of *o, which stays as it was on error. NULL and the
 * empty text are nothing. */
rb_status rb_options_by_name(rocksdb_options_t **o, const char *text);

/* Copies options, with keys in bytewise order: RocksDB refuses to open a family that has another
 * one, which the glue's own comparisons would get wrong. *out is NULL on error. */
rb_status rb_options_bytewise(const rocksdb_options_t *base, rocksdb_options_t **out);

/* Copies options, with keys in reversed bytewise order. *out is NULL on error. */
rb_status rb_options_reversed(const rocksdb_options_t *base, rocksdb_options_t **out);

/* Copies options, with keys in bytewise order that have timestamps. *out is NULL on error. */
rb_status rb_options_stamped(const rocksdb_options_t *base, rocksdb_options_t **out);

/* Refuses options of a family under which the glue could not keep what it promises. */
rb_status rb_family_options_check(const rocksdb_options_t *o);

/* Makes a family that no database has yet; NULL when memory is short. name is copied. */
rb_family *rb_family_new(const char *name);

/* One record of rb_family_files. */
struct rb_family_file {
  uint64_t numbers[RB_FAMILY_FILE_NUMBERS];
  const char *texts[5]; /* NUL-terminated, and as long as the last five numbers say */
};

/* Reads a record and gives the place behind it. */
const uint8_t *rb_family_file_read(struct rb_family_file *f, const uint8_t *from);

/* A list of records that grows. */
struct rb_family_list_of_files {
  uint8_t *data;
  uint64_t len;
  uint64_t count;
  bool short_of_memory;
};

/* Appends a record, of which the texts are copied; they need no NUL. */
void rb_family_file_add(struct rb_family_list_of_files *l, const struct rb_family_file *f);

/* Makes a family of RocksDB from files. *h may be not NULL on error, and is then of no family. */
rb_status rb_family_from_files(rb_db *db, rocksdb_options_t *o, const char *name,
                               const rb_family_source *from, rocksdb_column_family_handle_t **h);

/* Whether RocksDB's C API exports and imports families. */
bool rb_family_files_offered(void);

/* Whether its compactions by hand have parts side by side, and may stall writes. */
bool rb_compact_parts_offered(void);

/* Whether they may collect what nothing refers to in blob files. */
bool rb_compact_blobs_offered(void);

/* Whether it ingests files by links that leave the files' names, opens them by several threads and
 * past the cache. */
bool rb_ingest_links_offered(void);

/* Whether it may refuse to copy files that it cannot link. */
bool rb_ingest_no_copy_offered(void);

/* Whether it tells about how many bytes ranges take in memtables. */
bool rb_size_flags_offered(void);

/* Whether it does so with all options. */
bool rb_size_options_offered(void);

/* Whether it lists all files. */
bool rb_all_files_offered(void);

/* Whether it records what it is asked. */
bool rb_trace_offered(void);

/* Ends all traces of a database that is about to be closed. Their errors are dropped. */
void rb_traces_close(rb_db *db);

/* Whether it compacts files. */
bool rb_compact_files_offered(void);

/* Whether it has compactions done elsewhere. */
bool rb_compactor_offered(void);

/* Whether it does such compactions. */
bool rb_open_and_compact_offered(void);

/* Whether it pauses its background work. */
bool rb_pause_offered(void);

/* Whether RocksDB's C API has managers of files. */
bool rb_disk_offered(void);

/* Gives a family its handle, which it owns from then on, and puts it in front of the db's others.
 */
void rb_family_join(rb_db *db, rb_family *f, rocksdb_column_family_handle_t *h);

/* Frees a family that is in no db's list any more, and its handle if it has one. */
void rb_family_free(rb_family *f);

/* Read options of one call: shared where they are made already, else made for it. */
struct rb_call_options {
  const rocksdb_readoptions_t *use; /* NULL when memory is short */
  rocksdb_readoptions_t *made;      /* to be destroyed after the call; NULL: nothing */
};

/* The options of a read of db; snap may be NULL. */
struct rb_call_options rb_call_options_get(const rb_db *db, const rb_snapshot *snap, uint32_t flags,
                                           uint64_t deadline);

/* The same as of a timestamp, which must live as long. use is made. */
struct rb_call_options rb_call_options_at(const rb_snapshot *snap, uint32_t flags,
                                          uint64_t deadline, const struct rb_stamp *at);

/* A number as a timestamp. */
struct rb_stamp rb_stamp_of(uint64_t number);

/* And back. */
uint64_t rb_stamp_number(const char *bytes);

/* The timestamp of the row where the cursor of a timed iterator stands. */
uint64_t rb_iter_timestamp(const rb_iter *it, size_t klen);

/* Makes what rb_iter_versions needs besides the iterator, over the same snapshot. */
rb_status rb_holes_new(rb_iter *it, const rb_snapshot *snap);

/* Ends it. NULL is allowed. */
void rb_holes_free(struct rb_holes *h);

/* Read options for the settings of it, which they point to; NULL when memory is short. */
rocksdb_readoptions_t *rb_iter_options_make(const rb_iter *it, const rb_snapshot *snap);

/* rb_iter_refresh to a snapshot's state, or the newest one if that is NULL. */
rb_status rb_iter_refresh_to(rb_iter *it, rb_snapshot *snap);

/* Whether a key lies inside the bound that the iterator's direction runs into. */
bool rb_iter_inside(const rb_iter *it);

/* Moves as an RB_MOVE_ says and sets the direction. */
void rb_iter_move(rb_iter *it, uint32_t move, const uint8_t *key, size_t klen);

/* Whether the iterator's deadline has passed, looked at after every 64 of the n rows of a call:
 * RocksDB itself looks at it only when it reads a file. */
bool rb_iter_late(const rb_iter *it, uint64_t n);

/* What a call answers that the deadline ended. A deadline stays passed, so the next call repeats
 * it. */
rb_status rb_iter_timed_out(void);

/* The iterator's error, RB_OK if it just ended. */
rb_status rb_iter_status(const rb_iter *it);

/* Whether an iterator over a batch and the database stands on a row; not after an error. */
bool rb_merged_valid(const rb_iter *it);

/* The current row's key, valid until the iterator moves. Only on a row. */
const char *rb_merged_key(const rb_iter *it, size_t *n);

/* The current row's value, valid until the iterator moves. Only on a row, and not for keys only. */
const char *rb_merged_value(const rb_iter *it, size_t *n);

/* The error of a merge that ended the last move; RB_OK if none did. */
rb_status rb_merged_failure(const rb_iter *it);

/* To the first row at or after key or, backwards, the last one at or before it. */
void rb_merged_seek(rb_iter *it, const uint8_t *key, size_t klen);

/* To the first row or, backwards, the last one. */
void rb_merged_outermost(rb_iter *it);

/* One row further in the iterator's direction, which may be another than before. Only on a row. */
void rb_merged_advance(rb_iter *it);

/* Ends the part of an iterator that is about a batch. NULL is allowed. */
void rb_merged_free(struct rb_merged *m);

/* Whether RocksDB tells of every file that its iterators could not read, so that no seams are
 * needed. */
bool rb_seams_hold(void);

/* The seams of the newest state of f, of whose keys stamp bytes are a timestamp: *out is the
 * caller's to free, and NULL where RocksDB needs none, or on an error, which can only be a shortage
 * of memory. Safe from any thread. */
rb_status rb_seams_get(rb_family *f, size_t stamp, struct rb_seams **out);

/* Whether they are those of the family's state now, and so of an iterator that was made since. */
bool rb_seams_fit(const rb_family *f, const struct rb_seams *s);

/* s, or NULL, s being freed, if there are no seams in it. */
struct rb_seams *rb_seams_or_none(struct rb_seams *s);

/* Gives them up. NULL is allowed. */
void rb_seams_free(struct rb_seams *s);

/* What follows a seek of RocksDB's iterator to key. The iterator has seams. */
void rb_seams_sought(rb_iter *it, const uint8_t *key, size_t klen);

/* What follows one to the first row, or backwards to the last one. The iterator has seams. */
void rb_seams_outermost(rb_iter *it);

/* rb_native_advance for an iterator that has seams. */
void rb_seams_advance(rb_iter *it);

/* RocksDB's iterator, not one over it: to the first row at or after key or, backwards, the last one
 * at or before it. */
static inline void rb_native_seek(rb_iter *it, const uint8_t *key, size_t klen) {
  if (it->backward) {
    rocksdb_iter_seek_for_prev(it->it, (const char *)key, klen);
  } else {
    rocksdb_iter_seek(it->it, (const char *)key, klen);
  }
  if (it->seams != NULL) {
    rb_seams_sought(it, key, klen);
  }
}

/* The same: to the first row or, backwards, the last one. */
static inline void rb_native_outermost(rb_iter *it) {
  if (it->backward) {
    rocksdb_iter_seek_to_last(it->it);
  } else {
    rocksdb_iter_seek_to_first(it->it);
  }
  if (it->seams != NULL) {
    rb_seams_outermost(it);
  }
}

/* The same: one row further in the current direction. Only on a row. */
static inline void rb_native_advance(rb_iter *it) {
  if (it->seams != NULL) {
    rb_seams_advance(it);
  } else if (it->backward) {
    rocksdb_iter_prev(it->it);
  } else {
    rocksdb_iter_next(it->it);
  }
}

/* Whether the cursor that moves and fills work on, RocksDB's iterator or one over it and a batch,
 * stands on a row. */
static inline bool rb_cursor_valid(const rb_iter *it) {
  return it->merged == NULL ? rocksdb_iter_valid(it->it) != 0 : rb_merged_valid(it);
}

/* The key where the cursor stands. Only on a row. */
static inline const char *rb_cursor_key(const rb_iter *it, size_t *n) {
  return it->merged == NULL ? rocksdb_iter_key(it->it, n) : rb_merged_key(it, n);
}

/* The value where the cursor stands. Only on a row. */
static inline const char *rb_cursor_value(const rb_iter *it, size_t *n) {
  return it->merged == NULL ? rocksdb_iter_value(it->it, n) : rb_merged_value(it, n);
}

/* One row further in the current direction. Only on a row. */
static inline void rb_iter_advance(rb_iter *it) {
  if (it->merged != NULL) {
    rb_merged_advance(it);
  } else {
    rb_native_advance(it);
  }
}

/* Whether the iterator stands on a row inside its bounds. RocksDB's own end is asked first: reading
 * the key of an invalid iterator aborts a library that was built with assertions. */
static inline bool rb_iter_on_row(const rb_iter *it) {
  return it->placed && rb_cursor_valid(it) && (!it->checked || rb_iter_inside(it));
}

/* Fetches the columns of the current row to it->columns, which is not NULL. False if they cannot be
 * had: rb_columns_failure tells why. Only on a row. */
bool rb_columns_fetch(rb_iter *it);

/* Gives the failure of rb_columns_fetch up to the caller; RB_OK if there was none since. */
rb_status rb_columns_failure(const rb_iter *it);

/* Makes room for the columns of rows; NULL when memory is short. */
struct rb_columns *rb_columns_new(void);

/* Frees it. NULL is allowed. */
void rb_columns_free(struct rb_columns *c);

/* Looks a key up; NULL and a status that is not RB_OK if there is no value. */
rocksdb_pinnableslice_t *rb_lookup(rb_family *f, rb_snapshot *snap, uint32_t flags,
                                   uint64_t deadline, const uint8_t *key, size_t klen,
                                   rb_status *status);

/* The same by options, which it destroys if they were made. */
rocksdb_pinnableslice_t *rb_lookup_by(rb_family *f, struct rb_call_options c, uint32_t flags,
                                      const uint8_t *key, size_t klen, rb_status *status);

/* Mends what a lookup under flags answered. Asked to read the cache only, RocksDB gives an empty
 * value for what it would have to read, in which its TTL then finds no time: that is no damage, but
 * RB_INCOMPLETE. */
void rb_timed_probe(const rb_family *f, uint32_t flags, char *err);

/* A value that was looked up: copied to buf if it fits into cap bytes, else pinned by the result.
 * pin is taken over. */
rb_value rb_value_of(rocksdb_pinnableslice_t *pin, uint8_t *buf, size_t cap);

/* How keys are ordered: bytewise, the shorter of two that begin alike first. */
static inline int rb_compare(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen) {
  size_t n = alen < blen ? alen : blen;
  int c = n > 0 ? memcmp(a, b, n) : 0;
  return c != 0 ? c : (alen > blen) - (alen < blen);
}

/* Ok as a status. */
static inline rb_status rb_ok(void) {
  rb_status s = {RB_OK, NULL};
  return s;
}

/* How the keys of f are ordered. */
static inline int rb_family_compare(const rb_family *f, const uint8_t *a, size_t alen,
                                    const uint8_t *b, size_t blen) {
  return f->order == NULL ? rb_compare(a, alen, b, blen)
                          : rb_order_compare(f->order, a, alen, b, blen);
}

/* Begins a read of f: see rb_order_reads. rb_family_was_read must follow. */
static inline void rb_family_reads(const rb_family *f) {
  if (f->order != NULL) {
    rb_order_reads();
  }
}

/* Ends a read of f. False if it must not be believed: *s, whatever it was, then says so. */
static inline bool rb_family_was_read(const rb_family *f, rb_status *s) {
  if (f->order == NULL) {
    return true;
  }
  rb_status order = rb_order_was_read(f->order);
  if (order.code == RB_OK) {
    return true;
  }
  rb_free(s->msg);
  *s = order;
  return false;
}

/* What a database that was opened read only answers where RocksDB itself does not refuse. */
static inline rb_status rb_read_only(void) {
  return rb_status_make(RB_READ_ONLY, "the database is open for reading only");
}

/* Goes before each call of RocksDB that writes the manifest on the caller's thread. */
void rb_hold_begin(rb_db *db);

/* Goes behind it, and gives its status back. */
rb_status rb_hold_end(rb_db *db, rb_status s);

#endif
