#include "copy.h"

#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>

enum { STREAMED = 128 << 10 }; /* bytes from which on it is worth it */

void mt_copy_block(void *to, const void *from, size_t bytes) {
	if (bytes < STREAMED) {
		memcpy(to, from, bytes);
		return;
	}
	char *t = to;
	const char *f = from;
	size_t head = -(uintptr_t)t & 15;
	memcpy(t, f, head);
	t += head, f += head, bytes -= head;
	for (; bytes >= 64; t += 64, f += 64, bytes -= 64) {
		__m128i a = _mm_loadu_si128((const __m128i *)f);
		__m128i b = _mm_loadu_si128((const __m128i *)(f + 16));
		__m128i c = _mm_loadu_si128((const __m128i *)(f + 32));
		__m128i d = _mm_loadu_si128((const __m128i *)(f + 48));
		_mm_stream_si128((__m128i *)t, a);
		_mm_stream_si128((__m128i *)(t + 16), b);
		_mm_stream_si128((__m128i *)(t + 32), c);
		_mm_stream_si128((__m128i *)(t + 48), d);
	}
	_mm_sfence();
	memcpy(t, f, bytes);
}
#else
void mt_copy_block(void *to, const void *from, size_t bytes) { memcpy(to, from, bytes); }
#endif
