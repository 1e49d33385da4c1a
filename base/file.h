/* Whole files. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/err.h"

#include <stddef.h>

/* The whole file, NUL-terminated (caller frees with mem_free()), its length in *len; NULL and ERR_NOINPUT when it cannot be opened, ERR_IO when
 * reading fails, ERR_DATA when it is longer than `limit` bytes. */
char *file_read(const char *path, size_t limit, size_t *len, struct err *err);

/* `name` as the file `from` means it: relative to that file's folder, without "./" in front; as it is when absolute or `from` is NULL. Caller
 * frees. */
char *file_beside(const char *from, const char *name);

#endif
