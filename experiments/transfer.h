/* What an earlier study knows that this one can use: designs to try first (`search: {start: [old.db]}`). */
#ifndef EXPERIMENTS_TRANSFER_H
#define EXPERIMENTS_TRANSFER_H

#include "base/strbuf.h"
#include "experiments/study.h"

/* Designs of the files s->start as points of this study, one a line, for the database of the new study: it is asked for them by every run, so the
 * files are read only once. Variables are matched by name; each takes its nearest value here, or the default where the old study has none. Of their
 * fronts, what no other one beats in this study's objectives, as many as a tenth of the budget are taken, 4 to 40, far apart. ERR_NOINPUT, ERR_DATA: a file that is
 * none, or that shares no variable. */
int transfer_read(const struct study *s, struct strbuf *out, struct err *err);
/* The points that such a text holds: [*n][variables]; caller frees. NULL with *n = 0: none. */
double *transfer_points(const struct study *s, const char *text, int *n);

#endif
