/* What the files of db/ share and nobody else sees. A `struct db` is one read-only
 * connection for everybody's questions and, when writing, a second connection that only
 * the writer thread touches. */
#ifndef DB_DB_PRIVATE_H
#define DB_DB_PRIVATE_H

#include "base/strbuf.h"
#include "db/db.h"

#include <pthread.h>
#include <sqlite3.h>
#include <sys/types.h>

#define DB_APPLICATION_ID 0x4456544C /* 'DVTL' */
#define DB_SCHEMA_VERSION 3
/* Tables and views of version 3. */
#define DB_BREAKDOWN                                                                                                   \
    "CREATE TABLE layer_cost(design INTEGER REFERENCES designs(id), layer_id INTEGER REFERENCES layers, level TEXT,"   \
    " tensor TEXT, energy_j REAL, network_j REAL, bits REAL, cycles REAL,"                                             \
    " PRIMARY KEY(design, layer_id, level, tensor)) STRICT, WITHOUT ROWID;"                                            \
    "CREATE TABLE mappings(design INTEGER REFERENCES designs(id), layer_id INTEGER REFERENCES layers, loops TEXT,"     \
    " PRIMARY KEY(design, layer_id)) STRICT, WITHOUT ROWID;"                                                           \
    "CREATE VIEW energy_by_level AS SELECT d.hash, c.level, SUM(c.energy_j) AS energy_j,"                              \
    " SUM(c.network_j) AS network_j, SUM(c.bits) AS bits"                                                              \
    " FROM layer_cost c JOIN designs d ON d.id = c.design GROUP BY c.design, c.level;"
#define DB_BUSY_MS 10000 /* how long a locked file is waited for */
#define DB_MAX_COLUMNS 1900
#define DB_MAX_OBJECTIVES 8

struct db_writer;

struct db {
    char *path;
    enum db_mode mode;
    bool cache_only; /* db_open_cache(): no designs, no trials */
    sqlite3 *read;   /* guarded by `mutex` (recursive) */
    pthread_mutex_t mutex;
    struct db_column *columns; /* [n_columns] owned, texts too */
    int n_columns;
    struct db_pair *meta; /* [n_meta] owned, guarded by `mutex` */
    int n_meta, cap_meta;
    struct strbuf select;    /* "SELECT ... FROM trials JOIN designs" of db_next(), without WHERE */
    sqlite3_stmt *by_number; /* of `read`, made when first needed */
    sqlite3_stmt *by_key[DB_CACHE_COUNT];
    struct db_value *scratch; /* [n_columns], guarded by `mutex` */
    int lock_fd;              /* -1: not locked */
    struct db_writer *writer; /* NULL when reading */
    _Atomic int64_t next;     /* trial number to be put next; changed under `mutex` */
    int64_t run_id;           /* current run; 0: none */
};

/* ---- db_open.c ---- */
/* The writer's queue, locked, for one record; writer_end(db->writer) after it. NULL
 * with an error. */
struct queue *db_begin_record(struct db *db, struct err *err);

/* ---- db_sql.c: SQLite with our errors ---- */
/* Fills err from the connection's last error; `doing` is a verb phrase: "read",
 * "write". Returns -1. */
int db_sql_error(sqlite3 *sql, const char *path, const char *doing, struct err *err);
int db_sql_exec(sqlite3 *sql, const char *path, const char *text, struct err *err);
int db_sql_prepare(sqlite3 *sql, const char *path, const char *text, sqlite3_stmt **stmt, struct err *err);
/* One integer from the first row of `text`; `none` when there is no row or it is NULL.
 */
int db_sql_integer(sqlite3 *sql, const char *path, const char *text, int64_t none, int64_t *out, struct err *err);
/* Opens with busy timeout and mmap; `flags` as sqlite3_open_v2(). */
int db_sql_open(const char *path, int flags, sqlite3 **sql, struct err *err);
/* Read-only, also where no -shm file can be made (read-only media). */
int db_sql_open_reader(const char *path, sqlite3 **sql, struct err *err);
int db_bind_value(sqlite3_stmt *stmt, int parameter, struct db_value v); /* copies texts; SQLite's code */
/* path as a URI for ATTACH and sqlite3_open_v2(): "file:...?query". */
void db_sql_uri(struct strbuf *sb, const char *path, const char *query);
const char *db_sql_type(enum db_type type); /* "INTEGER", ... */
char *db_utc_now(char out[32]);             /* "2026-11-20T18:54:54Z" */
int64_t db_monotonic_ms(void);

/* ---- db_file.c: the file from outside ---- */
/* Name of the network file system with this statfs magic, or NULL. */
const char *db_network_name(unsigned long f_type);
int db_check_file(const char *path, struct err *err);    /* ERR_USAGE when it is a folder */
int db_check_local(const char *path, struct err *err);   /* the same, and ERR_IO when path (or its folder) lies on a
                                        network file system */
int db_lock(const char *path, int *fd, struct err *err); /* exclusive, dies with the process; -1 names the holder */
void db_unlock(const char *path, int fd);
bool db_lock_held(const char *path); /* by any live process but through this handle too */

/* ---- db_schema.c: tables ---- */
int db_layout_check(const struct db_layout *layout, struct err *err);
int db_schema_create(sqlite3 *sql, const char *path, const struct db_layout *layout, struct err *err);
int db_schema_create_cache(sqlite3 *sql, const char *path, struct err *err);
int db_schema_check(sqlite3 *sql, const char *path, struct err *err); /* ours, this version, whole */
int db_schema_load(struct db *db, struct err *err);                   /* columns, meta, select */
/* Is column c of table designs filled by db_put_trial()? */
static inline bool db_column_stored(const struct db_column *c)
{
    return !c->sql;
}
/* "INSERT INTO designs ..." with parameters in the order of enum trial_cell's DESIGN
 * part, then the stored columns. */
void db_schema_insert_design(const struct db *db, struct strbuf *sb);
void db_set_meta(struct db *db, const char *key, const char *value); /* in memory */

/* ---- db_queue.c: what waits for the writer ---- */

/* A cell of a record; text and blobs lie in the record's tail, at byte `u.at` from the
 * record's start. */
enum cell_type { CELL_NULL, CELL_INTEGER, CELL_REAL, CELL_TEXT, CELL_BLOB };
struct cell {
    uint32_t type; /* enum cell_type */
    uint32_t n;    /* bytes of blob, or of text with its NUL */
    union {
        int64_t i;
        double d;
        uint64_t at;
    } u;
};

/* What a record does: a statement of db_group.c. */
enum record_kind {
    RECORD_TRIAL, /* cells: enum trial_cell, then the stored columns */
    RECORD_META,
    RECORD_LAYER,
    RECORD_LAYER_COST,
    RECORD_MAPPING,
    RECORD_HISTORY,
    RECORD_RUN_BEGIN,
    RECORD_RUN_END,
    RECORD_EVALUATION_CACHE,
    RECORD_MAPPING_CACHE,
    RECORD_EVALUATION_FORGET,
    RECORD_MAPPING_FORGET,
    RECORD_KIND_COUNT
};
enum trial_cell {
    TRIAL_NUMBER,
    TRIAL_RUN,
    TRIAL_GENERATION,
    TRIAL_PROPOSED_BY,
    TRIAL_HASH, /* from here on: the design */
    TRIAL_STATE,
    TRIAL_VIOLATED,
    TRIAL_ERROR,
    TRIAL_EVAL_US,
    TRIAL_EXACT, /* see db_trial.c */
    TRIAL_COLUMNS
};

struct record {
    uint32_t size; /* bytes, a multiple of 8, with this head, the cells and the tail */
    uint16_t kind; /* enum record_kind */
    uint16_t n_cells;
    struct cell cell[];
};

struct queue {
    char *bytes; /* records one after another */
    size_t used, cap;
    int64_t rows, trials; /* records; how many of them are trials */
};

/* Begin a record of n cells, fill the cells, end it. One at a time; pointers into the
 * queue are valid until the next cell is set. */
void queue_begin(struct queue *q, enum record_kind kind, int n_cells);
void queue_integer(struct queue *q, int64_t i);
void queue_real(struct queue *q, double d);
void queue_text(struct queue *q, const char *s); /* NULL: SQL NULL */
void queue_blob(struct queue *q, const void *p, size_t n);
void queue_null(struct queue *q);
void queue_end(struct queue *q);
void queue_clear(struct queue *q);
void queue_release(struct queue *q);
static inline const struct record *queue_at(const struct queue *q, size_t offset)
{
    return (const struct record *)(const void *)(q->bytes + offset);
}
static inline const char *record_bytes(const struct record *r, int i)
{
    return (const char *)r + r->cell[i].u.at;
}
int record_bind(sqlite3_stmt *stmt, int parameter, const struct record *r, int cell); /* SQLite's code */

/* ---- db_writer.c: the thread ---- */
struct db_writer *writer_new(struct db *db);
void writer_free(struct db_writer *w); /* stops the thread after everything queued is stored */
void writer_tune(struct db_writer *w, const struct db_tuning *t);
/* Locks the queue and returns it for one record; NULL and err when the writer has
 * failed. Waits while the queue is full. */
struct queue *writer_begin(struct db_writer *w, struct err *err);
void writer_end(struct db_writer *w);
int writer_wait(struct db_writer *w, bool sync, struct err *err); /* until everything put so far is stored */
int64_t writer_stored(struct db_writer *w);
const struct err *writer_failed(struct db_writer *w);
void writer_counts(struct db_writer *w, int64_t evaluations, int64_t cache_hits, int64_t cache_lookups);
void writer_run(struct db_writer *w, int64_t run_id); /* heartbeats go to this run; 0: none */

/* ---- db_group.c: one transaction ---- */
struct group; /* prepared statements, the incremental front */
struct group *group_new(struct db *db, struct err *err);
void group_free(struct group *g);
struct heartbeat {
    int64_t run_id; /* 0: none */
    int64_t evaluations, cache_hits, cache_lookups;
    double wall_s, cpu_s;
};
/* Stores all of q in one transaction; synced to the disk if `sync`. `beat` may be NULL.
 */
int group_write(struct group *g, const struct queue *q, bool sync, const struct heartbeat *beat, struct err *err);

/* ---- db_trial.c ---- */
/* Column i of a row; INTEGER is widened where the type is DB_REAL. Text is borrowed
 * from the statement. */
struct db_value db_column_value(sqlite3_stmt *stmt, int i, enum db_type type);
/* A row of db->select as a trial; values[n_columns] is filled, texts are borrowed from
 * the statement. */
int trial_from_row(const struct db *db, sqlite3_stmt *stmt, struct db_trial *t, struct db_value *values,
                   struct err *err);
void trial_from_record(const struct db *db, const struct record *r, struct db_trial *t, struct db_value *values);

/* ---- db_compare.c ---- */
bool db_same_text(const char *a, const char *b);                             /* both NULL, too */
bool db_same_value(enum db_type type, struct db_value a, struct db_value b); /* bit for bit */
/* The name of the first thing in which b's design (hash, state, values) differs from
 * a's, or NULL. */
const char *trial_difference(const struct db *db, const struct db_trial *a, const struct db_trial *b);
/* 0 when they agree; else the reproducibility alarm (ERR_BUG). */
int trial_alarm(const struct db *db, const struct db_trial *stored, const struct db_trial *now, struct err *err);
void db_value_print(struct strbuf *sb, struct db_value v);
void trial_print_field(const struct db *db, const struct db_trial *t, const char *field, struct strbuf *sb);

/* ---- db_query.c ---- */
/* Steps through rows of (id, objectives ...) and appends the ids of the non-dominated as a JSON array. Returns SQLite's code. */
int db_front_ids(sqlite3_stmt *stmt, const struct db_objective *o, int m, struct strbuf *ids);
/* The study's own objectives, in their order; columns are borrowed. Returns their count. */
int db_own_objectives(const struct db *db, struct db_objective o[DB_MAX_OBJECTIVES]);

/* ---- db_snapshot.c ---- */
/* Puts a snapshot back into WAL mode; nothing to do for any other file. Who calls holds the lock. */
int db_awaken(const char *path, struct err *err);

/* ---- db_gc.c ---- */
/* Sets `rank` and `counts` from the designs, inside the caller's transaction. *changed: designs whose rank was wrong. */
int db_recount(sqlite3 *sql, const struct db *shape, const char *path, int64_t *changed, struct err *err);

/* ---- db_open.c, for making files ---- */
/* Builds `path` by fill(ctx, sql) on a connection to a temporary name, then links it to its own. 1: exists already. */
int db_make(const char *path, int (*fill)(void *ctx, sqlite3 *sql, const char *path, struct err *err), void *ctx,
            struct err *err);

/* ---- db_front.c: a set of points of which none dominates another ---- */
struct front {
    int m; /* objectives, all minimised */
    int64_t n, cap;
    double *f;        /* [n][m] */
    int64_t *id;      /* [n] */
    int64_t *removed; /* ids that the last front_add() took out */
    int64_t n_removed, cap_removed;
};
void front_init(struct front *fr, int m);
void front_release(struct front *fr);
/* Adds a point that none of the set dominates or equals; what it dominates goes to
 * `removed`. NaN anywhere: never added. True: added. m <= 2: O(log n) and the moves;
 * otherwise O(n m), most dominated points are turned away after a few comparisons. */
bool front_add(struct front *fr, const double *f, int64_t id);
/* Adds a point of a set that is known to be a front: nothing is compared. */
void front_load(struct front *fr, const double *f, int64_t id);

#endif
