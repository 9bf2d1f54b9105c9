/* Reading a build ID from the beginning of a file that is, or is not, an ELF file. */
#include "../../src/native/launcher.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char hex[129], *copy = malloc(size + 1);

	/* With exactly as many bytes as there are, so that reading behind them is seen. */
	copy = realloc(copy, size ? size : 1);
	memcpy(copy, data, size);
	read_build_id(copy, size, hex, sizeof hex);
	if (strspn(hex, "0123456789abcdef") != strlen(hex)) abort();
	free(copy);
	return 0;
}
