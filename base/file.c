#include "base/file.h"

#include "base/mem.h"
#include "base/strbuf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

char *file_read(const char *path, size_t limit, size_t *len, struct err *err)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        err_set(err, ERR_NOINPUT, "cannot open '%s': %s", path, strerror(errno));
        return NULL;
    }
    char *text = NULL;
    size_t n = 0, cap = 0, got = 0;
    do {
        n += got;
        if (n + 1 >= cap) {
            cap = cap ? 2 * cap : 4096;
            text = mem_realloc(text, cap, 1);
        }
        errno = 0;
        got = fread(text + n, 1, cap - n - 1, f);
    } while (got > 0 && n + got <= limit);
    int failed = ferror(f) ? errno : 0;
    fclose(f);
    if (failed || n + got > limit) {
        mem_free(text);
        if (failed) {
            err_set(err, failed == EISDIR ? ERR_NOINPUT : ERR_IO, "cannot read '%s': %s", path, strerror(failed));
        } else {
            err_set(err, ERR_DATA, "'%s' is longer than %zu bytes", path, limit);
        }
        return NULL;
    }
    text[n] = '\0';
    *len = n;
    return text;
}

char *file_beside(const char *from, const char *name)
{
    const char *slash = from != NULL && name[0] != '/' ? strrchr(from, '/') : NULL;
    struct strbuf path = STRBUF_INIT;
    while (name[0] == '.' && name[1] == '/' && name[2] != '\0') {
        name += 2;
    }
    strbuf_addf(&path, "%.*s%s", slash != NULL ? (int)(slash - from + 1) : 0, slash != NULL ? from : "", name);
    return strbuf_detach(&path);
}
