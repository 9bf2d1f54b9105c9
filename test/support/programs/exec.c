/* exec FILE ARGV0 [ARG]...: runs FILE under another argv[0]. */
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
	if (argc < 3) return 2;
	execv(argv[1], argv + 2);
	perror(argv[1]);
	return 126;
}
