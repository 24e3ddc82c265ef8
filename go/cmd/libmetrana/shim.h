/* The fast path: one number of one known series, without entering Go.
 *
 * Each open logger has a slot with a ring. A push takes the slot's lock, takes
 * the series' next step and writes one record; a goroutine moves the records
 * to the engine's queue. The slot also counts the steps of ordinary calls, so
 * that both ways of logging share them.
 *
 *            push: any thread                 drain: one goroutine
 *                  |                                 |
 *     records  [ tail ........ head )           [ tail, mark )
 *
 * Only head, next and the flags are under the lock; tail is the drainer's.
 */
#ifndef METRANA_SHIM_H
#define METRANA_SHIM_H

#include <stdint.h>

enum { MT_SLOTS = 256 };

/* What mt_push returns. */
enum { MT_STORED = 0, MT_REFUSED = 1, MT_FORKED = 2 };

typedef struct {
	uint64_t step;
	double value;
	int64_t millis;
	uint32_t series;
	uint32_t unused;
} mt_scalar;

typedef struct {
	uint64_t next; /* the step that came next before the claim */
	uint64_t mark; /* records pushed before the claim lie below it */
} mt_claimed;

typedef struct {
	uint64_t head;
	uint64_t tail;
	mt_scalar *records;
	uint64_t mask;
} mt_view;

/* For Python. A series handle is generation << 40 | slot << 32 | number. */
int mt_push(int64_t series_handle, double value);
void *mt_fast_method(void *const *python, int n);
int mt_loaded_by(void);
int mt_forked(void);

/* For Go, and hidden from everybody else. A slot is open from shim_open to shim_shut; shim_free gives its memory
 * back when nobody drains it any more. */
#ifndef _WIN32
#pragma GCC visibility push(hidden)
#endif
int shim_open(int slot, uint32_t generation, int64_t capacity);
void shim_shut(int slot);
void shim_free(int slot);
void shim_register(int slot, uint32_t series, uint64_t next);
mt_claimed shim_claim(int slot, uint32_t series, uint64_t n, uint64_t end);
uint64_t shim_next(int slot, uint32_t series);
mt_view shim_view(int slot);
void shim_advance(int slot, uint64_t tail);
void shim_attend(int slot, uint32_t attention);
int64_t *shim_used(int slot);
/* Waits until count records are there, the slot is closed, or for timeout
 * milliseconds where that is not negative. Returns 0 when closed. */
int shim_wait(int slot, uint64_t count, int timeout);
uint64_t shim_half(int slot);
#ifndef _WIN32
#pragma GCC visibility pop
#endif

#endif
