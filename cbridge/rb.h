/*
 * rb.h: the whole C surface of rockbridge, the only door to RocksDB.
 *
 * Conventions, valid for every function below
 *
 *  1. Handles (rb_db, rb_family, rb_snapshot, rb_iter, rb_overlay, rb_plan) are opaque and belong
 *     to the caller until the function that its comment names as the end of its life.
 *  2. Bytes come in as pointer and length. The pointer may be NULL when the length is 0. Nothing
 *     that comes in is kept after the call returns, unless the comment says that it is copied.
 *  3. Lengths are size_t or fixed-width; times are microseconds; sizes are bytes.
 *  4. Errors come back by value in an rb_status. code RB_OK means success and msg is then NULL. Any
 *     other code may carry msg, a NUL-terminated text that the caller frees with rb_free.
 *  5. Every struct that is returned is initialised in all its fields, whatever the outcome.
 *  6. Booleans are uint8_t, 0 or 1. Flags are the RB_ bit constants, or-ed.
 *  7. Unless a comment says otherwise, a function is safe to call from several threads on the same
 *     handle at once, and must not be called on a handle whose life has ended, nor after rb_close.
 *  8. No function but those named ..._calling calls back into Go on the thread that called it
 *     (callbacks.c), raises a signal on purpose or lets a C++ exception out: the callers keep every
 * length below RB_MAX_KEY, RB_MAX_VALUE and RB_MAX_BATCH, so that RocksDB has no reason to throw
 * but the lack of memory, which is fatal.
 */
#ifndef RB_H
#define RB_H

#include <stddef.h>
#include <stdint.h>

/* Status codes. Go's package dberr has the same numbers; a test compares them. */
enum {
  RB_OK = 0,
  RB_NOT_FOUND = 1,
  RB_CORRUPTION = 2,
  RB_UNSUPPORTED = 3,
  RB_INVALID_ARGUMENT = 4,
  RB_IO = 5,
  RB_MERGE_IN_PROGRESS = 6,
  RB_INCOMPLETE = 7,
  RB_SHUTTING_DOWN = 8,
  RB_TIMED_OUT = 9,
  RB_ABORTED = 10,
  RB_BUSY = 11,
  RB_EXPIRED = 12,
  RB_TRY_AGAIN = 13,
  RB_COMPACTION_TOO_LARGE = 14,
  RB_FAMILY_DROPPED = 15,
  RB_NO_SPACE = 16,
  RB_LOCKED = 17,
  RB_READ_ONLY = 18,
  RB_WOULD_BLOCK = 19,
  RB_NO_MEMORY = 20,
  RB_UNKNOWN = 21,
  RB_SYNC_FAILED =
      25 /* fsync or fdatasync of a file; what it should have made durable may be lost */
};

/* Limits in bytes. RocksDB's FAQ gives 8 MB for a key and 3 GB for a value as the most it is made
 * for; a batch must stay below the 4 GiB that its own 32-bit lengths can tell. */
#define RB_MAX_KEY ((uint64_t)8 << 20)
#define RB_MAX_VALUE ((uint64_t)3 << 30)
#define RB_MAX_BATCH (((uint64_t)4 << 30) - 1)

/* What a call answers: code and, for errors, RocksDB's own words. */
typedef struct rb_status {
  int32_t code;
  char *msg;
} rb_status;

typedef struct rb_db rb_db;
typedef struct rb_family rb_family;
typedef struct rb_snapshot rb_snapshot;
typedef struct rb_iter rb_iter;
typedef struct rb_plan rb_plan;
typedef struct rb_overlay rb_overlay;
typedef struct rb_tx rb_tx;

/* ---- memory and status ---------------------------------------------------------------------- */

/* Frees what a comment says is freed with rb_free. NULL is allowed. */
void rb_free(void *p);

/* Turns a text that RocksDB's C API handed out as an error into a status and takes ownership of it.
 * err NULL gives RB_OK. The code is read off the stable beginnings of the text ("Corruption: ",
 * "IO error: ", ...) and, for a full disk, a held lock and a read-only database, off what follows.
 */
rb_status rb_status_from(char *err);

/* A status in our own words: msg is copied. Used by the glue itself and by its tests. */
rb_status rb_status_make(int32_t code, const char *msg);

/* ---- opening -------------------------------------------------------------------------------- */

/* Options of the database as a whole. Zero in a field means the default that its line names. */
typedef struct rb_db_options {
  uint8_t read_only;
  uint8_t error_if_missing; /* default: created */
  uint8_t error_if_exists;
  int64_t block_cache_size; /* 0: 128 MiB, negative: no block cache */
  uint32_t transactions;    /* RB_TX_ */
  uint32_t statistics;      /* RB_STATISTICS_ */
  uint8_t hyper_clock;      /* the block cache is a HyperClockCache: RB_UNSUPPORTED before 8.1 */
  uint64_t cache_entry; /* of that: bytes of a block, an estimate; 0: it finds out, from 8.7 on */
  uint64_t rate_limit;  /* bytes a second that flushes and compactions write; 0: no limit */
  uint8_t rate_limit_tunes; /* rate_limit is an upper bound; RB_FEATURE_TUNED_RATE_LIMIT */
  uint8_t rate_limit_mode;  /* RB_LIMIT_; other than writes: RB_FEATURE_RATE_LIMIT_MODE */
  uint8_t timed_rows; /* RocksDB's TTL: behind each value the time of its writing, which reads do
                         not show. Not with read_only or transactions. SingleDelete is not for it in
                         a batch: RocksDB loses it there */
  uint8_t manual_recovery; /* nothing but rb_resume ends a background error: RB_UNSUPPORTED without
                              C++ */
  uint64_t row_cache_size; /* bytes of a cache of rows; 0: none. With one RocksDB shows rows of
                              files that a range deletion covers: there must be none, and no family
                              with timestamps */
} rb_db_options;

/* What RocksDB counts of a database. All but NONE and USUAL need RocksDB 8.6: rb_plan_open answers
 * RB_UNSUPPORTED before. */
enum {
  RB_STATISTICS_NONE = 0,
  RB_STATISTICS_USUAL = 1,   /* all but the times of compression and of waits for mutexes */
  RB_STATISTICS_TICKERS = 2, /* tickers only */
  RB_STATISTICS_UNTIMED = 3, /* tickers, and histograms that are no times */
  RB_STATISTICS_TIMED = 4,   /* all but the times of waits for mutexes */
  RB_STATISTICS_ALL = 5
};

/* What a rate limit holds back. Reads are those of compactions; the user's are never limited. */
enum {
  RB_LIMIT_WRITES = 0, /* of flushes and compactions */
  RB_LIMIT_READS = 1,
  RB_LIMIT_ALL = 2
};

/* How a database handles transactions. */
enum { RB_TX_NONE = 0, RB_TX_OPTIMISTIC = 1, RB_TX_PESSIMISTIC = 2 };

/* Merge operators. Their formats are written down in docs/operators.md. */
enum {
  RB_MERGE_NONE = 0,
  RB_MERGE_UINT64_ADD = 1, /* RocksDB's own */
  RB_MERGE_INT64_ADD = 2,
  RB_MERGE_INT64_MAX = 3,
  RB_MERGE_INT64_MIN = 4,
  RB_MERGE_APPEND = 5,
  RB_MERGE_LIST = 6,
  RB_MERGE_SET = 7
};

/* Compaction filters. */
enum { RB_FILTER_NONE = 0, RB_FILTER_TTL = 1, RB_FILTER_PREFIXES = 2 };

/* ---- Operators that are written in Go ---- */

/* What Go is asked. */
enum {
  RB_CALLBACK_RELEASE = 0,      /* the handle is not used any more */
  RB_CALLBACK_MERGE = 1,        /* merges operands onto value, which is NULL where there is none */
  RB_CALLBACK_PARTIAL = 2,      /* merges operands with each other */
  RB_CALLBACK_FILTER_BEGIN = 3, /* makes the filter of a compaction: made */
  RB_CALLBACK_FILTER = 4,       /* judges a row by the filter made */
  RB_CALLBACK_FILTER_END = 5,   /* made is not used any more */
  RB_CALLBACK_PREFIX = 6,       /* how long the key's prefix is: out_len */
  RB_CALLBACK_COMPARE = 7,      /* how key lies to value, another key: level, negative if before */
  RB_CALLBACK_ORDER_FAILED = 8, /* RocksDB is about to build on a comparison that failed */
  RB_CALLBACK_JOB = 9,          /* does job elsewhere, and waits: out is what came of it */
  RB_CALLBACK_JOB_ENDED = 10,   /* its files are the database's (full), or it is done here */
  RB_CALLBACK_JOBS_CANCELLED = 11 /* no result is taken any more: the database is being closed */
};

/* What it answers. */
enum {
  RB_ANSWER_FAILED = 0,
  RB_ANSWER_OK = 1,
  RB_ANSWER_REMOVE = 2,
  RB_ANSWER_REPLACE = 3,
  RB_ANSWER_NO_PREFIX = 4
};

/* A job of compaction. The texts need no NUL at their end. */
typedef struct rb_job {
  uint64_t serial; /* from 1 on, of all jobs of one database */
  uint64_t number; /* RocksDB's, of the session */
  const char *family;
  size_t family_len;
  const char *database; /* its identity */
  size_t database_len;
  const char *session; /* of this opening */
  size_t session_len;
  const uint8_t *input; /* what rb_plan_open_and_compact takes */
  size_t input_len;
  int32_t reason;   /* RocksDB's number for why it compacts */
  int32_t priority; /* RocksDB's number: 0 bottom, 1 low, 2 high */
  int32_t from;     /* the uppermost level that it reads */
  int32_t to;       /* the level that it writes */
  uint8_t full;     /* all of the family's files */
  uint8_t manual;   /* by hand */
  uint8_t bottommost;
} rb_job;

/* One call from C into Go. All that it points to is C memory and RocksDB's, lent during the call.
 * out, of out_cap bytes, is for the result, of which out_len is set; rb_callback_reserve makes it
 * larger. */
typedef struct rb_callback {
  uintptr_t handle; /* of the callee */
  uintptr_t made;
  uint32_t kind;   /* RB_CALLBACK_ */
  uint32_t answer; /* RB_ANSWER_ */
  int32_t level;
  uint8_t full;
  uint8_t manual;
  const uint8_t *key;
  size_t key_len;
  const uint8_t *value;
  size_t value_len;
  const char *const *operands;
  const size_t *lens;
  size_t count;
  uint8_t *out;
  size_t out_cap;
  size_t out_len;
  const rb_job *job; /* of RB_CALLBACK_JOB; of RB_CALLBACK_JOB_ENDED with its serial only */
} rb_callback;

/* The one function of Go's, which lets no panic out. It is called on threads of C's only: RocksDB's
 * own, such as are begun where RocksDB asks on a thread of Go's, and, within the functions of the
 * glue that are named ..._calling, on that. */
typedef void rb_called(rb_callback *call);

typedef struct rb_callee rb_callee;

/* An operator that go is asked for, by handle. name, copied, is what the OPTIONS file says. Held by
 * the caller, and by everything that is made with it; after the last rb_callee_free go is told
 * RB_CALLBACK_RELEASE, once. NULL when memory is short: go is then told nothing. */
rb_callee *rb_callee_new(rb_called *go, uintptr_t handle, const char *name);

/* Ends the caller's hold of c. NULL is allowed. */
void rb_callee_free(rb_callee *c);

/* Makes room for n bytes at call->out, whose contents are lost if it is moved. 0 when memory is
 * short; there is then no room at all. For Go, within a call. */
uint8_t rb_callback_reserve(rb_callback *call, size_t n);

/* The operators of a family. They run in C on RocksDB's threads: in reads, flushes and compactions.
 * The names are what RocksDB writes into the OPTIONS file. All is copied. */
typedef struct rb_operators {
  uint32_t merge_kind;      /* RB_MERGE_ */
  const char *merge_name;   /* not of RocksDB's own */
  const uint8_t *delimiter; /* RB_MERGE_APPEND */
  size_t delimiter_len;
  uint64_t max_entries; /* RB_MERGE_LIST; not 0 */
  uint32_t filter_kind; /* RB_FILTER_ */
  const char *filter_name;
  const uint8_t *prefixes; /* RB_FILTER_PREFIXES: each as uint32 length, little endian, and bytes */
  size_t prefixes_len;
  rb_callee *called_merge;  /* NULL: none; takes the place of merge_kind. Held by what it makes */
  rb_callee *called_filter; /* NULL: none; takes the place of filter_kind */
  rb_callee *called_prefix; /* NULL: none */
  rb_callee *called_order;  /* the order of the keys; NULL: the bytewise one */
  uint8_t reversed;         /* or that one, reversed: the last key first */
  uint8_t stamped;          /* or that one, with timestamps behind the keys: see rb_get_at */
  int32_t row_ttl; /* seconds after which compactions remove rows; 0: never. For timed_rows only */
} rb_operators;

/* Options of one column family. Zero means RocksDB's default, but for compression and
 * format_version (5, which every RocksDB since 6.6 reads). */
typedef struct rb_family_options {
  uint64_t write_buffer_size;
  uint64_t block_size;
  double bloom_bits_per_key;
  int32_t compression; /* a rocksdb_*_compression number, or -1 for RocksDB's default */
  uint8_t cache_index; /* index and filter blocks go through the block cache */
  const char *named;   /* what is set by RocksDB's names, below all other names; NULL: nothing */
  rb_operators operators;
} rb_family_options;

/* Begins to open the database in directory path (copied): a plan collects options, then
 * rb_plan_open uses it. NULL only when memory is short. Not safe for concurrent use. The plan lives
 * until rb_plan_free. */
rb_plan *rb_plan_new(const char *path, rb_db_options opts);

/* Adds database-wide options by RocksDB's own names ("max_open_files=100;wal_dir=x"). Options of
 * the default family may stand among them if rb_plan_family names that family later: they go on top
 * of its opts. text is copied. RB_INVALID_ARGUMENT with RocksDB's words names what it does not
 * know; RB_UNSUPPORTED refuses a comparator, because every family orders its keys bytewise. On
 * error the plan is as it was. */
rb_status rb_plan_extra(rb_plan *p, const char *text);

/* Adds a family. extra holds further options by RocksDB's names, or is NULL; it goes on top of
 * opts. name and extra are copied. One of the families must be "default". Errors as in
 * rb_plan_extra; RB_UNSUPPORTED also refuses inplace_update_support, which takes snapshots away. */
rb_status rb_plan_family(rb_plan *p, const char *name, rb_family_options opts, const char *extra);

/* Adds a family whose options come from the OPTIONS file that RocksDB wrote into the directory.
 * RB_NOT_FOUND if there is no such file or it does not name the family. A merge operator or
 * compaction filter that RocksDB cannot make by its name is left out: the caller looks for one. */
rb_status rb_plan_family_from_disk(rb_plan *p, const char *name);

/* Gives operators to a family that was added to the plan, in the place of those it has: for one
 * from disk, whose operators of ours RocksDB cannot make. NONE leaves what it has. All of o is
 * copied. RB_NOT_FOUND if no such family was added, RB_INVALID_ARGUMENT if there are no such
 * operators; after RB_NO_MEMORY the plan must not be opened. */
rb_status rb_plan_operators(rb_plan *p, const char *name, rb_operators o);

/* What rb_plan_open answers: db is NULL unless the code is RB_OK. */
typedef struct rb_opened {
  rb_db *db;
  rb_status status;
} rb_opened;

/* Opens the database with all families of the plan, which creates those that do not exist (unless
 * read only). The db lives until rb_close. The plan may be freed at once afterwards; it opens one
 * database, and may be tried again after a failure. */
rb_opened rb_plan_open(rb_plan *p);

/* Puts the files of the plan's directory together anew, which nobody has open: see RocksDB's
 * RepairDB. All families get the options of the plan's default one, to make tables of logs with,
 * which are in wal_dir if that is not NULL. The plan must not be opened then. What could not be
 * read, and what is not needed any more, is in folder lost afterwards. RB_LOCKED if somebody has it
 * open for writing. */
rb_status rb_plan_repair(rb_plan *p, const char *wal_dir);

/* Frees a plan. NULL is allowed. */
void rb_plan_free(rb_plan *p);

/* The families that a directory's manifest names: count strings, to be freed with
 * rb_family_list_free. RB_IO or RB_CORRUPTION when there is no database to read. */
typedef struct rb_family_list {
  char **names;
  size_t count;
  rb_status status;
} rb_family_list;

typedef struct rb_files rb_files; /* files in memory, see below */

/* Reads the names of the families of the database in path, which need not be open. It lies in
 * files, or on disk if that is NULL. */
rb_family_list rb_list_families(rb_files *files, const char *path);

/* Frees what rb_list_families gave. */
void rb_family_list_free(rb_family_list l);

/* Closes the database: waits for background work, destroys its families, frees everything. All
 * snapshots and iterators must have been freed. db must not be used again; NULL is allowed. */
void rb_close(rb_db *db);

/* ---- events --------------------------------------------------------------------------------- */

/* What happened in a database. */
enum {
  RB_EVENT_FLUSH_BEGUN = 1,
  RB_EVENT_FLUSH_COMPLETED = 2,
  RB_EVENT_COMPACTION_BEGUN = 3,
  RB_EVENT_COMPACTION_COMPLETED = 4,
  RB_EVENT_TABLE_CREATED = 5, /* this and the next two: by C++ only */
  RB_EVENT_TABLE_DELETED = 6,
  RB_EVENT_RECOVERY_ENDED = 7,
  RB_EVENT_BACKGROUND_ERROR = 8,
  RB_EVENT_STALL_CHANGED = 9,
  RB_EVENT_FILE_INGESTED = 10,
  RB_EVENT_MEMTABLE_SEALED = 11,
  RB_EVENT_KINDS = 12 /* one more than the last */
};

/* How writes go on. */
enum { RB_STALL_NONE = 0, RB_STALL_DELAYED = 1, RB_STALL_STOPPED = 2 };

/* One event. What its kind does not have, or RocksDB's interface does not tell, is 0, -1 (job,
 * levels and reason) or an empty string. Strings end with a NUL and live as long as the event. */
typedef struct rb_event {
  struct rb_event *next;
  uint64_t number; /* from 1 on, over all kinds; those that were dropped are counted too */
  uint64_t at;     /* microseconds since 1970 */
  uint32_t kind;   /* RB_EVENT_ */
  int32_t code;    /* of a completed work, a background error, a recovery */
  int32_t job;
  int32_t reason; /* RocksDB's number: of a flush, a compaction, a background error, a new table */
  int32_t level;  /* of a compaction: the uppermost that it reads */
  int32_t output_level;
  uint32_t stall, stall_before; /* RB_STALL_ */
  uint64_t entries, deletes;    /* of a memtable */
  uint64_t first_sequence, last_sequence;
  uint64_t files_in, files_out, records_in, records_out, bytes_in, bytes_out, micros;
  const char *family;
  const char *path; /* of the file */
  const char *text; /* RocksDB's words about code */
} rb_event;

/* A queue of events, bounded: what comes while it is full is dropped and counted. RocksDB's threads
 * only put events in; nothing that is on the other side ever holds them up. */
typedef struct rb_events rb_events;

/* Makes a queue for up to most events. It lives until rb_events_free and the end of the last
 * database that it was given to. NULL only when memory is short. */
rb_events *rb_events_new(uint64_t most);

/* Gives up the caller's hold. NULL is allowed. */
void rb_events_free(rb_events *e);

/* Takes what is in the queue, oldest first; NULL: nothing. To be freed with rb_event_list_free. */
rb_event *rb_events_take(rb_events *e);

/* Frees a list of events. NULL is allowed. */
void rb_event_list_free(rb_event *first);

/* What was counted. */
typedef struct rb_event_counts {
  uint64_t of_kind[RB_EVENT_KINDS]; /* dropped ones too */
  uint64_t dropped;
  uint64_t waiting; /* in the queue now */
} rb_event_counts;

/* Looks at the counts. */
rb_event_counts rb_events_count(rb_events *e);

/* What watches over the table files of the databases that share it: how fast they are deleted, and
 * how much room they take. */
typedef struct rb_disk rb_disk;

/* limit is how many bytes all files may take, rate how many bytes of files are deleted in a second;
 * 0: no limit. Above share times the size of the files what waits for its deletion is deleted at
 * once. */
typedef struct rb_disk_limits {
  uint64_t limit;
  uint64_t rate;
  double share;
} rb_disk_limits;

/* Makes one, which lives until rb_disk_free and the end of the last plan and database that joined.
 * NULL when memory is short, and where RocksDB offers none: see RB_FEATURE_DISK. */
rb_disk *rb_disk_new(rb_disk_limits l);

/* Changes the limits. */
void rb_disk_set(rb_disk *d, rb_disk_limits l);

/* Bytes of all files that are known of, and of files, and logs, that wait for their deletion. */
typedef struct rb_disk_use {
  uint64_t files;
  uint64_t trash;
  uint8_t full; /* the limit is reached */
} rb_disk_use;

/* Looks at what is in use. */
rb_disk_use rb_disk_used(rb_disk *d);

/* Has the database of a plan join, before the plan's first family. */
void rb_plan_disk(rb_plan *p, rb_disk *d);

/* Ends the caller's use; that of plans and databases goes on. NULL is allowed. */
void rb_disk_free(rb_disk *d);

/* Whether the limit of the rb_disk that a database has joined is reached: 1 or 0. Nothing but the
 * caller keeps to it: it asks before it writes. */
uint8_t rb_db_full(rb_db *db);

/* Has rb_plan_open drop what is newer than a timestamp, in all families with timestamps, before it
 * answers: by a compaction of all of each of them. Call it for each of these, with the same
 * timestamp, once they are in the plan, which must be neither read-only nor with transactions or
 * timed rows. *automatic gets whether the family compacts of its own accord, which is off from then
 * on, in its OPTIONS file too: switch it on again. A failure half-way leaves the rows up to the
 * timestamp, and some of the newer ones. RB_NOT_FOUND; RB_UNSUPPORTED for FIFO compaction, which
 * would drop nothing. */
rb_status rb_plan_trim(rb_plan *p, const char *name, uint64_t timestamp, uint8_t *automatic);

/* Has the database of a plan put its events into e: before rb_plan_open, which answers
 * RB_UNSUPPORTED if RocksDB offers no events. */
void rb_plan_events(rb_plan *p, rb_events *e);

/* Has the database of a plan ask c for each of its compactions (RB_CALLBACK_JOB and those behind
 * it), on RocksDB's own threads: before rb_plan_open, which answers RB_UNSUPPORTED if RocksDB's C
 * API offers no such service. What c has no result for RocksDB does itself; a result is one of
 * rb_plan_open_and_compact for the very job, and its files are there to be moved, or the database
 * gets into a failed state. c is held until the database is closed. Call it once. */
void rb_plan_compactor(rb_plan *p, rb_callee *c);

typedef struct rb_worker rb_worker;

/* Makes the sign by which one rb_plan_open_and_compact is stopped; it lives until rb_worker_free.
 * NULL when memory is short. */
rb_worker *rb_worker_new(void);

/* Has the compaction that was given w end soon, with RB_INCOMPLETE. */
void rb_worker_stop(rb_worker *w);

/* Ends w; no call may be using it. */
void rb_worker_free(rb_worker *w);

/* What rb_plan_open_and_compact answers: data is freed with rb_free, and NULL on error. */
typedef struct rb_compacted {
  uint8_t *data;
  size_t len;
  rb_status status;
} rb_compacted;

/* Does a job of the database in the plan's directory, which may be open, also by this process, and
 * is only read: input is the job's, and family, whose options in the plan give operators, order and
 * tables, its family. The new tables go into the directory output, which must be empty, or not be.
 * All else is as the database's OPTIONS file says. The answer is for RocksDB in the process that
 * gave the job. Errors: RB_UNSUPPORTED if RocksDB's C API offers it not, RB_NOT_FOUND if the plan
 * has no such family, RB_INCOMPLETE once w has been stopped, RB_ABORTED if the order failed, and
 * RocksDB's own; files may then be left in output. */
rb_compacted rb_plan_open_and_compact(rb_plan *p, const char *family, const char *output,
                                      const uint8_t *input, size_t len, rb_worker *w);

/* ---- files in memory ------------------------------------------------------------------------ */

/* Makes a file system in memory, empty, for databases of this process: RocksDB's own environment
 * for that. Nothing but RocksDB reads and writes in it. Its clock stands still but for RocksDB's
 * own pauses. It lives until rb_files_free and the end of the last plan and database in it. NULL
 * only when memory is short. */
rb_files *rb_files_new(void);

/* Has the database of a plan lie in files: before anything else is added to the plan. */
void rb_plan_files(rb_plan *p, rb_files *files);

/* Gives up the caller's hold. NULL is allowed. */
void rb_files_free(rb_files *files);

/* ---- memory shared by databases ------------------------------------------------------------- */

/* A block cache and, where RocksDB has write buffer managers (8.9, or C++), one of them whose
 * memtables are charged to the cache, for several databases. */
typedef struct rb_memory rb_memory;

/* Makes a cache of so many bytes. memtables is how many of them memtables may take before RocksDB
 * flushes some; without write buffer managers it is not used. It lives until rb_memory_free and the
 * end of the last plan and database that joined. NULL only when memory is short. */
rb_memory *rb_memory_new(uint64_t bytes, uint64_t memtables);

/* Changes the sizes. Blocks beyond a smaller one are dropped at once, unless they are in use. */
void rb_memory_resize(rb_memory *m, uint64_t bytes, uint64_t memtables);

/* What is in use, in bytes. */
typedef struct rb_memory_use {
  uint64_t cache;     /* all that the cache holds, the charge included */
  uint64_t pinned;    /* of that what cannot be dropped now, the charge included */
  uint64_t charge;    /* of that what stands for memtables */
  uint64_t memtables; /* 0 without a write buffer manager */
} rb_memory_use;

/* Looks at what is in use. */
rb_memory_use rb_memory_used(rb_memory *m);

/* Has the database of a plan share m, in place of a cache of its own: before the plan's first
 * family, with a negative block_cache_size. memtables limits those of this database where RocksDB
 * has no write buffer managers; 0 does not. */
void rb_plan_share(rb_plan *p, rb_memory *m, uint64_t memtables);

/* Gives up the caller's hold. NULL is allowed. */
void rb_memory_free(rb_memory *m);

/* ---- families ------------------------------------------------------------------------------- */

/* What calls that yield a family answer: family is NULL unless the code is RB_OK. */
typedef struct rb_family_result {
  rb_family *family;
  uint32_t id;
  uint8_t blobs; /* it has, or will write, files of blobs: by its options and what is on disk */
  uint8_t calls; /* Go orders its keys */
  rb_status status;
} rb_family_result;

/* The family of the given name that was opened or created. It belongs to the db and lives until
 * rb_close, also after it was dropped, or until rb_family_retire. RB_NOT_FOUND if there is none.
 * Must not run at the same time as rb_family_create. */
rb_family_result rb_family_find(rb_db *db, const char *name);

/* Creates a family. Options and errors as in rb_plan_family; RB_READ_ONLY if the db was opened so.
 * Must not run at the same time as another rb_family_create or rb_family_find of the same db. */
rb_family_result rb_family_create(rb_db *db, const char *name, rb_family_options opts,
                                  const char *extra);

/* Creates n families with the same options, which have operators of Go's only if n is 1; the rest
 * as rb_family_create. told has room for n answers: *made of them are set, for the names in their
 * order, also on an error. RocksDB writes its OPTIONS file once for all and after the last, from
 * 8.5 on; before, and with timed rows, pessimistic transactions or a comparator, once for each. */
rb_status rb_families_create(rb_db *db, const char *const *names, size_t n, rb_family_options opts,
                             const char *extra, rb_family_result *told, size_t *made);

/* Drops a family: its data is deleted when the last reader is gone. No write that names it may be
 * under way or follow. RB_READ_ONLY if the db was opened so. *gone, if it is not NULL, is 1 if the
 * family is dropped, which it is also where RocksDB could only not write its OPTIONS file
 * afterwards, an error from 8.8 on. */
rb_status rb_family_drop(rb_family *f, uint8_t *gone);

/* Frees a family that was dropped, and lets RocksDB delete its files. 0: nothing was done, as
 * iterators are open on it. No other call may name it meanwhile or later, but for rb_iter_free, and
 * those with its open iterators. May run beside any other call. It takes as long as files are
 * deleted. */
uint8_t rb_family_retire(rb_family *f);

/* ---- options at run time -------------------------------------------------------------------- */

/* Changes options of a family of the open database, all or none, and has RocksDB write a new
 * OPTIONS file. settings holds n pairs of NUL-terminated strings, name and value in turn, RocksDB's
 * own, one directly behind the other. The caller has refused what RocksDB would take and then not
 * survive, and holds the family against a drop. RB_INVALID_ARGUMENT names what cannot be changed or
 * is not known; RB_READ_ONLY if the db was opened so. Waits for the write that is under way. */
rb_status rb_family_set_options(rb_family *f, const char *settings, size_t n);

/* The same for options of the database as a whole. RB_UNSUPPORTED before RocksDB 11.5. */
rb_status rb_db_set_options(rb_db *db, const char *settings, size_t n);

/* ---- reading single keys -------------------------------------------------------------------- */

/* Flags of reads and iterators. */
enum {
  RB_READ_CACHE_ONLY = 1, /* no file is read: RB_INCOMPLETE instead */
  RB_READ_NO_FILL = 2,    /* blocks read are not kept in the block cache */
  RB_READ_NO_VERIFY = 4,  /* block checksums are not checked */
  RB_READ_KEYS_ONLY = 8,  /* iterators: values are not fetched, their length is 0 */
  RB_READ_ASYNC_IO = 16,  /* iterators: blocks are read ahead by io_uring, where RocksDB has it */
  RB_READ_PROBE = 32,     /* reads of a key: RB_INCOMPLETE comes without a text, which costs time */
  RB_READ_ADAPTIVE = 64   /* iterators: RB_FEATURE_ADAPTIVE */
};

/* A value that was read. When it fitted into the caller's buffer, it is there and pin is NULL.
 * Otherwise data points to len bytes of RocksDB's memory, valid until rb_unpin(pin). */
typedef struct rb_value {
  uint64_t len;
  const uint8_t *data;
  void *pin;
  rb_status status;
} rb_value;

/* Reads one key: lookup, copy and release in one call. snap may be NULL. deadline is a time in
 * microseconds since 1970 or 0 for none. buf may be NULL with cap 0, to get the value pinned.
 * RB_NOT_FOUND without a text if the key is absent; RB_INCOMPLETE under RB_READ_CACHE_ONLY when the
 * answer is not in memory; RB_TIMED_OUT if a file has to be read past the deadline. */
rb_value rb_get(rb_family *f, rb_snapshot *snap, uint32_t flags, uint64_t deadline,
                const uint8_t *key, size_t klen, uint8_t *buf, size_t cap);

/* As rb_get, but only whether the key is there: RB_OK or RB_NOT_FOUND. */
rb_status rb_has(rb_family *f, rb_snapshot *snap, uint32_t flags, uint64_t deadline,
                 const uint8_t *key, size_t klen);

/* Ends the life of a pinned value. NULL is allowed. */
void rb_unpin(void *pin);

/* ---- rows of several columns ----------------------------------------------------------------- */

/* A row that was put as several columns, an entity in RocksDB's words, shows as the value of its
 * column with the empty name to all reads but these, and as an empty value if it has none. They are
 * written by batches. All columns of a row are bytes in RocksDB's own form, version 1, which
 * internal/entity describes; a row with one value is one column with the empty name. */

/* What rb_get_entity answers: len bytes, in the caller's buffer or, if rest is not NULL, there, to
 * be freed with rb_free. */
typedef struct rb_entity {
  uint64_t len;
  uint8_t *rest;
  rb_status status;
} rb_entity;

/* Reads all columns of one key, in one call; else as rb_get. RB_UNSUPPORTED without C++. Not for a
 * family with files of blobs: RocksDB 7.8 gives the place of a value there as the value. */
rb_entity rb_get_entity(rb_family *f, rb_snapshot *snap, uint32_t flags, uint64_t deadline,
                        const uint8_t *key, size_t klen, uint8_t *buf, size_t cap);

/* ---- reading many keys ---------------------------------------------------------------------- */

/* How a read goes: snap may be NULL; flags are RB_READ_; deadline as in rb_get. */
typedef struct rb_read {
  rb_snapshot *snap;
  uint32_t flags;
  uint64_t deadline;
  uint8_t one_by_one; /* not by RocksDB's lookup of many keys */
  uint8_t timed;      /* as of at, of families with timestamps: see rb_get_at */
  uint64_t at;
} rb_read;

/* One key of rb_multi_get: which of the families it is of, and its length. */
typedef struct rb_key {
  uint32_t family;
  uint32_t len;
} rb_key;

/* What became of one key. RB_OK: its value is len bytes at offset at of the buffer or, where rest
 * is 1, of the one that rb_rest_take fills. RB_NOT_FOUND: len is 0. Any other code: the same place
 * holds RocksDB's words, without a NUL. */
typedef struct rb_answer {
  uint64_t at;
  uint64_t len;
  int32_t code;
  uint32_t rest;
} rb_answer;

/* The values that did not fit, in RocksDB's memory. */
typedef struct rb_rest rb_rest;

/* What rb_multi_get answers: used bytes of the buffer hold values; the others, need bytes, are in
 * rest, which is NULL if everything fitted. status tells what concerns all keys. */
typedef struct rb_multi {
  uint64_t used;
  uint64_t need;
  rb_rest *rest;
  uint8_t replayed; /* of rb_overlay_multi_get: 1: the records were taken. Else 0 */
  rb_status status;
} rb_multi;

/* Reads n keys of one state, that of how.snap or the newest, in one call; replaces n times rb_get.
 * The keys stand one after the other in bytes; families holds those that they name by index, all of
 * one database. A key that is named twice is looked up once and delivered twice. found has room for
 * n. Values go to buf (cap bytes) in the order of the keys; those that do not fit stay pinned in
 * rest until rb_rest_take or rb_rest_free. Under RB_READ_CACHE_ONLY each key is answered as by
 * rb_get, without a file read. n is at least 1 and below 2^32. The status is RB_OK or
 * RB_NO_MEMORY; rest is NULL unless it is RB_OK. */
rb_multi rb_multi_get(rb_family *const *families, rb_read how, const rb_key *keys, size_t n,
                      const uint8_t *bytes, uint8_t *buf, size_t cap, rb_answer *found);

/* Copies the values that did not fit to buf, which has room for need bytes, and ends the rest. */
void rb_rest_take(rb_rest *r, uint8_t *buf);

/* Ends the rest without its values. NULL is allowed. */
void rb_rest_free(rb_rest *r);

/* ---- keys with timestamps ------------------------------------------------------------------- */

/* A family that is stamped has a timestamp behind each key, 8 bytes, little endian: keys are in
 * bytewise order, and of one key the newest timestamp comes first. It is RocksDB's own order of the
 * name leveldb.BytewiseComparator.u64ts. Only rb_write writes to it, with the timestamps in the
 * batch; only what follows, and what is timed, reads it. All that is handed out is without them.
 * Keys must not be empty: RocksDB 7.8 with assertions ends the process over one. */

/* rb_get as of a timestamp: of the key's versions not above at the newest, unless that deletes the
 * key. RB_INVALID_ARGUMENT if at is below the family's history. */
rb_value rb_get_at(rb_family *f, rb_snapshot *snap, uint32_t flags, uint64_t deadline, uint64_t at,
                   const uint8_t *key, size_t klen, uint8_t *buf, size_t cap);

/* What rb_get_stamped answers: len bytes, to be freed with rb_free, and their timestamp. */
typedef struct rb_stamped {
  uint64_t len;
  uint64_t timestamp;
  char *data; /* NULL unless the status is RB_OK */
  rb_status status;
} rb_stamped;

/* rb_get_at with the timestamp of the version found. */
rb_stamped rb_get_stamped(rb_family *f, rb_snapshot *snap, uint32_t flags, uint64_t deadline,
                          uint64_t at, const uint8_t *key, size_t klen);

/* Where the history of a family begins. */
typedef struct rb_history {
  uint64_t low;
  rb_status status;
} rb_history;

/* Reads from which timestamp on the family keeps all versions; 0 if nothing was given up. */
rb_history rb_history_low(rb_family *f);

/* Gives up the versions below low, but of each key the newest one: compactions and flushes drop
 * them from then on, and reads as of less fail. It is written to the manifest. RB_INVALID_ARGUMENT
 * if it was higher; RB_READ_ONLY. */
rb_status rb_history_raise(rb_family *f, uint64_t low);

/* What one version is, in the bytes that rb_iter_versions delivers. */
enum { RB_VERSION_PUT = 0, RB_VERSION_DELETED = 1, RB_VERSION_HEAD = 20 };

/* What rb_iter_versions answers: used bytes of the buffer hold versions. */
typedef struct rb_versions {
  uint64_t used;
  uint64_t need; /* not 0: the next version wants a buffer of so many bytes; used is 0 */
  uint64_t rows;
  uint8_t end;
  rb_status status;
} rb_versions;

/* Delivers versions, the newest of each key first, from where move says (RB_MOVE_FIRST or
 * RB_MOVE_ON), of an iterator made for it and for nothing else: up to max_rows. Each is uint64
 * timestamp, uint32 kind (RB_VERSION_), uint32 key length, uint32 value length, key, value, in the
 * machine's byte order. Of versions with the same timestamp the last one written counts. Versions
 * that a range deletion covers are left out. */
rb_versions rb_iter_versions(rb_iter *it, uint32_t move, uint64_t max_rows, uint8_t *buf,
                             size_t cap);

/* ---- snapshots ------------------------------------------------------------------------------ */

/* Takes a snapshot of the whole database. It lives until rb_snapshot_free. NULL only when memory is
 * short. */
rb_snapshot *rb_snapshot_new(rb_db *db);

/* The sequence number of a snapshot, or RB_UNSUPPORTED before RocksDB 9.0. */
typedef struct rb_sequence {
  uint64_t value;
  rb_status status;
} rb_sequence;

/* Reads the sequence number that a snapshot stands for. */
rb_sequence rb_snapshot_sequence(rb_snapshot *s);

/* Ends a snapshot for the caller. Iterators made from it stay valid and keep it until they are
 * freed or refreshed. NULL is allowed. */
void rb_snapshot_free(rb_snapshot *s);

/* ---- writing -------------------------------------------------------------------------------- */

/* Flags of writes. */
enum {
  RB_WRITE_SYNC = 1,        /* the WAL is synced to disk before the call returns */
  RB_WRITE_NO_WAL = 2,      /* not written to the WAL: lost if the process dies before a flush */
  RB_WRITE_NO_SLOWDOWN = 4, /* RB_INCOMPLETE instead of waiting in a write stall */
  RB_WRITE_LOW_PRIORITY = 8 /* slowed down first when compaction is behind */
};

/* Single operations of rb_apply. */
enum { RB_PUT = 0, RB_DELETE = 1, RB_SINGLE_DELETE = 2, RB_MERGE = 3, RB_DELETE_RANGE = 4 };

/* Applies one operation atomically. value is the value, the operand, or the end of the range
 * [key, value); RB_DELETE and RB_SINGLE_DELETE ignore it. The caller has checked that a family
 * merged into has a merge operator and that a range does not end before it starts: RocksDB would
 * notice only after the WAL has it. */
rb_status rb_apply(rb_family *f, uint32_t op, uint32_t flags, const uint8_t *key, size_t klen,
                   const uint8_t *value, size_t vlen);

/* Commits a batch in RocksDB's WriteBatch format in one call; replaces create, write, destroy. rep
 * must be well formed and name existing families only: RocksDB logs it before it looks. */
rb_status rb_write(rb_db *db, uint32_t flags, const uint8_t *rep, size_t len);

/* A WriteBatch that RocksDB builds, one call a record: the way that rb_write saves, kept to measure
 * it. One thread at a time. It lives until rb_cbatch_free. */
typedef struct rb_cbatch rb_cbatch;

/* Makes an empty batch. */
rb_cbatch *rb_cbatch_new(void);

/* Adds a record for the default family. */
void rb_cbatch_put(rb_cbatch *b, const uint8_t *key, size_t klen, const uint8_t *value,
                   size_t vlen);

/* Empties the batch and keeps its memory. */
void rb_cbatch_clear(rb_cbatch *b);

/* Ends the batch. NULL is allowed. */
void rb_cbatch_free(rb_cbatch *b);

/* ---- iterators ------------------------------------------------------------------------------ */

/* What RocksDB knows of a table file, as its TableProperties say; times are seconds since 1970, and
 * 0 where it does not know. Without C++ all or none can be looked at. */
enum {
  RB_TABLE_NUMBER = 0,              /* of the file when it was made; 0: not by a database */
  RB_TABLE_DATA_SIZE = 1,           /* bytes of its data blocks, compressed */
  RB_TABLE_KEY_SIZE = 2,            /* bytes of all keys, with 8 that RocksDB adds to each */
  RB_TABLE_VALUE_SIZE = 3,          /* bytes of all values */
  RB_TABLE_ENTRIES = 4,             /* deletions of keys, operands and range deletions count too */
  RB_TABLE_DELETIONS = 5,           /* of keys and of ranges */
  RB_TABLE_MERGE_OPERANDS = 6,      /* of keys */
  RB_TABLE_RANGE_DELETIONS = 7,     /* of ranges alone */
  RB_TABLE_CREATION_TIME = 8,       /* of the oldest table whose rows it has */
  RB_TABLE_OLDEST_KEY_TIME = 9,     /* of the oldest row, from a flush */
  RB_TABLE_FILE_CREATION_TIME = 10, /* of the file */
  RB_TABLE_TAGGED = 11,             /* how many of them C++ looks at, in every version */
  RB_TABLE_NEWEST_KEY_TIME = 11,    /* of the newest row, from a flush */
  RB_TABLE_LARGEST_SEQUENCE = 12,   /* of the newest row, when the file was made */
  RB_TABLE_PROPERTIES = 13
};

/* A condition on tables: min <= property <= max. */
typedef struct rb_table_range {
  uint64_t property; /* RB_TABLE_ */
  uint64_t min;
  uint64_t max;
} rb_table_range;

/* How an iterator is set up. lower and upper are copied; an absent bound has its has_ field 0. */
typedef struct rb_iter_options {
  uint32_t flags;     /* RB_READ_ */
  uint8_t has_lower;  /* keys >= lower */
  uint8_t has_upper;  /* keys < upper */
  uint64_t max_value; /* values are cut after so many bytes; 0: whole */
  uint64_t readahead; /* bytes; 0: RocksDB's automatic read-ahead */
  uint64_t deadline;  /* microseconds since 1970; 0: none. Reading a file later is RB_TIMED_OUT, and
                       * so is a fill or count that is at it after 64 rows */
  uint8_t timed;      /* as of at, of a family with timestamps: see rb_get_at */
  uint8_t versions;   /* for rb_iter_versions alone: all versions from since to at; timed too */
  uint8_t columns;    /* values are all columns of their rows: see rb_get_entity */
  uint64_t at;
  uint64_t since;
  const rb_table_range *tables; /* n_tables: only tables that meet all are read; copied. What is in
                                 * memtables is read. RB_FEATURE_TABLE_FILTER */
  size_t n_tables;
} rb_iter_options;

/* What rb_iter_new answers: iter is NULL unless the code is RB_OK. */
typedef struct rb_iter_result {
  rb_iter *iter;
  rb_status status;
} rb_iter_result;

/* Makes an iterator over a consistent state of one family: the newest, or that of snap. It stands
 * nowhere. It lives until rb_iter_free and pins files and memtables until then. One thread at a
 * time may use it. RB_UNSUPPORTED for RB_READ_ASYNC_IO before RocksDB 7.10, for RB_READ_ADAPTIVE
 * before 11.6, for columns without C++ or together with timed, and for tables with a property that
 * cannot be looked at or together with versions. Under RB_READ_CACHE_ONLY it, as
 * any fill, answers RB_INCOMPLETE where a file would have to be read. */
rb_iter_result rb_iter_new(rb_family *f, rb_snapshot *snap, rb_iter_options o, const uint8_t *lower,
                           size_t lower_len, const uint8_t *upper, size_t upper_len);

/* Makes n > 0 iterators, one over each of families, with the same options and over one state of
 * their database, in one call: all of them, in out, or none, and then out holds NULL. Families may
 * come twice. The state is a snapshot that the iterators hold until the last of them is freed or
 * refreshed: RocksDB's own way of making several can, up to 8.9, lose rows that a flush in
 * between dropped. Errors as in rb_iter_new. */
rb_status rb_iters_new(rb_family *const *families, size_t n, rb_iter_options o,
                       const uint8_t *lower, size_t lower_len, const uint8_t *upper,
                       size_t upper_len, rb_iter **out);

/* Gives the iterator other bounds (copied) over the same state. It stands nowhere afterwards.
 * RB_NO_MEMORY leaves the old ones. */
rb_status rb_iter_set_bounds(rb_iter *it, uint8_t has_lower, const uint8_t *lower, size_t lower_len,
                             uint8_t has_upper, const uint8_t *upper, size_t upper_len);

/* Moves the iterator to the newest state of its family, with the same options. It stands nowhere
 * afterwards. On error it is as it was. */
rb_status rb_iter_refresh(rb_iter *it);

/* Where a fill begins, and in which direction it goes. */
enum {
  RB_MOVE_ON = 0,           /* after the rows delivered last, the same way; from nowhere none */
  RB_MOVE_FIRST = 1,        /* first row, forwards */
  RB_MOVE_LAST = 2,         /* last row, backwards */
  RB_MOVE_GE = 3,           /* first row >= key, forwards */
  RB_MOVE_GT = 4,           /* first row > key, forwards */
  RB_MOVE_LE = 5,           /* last row <= key, backwards */
  RB_MOVE_LT = 6,           /* last row < key, backwards */
  RB_MOVE_TURN_FORWARD = 7, /* from the gap where a backward fill stopped, forwards */
  RB_MOVE_TURN_BACK = 8     /* from the gap where a forward fill stopped, backwards */
};

/* What a fill answers. */
typedef struct rb_fill {
  uint64_t used;    /* bytes that the rows take, counted from the start of the buffer */
  uint64_t need;    /* not 0: the next row fits no empty buffer smaller than this; rows is 0 */
  uint32_t rows;    /* rows delivered */
  uint8_t end;      /* no row follows in this direction, or an error ended it */
  rb_status status; /* the rows delivered are right even when this is an error */
} rb_fill;

/* Moves the iterator and delivers rows from there in one call; replaces a seek and, for each row,
 * next, valid, key and value. Rows go to buf from its start: uint32 key length, uint32 value
 * length (of the whole value, also of one that max_value cuts), key, value and, where the iterator
 * is timed, uint64 timestamp, in the machine's byte order. Their offsets, uint32 each, go to the
 * end of buf backwards: that of row i at buf + cap - 4*(i+1). It stops after max_rows (at least 1),
 * when the next row does not fit whole, or at the end. A row that does not fit is not passed over:
 * when need is set, fill again with RB_MOVE_ON and a larger buffer. From nowhere the turns go to
 * the first or the last row; one in the direction that the last fill took is RB_MOVE_ON. After an
 * error RB_MOVE_ON and the turns deliver nothing and repeat it; the other moves start afresh. key
 * is used by the moves that name it. Offsets are below 4 GiB. With a predicate it may end at times
 * without a row, need and end: when it has looked at enough of them. */
rb_fill rb_iter_fill(rb_iter *it, uint32_t move, const uint8_t *key, size_t klen, uint8_t *buf,
                     size_t cap, uint32_t max_rows);

/* What rb_iter_count answers: sums over the rows passed, keys and values in bytes. */
typedef struct rb_count {
  uint64_t rows;
  uint64_t key_bytes;
  uint64_t value_bytes;
  uint8_t end;
  rb_status status;
} rb_count;

/* Counts up to max_rows rows from where move says (RB_MOVE_FIRST or RB_MOVE_ON) without delivering
 * them. Value sizes honour RB_READ_KEYS_ONLY and max_value. With a predicate it may end earlier. */
rb_count rb_iter_count(rb_iter *it, uint32_t move, uint64_t max_rows);

/* One row of rb_iter_step, in RocksDB's memory: valid until the iterator is used again. */
typedef struct rb_row {
  const uint8_t *key;
  const uint8_t *value;
  size_t klen;
  size_t vlen;
  uint8_t valid;
  rb_status status;
} rb_row;

/* Moves by one row and lends it: one call a step, the reference that fills are measured and checked
 * against. Moves as in rb_iter_fill without the turns; next 1 with RB_MOVE_ON steps forwards, 0
 * backwards. It must not be mixed with fills on one iterator. */
rb_row rb_iter_step(rb_iter *it, uint32_t move, uint8_t next, const uint8_t *key, size_t klen);

/* Ends an iterator. NULL is allowed. */
void rb_iter_free(rb_iter *it);

/* ---- a batch over the database -------------------------------------------------------------- */

/* An index of a batch's records, by which reads see the batch as if it had been written. RocksDB's
 * WriteBatchWithIndex ignores range deletions, shows later records to iterators and, before 10.3,
 * heeds no bounds; the overlay does none of that, and asks RocksDB for merges only.
 *
 * Every call below first replays what is new: records are the bytes of the batch from offset keep
 * on, without its header, as rb_write takes them, and what was replayed at keep and beyond before
 * is forgotten, as after a rollback. When that fails (RB_NO_MEMORY, RB_CORRUPTION), nothing is read
 * and the caller must send the same again. One thread at a time may make these calls on one
 * overlay; iterators made over it may be used meanwhile in others. */

/* Makes an overlay without records. It lives until rb_overlay_free. NULL only when memory is short.
 */
rb_overlay *rb_overlay_new(void);

/* Has everything that is read through the overlay show the database as snap does, from here on and
 * in iterators made and refreshed later; once, before the first read. The overlay holds snap. */
void rb_overlay_base(rb_overlay *o, rb_snapshot *snap);

/* Ends an overlay for the caller. Iterators made over it stay valid and keep it until they are
 * freed or refreshed. NULL is allowed. */
void rb_overlay_free(rb_overlay *o);

/* What a read in a batch and the database answers. When the value fitted into the caller's buffer,
 * it is there and data is NULL. Otherwise data points to len bytes that are valid until
 * rb_unpin(pin), if pin is not NULL, rb_free(owned), if that is not NULL, or else until the next
 * call on the overlay. */
typedef struct rb_found {
  uint64_t len;
  const uint8_t *data;
  void *pin;
  void *owned;
  uint8_t replayed; /* 1: the records were taken, whatever became of the read */
  rb_status status;
} rb_found;

/* Reads one key in the batch and, where that leaves it open, in the newest state of the family:
 * replay, lookup, merge and copy in one call. flags, deadline, buf and the codes are as in rb_get;
 * RB_INCOMPLETE also where the cache alone gives an empty value, which is no answer. */
rb_found rb_overlay_get(rb_overlay *o, uint64_t keep, const uint8_t *records, size_t records_len,
                        rb_family *f, uint32_t flags, uint64_t deadline, const uint8_t *key,
                        size_t klen, uint8_t *buf, size_t cap);

/* As rb_overlay_get, but only whether the key is there: RB_OK or RB_NOT_FOUND. A key that is merged
 * into is there: the operator is not asked. */
rb_found rb_overlay_has(rb_overlay *o, uint64_t keep, const uint8_t *records, size_t records_len,
                        rb_family *f, uint32_t flags, uint64_t deadline, const uint8_t *key,
                        size_t klen);

/* Reads n keys in the batch and, where that leaves them open, in one newest state of the families:
 * replay, lookups, merges and copies in one call. Each key is answered as by rb_overlay_get, a
 * merge that fails with it; the rest is as of rb_multi_get. how.snap must be NULL. What did not fit
 * may lie in the overlay's memory: nothing may be called on the overlay, and it must not be freed,
 * until rb_rest_take or rb_rest_free. The status may also be that of a replay that failed. */
rb_multi rb_overlay_multi_get(rb_overlay *o, uint64_t keep, const uint8_t *records,
                              size_t records_len, rb_family *const *families, rb_read how,
                              const rb_key *keys, size_t n, const uint8_t *bytes, uint8_t *buf,
                              size_t cap, rb_answer *found);

/* Makes an iterator, as rb_iter_new does, over the newest state of a family and the batch as it is
 * now. What the batch gets later does not show in it. */
rb_iter_result rb_iter_new_over(rb_overlay *o, uint64_t keep, const uint8_t *records,
                                size_t records_len, rb_family *f, rb_iter_options opts,
                                const uint8_t *lower, size_t lower_len, const uint8_t *upper,
                                size_t upper_len);

/* Moves an iterator that was made by rb_iter_new_over to the newest state of its family and to the
 * batch as it is now, which o, perhaps another overlay than before, mirrors. It stands nowhere
 * afterwards. On error it is as it was. */
rb_status rb_iter_refresh_over(rb_iter *it, rb_overlay *o, uint64_t keep, const uint8_t *records,
                               size_t records_len);

/* ---- filtered iterators, and work on many rows ----------------------------------------------- */

/* Limits of a predicate. */
#define RB_MAX_PREDICATE ((uint64_t)16 << 20) /* bytes of a program */
#define RB_MAX_TESTS ((uint32_t)4096)

/* What a predicate's test looks for in a part of the row, which is s below. */
enum {
  RB_TEST_PREFIX = 1,    /* s begins with data */
  RB_TEST_SUFFIX = 2,    /* s ends with data */
  RB_TEST_CONTAINS = 3,  /* data is in s */
  RB_TEST_LENGTH = 4,    /* a <= length of s <= b; no data */
  RB_TEST_COMPARE = 5,   /* s against data in byte order: accept says which outcomes pass */
  RB_TEST_COMPARE_AT = 6 /* as many bytes of s as data has, from offset a on; too short: no */
};

/* The part of the row. */
enum { RB_PART_KEY = 0, RB_PART_VALUE = 1 };

/* Outcomes of a comparison, as bits. */
enum { RB_ACCEPT_LESS = 1, RB_ACCEPT_EQUAL = 2, RB_ACCEPT_GREATER = 4, RB_ACCEPT_ALL = 7 };

/* Bytes of a test without its data. */
enum { RB_TEST_HEADER = 32 };

/* Has fills and counts, and everything below, pass over the rows that a predicate does not keep. It
 * sees values whole, also under RB_READ_KEYS_ONLY and max_value. program is copied. Its numbers are
 * little endian: a uint32 count of tests, then for each test the bytes op, part, accept and 0, the
 * uint32 yes and no, the uint64 a and b, a uint32 length and so many bytes of data. What a test has
 * no use for is 0. yes and no are the numbers of the tests to go on with, which must come later;
 * count keeps the row and count + 1 drops it. A call that has looked at pause (at least 1) rows or
 * KiB of rows ends, and the next one goes on. RB_INVALID_ARGUMENT if the program is malformed:
 * then the iterator is as it was. Only before the iterator's first move. */
rb_status rb_iter_set_predicate(rb_iter *it, const uint8_t *program, size_t len, uint64_t pause);

/* Checks a program and tells in *kept whether it keeps a row: for tests. */
rb_status rb_predicate_try(const uint8_t *program, size_t len, const uint8_t *key, size_t klen,
                           const uint8_t *value, size_t vlen, uint8_t *kept);

/* How far one call goes that works through rows: it ends after so many rows that are kept, or after
 * it has looked at so many rows or KiB of rows. Both at least 1. */
typedef struct rb_stretch {
  uint64_t rows;
  uint64_t cost;
} rb_stretch;

/* How far it went. The next one goes on with RB_MOVE_ON. */
typedef struct rb_passed {
  uint64_t rows;    /* kept and taken */
  uint8_t end;      /* no row follows, or an error ended it */
  rb_status status; /* what was taken is right even when this is an error */
} rb_passed;

/* One histogram of lengths. Bucket n < 16 is of length n; above, each power of two has 16. */
enum { RB_SIZE_STEPS = 16, RB_SIZE_BUCKETS = 464 }; /* up to 4 GiB - 1 */
typedef struct rb_sizes {
  uint64_t count;
  uint64_t sum;
  uint64_t least; /* of lengths; 0 if there are none */
  uint64_t most;
  uint64_t buckets[RB_SIZE_BUCKETS];
} rb_sizes;

/* Adds the lengths of keys and of values of the rows of one stretch to two histograms, which begin
 * as zeros. move is RB_MOVE_FIRST or, also in what follows, RB_MOVE_ON. Values count as they would
 * be delivered. */
rb_passed rb_iter_sizes(rb_iter *it, uint32_t move, rb_stretch s, rb_sizes *keys, rb_sizes *values);

/* A checksum that is being made, zeros at first. */
typedef struct rb_checksum {
  uint32_t crc;
  uint64_t key_bytes;
  uint64_t value_bytes;
} rb_checksum;

/* Goes on with the CRC-32C of the rows: of each the length of its key and that of its value, uint32
 * little endian, its key and its value. Values count as they would be delivered. */
rb_passed rb_iter_checksum(rb_iter *it, uint32_t move, rb_stretch s, rb_checksum *sum);

/* The CRC-32C of n bytes, by_table 1 without the processor's instruction: for tests. */
uint32_t rb_checksum_of(uint8_t by_table, const uint8_t *data, size_t n);

/* What a key's prefix is: its first bytes, or what stands before a delimiter, and that. A key that
 * is shorter, or without the delimiter, is its own prefix. */
typedef struct rb_grouping {
  uint64_t bytes; /* unless delimited */
  uint8_t delimited;
  uint8_t delimiter;
} rb_grouping;

/* Groups of rows with the same prefix. */
typedef struct rb_groups {
  uint64_t used; /* bytes that the groups take, counted from the start of the buffer */
  uint64_t need; /* not 0: the next group fits no empty buffer smaller than this */
  rb_passed passed;
} rb_groups;

/* How many numbers a group begins with. */
enum { RB_PREFIX_NUMBERS = 4 };

/* Gathers the rows of one stretch by their prefix into groups, one behind the other in buf: uint64
 * length of the prefix, rows, bytes of keys and of values, in the machine's order, then the prefix.
 * Values count as they would be delivered. It ends early where the next group has no room. The last
 * group may go on in the next call, as a group of the same prefix. */
rb_groups rb_iter_prefixes(rb_iter *it, uint32_t move, rb_stretch s, rb_grouping by, uint8_t *buf,
                           size_t cap);

/* How far rb_iter_exact_split has got. */
typedef struct rb_split {
  uint64_t bytes; /* of keys and values passed */
  uint64_t klen;  /* of the key; in buf if it is not above cap */
  uint8_t found;  /* there is a row behind want bytes */
  rb_passed passed;
} rb_split;

/* Passes rows until they have at least want bytes, and gives the key of the row behind them, which
 * it does not pass. A key longer than cap is not copied: call again with want 0. */
rb_split rb_iter_exact_split(rb_iter *it, uint32_t move, rb_stretch s, uint64_t want, uint8_t *buf,
                             size_t cap);

/* The first or the last key of a range. */
typedef struct rb_edge {
  uint64_t klen; /* in buf if it is not above cap */
  uint8_t found; /* 0 with RB_OK: the range is empty */
  rb_status status;
} rb_edge;

/* Looks up the first key of a range, or with last 1 the last one: making an iterator, moving,
 * copying the key and freeing the iterator in one call. Arguments and errors as in rb_iter_new. */
rb_edge rb_edge_get(rb_family *f, rb_snapshot *snap, rb_iter_options o, const uint8_t *lower,
                    size_t lower_len, const uint8_t *upper, size_t upper_len, uint8_t last,
                    uint8_t *buf, size_t cap);

/* How far rb_iter_delete has got. */
typedef struct rb_deleted {
  uint64_t klen; /* of the key of the next row, unless it ended; in buf if it is not above cap */
  rb_passed passed;
} rb_deleted;

/* Adds a deletion in family to for the key of each row of one stretch to a batch. Nothing is
 * written. move may be RB_MOVE_GE, with key, too. It gives the key of the row where it stands, to
 * go on from in a newer state. If that is longer than cap, call again with RB_MOVE_ON and no rows.
 */
rb_deleted rb_iter_delete(rb_iter *it, uint32_t move, const uint8_t *key, size_t klen, rb_stretch s,
                          rb_family *to, rb_cbatch *b, uint8_t *buf, size_t cap);

/* How much rb_iter_copy has added. */
typedef struct rb_copied {
  uint64_t key_bytes;
  uint64_t value_bytes;
  rb_passed passed;
} rb_copied;

/* Adds a put into family to for each row of one stretch to a batch, which may be of another
 * database, values as they would be delivered. It ends before the bytes of keys and values exceed
 * room, but takes one row in any case. Nothing is written. */
rb_copied rb_iter_copy(rb_iter *it, uint32_t move, rb_stretch s, rb_family *to, rb_cbatch *b,
                       uint64_t room);

/* The bytes of a batch, in RocksDB's format: in its memory, until it is changed or freed. */
const uint8_t *rb_cbatch_data(rb_cbatch *b, size_t *len);

/* Commits a batch, which stays as it is, to the database that its families are of. flags are
 * RB_WRITE_. */
rb_status rb_cbatch_write(rb_db *db, uint32_t flags, rb_cbatch *b);

/* ---- transactions --------------------------------------------------------------------------- */

/*
 * A transaction of RocksDB's, of a database that was opened with transactions. It knows which keys
 * its commit depends on and refuses to commit if one of them has changed; what it writes comes as
 * records, as rb_write takes them, in one call for many. The caller locks keys before it names them
 * here (RB_TX_PESSIMISTIC): RocksDB's own locks are taken as well, but waited for only for a
 * moment. One thread at a time may use a transaction.
 */

/* How a transaction begins. */
typedef struct rb_tx_options {
  uint32_t write;   /* RB_WRITE_ flags of its commit */
  uint8_t snapshot; /* it shows, and depends on, the state in which it begins */
} rb_tx_options;

/* What rb_tx_begin answers: tx is NULL unless the code is RB_OK, snap unless a snapshot was asked
 * for too. */
typedef struct rb_tx_result {
  rb_tx *tx;
  rb_snapshot *snap;
  rb_status status;
} rb_tx_result;

/* Begins a transaction. It lives until rb_tx_free, and must end before the database. snap is the
 * state to read from: no older than the one that it depends on, and to be freed by the caller. */
rb_tx_result rb_tx_begin(rb_db *db, rb_tx_options o);

/* Has the commit depend on key and reads it, as rb_get does, in one call: a change of it since the
 * transaction's state is RB_BUSY, now or at the commit. exclusive 0: other transactions may do the
 * same. Also RB_TRY_AGAIN, if RocksDB does not remember enough, and RB_TIMED_OUT, if another
 * transaction has the key. The value does not show what the transaction wrote. */
rb_value rb_tx_get_for_update(rb_tx *tx, rb_family *f, rb_snapshot *snap, uint32_t flags,
                              uint64_t deadline, uint8_t exclusive, const uint8_t *key, size_t klen,
                              uint8_t *buf, size_t cap);

/* Has the commit depend on n keys of f that stand one after the other in bytes, with lengths of
 * lens. Stops at the first one that fails; errors as of rb_tx_get_for_update. */
rb_status rb_tx_track(rb_tx *tx, rb_family *f, rb_snapshot *snap, uint64_t deadline,
                      uint8_t exclusive, const uint32_t *lens, size_t n, const uint8_t *bytes);

/* Commits the records: puts, deletes, merges and notes for the log only, in the n families given.
 * RB_BUSY and RB_TRY_AGAIN: a key that it depends on has changed, or may have; nothing was written.
 * After an error the transaction can only be freed. */
rb_status rb_tx_commit(rb_tx *tx, rb_family *const *families, size_t n, const uint8_t *records,
                       size_t len);

/* The first of two phases: logs the records under a name of 1 to 512 bytes, unique among the
 * transactions that are prepared. From RB_OK on rb_tx_finish commits or rolls back, and after a
 * crash or a close rb_recovered finds it. After an error it can only be freed. RB_UNSUPPORTED
 * unless the database is RB_TX_PESSIMISTIC. */
rb_status rb_tx_prepare(rb_tx *tx, const uint8_t *name, size_t name_len, rb_family *const *families,
                        size_t n, const uint8_t *records, size_t len);

/* The second phase of a prepared transaction. After an error it is for the next opening of the
 * database to finish. */
rb_status rb_tx_finish(rb_tx *tx, uint8_t commit);

/* Ends a transaction: what was not committed is rolled back, what is prepared stays so on disk.
 * NULL is allowed. */
void rb_tx_free(rb_tx *tx);

/* Transaction i of those that were found prepared when the database was opened, or NULL if there
 * are no more. It belongs to the database until rb_tx_free. Not after one of them has ended. */
rb_tx *rb_recovered(rb_db *db, size_t i);

/* A transaction that was found prepared: its name and its records, in RocksDB's WriteBatch format.
 * All are to be freed with rb_free; NULL if memory is short. */
typedef struct rb_tx_told {
  char *name;
  size_t name_len;
  uint8_t *batch;
  size_t batch_len;
} rb_tx_told;

/* Tells what a recovered transaction is. */
rb_tx_told rb_tx_tell(rb_tx *tx);

/* ---- the database as a whole ---------------------------------------------------------------- */

/* Writes the memtables of n families to files and waits: as one atomic call where RocksDB offers it
 * (8.1) and n > 1, else one after the other. */
rb_status rb_flush(rb_db *db, rb_family **families, size_t n);

/* Syncs the WAL to disk: what was written before survives a power cut. RB_SYNC_FAILED if the sync
 * itself failed. It is a synced write of an empty batch, which looks at earlier failures first, and
 * waits for other writes and in a write stall. RocksDB's own call does neither: beside a write that
 * cannot append to the log, it ends the process (before 9.4, with assertions), or leaves an error
 * behind that no longer says that space is lacking, and from which RocksDB does not recover (seen
 * on 9.10.0). */
rb_status rb_sync_wal(rb_db *db);

/* Writes what the process has buffered of the WAL, which it does with manual_wal_flush only, to the
 * file, without a sync. It does not wait for writes. An error stops all writes, as one that a write
 * meets there. */
rb_status rb_flush_wal(rb_db *db);

/* Compacts the range of a family down and waits. An absent bound has its has_ argument 0. RocksDB's
 * C API drops the outcome, so without C++ a background error that arose meanwhile, in whatever
 * family, is looked up afterwards and answered as RB_IO. RB_READ_ONLY if the db was opened so. One
 * that rb_pause_compaction stopped is answered as one that is done. */
rb_status rb_compact(rb_family *f, uint8_t has_start, const uint8_t *start, size_t start_len,
                     uint8_t has_end, const uint8_t *end, size_t end_len);

/* What rb_compaction does with rows that lie in the last level of the range already. The numbers
 * are RocksDB's. */
enum {
  RB_BOTTOMMOST_SKIP = 0,        /* left as they are */
  RB_BOTTOMMOST_IF_FILTERED = 1, /* compacted if there is a compaction filter; the default */
  RB_BOTTOMMOST_FORCE = 2,       /* compacted */
  RB_BOTTOMMOST_FORCE_ONCE = 3   /* the same, but for files that this compaction has made */
};

/* What rb_compaction does with values that nothing refers to any more in blob files. The numbers
 * are RocksDB's. */
enum {
  RB_BLOBS_COLLECT = 0, /* rows move out of old blob files, and these go */
  RB_BLOBS_LEAVE = 1,
  RB_BLOBS_AS_SET = 2 /* as the family's options have it; the default */
};

/* How rb_compact_with goes. RB_COMPACTION_DEFAULT is as rb_compact. */
typedef struct rb_compaction {
  uint8_t exclusive;    /* 1: no other compaction runs meanwhile */
  uint8_t bottommost;   /* RB_BOTTOMMOST_ */
  uint8_t change_level; /* 1: the files of the level where it ends move to target */
  uint8_t
      allow_stall; /* 1: does not wait until its flush stalls no writes; RB_FEATURE_COMPACT_PARTS */
  int32_t target;  /* a level; -1: the first one that has room */
  uint32_t subcompactions; /* parts side by side at most; 0: as set; RB_FEATURE_COMPACT_PARTS */
  uint8_t blobs;           /* RB_BLOBS_; RB_FEATURE_COMPACT_BLOBS */
  double blob_age; /* what part of the blob files, the oldest, is collected; below 0: as set */
} rb_compaction;

#define RB_COMPACTION_DEFAULT                                                                      \
  {                                                                                                \
      .bottommost = RB_BOTTOMMOST_IF_FILTERED,                                                     \
      .target = -1,                                                                                \
      .blobs = RB_BLOBS_AS_SET,                                                                    \
      .blob_age = -1,                                                                              \
  }

/* rb_compact in a chosen way. RB_UNSUPPORTED where an option is set that RocksDB lacks. RocksDB
 * does not look whether files are ingested or dropped while it changes their level, so the caller
 * keeps those away (before 7.10). */
rb_status rb_compact_with(rb_family *f, uint8_t has_start, const uint8_t *start, size_t start_len,
                          uint8_t has_end, const uint8_t *end, size_t end_len, rb_compaction o);

/* Marks the table files that reach into a range for compaction in the background and does not wait:
 * those of all levels with files but the last one. It goes by files: one that begins at end is
 * marked too, and so may be, in level 0, one that reaches over a range that ends before it starts.
 * Bounds are as in rb_compact; those of a family with timestamps have one behind them, of whatever
 * value. RB_READ_ONLY if the db was opened so: RocksDB itself would compact there. RB_ABORTED if
 * the order failed. */
rb_status rb_suggest_compact(rb_family *f, uint8_t has_start, const uint8_t *start,
                             size_t start_len, uint8_t has_end, const uint8_t *end, size_t end_len);

/* Stops every rb_compact of the database that runs, waits until they have ended, and refuses new
 * ones until as many calls of rb_resume_compaction. What a stopped one has done so far stays done;
 * one that still flushes memtables does that to the end. RocksDB's own compactions go on. */
void rb_pause_compaction(rb_db *db);

/* Ends one rb_pause_compaction. */
void rb_resume_compaction(rb_db *db);

/* Ends RocksDB's background work for good, as the first half of rb_close: flushes and compactions
 * fail with RB_SHUTTING_DOWN, and so do writes that wait in a stall. If rows were written without
 * the WAL it flushes first, and may then wait for as long as the stall does. It does not wait for
 * the end of the work. */
void rb_cancel_background(rb_db *db);

/* Makes a consistent copy of the database in the directory dir, which must not exist. RB_READ_ONLY
 * if the db was opened so. */
rb_status rb_checkpoint(rb_db *db, const char *dir);

/* A property's text, to be freed with rb_free, or NULL if RocksDB does not know it. */
char *rb_property(rb_family *f, const char *name);

/* What rb_identity_get answers: text, len bytes, is NULL unless the code is RB_OK. */
typedef struct rb_identity {
  char *text; /* to be freed with rb_free */
  uint64_t len;
  rb_status status;
} rb_identity;

/* The name that RocksDB drew for the database. RB_UNSUPPORTED before RocksDB 9.4; RB_INCOMPLETE if
 * it does not tell. */
rb_identity rb_identity_get(rb_db *db);

/* The sequence number of the newest write. */
uint64_t rb_latest_sequence(rb_db *db);

/* What later versions of RocksDB add; numbered here, tested at run time. */
enum {
  RB_FEATURE_FLUSH_FAMILIES = 0,    /* 8.1 */
  RB_FEATURE_WAIT_FOR_COMPACT = 1,  /* 8.7 */
  RB_FEATURE_SNAPSHOT_SEQUENCE = 2, /* 9.0 */
  RB_FEATURE_ASYNC_IO = 3,          /* 7.10 */
  RB_FEATURE_WRITE_BUFFERS = 4,     /* 8.9 */
  RB_FEATURE_SET_DB_OPTIONS = 5,    /* 11.5 */
  RB_FEATURE_INGEST_BOTTOMMOST = 6, /* 8.1 */
  RB_FEATURE_BACKUP_STOP = 7,       /* 11.5 */
  RB_FEATURE_BACKUP_NOTE = 8,       /* 11.6 */
  RB_FEATURE_STATISTICS_LEVELS = 9, /* 8.6 */
  RB_FEATURE_HYPER_CLOCK = 10,      /* 8.1 */
  RB_FEATURE_TUNED_RATE_LIMIT = 11, /* 8.9, or rb_cxx */
  RB_FEATURE_COMPACTOR = 12,        /* 10.11 */
  RB_FEATURE_DELETIONS_SIZE = 13,   /* 10.6: min_file_size of CompactOnDeletionCollector */
  RB_FEATURE_INGEST_LINKS = 16,     /* 11.6 */
  RB_FEATURE_SIZE_BLOBS = 17,       /* 11.6 */
  RB_FEATURE_IDENTITY = 18,         /* 9.4 */
  RB_FEATURE_ADAPTIVE = 19,        /* 11.6: automatic read-ahead keeps its size from file to file */
  RB_FEATURE_TRACES = 30,          /* 11.6, or rb_cxx */
  RB_FEATURE_ALL_FILES = 31,       /* 11.6, or rb_cxx */
  RB_FEATURE_SIZE_FLAGS = 32,      /* 9.5, or rb_cxx */
  RB_FEATURE_SIZE_MARGIN = 33,     /* 11.6, or rb_cxx */
  RB_FEATURE_INGEST_NO_COPY = 34,  /* 11.6, or rb_cxx */
  RB_FEATURE_COMPACT_PARTS = 38,   /* 9.11, or rb_cxx */
  RB_FEATURE_COMPACT_BLOBS = 39,   /* 11.6, or rb_cxx */
  RB_FEATURE_EVENTS = 40,          /* 10.3, or rb_cxx */
  RB_FEATURE_RESUME = 41,          /* rb_cxx */
  RB_FEATURE_COMPACT_STATUS = 42,  /* rb_cxx */
  RB_FEATURE_FAMILY_FILES = 43,    /* 10.7, or rb_cxx */
  RB_FEATURE_COMPACT_FILES = 44,   /* 11.6, or rb_cxx */
  RB_FEATURE_PAUSE = 45,           /* 11.6, or rb_cxx */
  RB_FEATURE_DISK = 46,            /* 10.6, or rb_cxx */
  RB_FEATURE_WIDE_COLUMNS = 47,    /* rb_cxx */
  RB_FEATURE_TABLE_FILTER = 48,    /* 11.6, or rb_cxx */
  RB_FEATURE_TABLE_NEWEST = 49,    /* 11.6: RB_TABLE_NEWEST_KEY_TIME, RB_TABLE_LARGEST_SEQUENCE */
  RB_FEATURE_RATE_LIMIT_MODE = 50, /* 9.0, or rb_cxx */
  RB_FEATURE_IO_CONTEXT = 51       /* rb_cxx */
};

/* Whether the linked RocksDB has a feature: 1 or 0. */
uint8_t rb_supports(uint32_t feature);

/* Why the C++ part, which is compiled in, is not used with the RocksDB that is linked; NULL: it is,
 * or there is none. The words live for ever. */
const char *rb_cxx_words(void);

/* Has RocksDB take writes again after a background error of which the cause is gone: it flushes
 * what is in memory. RB_OK also where there is no such error. RB_UNSUPPORTED without C++. */
rb_status rb_resume(rb_db *db);

/* Waits until no flush or compaction runs, and keeps RocksDB from beginning any until
 * rb_continue_background, which must follow once for each success. What flushes and waits for it
 * waits until then too, rb_close with unlogged writes among it. RB_UNSUPPORTED before RocksDB 11.6
 * without C++. */
rb_status rb_pause_background(rb_db *db);

/* Ends one rb_pause_background that succeeded. RB_INVALID_ARGUMENT if there is none. */
rb_status rb_continue_background(rb_db *db);

/* The kinds of traces: what the database is asked, its I/O, and accesses to its block cache. */
enum { RB_TRACE_CALLS = 0, RB_TRACE_IO = 1, RB_TRACE_CACHE = 2, RB_TRACE_KINDS = 3 };

/* What a trace of calls leaves out, as rb_trace_options.without. */
enum {
  RB_TRACE_NO_GET = 1,
  RB_TRACE_NO_WRITE = 2,
  RB_TRACE_NO_SEEK = 4,
  RB_TRACE_NO_SEEK_FOR_PREV = 8,
  RB_TRACE_NO_MULTI_GET = 16
};

/* How traces are made. */
typedef struct rb_trace_options {
  uint64_t max_bytes; /* beyond them nothing is recorded; what began below is whole */
  uint64_t every;     /* one of so many; 1: all. Not of I/O */
  uint64_t without;   /* RB_TRACE_NO_; of calls only */
  uint8_t ordered;    /* 1: writes come in the order of the log; of calls only */
} rb_trace_options;

/* Has RocksDB record into a file on disk, which is there, is emptied, and stays as it is after an
 * error. One trace of each kind at a time: RB_BUSY. RB_INVALID_ARGUMENT for a kind that there is
 * not. Threads that record wait for each other, and for the file. RB_UNSUPPORTED before RocksDB
 * 11.6 without C++. Not safe beside rb_tracing_start and rb_tracing_end of the same database. */
rb_status rb_tracing_start(rb_db *db, uint32_t kind, const char *path, rb_trace_options o);

/* Ends a trace: the file is written and closed. An error, RB_NO_SPACE for instance, says that not
 * all of it is in the file: nothing was recorded from then on. It has ended all the same, and
 * rb_close ends what is left. By RocksDB's C API not all that goes wrong is told, and nothing of
 * traces but those of calls: whether these have an end is in the file. RB_INVALID_ARGUMENT if there
 * is no such trace. */
rb_status rb_tracing_end(rb_db *db, uint32_t kind);

/* A sign for rb_compact_files to stop. */
typedef struct rb_stop rb_stop;

/* Makes one, which lives until rb_stop_free. NULL when memory is short. */
rb_stop *rb_stop_new(void);

/* Has the compaction that was given s end soon, before RocksDB 11.6 at its own end. */
void rb_stop_set(rb_stop *s);

/* Ends s; no call may be using it. */
void rb_stop_free(rb_stop *s);

/* Compacts table files of a family, and what of it RocksDB must add to them, into a level, on the
 * calling thread. names holds n base names, NUL-terminated, one directly behind the other; the new
 * files have most bytes at most, 0: there is one. RB_INVALID_ARGUMENT for a file that the family
 * has not, or a level that cannot be, RB_ABORTED for one that another compaction has,
 * RB_COMPACTION_TOO_LARGE where RocksDB, after a full disk, sees no room, RB_INCOMPLETE once s was
 * set, RB_UNSUPPORTED before RocksDB 11.6 without C++. */
rb_status rb_compact_files(rb_family *f, const char *names, size_t n, int32_t level, uint64_t most,
                           rb_stop *s);

/* Waits until no flush or compaction is pending, at most timeout microseconds, then RB_TIMED_OUT;
 * 0: no limit. RB_UNSUPPORTED before RocksDB 8.7. */
rb_status rb_wait_for_compact(rb_db *db, uint64_t timeout);

/* ---- files ---------------------------------------------------------------------------------- */

/* Drops the table files of a family, those of level 0 left out, whose keys all lie in a range, both
 * of whose ends belong to it; has_start or has_end 0: open. The start is not behind the end. No row
 * is looked at: older rows of the same keys in other files come to light. Snapshots lose the rows
 * too. RB_READ_ONLY if the db was opened so. */
rb_status rb_delete_files(rb_family *f, uint8_t has_start, const uint8_t *start, size_t start_len,
                          uint8_t has_end, const uint8_t *end, size_t end_len);

/* Deletes the files of the database in path, which is not open, its logs in wal_dir if that is not
 * NULL, and the folders if they are empty then. Other files stay. RB_LOCKED if somebody has it open
 * for writing, and nothing is deleted. A folder without a database: the caller has looked. The
 * database lies in files, or on disk if that is NULL. */
rb_status rb_destroy(rb_files *files, const char *path, const char *wal_dir);

/* ---- backups -------------------------------------------------------------------------------- */

/* A folder of backups in RocksDB's own format. */
typedef struct rb_backups rb_backups;

/* How files are copied. */
typedef struct rb_backup_options {
  uint64_t create_rate;  /* bytes a second that are copied into the folder; 0: no limit */
  uint64_t restore_rate; /* and out of it */
  uint32_t threads;      /* files copied at once; 0: 1 */
  uint8_t no_sync;       /* what is copied is not synced */
} rb_backup_options;

/* What rb_backups_open answers: backups is NULL unless the code is RB_OK. */
typedef struct rb_backups_result {
  rb_backups *backups;
  rb_status status;
} rb_backups_result;

/* Opens the folder dir, which is made if it is missing (not its parents), and reads what backups
 * there are. Those that are damaged as far as their lists of files show are left out. dir is
 * copied. The result lives until rb_backups_close. One at a time may change a folder: the caller
 * sees to that. */
rb_backups_result rb_backups_open(const char *dir, rb_backup_options o);

/* Ends it; no call may be under way. NULL is allowed. */
void rb_backups_close(rb_backups *b);

/* The number of a backup that was made; 0 unless the code is RB_OK. */
typedef struct rb_backup_made {
  uint32_t id;
  rb_status status;
} rb_backup_made;

/* Adds a backup of db: files that earlier backups hold are not copied again. flush has the
 * memtables written to files first; else the write-ahead log is copied. note, which is kept with
 * the backup, is RB_UNSUPPORTED before RocksDB 11.6 unless it is NULL. RB_READ_ONLY if the db was
 * opened so. After an error what was copied is removed again. */
rb_backup_made rb_backups_create(rb_backups *b, rb_db *db, uint8_t flush, const uint8_t *note,
                                 size_t note_len);

/* Has rb_backups_create, under way in another thread, fail soon with RB_INCOMPLETE; none can be
 * made with b afterwards. Does nothing before RocksDB 11.5. */
void rb_backups_stop(rb_backups *b);

/* Copies backup id to the folder dir, with its logs in wal_dir, and compares checksums while it
 * does. All files that the two folders hold are deleted first. CURRENT comes last. RB_CORRUPTION if
 * a file is damaged, RB_NOT_FOUND if there is no such backup. */
rb_status rb_backups_restore(rb_backups *b, uint32_t id, const char *dir, const char *wal_dir);

/* Deletes the oldest backups until keep are left, and files that are no backup's any more. */
rb_status rb_backups_purge(rb_backups *b, uint32_t keep);

/* ---- metrics: what Go's memory and call statistics do not show ------------------------------ */

/* One family as it is now. Sizes in bytes; 0 where RocksDB does not tell. */
typedef struct rb_family_metrics {
  uint64_t memtable_active;  /* the memtable that takes writes */
  uint64_t memtable_current; /* that one and those that wait for a flush */
  uint64_t memtable_all;     /* those too that were flushed and that readers pin */
  uint64_t memtables_waiting;
  uint64_t flush_pending; /* 0 or 1 */
  uint64_t table_readers; /* index and filter blocks outside the cache, and what readers hold */
  uint64_t cache_capacity;
  uint64_t cache_usage;
  uint64_t cache_pinned;
  uint64_t keys; /* an estimate */
  uint64_t live_data;
  uint64_t table_files; /* all of them, obsolete ones that readers keep too */
  uint64_t table_files_live;
  uint64_t blob_files; /* number of files */
  uint64_t blob_bytes;
  uint64_t blob_bytes_live;
  uint64_t level0_files;
  uint64_t versions;           /* states of the files that are kept: 1 and those of readers */
  uint64_t compaction_pending; /* 0 or 1 */
  uint64_t compaction_debt;    /* bytes that compactions have yet to rewrite, an estimate */
  uint64_t stall_delays;       /* how often a stall condition slowed writes down, since the open */
  uint64_t stall_stops;        /* how often one stopped them */
} rb_family_metrics;

/* Allocators that rb_allocator_used knows. */
enum { RB_ALLOCATOR_UNKNOWN = 0, RB_ALLOCATOR_GLIBC = 1, RB_ALLOCATOR_JEMALLOC = 2 };

/* The memory of the whole process that malloc manages, in bytes; 0 with an unknown allocator. */
typedef struct rb_allocator {
  uint32_t kind;   /* RB_ALLOCATOR_ */
  uint64_t held;   /* taken from the operating system: with jemalloc what is resident */
  uint64_t in_use; /* of that, handed out and not freed; glibc counts its threads' caches too */
} rb_allocator;

/* The database as it is now. Sizes in bytes. The cache's fields are 0 without a block cache. */
typedef struct rb_metrics {
  uint64_t cache_capacity;
  uint64_t cache_usage; /* blocks; not what stands for memtables in a shared cache */
  uint64_t cache_pinned;
  uint64_t row_cache_capacity; /* of the cache of rows; 0: there is none */
  uint64_t row_cache_usage;
  uint64_t running_flushes;
  uint64_t running_compactions;
  uint64_t background_errors;
  uint64_t snapshots;
  uint64_t oldest_snapshot; /* seconds since 1970; 0: there is none */
  uint64_t write_stopped;   /* 0 or 1 */
  uint64_t delayed_rate;    /* bytes a second that writes are slowed down to; 0: they are not */
  uint64_t stall_micros;    /* that writes spent stalled since the open, to the millisecond */
  rb_allocator allocator;
} rb_metrics;

/* How many bytes the rows in the cache of rows take; 0 without one. */
uint64_t rb_row_cache_used(const rb_db *db);

/* Gathers everything about the database and n of its families in one call. out has room for n. It
 * takes RocksDB's mutex for each figure and waits for no I/O. RocksDB's lines about an "interval"
 * in its LOG then count from this call on. */
rb_metrics rb_metrics_get(rb_db *db, rb_family *const *families, size_t n, rb_family_metrics *out);

/* Asks the allocator of the process, that of jemalloc if it is linked or preloaded. */
rb_allocator rb_allocator_used(void);

/* Gives memory that the allocator of the process holds free back to the operating system. Answers
 * which one did, RB_ALLOCATOR_UNKNOWN for none. It takes its locks, one after the other,
 * for as long as it looks through what they guard. */
uint32_t rb_allocator_release(void);

/* Begins to count, in this thread, what RocksDB does in calls and, with times 1, to time all but
 * waits for mutexes. From here to rb_perf_end the caller stays on the thread. 0 if the thread has
 * begun before and not ended: then nothing is changed, and rb_perf_end belongs to who began; else
 * 1. */
uint8_t rb_perf_begin(uint8_t times);

/* Ends that, as if it had never been. With report 1 it gives the figures that are not 0 as text,
 * "name = number, ...", times in nanoseconds, to be freed with rb_free; NULL if there are none,
 * memory is short or report is 0. */
char *rb_perf_end(uint8_t report);

/* The I/O context of this thread since rb_perf_begin: what its calls of the file system moved and,
 * with times, took. The form is rb_perf_end's, before which it is called. NULL also without
 * RB_FEATURE_IO_CONTEXT. */
char *rb_perf_io(void);

/* ---- statistics ----------------------------------------------------------------------------- */

/* All tickers and histograms that RocksDB keeps of a database that was opened with statistics, as
 * its own text of one line each, to be freed with rb_free: "NAME COUNT : N" and "NAME P50 : X P95 :
 * X P99 : X P100 : X COUNT : N SUM : N". NULL without statistics, or when memory is short. It adds
 * up the counters of all processors and waits for no I/O. */
char *rb_statistics_text(rb_db *db);

/* ---- table files ---------------------------------------------------------------------------- */

/* The table files of all families at one moment: count records one behind the other in data, len
 * bytes that the caller frees with rb_free; NULL if there are none. A record is eight numbers of 64
 * bits in the machine's order, with the texts that the last four measure directly behind them:
 * bytes of the file, level, entries, deletions, and the lengths of the family's name, the file's
 * name (as RocksDB gives it: with a slash before it), the smallest and the largest key. */
typedef struct rb_live_files {
  uint8_t *data;
  uint64_t len;
  uint64_t count;
  rb_status status;
} rb_live_files;

/* How many numbers a record of rb_live_files begins with. */
enum { RB_LIVE_NUMBERS = 8 };

/* Lists the table files of the newest state, in one call for what costs seven of RocksDB's for each
 * file. Waits for RocksDB's own lock, not for I/O. The only error is RB_NO_MEMORY. */
rb_live_files rb_live_files_get(rb_db *db);

/* ---- table files from outside --------------------------------------------------------------- */

/* The writer of one table file that is made outside of a database, to be ingested into one. */
typedef struct rb_sst rb_sst;

/* What rb_plan_sst answers: writer is NULL unless the code is RB_OK. */
typedef struct rb_sst_result {
  rb_sst *writer;
  rb_status status;
} rb_sst_result;

/* Begins a table file at path, which is truncated if it exists, as the family of that name in the
 * plan builds its own: the plan need not be opened, and may be freed at once afterwards. The writer
 * needs no database and lives until rb_sst_free. One thread at a time may use it. RB_NOT_FOUND if
 * the plan has no such family. */
rb_sst_result rb_plan_sst(rb_plan *p, const char *family, const char *path);

/* What a call on a writer answers: bytes of the file so far, without those that it still holds. */
typedef struct rb_sst_state {
  uint64_t size;
  rb_status status;
} rb_sst_state;

/* Adds records in one call; replaces one call of RocksDB's for each. rows holds them one behind the
 * other: operation (RB_PUT, RB_DELETE, RB_MERGE or RB_DELETE_RANGE), key length and value length as
 * uint32 in the machine's byte order, key, value. Keys ascend, but for those of range deletions,
 * which may stand anywhere; a range's end is its value and lies behind its key. The first error
 * ends it. Up to 9.0 a file that cannot be written is told of by rb_sst_finish only. */
rb_sst_state rb_sst_add(rb_sst *w, const uint8_t *rows, size_t len);

/* Adds one record that would be large to copy. */
rb_sst_state rb_sst_row(rb_sst *w, uint32_t op, const uint8_t *key, size_t klen,
                        const uint8_t *value, size_t vlen);

/* Ends the file and syncs it: size is then that of the whole file. At least one record must have
 * been added. After an error the file may be there or not. Nothing may follow but rb_sst_free. */
rb_sst_state rb_sst_finish(rb_sst *w);

/* Ends a writer. An unfinished file stays, and is of no use. NULL is allowed. */
void rb_sst_free(rb_sst *w);

/* How table files are ingested. Zero is RocksDB's default, but for global sequence numbers and the
 * flush of memtables that overlap, which are on. */
typedef struct rb_ingest_options {
  uint8_t move;             /* files are linked, not copied, and their old names removed */
  uint8_t behind;           /* below all that the family has */
  uint8_t no_sequence;      /* the files must not need sequence numbers */
  uint8_t ignore_snapshots; /* the rows may show in snapshots that are older */
  uint8_t no_flush;         /* RB_INVALID_ARGUMENT instead of a flush */
  uint8_t bottommost;       /* RB_TRY_AGAIN unless the files fit into the last level; from 8.1 */
  uint8_t link;             /* files are linked and keep their names too; RB_FEATURE_INGEST_LINKS */
  uint8_t no_copy;          /* move, link: an error instead of a copy; RB_FEATURE_INGEST_NO_COPY */
  uint8_t no_fill;          /* the cache takes nothing of the files; RB_FEATURE_INGEST_LINKS */
  uint32_t threads;         /* that open the files; 0: one; RB_FEATURE_INGEST_LINKS */
} rb_ingest_options;

/* Ingests n table files into a family, all or none. paths holds n NUL-terminated strings, one
 * directly behind the other. Waits for the writes under way, holds others off, and flushes
 * memtables that overlap. Where files overlap, records of a later one win. The caller has checked
 * the files and holds the family against a drop. RB_READ_ONLY if the db was opened so;
 * RB_UNSUPPORTED for what RocksDB lacks, and for no_copy where files cannot be linked, in RocksDB's
 * words then. */
rb_status rb_ingest(rb_family *f, const char *paths, size_t n, rb_ingest_options o);

/* What a file is for, in RocksDB's numbers. */
enum {
  RB_FILE_LOG = 0,
  RB_FILE_TABLE = 2,
  RB_FILE_MANIFEST = 3,
  RB_FILE_CURRENT = 4,
  RB_FILE_OPTIONS = 9,
  RB_FILE_BLOBS = 10
};

/* How many numbers a record of rb_all_files_get begins with. */
enum { RB_FILE_NUMBERS = 5 };

/* Lists all files that the newest state of the database consists of. A record is RB_FILE_NUMBERS
 * numbers of 64 bits in the machine's order (bytes that count, RB_FILE_, the number in its name,
 * the lengths of its base name and its folder), and behind them these two texts. data is to be
 * freed with rb_free, and NULL on error. Where transactions are pessimistic, RocksDB flushes all
 * memtables first. RB_UNSUPPORTED before RocksDB 11.6 without C++. */
rb_live_files rb_all_files_get(rb_db *db);

/* ---- about how many bytes ranges take -------------------------------------------------------- */

/* What rb_approximate_sizes counts. Zero is what is in table files, as exactly as RocksDB tells. */
typedef struct rb_size_options {
  uint8_t memtables; /* what is in memtables too; RB_FEATURE_SIZE_FLAGS */
  uint8_t no_files;  /* not what is in table files; RB_FEATURE_SIZE_FLAGS */
  uint8_t blobs; /* of all blob files, the range's part of the table files; RB_FEATURE_SIZE_BLOBS */
  double margin; /* the part of the size in files that it may be wrong by; RB_FEATURE_SIZE_MARGIN */
} rb_size_options;

/* The length of an end that is open. */
#define RB_NO_END UINT64_MAX

/* Tells about how many bytes each of n > 0 ranges takes, in one call, in sizes. lens holds, for
 * each range, the lengths of its start and its end, which are one behind the other in keys; an end
 * of length RB_NO_END has no bytes there. No start may lie behind its end: RocksDB would end the
 * process where it has assertions. The family's order is the bytewise one. RB_UNSUPPORTED for what
 * RocksDB lacks. */
rb_status rb_approximate_sizes(rb_family *f, rb_size_options o, const uint64_t *lens,
                               const uint8_t *keys, size_t n, uint64_t *sizes);

/* ---- families as table files ----------------------------------------------------------------- */

/* The table files of a family: count records one behind the other in data, len bytes. A record is
 * RB_FAMILY_FILE_NUMBERS numbers of 64 bits in the machine's order, and behind them the texts that
 * the last five measure, each with a NUL after it: bytes of the file, level, smallest and largest
 * sequence number; file's name with a slash before it, smallest and largest key, and these two as
 * RocksDB has them inside, which are empty where it does not tell. */
typedef struct rb_family_files {
  const uint8_t *data;
  uint64_t len;
  uint64_t count;
} rb_family_files;

/* How many numbers a record of rb_family_files begins with. */
enum { RB_FAMILY_FILE_NUMBERS = 9 };

/* What rb_family_export answers: what is in data and comparator is the caller's, to be freed with
 * rb_free. Both are NULL on error, and data is for no files. */
typedef struct rb_family_exported {
  uint8_t *data;
  uint64_t len;
  uint64_t count;
  char *comparator; /* its name */
  rb_status status;
} rb_family_exported;

/* Flushes a family and links, or copies, its table files into dir, which must not exist, below a
 * directory that does. Files of blobs are left out: the caller refuses families that have some. On
 * error RocksDB has removed dir. RB_READ_ONLY; RB_UNSUPPORTED before RocksDB 10.7 without C++. */
rb_family_exported rb_family_export(rb_family *f, const char *dir);

/* What a family is made from. */
typedef struct rb_family_source {
  const char *dir;        /* where the files are */
  const char *comparator; /* name of the order of their keys */
  rb_family_files files;  /* one at least */
  uint8_t move;           /* they are linked, and their old names removed */
} rb_family_source;

/* rb_family_create with the rows of files. The caller has verified that they are what
 * rb_family_export made, and that RocksDB knows the ends of those that have range deletions: see
 * rb_family_import_bounds. On error there is no family; RB_UNSUPPORTED as of the export. The
 * database has no transactions. */
rb_family_result rb_family_import(rb_db *db, const char *name, rb_family_options opts,
                                  const char *extra, rb_family_source from);

/* Whether rb_family_import gives RocksDB the last two texts of a record. Without them it takes the
 * ends of a file from its rows, which is wrong where range deletions reach beyond them. */
uint8_t rb_family_import_bounds(void);

/* ---- exported rows -------------------------------------------------------------------------- */

/* Where a whole frame of an export ends: as much as it takes to go on from there. The format is
 * that of stream.h and docs/export.md. */
typedef struct rb_stream_position {
  uint64_t offset;  /* compressed bytes before it */
  uint64_t rows;    /* in them */
  uint64_t bytes;   /* of these rows' keys and values */
  uint32_t sum;     /* the checksum of all that */
  uint8_t has_keys; /* 1: there were rows, and so a first and a last key */
  uint8_t mixed;    /* 1: rows of more than one state */
  uint8_t whole;    /* 1: it is the end of the export */
  const uint8_t *first;
  const uint8_t *last;
  size_t first_len;
  size_t last_len;
} rb_stream_position;

/* An export under way: rows of an iterator, framed and compressed. One thread at a time. */
typedef struct rb_export rb_export;

/* How an export begins: from is where it goes on, all zero: nowhere; of its keys only the lengths
 * count. level is zstd's; max_rows is how many rows it takes at most. */
typedef struct rb_export_options {
  rb_stream_position from;
  size_t open_len;
  uint64_t max_rows;
  int32_t level;
} rb_export_options;

/* What rb_export_new answers: made is NULL unless the code is RB_OK. */
typedef struct rb_export_result {
  rb_export *made;
  rb_status status;
} rb_export_result;

/* Begins an export. open is the first section that it writes, without its checksum: the head or,
 * where it goes on over another state, what says so; with o.open_len 0 there is none. first and
 * last are the keys of o.from, if it has_keys. All is copied. The export lives until
 * rb_export_free, and belongs to no database. RB_NO_MEMORY, or RB_UNKNOWN with zstd's words. */
rb_export_result rb_export_new(rb_export_options o, const uint8_t *open, const uint8_t *first,
                               const uint8_t *last);

/* What a call of rb_export_fill brought. position is where the last whole frame ends, up to here;
 * its keys are valid until the next call. position.whole: that was all. */
typedef struct rb_exported {
  uint64_t used;   /* bytes in the buffer, right even when status is an error */
  uint64_t rows;   /* that the iterator went over */
  uint64_t walked; /* bytes of these, before compression */
  rb_stream_position position;
  rb_status status;
} rb_exported;

/* Fills buf with the next compressed bytes: walks over the iterator, frames the rows and compresses
 * them, in one call for what costs four for each row. It returns with less than cap bytes, perhaps
 * none, when it has walked over most bytes of rows, and at the end. An iterator that stands nowhere
 * begins at its first row, or behind the key where the export goes on; it must be the same in every
 * call, give whole values, and not be used by others meanwhile. After an error every call repeats
 * its code. RB_TIMED_OUT past the iterator's deadline, RB_NO_MEMORY, the iterator's errors, and
 * RB_INVALID_ARGUMENT when the iterator was moved by somebody else. */
rb_exported rb_export_fill(rb_export *e, rb_iter *it, uint8_t *buf, size_t cap, uint64_t most);

/* Ends an export. NULL is allowed. */
void rb_export_free(rb_export *e);

/* An import under way: decompresses, verifies and writes. One thread at a time. */
typedef struct rb_import rb_import;

/* Begins an import at a position, all zero: at the start; first and last are its keys, if it
 * has_keys. A row whose key and value are together longer than max_row is refused before memory for
 * it is taken. The keys are copied. It lives until rb_import_free, and belongs to no database. NULL
 * only when memory is short. */
rb_import *rb_import_new(rb_stream_position from, const uint8_t *first, const uint8_t *last,
                         uint64_t max_row);

/* What is wrong with a stream. */
enum {
  RB_STREAM_FINE = 0,
  RB_STREAM_WRONG = 1,    /* the status, RB_CORRUPTION, says what, in words of ours or of zstd */
  RB_STREAM_TOO_LARGE = 2 /* a row above max_row */
};

/* What a call of rb_import_feed did. position is where the last frame ends that was verified and,
 * with a family, written; keys and head are valid until the next call. */
typedef struct rb_imported {
  uint64_t taken;      /* bytes of the input that are done with */
  uint8_t more;        /* call again, even without input: there is more in what was taken */
  uint32_t wrong;      /* RB_STREAM_ */
  const uint8_t *head; /* what Go wrote into the head; NULL until that was verified */
  size_t head_len;
  rb_stream_position position;
  rb_status status;
} rb_imported;

/* Takes the next n compressed bytes, verifies every frame that ends in them and writes its rows to
 * f, each frame in one batch, under RB_WRITE_ flags; f NULL: verifies only. Replaces a call for
 * each row. It returns early when it has decompressed most bytes, and behind the head. Nothing of a
 * frame is written before all of it was verified. After an error every call answers its code again.
 * RB_CORRUPTION and RB_INVALID_ARGUMENT with wrong set when the stream is at fault, RB_NO_MEMORY,
 * and the errors of rb_write. */
rb_imported rb_import_feed(rb_import *d, rb_family *f, uint32_t flags, const uint8_t *in, size_t n,
                           uint64_t most);

/* Ends an import. NULL is allowed. */
void rb_import_free(rb_import *d);

/* The version of the linked zstd, as zstd tells it: 10504 is 1.5.4. */
uint32_t rb_zstd_version(void);

/* ---- Go called on the calling thread --------------------------------------------------------- */

/* Each does as the function without _calling, and may call Go on the calling thread: see
 * calling.c. */

/* The value is always pinned, unless it is empty. */
rb_value rb_get_calling(rb_family *f, rb_snapshot *snap, uint32_t flags, uint64_t deadline,
                        const uint8_t *key, size_t klen);

/* As rb_has. */
rb_status rb_has_calling(rb_family *f, rb_snapshot *snap, uint32_t flags, uint64_t deadline,
                         const uint8_t *key, size_t klen);

/* No value is delivered: all wait in rest. */
rb_multi rb_multi_get_calling(rb_family *const *families, rb_read how, const rb_key *keys, size_t n,
                              const uint8_t *bytes, rb_answer *found);

/* As rb_iter_fill. */
rb_fill rb_iter_fill_calling(rb_iter *it, uint32_t move, const uint8_t *key, size_t klen,
                             uint8_t *buf, size_t cap, uint32_t max_rows);

/* As rb_iter_count. */
rb_count rb_iter_count_calling(rb_iter *it, uint32_t move, uint64_t max_rows);

/* As rb_apply. */
rb_status rb_apply_calling(rb_family *f, uint32_t op, uint32_t flags, const uint8_t *key,
                           size_t klen, const uint8_t *value, size_t vlen);

/* As rb_write. */
rb_status rb_write_calling(rb_db *db, uint32_t flags, const uint8_t *rep, size_t len);

/* ---- parts of a range ----------------------------------------------------------------------- */

/* Keys one behind the other in data, len bytes that the caller frees with rb_free; NULL if there
 * are none. Each is its length, 64 bits in the machine's order, and its bytes. */
typedef struct rb_keys {
  uint8_t *data;
  uint64_t len;
  uint64_t count;
  rb_status status; /* there are no keys unless its code is RB_OK */
} rb_keys;

/* Finds up to n - 1 keys of rows, in ascending order, at which the rows that an iterator of these
 * arguments (see rb_iter_new) shows fall into n parts of about equal bytes in the files: a key is
 * the first of its part. Fewer where the rows are few. Reads the ends of the range and, for each
 * key, one row and index blocks, up to 64 times. From RocksDB 9.5 on memtables count too. Where
 * nothing counts, because all rows lie in memtables before 9.5, parts are of equal width in the key
 * space between the first row and the last. The snapshot bounds the rows, not the sizes. Blob files
 * do not count. */
rb_keys rb_split_keys(rb_family *f, rb_snapshot *snap, rb_iter_options o, const uint8_t *lower,
                      size_t lower_len, const uint8_t *upper, size_t upper_len, uint32_t n);

#endif
