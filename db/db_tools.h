/* What is done to whole study files: uniting, comparing, tidying, upgrading. */
#ifndef DB_DB_TOOLS_H
#define DB_DB_TOOLS_H

#include "db/db.h"

/* ---- merge ------------------------------------------------------------------------------------------------------------------- */

struct db_merge_report {
    int64_t trials, designs;
    int64_t duplicates; /* designs that came from several files, with the same result */
    int64_t front;
    char *conflict; /* owned, or NULL: "design 7f3a9c1 has energy_j = .. in 'a.db' (trial 3 on node17) and .." */
};

/* The union by hash of n studies, as a new file `out` that can be asked, not continued (fact "merged" lists the origins; facts on which the
 * files differ are left out, but for name and yaml, which are the first one's; trials are numbered one file after another; runs keep their
 * file in runs.origin; layers, caches and mappings come along; history does not). Seeds, algorithms and domains may differ. ERR_DATA when
 * columns, objectives or constraints differ, or model_hash (unless force_model). The same design with another state or values is ERR_BUG: a
 * reproducibility alarm, the report's `conflict` names both origins. `out` is there complete or not at all. The order of the files decides
 * only numbers and who of equals is named. ~8 us a design. */
int db_merge(const char *out, const char *const *paths, int n, bool force_model, struct db_merge_report *report,
             struct err *err);
void db_merge_report_release(struct db_merge_report *r);

/* ---- diff -------------------------------------------------------------------------------------------------------------------- */

struct db_difference {
    struct hash hash;
    int64_t number[2];        /* first trials in a and b */
    const char *field;        /* "state", "violated" or a column */
    struct db_value value[2]; /* borrowed during the call */
};
struct db_diff_report {
    int64_t only[2], same, different; /* designs */
    bool facts[4];                    /* differ: space_hash, model_hash, objectives, columns */
};
extern const char *const db_diff_facts[4];

/* Compares the designs of two studies by hash, over the columns that both have. fn (may be NULL) gets the first difference of each design
 * that differs; it returns 0 to go on. O(n log n). */
int db_diff(struct db *a, struct db *b, struct db_diff_report *report,
            int (*fn)(void *ctx, const struct db_difference *d), void *ctx, struct err *err);

/* ---- gc, upgrade ------------------------------------------------------------------------------------------------------------- */

struct db_gc_report {
    int64_t bytes_before, bytes_after;
    int64_t layer_rows; /* layer_cost and mappings of designs that are not on the front */
    int64_t cached;     /* cache entries, when they were to go */
    int64_t ranks;      /* designs whose place on or off the front was wrong */
};

/* Tidies a study that nobody writes: drops breakdowns of designs off the front, with `caches` both caches, checks `rank` and `counts` against
 * the designs, and gives the space back. Trials and designs stay as they are. ERR_IO when a search writes it; ERR_DATA when it is damaged. */
int db_gc(const char *path, bool caches, struct db_gc_report *report, struct err *err);

/* Brings a file of an older schema version to the present one, in one transaction. *from is what it was; equal to *to: nothing to do. */
int db_upgrade(const char *path, int *from, int *to, struct err *err);

/* ---- moving ------------------------------------------------------------------------------------------------------------------ */

/* A copy of an open study as its last commit left it (everything put so far is flushed first), as one file without a log, which can be read
 * anywhere, and written where it lies on a local disk; `path` is replaced and must lie on a local disk. Other readers and the writer go on meanwhile. About the speed of copying the file. */
int db_snapshot(struct db *db, const char *path, struct err *err);

#endif
