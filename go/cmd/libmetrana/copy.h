/* Copies large blocks of values around the caches.
 *
 * What a call hands over is read again much later, by another thread. Stores
 * that bypass the caches need not fetch the lines they overwrite, and leave the
 * training loop's own data where it was.
 */
#ifndef METRANA_COPY_H
#define METRANA_COPY_H

#include <stddef.h>

void mt_copy_block(void *to, const void *from, size_t bytes);

#endif
