#include "resize.h"

#include <stdint.h>
#include <stdlib.h>
#ifdef __linux__
#include <malloc.h>
#include <sys/mman.h>
#endif

enum { PAGE = 4096, LARGE = 4 << 20 };

void *shim_resize(void *block, size_t size) {
	if (size == 0) {
		free(block);
		return NULL;
	}
	block = realloc(block, size);
#ifdef __linux__
	if (block && size >= LARGE) {
		/* The whole mapping: a part would become one of its own, and realloc could not move the two. */
		uintptr_t begin = (uintptr_t)block & -(uintptr_t)PAGE;
		uintptr_t end = ((uintptr_t)block + malloc_usable_size(block) + PAGE - 1) & -(uintptr_t)PAGE;
		madvise((void *)begin, end - begin, MADV_HUGEPAGE); /* advice only */
	}
#endif
	return block;
}
