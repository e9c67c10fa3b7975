/* status.c: RocksDB's error texts, turned into codes. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "rb.h"

void rb_free(void *p) { free(p); }

/* The beginnings that Status::ToString() gives a text; the same from RocksDB 6 to 11. */
static const struct {
  const char *prefix;
  int32_t code;
} rb_prefixes[] = {
    {"NotFound: ", RB_NOT_FOUND},
    {"Corruption: ", RB_CORRUPTION},
    {"Not implemented: ", RB_UNSUPPORTED},
    {"Invalid argument: ", RB_INVALID_ARGUMENT},
    {"IO error: ", RB_IO},
    {"Merge in progress: ", RB_MERGE_IN_PROGRESS},
    {"Result incomplete: ", RB_INCOMPLETE},
    {"Shutdown in progress: ", RB_SHUTTING_DOWN},
    {"Operation timed out: ", RB_TIMED_OUT},
    {"Operation aborted: ", RB_ABORTED},
    {"Resource busy: ", RB_BUSY},
    {"Operation expired: ", RB_EXPIRED},
    {"Operation failed. Try again.: ", RB_TRY_AGAIN},
    {"Compaction too large: ", RB_COMPACTION_TOO_LARGE},
    {"Column family dropped: ", RB_FAMILY_DROPPED},
};

static bool rb_contains(const char *text, const char *part) { return strstr(text, part) != NULL; }

/* Whether rest is of an fsync or fdatasync that failed. */
static bool rb_sync_failed(const char *rest) {
  static const char full[] = "No space left on device: ";
  if (strncmp(rest, full, sizeof full - 1) == 0) {
    rest += sizeof full - 1;
  }
  return strncmp(rest, "While fdatasync", 15) == 0 || strncmp(rest, "While fsync", 11) == 0;
}

/* Whether rest ends so. */
static bool rb_ends(const char *rest, const char *end) {
  size_t n = strlen(rest), m = strlen(end);
  return n >= m && strcmp(rest + n - m, end) == 0;
}

/* Tells apart what callers treat differently within one of RocksDB's codes. Order matters: a path
 * stands in the text, so only words that RocksDB puts before the path are looked for first. */
static int32_t rb_refine(int32_t code, const char *rest) {
  switch (code) {
    case RB_IO:
      if (rb_sync_failed(rest)) {
        return RB_SYNC_FAILED;
      }
      if (strncmp(rest, "No space left on device", 23) == 0) {
        return RB_NO_SPACE;
      }
      if (strncmp(rest, "lock hold by current process", 28) == 0 ||
          strncmp(rest, "While lock file: ", 17) == 0 || strncmp(rest, "lock ", 5) == 0 ||
          rb_ends(rest, "/LOCK: lock is already held.")) { /* in memory */
        return RB_LOCKED;
      }
      if (rb_contains(rest, ": No space left on device") ||
          rb_contains(rest, ": Disk quota exceeded")) {
        return RB_NO_SPACE;
      }
      if (rb_contains(rest, ": Read-only file system")) {
        return RB_READ_ONLY;
      }
      return RB_IO;
    case RB_UNSUPPORTED:
      return rb_contains(rest, "read only mode") ? RB_READ_ONLY : code;
    default:
      return code;
  }
}

/* Where a write waits for others when the database gets into an error, RocksDB answers
 * "incomplete", with the error behind it: the error is meant. */
static const char *rb_error_within(const char *text) {
  static const char incomplete[] = "Result incomplete: ";
  const char *rest = text + sizeof incomplete - 1;
  if (strncmp(text, incomplete, sizeof incomplete - 1) != 0) {
    return text;
  }
  return strncmp(rest, "IO error: ", 10) == 0 || strncmp(rest, "Corruption: ", 12) == 0 ? rest
                                                                                        : text;
}

static int32_t rb_code_of(const char *text) {
  text = rb_error_within(text);
  for (size_t i = 0; i < sizeof rb_prefixes / sizeof rb_prefixes[0]; i++) {
    size_t n = strlen(rb_prefixes[i].prefix);
    if (strncmp(text, rb_prefixes[i].prefix, n) == 0) {
      return rb_refine(rb_prefixes[i].code, text + n);
    }
  }
  return RB_UNKNOWN;
}

rb_status rb_status_from(char *err) {
  rb_status s = {RB_OK, NULL};
  if (err != NULL) {
    s.code = rb_code_of(err);
    s.msg = err; /* malloc'd by RocksDB's C API, as rb_free expects */
  }
  return s;
}

rb_status rb_status_make(int32_t code, const char *msg) {
  rb_status s = {code, msg == NULL ? NULL : strdup(msg)};
  return s;
}
