#ifndef METRANA_RESIZE_H
#define METRANA_RESIZE_H

#include <stddef.h>

/* realloc, of memory that is written from front to back and kept: large blocks may lie on large pages, of which there
 * are 512 times fewer to be made. Size 0 frees. */
void *shim_resize(void *block, size_t size);

#endif
