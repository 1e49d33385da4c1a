/* Feasible results that searches of one study send each other (search.h, "Islands"): as text, for files, and as a fact of the database
 * of who took them. */
#ifndef EXPERIMENTS_ELITES_H
#define EXPERIMENTS_ELITES_H

#include "base/strbuf.h"
#include "db/db.h"
#include "experiments/study.h"

enum { ELITES_MOST = 20 }; /* at a moment: more brought no more (docs/clusters.md) */

struct elites {
    const struct study *study; /* borrowed */
    int n;
    int64_t trial[ELITES_MOST]; /* of the search that found them */
    double *x, *f;              /* [ELITES_MOST][variables], [n_objectives], as the search has them */
    int from;                   /* the task that found them; -1: nobody, then n is 0 */
    int64_t moment;             /* of theirs */
};

void elites_init(struct elites *e, const struct study *s);
void elites_release(struct elites *e);

/* JSON, a line for each. */
void elites_print(const struct elites *e, struct strbuf *out);
/* Every number comes back bit for bit. ERR_DATA: it is no such text, or holds points that are none of the study's. */
int elites_parse(struct elites *e, const char *text, size_t len, const char *name, struct err *err);

/* What was taken at a moment, as the database has it: 1; 0: it has nothing about that moment; -1. */
int elites_recall(struct elites *e, const struct db *db, int64_t moment, struct err *err);
/* Queued in order with the trials, so that none that depends on it is stored without it. */
int elites_store(const struct elites *e, struct db *db, int64_t moment, struct err *err);

#endif
