/* The non-dominated designs of a database, for the verbs that show them. Which columns there are, their units and
 * directions stand in the database itself. */
#ifndef CLI_FRONT_H
#define CLI_FRONT_H

#include "cli/cli.h"
#include "cli/columns.h"
#include "db/db.h"

enum { PARETO_OBJECTIVES = 8 };

struct pareto_row {
    struct hash hash;
    int64_t number;         /* trial */
    struct db_value *value; /* [columns.n], owned, texts too */
};

struct pareto {
    struct columns columns;
    int m;                            /* objectives */
    int objective[PARETO_OBJECTIVES]; /* column */
    bool maximise[PARETO_OBJECTIVES];
    struct pareto_row *row; /* [n], by the first objective, best first */
    double *f;              /* [n][m], minimised: a maximised objective has its sign turned */
    int n, cap;
};

/* `objectives` is "energy,latency", a column that has no direction of its own as max:NAME or min:NAME; NULL: the study's.
 * `where` may be empty. 0, or the exit status after errors were printed. O(designs) unless both are the study's own. */
int pareto_load(struct pareto *front, const struct cli *cli, struct db *db, const char *objectives,
                const struct opt_list *where);
void pareto_release(struct pareto *front);

/* Why row i stands out: "least energy", "most throughput", "knee", several joined; "" when it does not. */
void pareto_why(const struct pareto *front, int i, struct strbuf *out);

/* Prints a table of the rows that keep[] has: ID, why, objectives, then the columns in show[n_show], or when that is NULL
 * those that differ between the rows, as far as the line is wide; what all share comes below. */
void pareto_print(const struct pareto *front, const struct cli *cli, const bool *keep, const int *show, int n_show);

/* Prints the best trade-offs of the study: extremes, the knee, and what lies between, at most 16 rows. Returns how many, -1 on error. */
int front_summary(const struct cli *cli, struct db *db, struct err *err);

#endif
