/* One transaction of the writer: all records of a queue, the front brought up to date,
 * the counts, the heartbeat. */
#include "base/mem.h"
#include "db/db_private.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#define CHECKPOINT_PAGES 4000 /* the log is copied into the file when it has so many pages (16 MiB) */

/* How a record is stored: its cells are the parameters. Trials and caches do more, see
 * below. */
static const char *const texts[RECORD_KIND_COUNT] = {
    [RECORD_TRIAL] = "INSERT INTO trials(number, design, run_id, generation, proposed_by)"
                     " VALUES(?,?,?,?,?)",
    [RECORD_META] = "INSERT OR REPLACE INTO study VALUES(?,?)",
    [RECORD_LAYER] = "INSERT OR REPLACE INTO layers VALUES(?,?,?,?,?,?)",
    [RECORD_LAYER_COST] = "INSERT OR REPLACE INTO layer_cost VALUES(?,?,?,?,?,?,?,?)",
    [RECORD_MAPPING] = "INSERT OR REPLACE INTO mappings VALUES(?,?,?)",
    [RECORD_HISTORY] = "INSERT OR REPLACE INTO history VALUES(?,?,?,?)",
    [RECORD_RUN_BEGIN] = "INSERT INTO runs(run_id, command, version, host, pid, slurm_job, threads,"
                         " started_utc, heartbeat_utc) VALUES(?,?,?,?,?,?,?,?,?)",
    [RECORD_RUN_END] = "UPDATE runs SET ended_utc = ?2, exit = ?3 WHERE run_id = ?1",
    [RECORD_EVALUATION_CACHE] = "INSERT INTO evaluation_cache VALUES(?,?) ON CONFLICT(key) DO NOTHING",
    [RECORD_MAPPING_CACHE] = "INSERT INTO mapping_cache VALUES(?,?) ON CONFLICT(key) DO NOTHING",
    [RECORD_EVALUATION_FORGET] = "DELETE FROM evaluation_cache WHERE key = ?",
    [RECORD_MAPPING_FORGET] = "DELETE FROM mapping_cache WHERE key = ?",
};

enum extra { /* statements that belong to no record alone */
             EXTRA_DESIGN,
             EXTRA_DEMOTE,
             EXTRA_FIND,
             EXTRA_COUNT_UP,
             EXTRA_BEAT,
             EXTRA_EVALUATION_VALUE,
             EXTRA_MAPPING_VALUE,
             EXTRA_COUNT
};
static const char *const extra_texts[EXTRA_COUNT] = {
    [EXTRA_DESIGN] = NULL, /* db_schema_insert_design() */
    [EXTRA_DEMOTE] = "UPDATE designs SET rank = NULL WHERE id = ?",
    [EXTRA_FIND] = NULL, /* db->select, by hash */
    [EXTRA_COUNT_UP] = "UPDATE counts SET n = n + ?2 WHERE what = ?1",
    [EXTRA_BEAT] = "UPDATE runs SET heartbeat_utc = ?2, evaluations = ?3, cache_hits = ?4,"
                   " cache_lookups = ?5, wall_s = ?6, cpu_s = ?7 WHERE run_id = ?1",
    [EXTRA_EVALUATION_VALUE] = "SELECT value FROM evaluation_cache WHERE key = ?",
    [EXTRA_MAPPING_VALUE] = "SELECT value FROM mapping_cache WHERE key = ?",
};

enum counted { COUNTED_CACHE = DB_STATE_COUNT, COUNTED_COUNT = DB_STATE_COUNT + 2 };

struct group {
    struct db *db;
    sqlite3 *sql;
    sqlite3_stmt *stmt[RECORD_KIND_COUNT];
    sqlite3_stmt *extra[EXTRA_COUNT];
    struct front front;
    int objective_cell[DB_MAX_OBJECTIVES]; /* in a trial's record */
    double sign[DB_MAX_OBJECTIVES];        /* -1 to maximise */
    struct db_value *values, *other;       /* [n_columns] */
    bool *on_front;                        /* [trials of the group] */
    int64_t cap_on_front;
    int64_t *demoted; /* ids stored before this group */
    int64_t n_demoted, cap_demoted;
    int64_t counted[COUNTED_COUNT]; /* what this group adds */
    bool synced;                    /* PRAGMA synchronous is FULL */
    struct stat file;               /* to notice that it was deleted */
};

static int prepare(struct group *g, sqlite3_stmt **stmt, const char *text, struct err *err)
{
    return *stmt ? 0 : db_sql_prepare(g->sql, g->db->path, text, stmt, err);
}

static int failed(struct group *g, struct err *err)
{
    return db_sql_error(g->sql, g->db->path, "write", err);
}

static int run(struct group *g, sqlite3_stmt *stmt, struct err *err)
{
    int rc = sqlite3_step(stmt) == SQLITE_DONE ? 0 : failed(g, err);
    sqlite3_reset(stmt);
    return rc;
}

static void find_objectives(struct group *g)
{
    int cell = TRIAL_COLUMNS;
    for (int i = 0; i < g->db->n_columns; i++) {
        const struct db_column *c = &g->db->columns[i];
        if (c->objective) {
            g->objective_cell[c->objective - 1] = cell;
            g->sign[c->objective - 1] = strcmp(c->goal, "max") ? 1.0 : -1.0;
            g->front.m++;
        }
        cell += db_column_stored(c);
    }
}

/* The stored front, from the rows of rank 0. */
static int load_front(struct group *g, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    struct db_objective o[DB_MAX_OBJECTIVES];
    db_own_objectives(g->db, o);
    strbuf_adds(&text, "SELECT id");
    for (int k = 0; k < g->front.m; k++) {
        strbuf_addf(&text, ", \"%s\"", o[k].column);
    }
    strbuf_adds(&text, " FROM designs WHERE rank = 0 ORDER BY id");
    sqlite3_stmt *stmt = NULL;
    int rc = prepare(g, &stmt, text.buf, err);
    strbuf_release(&text);
    while (!rc && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        double f[DB_MAX_OBJECTIVES];
        for (int k = 0; k < g->front.m; k++) {
            f[k] = g->sign[k] * sqlite3_column_double(stmt, k + 1);
        }
        front_load(&g->front, f, sqlite3_column_int64(stmt, 0));
        rc = 0;
    }
    if (rc == SQLITE_DONE) {
        rc = 0;
    } else if (rc > 0) {
        rc = failed(g, err);
    }
    sqlite3_finalize(stmt);
    return rc;
}

static int prepare_study(struct group *g, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    db_schema_insert_design(g->db, &text);
    int rc = prepare(g, &g->extra[EXTRA_DESIGN], text.buf, err);
    strbuf_reset(&text);
    strbuf_addf(&text, "%s WHERE d.hash = ? AND t.number = d.id", g->db->select.buf);
    rc = rc ? rc : prepare(g, &g->extra[EXTRA_FIND], text.buf, err);
    strbuf_release(&text);
    return rc;
}

struct group *group_new(struct db *db, struct err *err)
{
    struct group *g = mem_alloc(sizeof *g);
    g->db = db;
    g->values = mem_calloc((size_t)db->n_columns + 1, sizeof *g->values);
    g->other = mem_calloc((size_t)db->n_columns + 1, sizeof *g->other);
    front_init(&g->front, 0);
    find_objectives(g);
    struct strbuf pragmas = STRBUF_INIT;
    strbuf_addf(&pragmas, "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=%d", CHECKPOINT_PAGES);
    int rc = db_sql_open(db->path, SQLITE_OPEN_READWRITE, &g->sql, err) ||
             db_sql_exec(g->sql, db->path, pragmas.buf, err) ||
             prepare(g, &g->extra[EXTRA_COUNT_UP], extra_texts[EXTRA_COUNT_UP], err);
    strbuf_release(&pragmas);
    if (!rc && stat(db->path, &g->file)) {
        rc = err_set(err, ERR_IO, "cannot read '%s': %s", db->path, strerror(errno));
    }
    if (rc || (!db->cache_only && (prepare_study(g, err) || load_front(g, err)))) {
        group_free(g);
        return NULL;
    }
    return g;
}

void group_free(struct group *g)
{
    if (!g) {
        return;
    }
    for (int i = 0; i < RECORD_KIND_COUNT; i++) {
        sqlite3_finalize(g->stmt[i]);
    }
    for (int i = 0; i < EXTRA_COUNT; i++) {
        sqlite3_finalize(g->extra[i]);
    }
    sqlite3_close(g->sql);
    front_release(&g->front);
    mem_free(g->values);
    mem_free(g->other);
    mem_free(g->on_front);
    mem_free(g->demoted);
    mem_free(g);
}

/* ---- the front ---- */

static void demote(struct group *g, int64_t first, int64_t id)
{
    if (id >= first) {
        g->on_front[id - first] = false;
        return;
    }
    MEM_GROW(g->demoted, g->n_demoted, g->cap_demoted);
    g->demoted[g->n_demoted++] = id;
}

static double cell_number(const struct cell *c)
{
    if (c->type == CELL_INTEGER) {
        return (double)c->u.i;
    }
    return c->type == CELL_REAL ? c->u.d : (double)NAN;
}

/* Before anything is stored: who of this group will be on the front, and who of the
 * stored will leave it. */
static void update_front(struct group *g, const struct queue *q, int64_t first)
{
    while (g->cap_on_front < q->trials) {
        MEM_GROW(g->on_front, g->cap_on_front, g->cap_on_front);
    }
    g->n_demoted = 0;
    for (size_t at = 0; at < q->used; at += queue_at(q, at)->size) {
        const struct record *r = queue_at(q, at);
        if (r->kind != RECORD_TRIAL) {
            continue;
        }
        int64_t number = r->cell[TRIAL_NUMBER].u.i;
        double f[DB_MAX_OBJECTIVES];
        for (int k = 0; k < g->front.m; k++) {
            f[k] = g->sign[k] * cell_number(&r->cell[g->objective_cell[k]]);
        }
        bool ok = !strcmp(record_bytes(r, TRIAL_STATE), db_state_names[DB_OK]);
        g->on_front[number - first] = ok && front_add(&g->front, f, number);
        for (int64_t k = 0; ok && k < g->front.n_removed; k++) {
            demote(g, first, g->front.removed[k]);
        }
    }
}

static int store_demoted(struct group *g, struct err *err)
{
    for (int64_t i = 0; i < g->n_demoted; i++) {
        if (prepare(g, &g->extra[EXTRA_DEMOTE], extra_texts[EXTRA_DEMOTE], err)) {
            return -1;
        }
        sqlite3_bind_int64(g->extra[EXTRA_DEMOTE], 1, g->demoted[i]);
        if (run(g, g->extra[EXTRA_DEMOTE], err)) {
            return -1;
        }
    }
    return 0;
}

/* ---- records ---- */

/* The design is there already: its id, when it gave the same result then. */
static int known_design(struct group *g, const struct record *r, int64_t *id, struct err *err)
{
    sqlite3_stmt *stmt = g->extra[EXTRA_FIND];
    struct db_trial old, now;
    record_bind(stmt, 1, r, TRIAL_HASH);
    int rc = sqlite3_step(stmt);
    if (rc != SQLITE_ROW) {
        rc = rc == SQLITE_DONE
                 ? err_set(err, ERR_DATA, "'%s': design %s has no trial", g->db->path, record_bytes(r, TRIAL_HASH))
                 : failed(g, err);
    } else if (!(rc = trial_from_row(g->db, stmt, &old, g->values, err))) {
        trial_from_record(g->db, r, &now, g->other);
        *id = old.number;
        rc = trial_alarm(g->db, &old, &now, err);
    }
    sqlite3_reset(stmt);
    return rc;
}

static int store_design(struct group *g, const struct record *r, bool on_front, int64_t *id, struct err *err)
{
    sqlite3_stmt *stmt = g->extra[EXTRA_DESIGN];
    int n = r->n_cells - TRIAL_HASH;
    sqlite3_bind_int64(stmt, 1, r->cell[TRIAL_NUMBER].u.i);
    if (on_front) {
        sqlite3_bind_int64(stmt, 2, 0);
    } else {
        sqlite3_bind_null(stmt, 2);
    }
    for (int i = 0; i < n; i++) {
        record_bind(stmt, i + 3, r, TRIAL_HASH + i);
    }
    if (run(g, stmt, err)) {
        return -1;
    }
    *id = r->cell[TRIAL_NUMBER].u.i;
    if (!sqlite3_changes(g->sql)) {
        return known_design(g, r, id, err);
    }
    for (int s = 0; s < DB_STATE_COUNT; s++) {
        g->counted[s] += !strcmp(record_bytes(r, TRIAL_STATE), db_state_names[s]);
    }
    return 0;
}

static int store_trial(struct group *g, const struct record *r, int64_t first, struct err *err)
{
    int64_t number = r->cell[TRIAL_NUMBER].u.i, id;
    if (store_design(g, r, g->on_front[number - first], &id, err)) {
        return -1;
    }
    sqlite3_stmt *stmt = g->stmt[RECORD_TRIAL];
    sqlite3_bind_int64(stmt, 1, number);
    sqlite3_bind_int64(stmt, 2, id);
    record_bind(stmt, 3, r, TRIAL_RUN);
    record_bind(stmt, 4, r, TRIAL_GENERATION);
    record_bind(stmt, 5, r, TRIAL_PROPOSED_BY);
    return run(g, stmt, err);
}

/* The key was there: the value must be the same. */
static int same_value(struct group *g, const struct record *r, enum extra which, struct err *err)
{
    if (prepare(g, &g->extra[which], extra_texts[which], err)) {
        return -1;
    }
    sqlite3_stmt *stmt = g->extra[which];
    record_bind(stmt, 1, r, 0);
    int rc = sqlite3_step(stmt);
    if (rc != SQLITE_ROW) {
        rc = failed(g, err);
    } else {
        size_t n = (size_t)sqlite3_column_bytes(stmt, 0);
        const void *old = sqlite3_column_blob(stmt, 0);
        rc = n == r->cell[1].n && (!n || !memcmp(old, record_bytes(r, 1), n)) ? 0 : 1;
    }
    if (rc == 1) {
        struct hash key;
        char hex[HASH_HEX];
        memcpy(key.byte, record_bytes(r, 0), HASH_BYTES);
        hash_hex(key, hex);
        rc = err_set(err, ERR_BUG,
                     "'%s': the %s cache has another value under key %s than was computed "
                     "now: results are not reproducible",
                     g->db->path, which == EXTRA_MAPPING_VALUE ? "mapping" : "evaluation", hex);
    }
    sqlite3_reset(stmt);
    return rc;
}

static int store(struct group *g, const struct record *r, int64_t first, struct err *err)
{
    if (prepare(g, &g->stmt[r->kind], texts[r->kind], err)) {
        return -1;
    }
    if (r->kind == RECORD_TRIAL) {
        return store_trial(g, r, first, err);
    }
    sqlite3_stmt *stmt = g->stmt[r->kind];
    for (int i = 0; i < r->n_cells; i++) {
        record_bind(stmt, i + 1, r, i);
    }
    if (run(g, stmt, err)) {
        return -1;
    }
    if (r->kind == RECORD_EVALUATION_CACHE || r->kind == RECORD_MAPPING_CACHE) {
        bool mapping = r->kind == RECORD_MAPPING_CACHE;
        if (!sqlite3_changes(g->sql)) {
            return same_value(g, r, mapping ? EXTRA_MAPPING_VALUE : EXTRA_EVALUATION_VALUE, err);
        }
        g->counted[COUNTED_CACHE + mapping]++;
    }
    if (r->kind == RECORD_EVALUATION_FORGET || r->kind == RECORD_MAPPING_FORGET) {
        g->counted[COUNTED_CACHE + (r->kind == RECORD_MAPPING_FORGET)] -= sqlite3_changes(g->sql);
    }
    return 0;
}

static int store_counts(struct group *g, bool sync, struct err *err)
{
    static const char *const names[COUNTED_COUNT + 1] = {
        "ok", "infeasible", "failed", "evaluation_cache", "mapping_cache", "syncs"};
    for (int i = 0; i <= COUNTED_COUNT; i++) {
        /* The last one only makes sure that there is something to sync. */
        int64_t n = i < COUNTED_COUNT ? g->counted[i] : sync;
        if (!n) {
            continue;
        }
        sqlite3_bind_text(g->extra[EXTRA_COUNT_UP], 1, names[i], -1, SQLITE_STATIC);
        sqlite3_bind_int64(g->extra[EXTRA_COUNT_UP], 2, n);
        if (run(g, g->extra[EXTRA_COUNT_UP], err)) {
            return -1;
        }
    }
    return 0;
}

static int store_beat(struct group *g, const struct heartbeat *b, struct err *err)
{
    if (!b || !b->run_id) {
        return 0;
    }
    if (prepare(g, &g->extra[EXTRA_BEAT], extra_texts[EXTRA_BEAT], err)) {
        return -1;
    }
    sqlite3_stmt *stmt = g->extra[EXTRA_BEAT];
    char now[32];
    sqlite3_bind_int64(stmt, 1, b->run_id);
    sqlite3_bind_text(stmt, 2, db_utc_now(now), -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 3, b->evaluations);
    sqlite3_bind_int64(stmt, 4, b->cache_hits);
    sqlite3_bind_int64(stmt, 5, b->cache_lookups);
    sqlite3_bind_double(stmt, 6, b->wall_s);
    sqlite3_bind_double(stmt, 7, b->cpu_s);
    return run(g, stmt, err);
}

static int store_all(struct group *g, const struct queue *q, bool sync, const struct heartbeat *beat, struct err *err)
{
    int64_t first = 0;
    size_t at = 0;
    while (at < q->used && queue_at(q, at)->kind != RECORD_TRIAL) {
        at += queue_at(q, at)->size;
    }
    if (at < q->used) {
        first = queue_at(q, at)->cell[TRIAL_NUMBER].u.i;
        update_front(g, q, first);
    }
    memset(g->counted, 0, sizeof g->counted);
    for (at = 0; at < q->used; at += queue_at(q, at)->size) {
        if (store(g, queue_at(q, at), first, err)) {
            return -1;
        }
    }
    if (q->trials && store_demoted(g, err)) {
        return -1;
    }
    return store_counts(g, sync, err) || store_beat(g, beat, err) ? -1 : 0;
}

/* SQLite goes on writing to a file that has lost its name; nobody would ever see it
 * again. */
static int still_there(const struct group *g, struct err *err)
{
    struct stat now;
    if (stat(g->db->path, &now)) {
        return err_set(err, ERR_IO, "'%s' was deleted or moved while it was being written: %s", g->db->path,
                       strerror(errno));
    }
    if (now.st_dev != g->file.st_dev || now.st_ino != g->file.st_ino) {
        return err_set(err, ERR_IO, "'%s' was replaced by another file while it was written", g->db->path);
    }
    return 0;
}

int group_write(struct group *g, const struct queue *q, bool sync, const struct heartbeat *beat, struct err *err)
{
    const char *path = g->db->path;
    if (still_there(g, err)) {
        return -1;
    }
    if (sync != g->synced) {
        if (db_sql_exec(g->sql, path, sync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", err)) {
            return -1;
        }
        g->synced = sync;
    }
    if (sqlite3_exec(g->sql, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) {
        return failed(g, err);
    }
    int rc = store_all(g, q, sync, beat, err);
    if (!rc && sqlite3_exec(g->sql, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
        rc = failed(g, err);
    }
    if (rc) {
        sqlite3_exec(g->sql, "ROLLBACK", NULL, NULL, NULL);
        return -1;
    }
    return still_there(g, err);
}
