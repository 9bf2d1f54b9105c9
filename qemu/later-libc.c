/*
 * Two functions of C23 that GLib of Debian's forky calls, and that the C library of trixie's compilers does not have
 * (glibc has them since 2.43). They are weak, so that it is no error if the C library has them too.
 *
 * Source: ISO C23, 7.24.3: both free memory, and the size is only a hint.
 */
#include <stdlib.h>

__attribute__((weak)) void free_sized(void *memory, size_t size)
{
	(void)size;
	free(memory);
}

__attribute__((weak)) void free_aligned_sized(void *memory, size_t alignment, size_t size)
{
	(void)alignment;
	(void)size;
	free(memory);
}
