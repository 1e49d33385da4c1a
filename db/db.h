/* One SQLite file a study: every trial in order, one wide row a design, caches of what
 * was expensive, and the front.
 *
 *   struct db *db = db_create("edge.db", &layout, &err);      // or db_open("edge.db",
 * DB_WRITE, &err) to continue db_begin_run(db, &run, &err);
 *   ... replay: db_trials() / db_next() tell the search what is stored ...
 *   db_put_trial(db, &trial, &err);                           // copies, queues,
 * returns; one writer thread commits groups db_flush(db, &err); // now everything put
 * so far survives kill -9 db_end_run(db, DB_EXIT_DONE, &err); db_close(db, &err); //
 * flushes; -1 when something could not be stored
 *
 * What it promises:
 * - The trial log has no holes: trials are put in the order 0, 1, 2, ... and what is in
 * the file is always a prefix of it.
 * - Acknowledged is durable. db_stored() counts trials that are committed: they survive
 * the death of this process at any moment. A power cut may lose what was put in the
 * last `sync_ms` (default 500 ms, and never more than `sync_rows`, default 16,384,
 * trials); with `durable` every commit reaches the disk first and db_stored() counts
 * nothing that a power cut could take.
 * - An error of the writer thread (disk full, file deleted) is never lost: from then on
 * every call that writes returns it, nothing more is stored, and the file keeps
 * everything acknowledged.
 * - Numbers come back bit for bit, -0.0 and NaN payloads included.
 * - One writer process a file: an OS lock on '<path>-lock' that dies with the process.
 * Any number of readers, who never disturb it.
 *
 * db sees keys, numbers and text; it knows no accelerator and no search. Paths, names
 * and texts given are copied; texts handed out are borrowed as each function says. A
 * `struct db` may be used by several threads; trials must come from one at a time. */
#ifndef DB_DB_H
#define DB_DB_H

#include "base/err.h"
#include "base/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- values and columns
 * ------------------------------------------------------------------------------------------------------
 */

enum db_type { DB_NULL, DB_INTEGER, DB_REAL, DB_TEXT, DB_TYPE_COUNT };

/* One cell. An inactive parameter or a metric that does not exist is DB_NULL. */
struct db_value {
    enum db_type type;
    union {
        int64_t i;
        double d;
        const char *s; /* NUL-terminated UTF-8; borrowed */
    } u;
};

static inline struct db_value db_null(void)
{
    return (struct db_value){.type = DB_NULL};
}
static inline struct db_value db_integer(int64_t i)
{
    return (struct db_value){.type = DB_INTEGER, .u.i = i};
}
static inline struct db_value db_real(double d)
{
    return (struct db_value){.type = DB_REAL, .u.d = d};
}
static inline struct db_value db_text(const char *s)
{
    return (struct db_value){.type = DB_TEXT, .u.s = s};
}
/* An INTEGER or REAL as double; NaN for DB_NULL and DB_TEXT. */
double db_number(struct db_value v);

enum db_kind {
    DB_PARAMETER, /* of the space; exported first */
    DB_METRIC,    /* a result */
    DB_VIOLATION, /* REAL amount by which a constraint is missed, 0 = satisfied (takes 1
                     byte then) */
    DB_DERIVED,   /* stored like a metric, or computed by SQLite when `sql` is given */
    DB_KIND_COUNT
};
extern const char *const db_kind_names[DB_KIND_COUNT];

/* A column of table `designs`. Names are SQL identifiers of [a-z0-9_], unit suffix
 * included (energy_j, latency_s, glb_bits), and may not be one of designs' own (id,
 * hash, state, rank, violated, error, eval_us, exact). At most 1,900 columns. */
struct db_column {
    const char *name;
    enum db_kind kind;
    enum db_type type;       /* never DB_NULL. A REAL column takes INTEGER values too (they
                          come back REAL) */
    const char *unit;        /* "J", "s", "bit"; "" for a pure number or text */
    const char *goal;        /* "min", "max": which direction is better; "" when none is */
    int objective;           /* its place among the study's objectives, from 1; 0: none. Needs a
                      goal */
    const char *description; /* one sentence */
    const char *sql;         /* DB_DERIVED: an SQL expression over other columns (a virtual
                        column, never put), or NULL */
};

/* Facts about the study, as text. Keys used by Dovetail: name, yaml, space_hash,
 * model_hash, objectives, constraints, reference_point, seed, version, command. db adds
 * created_utc and host. */
struct db_pair {
    const char *key, *value;
};

struct db_layout {
    const struct db_pair *meta;
    int n_meta;
    const struct db_column *columns;
    int n_columns;
};

/* ---- opening
 * -----------------------------------------------------------------------------------------------------------------
 */

enum db_mode { DB_READ, DB_WRITE };

struct db_tuning {       /* 0 (or false) everywhere: the defaults */
    int commit_rows;     /* a group is committed when it has so many rows, default 1,024 ...
                      */
    int commit_ms;       /* ... or when its oldest row has waited so long, default 50 ms */
    int sync_rows;       /* at most so many committed trials may be lost in a power cut,
                        default 16,384 ... */
    int sync_ms;         /* ... and none older than this, default 500 ms */
    bool durable;        /* every commit is synced: a power cut loses nothing acknowledged */
    int64_t queue_bytes; /* putters wait when more than this is queued, default 32 MiB */
};

struct db;

/* A new study file, open for writing. ERR_IO when the file exists already (nothing is
 * overwritten) or cannot be made, or lies on a network file system; ERR_BUG for a
 * layout that breaks the rules above. The file appears under its name complete, or not
 * at all. */
struct db *db_create(const char *path, const struct db_layout *layout, struct err *err);

/* ERR_NOINPUT: no such file. ERR_DATA: not a Dovetail file, another schema version
 * (says which program or `dovetail upgrade`), truncated, corrupt. ERR_IO: DB_WRITE on a
 * file that another live search writes (names its process and host), that is read-only,
 * or that lies on a network file system (names the way out). Reading never waits for a
 * writer. Cost: O(front), not O(designs). */
struct db *db_open(const char *path, enum db_mode mode, struct err *err);

/* Before the first put; n rows a group etc. */
void db_tune(struct db *db, const struct db_tuning *t);

/* Flushes, stops the writer, closes, frees. db_close(NULL) is a no-op. Returns -1 with
 * the writer's error when something put was not stored. A run that was not ended counts
 * as lost from then on. */
int db_close(struct db *db, struct err *err);

const char *db_path(const struct db *db);
const char *db_meta(const struct db *db, const char *key); /* NULL when absent; borrowed until db_put_meta()
                                         of that key or db_close() */
int db_put_meta(struct db *db, const char *key, const char *value, struct err *err);
int db_columns(const struct db *db, const struct db_column **columns); /* their count; borrowed until db_close() */
int db_column(const struct db *db, const char *name);                  /* index, or -1 */

/* ---- trials
 * ------------------------------------------------------------------------------------------------------------------
 */

enum db_state { DB_OK, DB_INFEASIBLE, DB_FAILED, DB_STATE_COUNT };
extern const char *const db_state_names[DB_STATE_COUNT]; /* "ok", "infeasible", "failed": as in the file */

struct db_trial {
    int64_t number;   /* from 0 */
    struct hash hash; /* of the design's canonical text */
    enum db_state state;
    const char *violated;          /* names of the violated constraints, "a, b"; NULL: none */
    const char *error;             /* why it failed; of one that is ok what went wrong before; NULL */
    const char *proposed_by;       /* "random", "crossover 12 40", ...; NULL */
    int generation;                /* of the algorithm, >= 0; -1: none */
    double eval_us;                /* wall-clock of the evaluation in us; < 0 or NaN: not measured.
                       Never exported */
    const struct db_value *values; /* [db_columns()], in their order; entries of columns
                                      with `sql` are ignored */
};

/* Queues one trial (everything is copied). Numbers must come in order without holes; a
 * number that is stored already is compared instead: another design or other values are
 * a reproducibility alarm (ERR_BUG, names both). So is a design that comes back with
 * another state or other values than its first trial. May wait while the queue is full.
 * Errors of earlier puts come out here. */
int db_put_trial(struct db *db, const struct db_trial *trial, struct err *err);

/* Waits until everything put so far is committed (with `durable`: on disk). */
int db_flush(struct db *db, struct err *err);
/* As db_flush(), and on disk: survives a power cut too. For checkpoints. */
int db_sync(struct db *db, struct err *err);

int64_t db_stored(const struct db *db); /* trials acknowledged: committed and counted;
                                           cheap, any thread */
int64_t db_queued(const struct db *db); /* trials put: db_stored() <= db_queued() */
/* NULL while the writer is well; else its error, borrowed until db_close(). For
 * progress lines that want to stop early. */
const struct err *db_failed(const struct db *db);

/* The stored trials in order, from number `from` on: what a resumed search is told. */
struct db_cursor *db_trials(struct db *db, int64_t from, struct err *err); /* NULL on error */
/* 1: *trial is the next one, its texts and values borrowed until the next call; 0: no
 * more; -1: error. ~1 us a trial. */
int db_next(struct db_cursor *c, struct db_trial *trial, struct err *err);
void db_cursor_free(struct db_cursor *c);

/* Designs whose hash begins with `prefix` (1 to 32 hex digits, either case). 0: exactly
 * one, *hash and *number (of its first trial) filled. ERR_NO when none or several match
 * (the message names some), ERR_USAGE when it is no hex. O(log n). */
int db_find(struct db *db, const char *prefix, struct hash *hash, int64_t *number, struct err *err);
/* The design's first trial, by hash; freed with db_cursor_free(*hold, or NULL), trial's
 * texts are borrowed from it. 1, 0 (no such), -1. */
int db_get(struct db *db, struct hash hash, struct db_trial *trial, struct db_cursor **hold, struct err *err);

/* ---- caches
 * ------------------------------------------------------------------------------------------------------------------
 */

enum db_cache { DB_EVALUATIONS, DB_MAPPINGS, DB_CACHE_COUNT };

/* Queued like trials, committed in the same order. A key that is stored already keeps
 * its value: another value under it is a reproducibility alarm (ERR_BUG at the next
 * call). Any thread. */
int db_cache_put(struct db *db, enum db_cache cache, struct hash key, const void *value, size_t n, struct err *err);
/* Drops an entry that the caller cannot read, before it puts the right one: no alarm then. Queued likewise. */
int db_cache_forget(struct db *db, enum db_cache cache, struct hash key, struct err *err);
/* 1: *value (caller frees with mem_free()) and *n; 0: absent; -1. Sees what is
 * committed (db_flush()); ~5 us. */
int db_cache_get(struct db *db, enum db_cache cache, struct hash key, void **value, size_t *n, struct err *err);
/* Calls fn for every entry, in order of insertion; value is borrowed during the call.
 * fn returns 0 to go on; anything else is returned. */
int db_cache_load(struct db *db, enum db_cache cache,
                  int (*fn)(void *ctx, struct hash key, const void *value, size_t n), void *ctx, struct err *err);
/* A file of caches only, shared between studies and by several processes at once on one
 * machine (--cache FILE): made when missing. db_cache_*, db_flush, db_sync, db_meta,
 * db_close work on it. */
struct db *db_open_cache(const char *path, struct err *err);

/* ---- the front, reports
 * ------------------------------------------------------------------------------------------------------
 */

/* Designs with state ok that no other one dominates in the study's objectives; of
 * designs equal in all of them the earliest trial stands for the rest. Kept up to date
 * with every commit (designs.rank = 0). The numbers of their first trials, ascending;
 * caller frees *numbers with mem_free(). Returns their count or -1. */
int64_t db_front(struct db *db, int64_t **numbers, struct err *err);

struct db_objective {
    const char *column; /* INTEGER or REAL */
    bool maximise;
};

struct db_query {
    const char *const *columns; /* [n_columns] to return: any column of `designs`; NULL:
                                   all of db_columns() */
    int n_columns;
    bool all_states;   /* also infeasible and failed designs; default: state ok only */
    bool front_only;   /* rank = 0: the study's own front, instantly */
    const char *where; /* SQL over columns with ? parameters (as expr_to_sql() writes
                          it), or NULL. Not for raw user text */
    const struct db_value *params;
    int n_params;
    const struct db_objective *objectives; /* [n_objectives <= 8]: only the non-dominated of what `where`
                        leaves; 0: all rows */
    int n_objectives;
    const char *order_by; /* column, ties by trial number; NULL: by trial number */
    bool descending;
    int64_t limit; /* rows at most, after everything else; 0: no limit */
};

struct db_row {
    struct hash hash;
    int64_t number; /* of its first trial */
    enum db_state state;
    const struct db_value *values; /* [n_columns] of the query */
};

/* Rows through fn (0: go on, else stop and return that). Borrowed during the call.
 * ERR_USAGE for an unknown column or bad SQL. Where the objectives are the study's own
 * and there is no `where`, the stored front answers. Otherwise O(designs). */
int db_query(struct db *db, const struct db_query *q, int (*fn)(void *ctx, const struct db_row *row), void *ctx,
             struct err *err);

/* Breakdown of designs on the front, or asked for with `eval --save`. */
struct db_layer {
    int64_t layer_id; /* >= 0 */
    const char *name, *op;
    int64_t macs, weights; /* weights: elements, biases included */
    const char *dims;      /* text, e.g. "N1 K64 C3 P112 Q112 R7 S7" */
};
struct db_layer_cost {
    int64_t design; /* number of its first trial */
    int64_t layer_id;
    const char *level, *tensor; /* "DRAM", "weights"; "MAC" or "vector", "-" for the arithmetic */
    double energy_j;            /* of the storage's accesses, or of the arithmetic */
    double network_j;           /* of the network between the level and the one below */
    double bits;                /* read and written at the level, whole words */
    double cycles;              /* that the level's ports are busy with all tensors, or the arithmetic */
};
int db_put_layer(struct db *db, const struct db_layer *layer, struct err *err);                          /* replaces */
int db_put_layer_cost(struct db *db, const struct db_layer_cost *cost, struct err *err);                 /* replaces */
int db_put_mapping(struct db *db, int64_t design, int64_t layer_id, const char *loops, struct err *err); /* replaces */

/* A line of the convergence history. */
struct db_history {
    int64_t evaluations;
    double hypervolume; /* NaN: not known */
    int64_t front_size;
    double elapsed_s; /* of this run; never exported */
};
int db_put_history(struct db *db, const struct db_history *h,
                   struct err *err); /* replaces the line of the same `evaluations` */
/* All lines, ascending; caller frees with mem_free(). Returns their count or -1. */
int64_t db_get_history(struct db *db, struct db_history **h, struct err *err);

/* ---- runs and status
 * ---------------------------------------------------------------------------------------------------------
 */

enum db_exit {
    DB_EXIT_NONE,
    DB_EXIT_DONE,
    DB_EXIT_INTERRUPTED,
    DB_EXIT_TIME_LIMIT,
    DB_EXIT_PREEMPTED,
    DB_EXIT_FAILED,
    DB_EXIT_COUNT
};
extern const char *const db_exit_names[DB_EXIT_COUNT]; /* "", "done", "interrupted", "time_limit",
                                            "preempted", "failed" */

struct db_run { /* what differs between two runs of the same study: kept apart from the
                   designs, never exported with them */
    int64_t run_id;
    const char *command, *version;
    const char *host;      /* filled by db */
    int64_t pid;           /* filled by db */
    const char *slurm_job; /* NULL: none */
    int threads;
    const char *started_utc, *heartbeat_utc,
        *ended_utc; /* filled by db: "2026-11-20T18:54:54Z"; ended NULL while running or
                       lost */
    enum db_exit exit;
    bool alive; /* filled by db: holds the file's lock now (same host), or its heartbeat
                   is younger than 60 s */
    int64_t evaluations, cache_hits, cache_lookups; /* of this run */
    double wall_s, cpu_s;                           /* filled by db */
};

/* Starts a run: trials put from now on belong to it. Uses command, version, slurm_job,
 * threads. The writer renews the heartbeat. */
int db_begin_run(struct db *db, const struct db_run *run, struct err *err);
/* Counters shown by `status`; cheap, written with the next heartbeat. */
void db_run_counts(struct db *db, int64_t evaluations, int64_t cache_hits, int64_t cache_lookups);
int db_end_run(struct db *db, enum db_exit how, struct err *err); /* flushes */

struct db_status {
    int64_t trials, designs, state[DB_STATE_COUNT]; /* state: designs by enum db_state */
    int64_t front;
    int64_t cached[DB_CACHE_COUNT];
    int64_t file_bytes;  /* with the write-ahead log */
    double hypervolume;  /* last history line; NaN: none */
    struct db_run *runs; /* [n_runs], oldest first */
    int n_runs;
    char *texts; /* what runs' texts point into */
};
/* O(runs), not O(designs). Free with db_status_release(). */
int db_status(struct db *db, struct db_status *s, struct err *err);
void db_status_release(struct db_status *s);

#endif
