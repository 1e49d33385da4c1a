/* Located messages about input files, all of them at once:
 *
 *   broken.yaml:27:1: error: unknown key 'objectve'
 *      27 | objectve: [energy, latency, area]
 *         | ^~~~~~~~
 *         = help: did you mean 'objectives'?
 *
 * A `struct source` is a file's text, kept for the excerpts; marks point into it. A `struct diags` collects; it never prints:
 * diags_format() writes the text above into a strbuf, sorted by file, line, column. */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include "base/err.h"
#include "base/suggest.h"

#include <stdbool.h>
#include <stddef.h>

struct strbuf;

struct source {
    char *name; /* as the user wrote it */
    char *text; /* whole contents, NUL-terminated */
    size_t len; /* bytes */
};

struct mark {
    const struct source *source; /* NULL: no place known */
    int line, col;               /* from 1; col counts UTF-8 characters */
    int len;                     /* characters underlined, >= 1 */
};

enum diag_level { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE };

struct diag {
    enum diag_level level;
    struct mark mark;
    char *message; /* owned */
    char *help;    /* owned, or NULL */
};

/* Collected messages. The caller owns it: `struct diags d = DIAGS_INIT; ... diags_release(&d);` */
struct diags {
    struct diag *list;
    int n, cap;
    int n_errors, n_warnings;
    struct source **sources; /* owned: every file read through these diags lives as long as they do */
    int n_sources, cap_sources;
    int n_unreadable; /* of the errors: files that cannot be opened or read (exit 66, not 65) */
};
#define DIAGS_INIT                                                                                                     \
    {                                                                                                                  \
        NULL, 0, 0, 0, 0, NULL, 0, 0, 0                                                                                \
    }

void diags_release(struct diags *d);
/* Takes over `text` (heap, may be NULL for an empty file) and copies `name`; the result lives as long as d. */
const struct source *diags_source(struct diags *d, const char *name, char *text, size_t len);
/* `help` may be NULL; it and the message are copied. Returns -1, so that `return diags_error(...)` reads well. */
int diags_error(struct diags *d, struct mark at, const char *help, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int diags_warning(struct diags *d, struct mark at, const char *help, const char *fmt, ...)
    __attribute__((format(printf, 4, 5))); /* returns 0 */
/* Belongs to the error or warning before it, and is shown right after it; returns 0. */
int diags_note(struct diags *d, struct mark at, const char *help, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* All messages; those past the first 200 are counted in n_errors and n_warnings, not kept. Control characters of the file are shown as
 * '?', long lines as the part around the caret. */
void diags_format(const struct diags *d, bool color, struct strbuf *out);
void diags_json(const struct diags *d, struct strbuf *out); /* [{"file","line","column","level","message","help"}] */

#define diags_error(...) (diags_error(__VA_ARGS__), err_minus_one()) /* as err_set() */

#endif
