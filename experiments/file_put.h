/* Files that others read while they are written, on a file system shared by machines: written under a name of this process's own in the same
 * folder (".NAME.HOST.PID"), synced, renamed. Who opens the name finds the old contents or the new ones, never a part. */
#ifndef EXPERIMENTS_FILE_PUT_H
#define EXPERIMENTS_FILE_PUT_H

#include "base/err.h"

#include <stddef.h>

/* 0, or -1 with ERR_IO: then `path` is as it was. */
int file_put(const char *path, const void *data, size_t n, struct err *err);
/* Does nothing when `path` is there: of all who write it at once, on any machine, one does. Needs hard links. */
int file_put_once(const char *path, const void *data, size_t n, struct err *err);
/* As file_put() with the contents of another file, which may lie on another file system. */
int file_copy(const char *from, const char *path, struct err *err);
/* Removes a folder and all that is in it, as far as it can. */
void folder_remove(const char *dir);

#endif
