/* The SELinux label of a file, for which Node.js has no function. */
#include "launcher.h"
#include <ctype.h>
#include <sys/xattr.h>

void read_label(const char *file, char *label, size_t room) {
	ssize_t length = getxattr(file, "security.selinux", label, room - 1), at = 0;

	label[length > 0 ? length : 0] = 0;
	/* Without SELinux, the attribute may hold anything. A label has no blanks, and ends with a null byte. */
	while (isgraph((unsigned char)label[at])) at++;
	if (label[at]) label[0] = 0;
}
