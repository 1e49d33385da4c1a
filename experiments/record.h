/* A study's trials as rows of its database: which columns there are, and the way from a design and its evaluation to a row and back. */
#ifndef EXPERIMENTS_RECORD_H
#define EXPERIMENTS_RECORD_H

#include "base/strbuf.h"
#include "db/db.h"
#include "experiments/evaluator.h"

struct record;

/* The database's unit of a dimension: SI, with bytes for data and mm2 for areas. */
struct column_unit {
    struct dim dim;
    const char *suffix, *unit; /* "_bytes", "B" */
    double scale;              /* column = base * scale */
};
const struct column_unit *column_unit(struct dim dim);
/* The column of a family: its name, with the unit's suffix unless it holds a list. */
void record_column_name(const struct study_family *f, struct strbuf *out);

struct record *record_new(const struct study *s);
void record_free(struct record *r);

/* What a metric means in this study, by whom it is given included. */
void record_describe(const struct study *s, enum metric_id m, struct strbuf *out);
/* Creates the study's file. */
struct db *record_create(const struct record *r, const char *path, const char *command, struct err *err);
/* Does the file hold this very study? 0; -1 with ERR_DATA and a sentence that names what changed (space, model). */
int record_check(const struct record *r, const struct db *db, struct err *err);

/* One row. Texts are made in the record's own buffers: not for several threads. */
int record_put(struct record *r, struct db *db, int64_t number, const double *x, const struct evaluation *v,
               const char *proposed_by, struct err *err);
/* The point of a stored design. ERR_DATA when a value is none of the study's. */
int record_point(const struct study *s, const struct db_trial *trial, double *x, struct err *err);
/* Metrics and violations of a stored trial, bit for bit. */
void record_read(const struct record *r, const struct db_trial *trial, struct evaluation *v);

#endif
