/* See table.h. */
#include "cli/table.h"

#include "base/mem.h"
#include "base/strbuf.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { GAP = 2 };

int utf8_width(const char *text)
{
    int n = 0;
    for (; *text; text++) {
        n += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return n;
}

int terminal_width(void)
{
    struct winsize size;
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col;
    }
    const char *columns = getenv("COLUMNS");
    long n = columns ? strtol(columns, NULL, 10) : 0;
    return n > 0 && n < 100000 ? (int)n : 0;
}

void table_init(struct table *t)
{
    *t = (struct table){0};
}

void table_release(struct table *t)
{
    for (int c = 0; c < t->n_columns; c++) {
        mem_free(t->column[c].title);
    }
    for (int i = 0; i < t->n_cells; i++) {
        mem_free(t->cell[i]);
    }
    mem_free(t->column);
    mem_free(t->cell);
    table_init(t);
}

void table_column(struct table *t, const char *title, enum table_align align)
{
    assert(t->n_cells == 0);
    MEM_GROW(t->column, t->n_columns, t->cap_columns);
    t->column[t->n_columns++] = (struct table_column){mem_strdup(title), align, utf8_width(title)};
}

void table_cell(struct table *t, const char *text)
{
    struct table_column *c = &t->column[t->n_cells % t->n_columns];
    text = text ? text : "";
    int width = utf8_width(text);
    c->width = width > c->width ? width : c->width;
    MEM_GROW(t->cell, t->n_cells, t->cap_cells);
    t->cell[t->n_cells++] = mem_strdup(text);
}

int table_rows(const struct table *t)
{
    return t->n_columns ? t->n_cells / t->n_columns : 0;
}

int table_fit(const struct table *t, int width)
{
    int used = 0;
    for (int c = 0; c < t->n_columns; c++) {
        used += t->column[c].width + (c ? GAP : 0);
        if (width > 0 && used > width) {
            return c > 1 ? c : 1;
        }
    }
    return t->n_columns;
}

static void pad(struct strbuf *out, int n)
{
    for (int i = 0; i < n; i++) {
        strbuf_adds(out, " ");
    }
}

/* No blanks at the end of a line. */
static void add_cell(const struct table *t, int c, int n_columns, const char *text, struct strbuf *out)
{
    int blank = t->column[c].width - utf8_width(text);
    bool right = t->column[c].align == TABLE_RIGHT;
    pad(out, right ? blank : 0);
    strbuf_adds(out, text);
    if (c + 1 < n_columns) {
        pad(out, (right ? 0 : blank) + GAP);
    }
}

void table_print(const struct table *t, int n_columns, bool color, struct strbuf *out)
{
    strbuf_adds(out, color ? "\033[1m" : "");
    for (int c = 0; c < n_columns; c++) {
        add_cell(t, c, n_columns, t->column[c].title, out);
    }
    strbuf_adds(out, color ? "\033[0m\n" : "\n");
    for (int r = 0; r < table_rows(t); r++) {
        for (int c = 0; c < n_columns; c++) {
            add_cell(t, c, n_columns, t->cell[r * t->n_columns + c], out);
        }
        strbuf_adds(out, "\n");
    }
}
