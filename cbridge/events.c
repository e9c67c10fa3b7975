/* events.c: the queue between RocksDB's threads, which make events, and those who take them. */
#include "events.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct rb_events {
  atomic_uint holders; /* the caller, and the listeners */
  uint64_t most;
  pthread_mutex_t mu; /* held for a few words only: over the fields below */
  rb_event *first;
  rb_event *last;
  uint64_t numbered; /* the newest event's number */
  rb_event_counts counts;
};

rb_events *rb_events_new(uint64_t most) {
  rb_events *e = calloc(1, sizeof *e);
  if (e == NULL) {
    return NULL;
  }
  if (pthread_mutex_init(&e->mu, NULL) != 0) {
    free(e);
    return NULL;
  }
  atomic_init(&e->holders, 1);
  e->most = most;
  return e;
}

rb_events *rb_events_hold(rb_events *e) {
  atomic_fetch_add(&e->holders, 1);
  return e;
}

void rb_events_free(rb_events *e) {
  if (e == NULL || atomic_fetch_sub(&e->holders, 1) > 1) {
    return;
  }
  rb_event_list_free(e->first);
  pthread_mutex_destroy(&e->mu);
  free(e);
}

rb_event rb_event_of(uint32_t kind) {
  rb_event v = {.kind = kind, .job = -1, .reason = -1, .level = -1, .output_level = -1};
  return v;
}

static uint64_t rb_now(void) {
  struct timespec t = {0};
  (void)clock_gettime(CLOCK_REALTIME, &t); /* it fails for no clock that every system has */
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Copies s to *at, which moves behind it. */
static const char *rb_event_string(char **at, const char *s, size_t len) {
  char *copy = *at;
  memcpy(copy, s, len);
  copy[len] = '\0';
  *at += len + 1;
  return copy;
}

/* A copy of draft in one piece of memory, its strings behind it. NULL when memory is short. */
static rb_event *rb_event_copy(const rb_event *draft) {
  const char *family = draft->family != NULL ? draft->family : "";
  const char *path = draft->path != NULL ? draft->path : "";
  const char *text = draft->text != NULL ? draft->text : "";
  size_t f = strlen(family);
  size_t p = strlen(path);
  size_t t = strlen(text);
  rb_event *v = malloc(sizeof *v + f + p + t + 3);
  if (v == NULL) {
    return NULL;
  }
  *v = *draft;
  char *at = (char *)(v + 1);
  v->family = rb_event_string(&at, family, f);
  v->path = rb_event_string(&at, path, p);
  v->text = rb_event_string(&at, text, t);
  v->next = NULL;
  v->at = rb_now();
  return v;
}

void rb_events_put(rb_events *e, const rb_event *draft) {
  rb_event *v = rb_event_copy(draft);
  pthread_mutex_lock(&e->mu);
  e->numbered++;
  e->counts.of_kind[draft->kind]++;
  bool full = v == NULL || e->counts.waiting >= e->most;
  if (full) {
    e->counts.dropped++;
  } else {
    v->number = e->numbered;
    e->counts.waiting++;
    if (e->last != NULL) {
      e->last->next = v;
    } else {
      e->first = v;
    }
    e->last = v;
  }
  pthread_mutex_unlock(&e->mu);
  if (full) {
    free(v);
  }
}

rb_event *rb_events_take(rb_events *e) {
  pthread_mutex_lock(&e->mu);
  rb_event *first = e->first;
  e->first = NULL;
  e->last = NULL;
  e->counts.waiting = 0;
  pthread_mutex_unlock(&e->mu);
  return first;
}

void rb_event_list_free(rb_event *first) {
  while (first != NULL) {
    rb_event *next = first->next;
    free(first);
    first = next;
  }
}

rb_event_counts rb_events_count(rb_events *e) {
  pthread_mutex_lock(&e->mu);
  rb_event_counts c = e->counts;
  pthread_mutex_unlock(&e->mu);
  return c;
}
