/* Prints what a program can tell of how it runs: machine, effective user, argv. */
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

int main(int argc, char **argv) {
	struct utsname name;
	uname(&name);
	printf("%s euid=%d", name.machine, (int)geteuid());
	for (int i = 0; i < argc; i++) printf(" argv[%d]=%s", i, argv[i]);
	putchar('\n');
	return 0;
}
