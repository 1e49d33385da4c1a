/* A comma-separated table in memory (RFC 4180: fields may be quoted, "" inside quotes is a quote). Row 0 is the header. */
#ifndef BASE_CSV_H
#define BASE_CSV_H

#include "base/err.h"

#include <stddef.h>

struct csv {
    const char *name; /* borrowed, for messages */
    char *text;       /* owned; cells point into it */
    char **cell;      /* owned: [rows * cols], row-major */
    int rows, cols;   /* rows include the header */
};

/* Copies `text`. ERR_DATA when a row has another number of fields than the header. O(len). */
int csv_parse(const char *name, const char *text, size_t len, struct csv *out, struct err *err);
void csv_release(struct csv *csv);
int csv_column(const struct csv *csv, const char *header); /* index or -1 */
/* Cell (row, header); ERR_DATA when there is no such column, no number, or rubbish behind it. An empty cell is 0. */
int csv_number(const struct csv *csv, int row, const char *header, double *out, struct err *err);
int csv_text(const struct csv *csv, int row, const char *header, const char **out, struct err *err); /* borrowed */

#endif
