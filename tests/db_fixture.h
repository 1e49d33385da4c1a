/* What the tests of db/ share: a folder that goes away, a layout with every kind of column, trials that are a function of their number. */
#ifndef TESTS_DB_FIXTURE_H
#define TESTS_DB_FIXTURE_H

#include "db/db.h"

enum { FIX_ENERGY, FIX_LATENCY, FIX_AREA, FIX_ACCURACY, FIX_OVER, FIX_EDP, FIX_ROWS, FIX_CLOCK, FIX_FLOW, FIX_COLUMNS };
extern const struct db_layout fix_layout;

struct fix {
    char folder[64];
    char path[96]; /* <folder>/study.db, not there yet */
};
void fix_begin(struct fix *f);
void fix_end(struct fix *f); /* removes the folder and all in it */

/* Trial `number`: values in `values` [FIX_COLUMNS], texts static. Some are infeasible or failed, some have NULLs, NaN, -0.0, infinities. */
struct db_trial fix_trial(int64_t number, struct db_value *values);
/* Aborts the test when it fails. */
void fix_put(struct db *db, int64_t from, int64_t to);
/* Trials of the file from 0 on that equal fix_trial(), or -1 when one differs. */
int64_t fix_verify(struct db *db);

#endif
