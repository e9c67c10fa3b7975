/*
 * callbacks.c: calls from RocksDB's threads into Go.
 *
 * cgo ends the process when C calls back into Go on a goroutine's thread within a function that is
 * marked nocallback, and what is passed by noescape would be moved under C's feet. The functions of
 * the glue are marked, but for those of calling.c: so a callback that comes on a thread of Go's is
 * handed to a thread that the callee has for it, and the first one waits in C. RocksDB's own
 * threads call Go themselves.
 */
#include "callbacks.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

/* A thread that calls Go for others: one call at a time. */
struct rb_runner {
  struct rb_callee *callee;
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  rb_callback *call; /* NULL: none in hand */
  bool quit;
  struct rb_runner *next; /* of the idle ones */
};

struct rb_callee {
  atomic_uint holders;
  rb_called *go;
  uintptr_t handle;
  char *name;
  pthread_mutex_t mutex; /* of idle */
  struct rb_runner *idle;
};

/* Whether the thread may call Go where it stands. */
enum rb_way { RB_WAY_UNKNOWN, RB_WAY_HERE, RB_WAY_ELSEWHERE };

static _Thread_local enum rb_way rb_thread_way;

/* Every thread of Go's has an alternate signal stack; one of C's, before it first ran Go, has none.
 * A thread that has one for other reasons is taken for Go's, which is slower and right too. */
static enum rb_way rb_way_of_thread(void) {
  if (rb_thread_way == RB_WAY_UNKNOWN) {
    stack_t s;
    bool none = sigaltstack(NULL, &s) == 0 && (s.ss_flags & SS_DISABLE) != 0;
    rb_thread_way = none ? RB_WAY_HERE : RB_WAY_ELSEWHERE;
  }
  return rb_thread_way;
}

bool rb_callee_here(bool here) {
  bool before = rb_way_of_thread() == RB_WAY_HERE;
  rb_thread_way = here ? RB_WAY_HERE : RB_WAY_ELSEWHERE;
  return before;
}

static void *rb_runner_main(void *arg) {
  struct rb_runner *r = arg;
  rb_thread_way = RB_WAY_ELSEWHERE; /* within Go, that is: what it calls may be marked */
  pthread_mutex_lock(&r->mutex);
  while (!r->quit) {
    if (r->call == NULL) {
      pthread_cond_wait(&r->changed, &r->mutex);
      continue;
    }
    pthread_mutex_unlock(&r->mutex);
    r->callee->go(r->call);
    pthread_mutex_lock(&r->mutex);
    r->call = NULL;
    pthread_cond_broadcast(&r->changed);
  }
  pthread_mutex_unlock(&r->mutex);
  return NULL;
}

static struct rb_runner *rb_runner_new(rb_callee *c) {
  struct rb_runner *r = calloc(1, sizeof *r);
  if (r == NULL) {
    return NULL;
  }
  r->callee = c;
  pthread_mutex_init(&r->mutex, NULL);
  pthread_cond_init(&r->changed, NULL);
  if (pthread_create(&r->thread, NULL, rb_runner_main, r) != 0) {
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->mutex);
    free(r);
    return NULL;
  }
  return r;
}

static void rb_runner_free(struct rb_runner *r) {
  pthread_mutex_lock(&r->mutex);
  r->quit = true;
  pthread_cond_broadcast(&r->changed);
  pthread_mutex_unlock(&r->mutex);
  pthread_join(r->thread, NULL);
  pthread_cond_destroy(&r->changed);
  pthread_mutex_destroy(&r->mutex);
  free(r);
}

static void rb_runner_run(struct rb_runner *r, rb_callback *call) {
  pthread_mutex_lock(&r->mutex);
  r->call = call;
  pthread_cond_broadcast(&r->changed);
  while (r->call != NULL) {
    pthread_cond_wait(&r->changed, &r->mutex);
  }
  pthread_mutex_unlock(&r->mutex);
}

/* Calls without which a key is left out of a filter or in the wrong place, and not found again. */
static bool rb_must_be_made(uint32_t kind) {
  return kind == RB_CALLBACK_PREFIX || kind == RB_CALLBACK_COMPARE ||
         kind == RB_CALLBACK_ORDER_FAILED;
}

static void rb_call_elsewhere(rb_callee *c, rb_callback *call) {
  pthread_mutex_lock(&c->mutex);
  struct rb_runner *r = c->idle;
  if (r != NULL) {
    c->idle = r->next;
  }
  pthread_mutex_unlock(&c->mutex);
  while (r == NULL) {
    r = rb_runner_new(c);
    if (r == NULL && !rb_must_be_made(call->kind)) {
      break;
    }
    if (r == NULL) {
      nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
  }
  if (r == NULL) {
    return;
  }
  rb_runner_run(r, call);
  pthread_mutex_lock(&c->mutex);
  r->next = c->idle;
  c->idle = r;
  pthread_mutex_unlock(&c->mutex);
}

void rb_callee_call(rb_callee *c, rb_callback *call) {
  call->handle = c->handle;
  call->answer = RB_ANSWER_FAILED;
  if (rb_way_of_thread() == RB_WAY_HERE) {
    rb_thread_way = RB_WAY_ELSEWHERE; /* what Go calls from there may be marked */
    c->go(call);
    rb_thread_way = RB_WAY_HERE;
  } else {
    rb_call_elsewhere(c, call);
  }
}

rb_callee *rb_callee_new(rb_called *go, uintptr_t handle, const char *name) {
  rb_callee *c = calloc(1, sizeof *c);
  char *copy = strdup(name);
  if (c == NULL || copy == NULL) {
    free(c);
    free(copy);
    return NULL;
  }
  c->go = go;
  c->handle = handle;
  c->name = copy;
  atomic_init(&c->holders, 1);
  pthread_mutex_init(&c->mutex, NULL);
  return c;
}

rb_callee *rb_callee_hold(rb_callee *c) {
  atomic_fetch_add(&c->holders, 1);
  return c;
}

const char *rb_callee_name(const rb_callee *c) { return c->name; }

void rb_callee_free(rb_callee *c) {
  if (c == NULL || atomic_fetch_sub(&c->holders, 1) != 1) {
    return;
  }
  rb_callback call = {.kind = RB_CALLBACK_RELEASE};
  rb_callee_call(c, &call);
  for (struct rb_runner *r = c->idle, *next; r != NULL; r = next) {
    next = r->next;
    rb_runner_free(r);
  }
  pthread_mutex_destroy(&c->mutex);
  free(c->name);
  free(c);
}

uint8_t rb_callback_reserve(rb_callback *call, size_t n) {
  if (n <= call->out_cap) {
    return 1;
  }
  free(call->out);
  call->out = malloc(n);
  call->out_cap = call->out != NULL ? n : 0;
  return call->out != NULL;
}
