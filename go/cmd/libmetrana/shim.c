#include "shim.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifndef _WIN32
#include <unistd.h>
#endif

#define LARGEST_RING 65536

typedef struct {
	uint32_t lock;
	uint32_t generation; /* 0: closed */
	uint32_t attention;
	uint32_t series; /* how many are known, 0 included */
	uint32_t room;   /* of next */
	uint64_t *next;
	mt_scalar *records;
	uint64_t mask;
	uint64_t head;
	uint64_t tail;
	int64_t used; /* calls in ring and queue, shared with Go: atomic */
	int64_t capacity;
	int waiting; /* the drainer sleeps until `wanted` records are there */
	uint64_t wanted;

	pthread_mutex_t mutex; /* guards woken */
	pthread_cond_t cond;
	int woken;
	int prepared; /* mutex and cond are */
} slot_t;

static slot_t slots[MT_SLOTS];
static uint32_t forked;
static int loaded_by;

static void lock(slot_t *s) {
	int spins = 0;
	while (__atomic_exchange_n(&s->lock, 1, __ATOMIC_ACQUIRE)) {
		if (++spins == 64) {
			spins = 0;
			sched_yield();
		}
	}
}

static void unlock(slot_t *s) { __atomic_store_n(&s->lock, 0, __ATOMIC_RELEASE); }

#ifndef _WIN32
/* The child has none of our threads: nothing would ever drain or send. */
static void in_child(void) {
	__atomic_store_n(&forked, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < MT_SLOTS; i++) slots[i].lock = 0;
}
#endif

__attribute__((constructor)) static void loaded(void) {
#ifndef _WIN32
	loaded_by = (int)getpid();
	pthread_atfork(0, 0, in_child);
#endif
}

int mt_loaded_by(void) { return loaded_by; }

int mt_forked(void) { return (int)__atomic_load_n(&forked, __ATOMIC_RELAXED); }

static int64_t now_millis(void) {
	struct timespec t;
	timespec_get(&t, TIME_UTC);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void wake(slot_t *s) {
	pthread_mutex_lock(&s->mutex);
	s->woken = 1;
	pthread_cond_signal(&s->cond);
	pthread_mutex_unlock(&s->mutex);
}

/* Under the lock: may a record of this series be pushed? Takes the room. */
static int admit(slot_t *s, uint32_t generation, uint32_t series) {
	if (s->generation != generation || s->attention || series >= s->series) return 0;
	if (s->head - __atomic_load_n(&s->tail, __ATOMIC_ACQUIRE) > s->mask) return 0;
	if (s->next[series] > INT64_MAX) return 0;
	if (__atomic_fetch_add(&s->used, 1, __ATOMIC_ACQ_REL) >= s->capacity) {
		__atomic_fetch_sub(&s->used, 1, __ATOMIC_ACQ_REL);
		return 0;
	}
	return 1;
}

int mt_push(int64_t handle, double value) {
	if (mt_forked()) return MT_FORKED;
	slot_t *s = &slots[(handle >> 32) & (MT_SLOTS - 1)];
	uint32_t series = (uint32_t)handle;
	int64_t millis = now_millis();
	int wakes = 0;
	lock(s);
	if (series == 0 || handle >> 40 == 0 || !admit(s, (uint32_t)(handle >> 40), series)) {
		unlock(s);
		return MT_REFUSED;
	}
	mt_scalar *r = &s->records[s->head & s->mask];
	r->step = s->next[series]++;
	r->value = value;
	r->millis = millis;
	r->series = series;
	uint64_t head = s->head + 1;
	__atomic_store_n(&s->head, head, __ATOMIC_RELEASE);
	if (s->waiting && head - s->tail >= s->wanted) {
		s->waiting = 0;
		wakes = 1;
	}
	unlock(s);
	if (wakes) wake(s);
	return MT_STORED;
}

int shim_open(int slot, uint32_t generation, int64_t capacity) {
	slot_t *s = &slots[slot];
	uint64_t size = 64;
	while (size < (uint64_t)capacity && size < LARGEST_RING) size *= 2;
	mt_scalar *records = malloc(size * sizeof *records);
	if (!records) return 0;
	if (!s->prepared) {
		pthread_mutex_init(&s->mutex, 0);
		pthread_cond_init(&s->cond, 0);
		s->prepared = 1;
	}
	lock(s);
	s->records = records;
	s->mask = size - 1;
	s->head = s->tail = 0;
	s->series = 0;
	s->used = 0;
	s->capacity = capacity;
	s->attention = 0;
	s->waiting = s->woken = 0;
	s->generation = generation;
	unlock(s);
	return 1;
}

void shim_shut(int slot) {
	slot_t *s = &slots[slot];
	lock(s);
	s->generation = 0;
	unlock(s);
	wake(s);
}

void shim_free(int slot) {
	slot_t *s = &slots[slot];
	lock(s);
	mt_scalar *records = s->records;
	uint64_t *next = s->next;
	s->records = 0;
	s->next = 0;
	s->series = s->room = 0;
	unlock(s);
	free(records);
	free(next);
}

void shim_register(int slot, uint32_t series, uint64_t next) {
	slot_t *s = &slots[slot];
	lock(s);
	if (series >= s->room) {
		uint32_t room = s->room ? s->room : 64;
		while (room <= series) room *= 2;
		uint64_t *more = realloc(s->next, room * sizeof *more);
		if (!more) abort(); /* as Go does without memory */
		memset(more + s->room, 0, (room - s->room) * sizeof *more);
		s->next = more;
		s->room = room;
	}
	s->next[series] = next;
	if (series >= s->series) s->series = series + 1;
	unlock(s);
}

mt_claimed shim_claim(int slot, uint32_t series, uint64_t n, uint64_t end) {
	slot_t *s = &slots[slot];
	mt_claimed claimed = {0, 0};
	lock(s);
	if (series < s->series) {
		claimed.next = s->next[series];
		if (end == 0) end = claimed.next + n;
		if (end > claimed.next) s->next[series] = end;
	}
	claimed.mark = s->head;
	unlock(s);
	return claimed;
}

uint64_t shim_next(int slot, uint32_t series) {
	slot_t *s = &slots[slot];
	lock(s);
	uint64_t next = series < s->series ? s->next[series] : 0;
	unlock(s);
	return next;
}

mt_view shim_view(int slot) {
	slot_t *s = &slots[slot];
	lock(s);
	mt_view view = {s->head, s->tail, s->records, s->mask};
	unlock(s);
	return view;
}

void shim_advance(int slot, uint64_t tail) {
	__atomic_store_n(&slots[slot].tail, tail, __ATOMIC_RELEASE);
}

void shim_attend(int slot, uint32_t attention) {
	slot_t *s = &slots[slot];
	lock(s);
	s->attention = attention;
	unlock(s);
}

int64_t *shim_used(int slot) { return &slots[slot].used; }

uint64_t shim_half(int slot) {
	slot_t *s = &slots[slot];
	uint64_t least = (uint64_t)s->capacity;
	if (least > s->mask + 1) least = s->mask + 1;
	return (least + 1) / 2;
}

static struct timespec after(int milliseconds) {
	struct timespec t;
	timespec_get(&t, TIME_UTC);
	t.tv_sec += milliseconds / 1000;
	t.tv_nsec += (long)(milliseconds % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

int shim_wait(int slot, uint64_t count, int timeout) {
	slot_t *s = &slots[slot];
	struct timespec deadline = after(timeout < 0 ? 0 : timeout);
	lock(s);
	if (!s->generation || s->head - s->tail >= count) {
		int open = s->generation != 0;
		unlock(s);
		return open;
	}
	s->waiting = 1;
	s->wanted = count;
	unlock(s);
	pthread_mutex_lock(&s->mutex);
	while (!s->woken) {
		if (timeout < 0) {
			pthread_cond_wait(&s->cond, &s->mutex);
		} else if (pthread_cond_timedwait(&s->cond, &s->mutex, &deadline) == ETIMEDOUT) {
			break;
		}
	}
	s->woken = 0;
	pthread_mutex_unlock(&s->mutex);
	lock(s);
	s->waiting = 0;
	int open = s->generation != 0;
	unlock(s);
	return open;
}

/* The builtin: fast_log(name, value) -> bool, bound to a dict of name to series
 * handle. Python's functions come in as addresses, so that no header and no
 * libpython is needed; only the stable ABI is used. */

enum {
	PY_TRUE, PY_FALSE, PY_STR, PY_FLOAT, PY_INT,
	PY_DICT_GET, PY_ERR_CLEAR, PY_ERR_OCCURRED, PY_AS_DOUBLE, PY_AS_INT64, PY_TYPE, PY_INCREF, PY_DECREF,
	PY_COUNT
};

static struct {
	void *true_, *false_, *str, *float_, *int_;
	void *(*dict_get)(void *, void *);
	void (*err_clear)(void);
	void *(*err_occurred)(void);
	double (*as_double)(void *);
	long long (*as_int64)(void *);
	void *(*type)(void *);
	void (*incref)(void *);
	void (*decref)(void *);
} py;

static void *type_of(void *object) {
	void *type = py.type(object); /* a new reference; the object keeps its type alive */
	py.decref(type);
	return type;
}

static int try_log(void *known, void *const *args, intptr_t n) {
	if (n != 2 || type_of(args[0]) != py.str) return 0;
	void *kind = type_of(args[1]);
	if (kind != py.float_ && kind != py.int_) return 0;
	void *handle = py.dict_get(known, args[0]);
	if (!handle) return 0;
	double value = py.as_double(args[1]);
	if (value == -1.0 && py.err_occurred()) return 0; /* an int too large for a double */
	int64_t number = py.as_int64(handle);
	return mt_push(number, value) == MT_STORED;
}

static void *fast_log(void *known, void *const *args, intptr_t n) {
	int stored = try_log(known, args, n);
	if (!stored && py.err_occurred()) py.err_clear(); /* the ordinary path decides */
	void *answer = stored ? py.true_ : py.false_;
	py.incref(answer);
	return answer;
}

static struct {
	const char *name;
	void *(*function)(void *, void *const *, intptr_t);
	int flags;
	const char *doc;
} method = {
	"fast_log", fast_log, 0x80 /* METH_FASTCALL */,
	"fast_log(name, value) -> bool\n\nLogs a number to a known series; False: take the ordinary path.",
};

void *mt_fast_method(void *const *python, int n) {
	if (n != PY_COUNT) return 0;
	memcpy(&py, python, sizeof py);
	return &method;
}
