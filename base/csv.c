/* Reader of the technology tables. One pass over a private copy of the text: quotes and separators become NULs, cells are
 * pointers into it. A table is small (a few hundred rows), so a cell is found by walking the header. */
#include "base/csv.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Ends the field that starts at *p (unquoting it in place), moves *p behind its separator. Returns the field; *end tells what
 * followed: ',' '\n' or '\0'. */
static char *next_field(char **p, char *end)
{
    char *read = *p, *start = *p, *write = *p;
    if (*read == '"') {
        for (read++; *read != '\0'; read++) {
            if (*read == '"' && read[1] == '"') {
                read++;
            } else if (*read == '"') {
                read++;
                break;
            }
            *write++ = *read;
        }
    }
    while (*read != ',' && *read != '\n' && *read != '\0') {
        *write++ = *read++;
    }
    *end = *read;
    *p = *read == '\0' ? read : read + 1;
    *write = '\0';
    if (write > start && write[-1] == '\r') {
        write[-1] = '\0';
    }
    return start;
}

int csv_parse(const char *name, const char *text, size_t len, struct csv *out, struct err *err)
{
    *out = (struct csv){.name = name, .text = mem_strndup(text, len)};
    char *p = out->text, end = '\n';
    int n = 0, cap = 0, in_row = 0;
    while (*p != '\0' || end == ',') { /* a comma at the very end has an empty field behind it */
        MEM_GROW(out->cell, n, cap);
        out->cell[n++] = next_field(&p, &end);
        in_row++;
        if (end == ',') {
            continue;
        }
        if (out->rows == 0) {
            out->cols = in_row;
        }
        out->rows++;
        if (in_row != out->cols) {
            err_set(err, ERR_DATA, "row %d of '%s' has %d fields, its header %d", out->rows, name, in_row, out->cols);
            csv_release(out);
            return -1;
        }
        in_row = 0;
    }
    return 0;
}

void csv_release(struct csv *csv)
{
    mem_free(csv->text);
    mem_free(csv->cell);
    *csv = (struct csv){.name = csv->name};
}

int csv_column(const struct csv *csv, const char *header)
{
    for (int i = 0; i < csv->cols && csv->rows > 0; i++) {
        if (strcmp(csv->cell[i], header) == 0) {
            return i;
        }
    }
    return -1;
}

int csv_text(const struct csv *csv, int row, const char *header, const char **out, struct err *err)
{
    int col = csv_column(csv, header);
    if (col < 0 || row < 0 || row >= csv->rows) {
        return err_set(err, ERR_DATA, "'%s' has no cell in row %d, column '%s'", csv->name, row, header);
    }
    *out = csv->cell[row * csv->cols + col];
    return 0;
}

int csv_number(const struct csv *csv, int row, const char *header, double *out, struct err *err)
{
    const char *text;
    if (csv_text(csv, row, header, &text, err) < 0) {
        return -1;
    }
    char *end;
    *out = strtod(text, &end);
    if (*end != '\0' || !isfinite(*out)) {
        return err_set(err, ERR_DATA, "row %d of '%s': '%s' is '%s', not a number", row, csv->name, header, text);
    }
    return 0;
}
