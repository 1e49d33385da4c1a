/* The columns of a study's database as a person names and reads them: "energy" for energy_j, "2.1mJ" for 0.0021. All of it
 * comes from the database's own table of columns, so the verbs that query know no study. */
#ifndef CLI_COLUMNS_H
#define CLI_COLUMNS_H

#include "base/units.h"
#include "cli/cli.h"
#include "db/db.h"

struct strbuf;

struct shown_column {
    const struct db_column *column; /* borrowed from the database */
    char *name;                     /* "energy" */
    struct dim dim;
    double scale; /* value in the column = value in base units * scale */
};

struct columns {
    struct shown_column *list; /* [n], in the order of db_columns() */
    int n;
};

void columns_init(struct columns *c, const struct db *db); /* borrows db's columns */
void columns_release(struct columns *c);
/* Index of a column by either of its names; -1 after an error on stderr with a suggestion. */
int columns_find(const struct cli *cli, const struct columns *c, const char *name);
/* "a,b,c" into indices (caller frees with mem_free()); -1 after an error. Else how many. */
int columns_parse(const struct cli *cli, const struct columns *c, const char *list, int **index);
/* A cell: "2.10mJ", "512KiB", "76.1%", "weight_stationary", "" for NULL. */
void columns_print(const struct shown_column *c, struct db_value v, struct strbuf *out);

/* Expressions over the columns, all of which must hold, as SQL with parameters. */
struct where {
    char *sql; /* NULL: no condition; owned */
    struct db_value *params;
    int n_params;
};
/* 0, or the exit status after the errors were printed. */
int where_init(struct where *w, const struct cli *cli, const struct columns *c, struct db *db,
               const struct opt_list *texts);
void where_release(struct where *w);

#endif
