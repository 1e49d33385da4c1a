/* An SQLite file system whose n-th operation of a kind fails: sits between SQLite and the real one. */
#ifndef TESTS_FAULT_VFS_H
#define TESTS_FAULT_VFS_H

#include <stdbool.h>

enum fault_kind { FAULT_OPEN, FAULT_READ, FAULT_WRITE, FAULT_SYNC, FAULT_TRUNCATE, FAULT_SHARE, FAULT_KIND_COUNT };
extern const char *const fault_names[FAULT_KIND_COUNT];

void fault_install(void); /* makes it SQLite's default, once */
/* From now on the n-th operation of this kind (from 1) fails with SQLite code `code`, and with `stay` all after it. n 0: none fails. */
void fault_set(enum fault_kind kind, int n, int code, bool stay);
int fault_hits(void); /* how many have failed since fault_set() */

#endif
