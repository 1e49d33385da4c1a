/* A table of texts in aligned columns, for people: a bold header row, then rows, two blanks between columns. A column is
 * as wide as its widest text, counted in UTF-8 characters.
 *
 *     struct table t;
 *     table_init(&t);
 *     table_column(&t, "ID", TABLE_LEFT);
 *     table_column(&t, "energy", TABLE_RIGHT);
 *     table_cell(&t, "3481fe0");           // row by row, every column
 *     table_cell(&t, "0.694mJ");
 *     table_print(&t, color, &out);
 *     table_release(&t); */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>

struct strbuf;

enum table_align { TABLE_LEFT, TABLE_RIGHT };

struct table_column {
    char *title; /* owned */
    enum table_align align;
    int width; /* characters of the widest text */
};

struct table {
    struct table_column *column;
    int n_columns, cap_columns;
    char **cell; /* [n_cells], rows after each other, owned */
    int n_cells, cap_cells;
};

void table_init(struct table *t);
void table_release(struct table *t);
void table_column(struct table *t, const char *title, enum table_align align); /* before any cell; title is copied */
void table_cell(struct table *t, const char *text);                            /* the next one; copied; NULL is "" */
int table_rows(const struct table *t);
/* Columns that fit into `width` characters, the first ones, at least one; 0 is any width. */
int table_fit(const struct table *t, int width);
/* The first n_columns. */
void table_print(const struct table *t, int n_columns, bool color, struct strbuf *out);

int utf8_width(const char *text); /* characters: bytes that do not continue one */
/* Characters a line on stdout may have: of the terminal, else $COLUMNS, else 0 (any). */
int terminal_width(void);

#endif
