/*
 * /usr/bin/binfmt of the image: starts Node.js through its own loader, with its own libraries,
 * so that none of them need to lie where a foreign program would find them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HOME "/usr/lib/binfmt/"

int main(int argc, char **argv) {
	static char *const before[] = {HOME "ld.so", "--library-path", HOME, HOME "node", HOME "binfmt.cjs"};
	enum { COUNT = sizeof before / sizeof *before };
	char **command = calloc((size_t)argc + COUNT, sizeof *command);

	if (!command) return 1;
	for (int i = 0; i < COUNT; i++) command[i] = before[i];
	for (int i = 1; i < argc; i++) command[COUNT - 1 + i] = argv[i];
	execv(command[0], command);
	perror("binfmt: " HOME "ld.so");
	return 1;
}
