/* The tables of a study file. docs/database.md explains them to people with a plain
 * sqlite3; here is why they are so.
 *
 * - One wide row a design, not one row a value: a front is one scan, a design is one
 * line (Optuna's entity-attribute-value layout stores 7 to 11 trials a second and takes
 * 90 CPU seconds to load 100,000).
 * - designs.id is the number of the design's first trial, so that rows are appended,
 * joins with `trials` run in step, and "in trial order" is the order of the table. Only
 * the index on `hash` is random.
 * - Metrics stand before parameters: a scan for a front reads the head of each row.
 * - `hash` is text, for people: 32 hex digits, found by prefix in the index.
 * - What differs between two runs of the same study (times, hosts) is in `runs`, in
 * history.elapsed_s and in designs.eval_us, nowhere else.
 * - `counts` is kept in step with every commit, so that status need not count a million
 * rows. */
#include "base/mem.h"
#include "db/db_private.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *const db_kind_names[DB_KIND_COUNT] = {
    [DB_PARAMETER] = "parameter",
    [DB_METRIC] = "metric",
    [DB_VIOLATION] = "violation",
    [DB_DERIVED] = "derived",
};
const char *const db_state_names[DB_STATE_COUNT] = {
    [DB_OK] = "ok",
    [DB_INFEASIBLE] = "infeasible",
    [DB_FAILED] = "failed",
};
const char *const db_exit_names[DB_EXIT_COUNT] = {
    [DB_EXIT_NONE] = "",
    [DB_EXIT_DONE] = "done",
    [DB_EXIT_INTERRUPTED] = "interrupted",
    [DB_EXIT_TIME_LIMIT] = "time_limit",
    [DB_EXIT_PREEMPTED] = "preempted",
    [DB_EXIT_FAILED] = "failed",
};

/* Columns of `designs` that are not the study's own. */
static const char *const own_columns[] = {"id", "hash", "state", "rank", "violated", "eval_us", "error", "exact"};

static const char *const shared_tables =
    "CREATE TABLE study(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT "
    "ROWID;"
    "CREATE TABLE counts(what TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT "
    "ROWID;"
    "INSERT INTO counts VALUES('ok',0),('infeasible',0),('failed',0),"
    " ('evaluation_cache',0),('mapping_cache',0),('syncs',0);"
    "CREATE TABLE evaluation_cache(key BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT;"
    "CREATE TABLE mapping_cache(key BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT;";

static const char *const study_tables =
    "CREATE TABLE columns(position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " kind TEXT NOT NULL, type TEXT NOT NULL, unit TEXT NOT NULL, goal TEXT NOT NULL,"
    " objective INTEGER NOT NULL, description TEXT NOT NULL, sql TEXT) STRICT;"
    "CREATE TABLE runs(run_id INTEGER PRIMARY KEY, command TEXT, version TEXT, host "
    "TEXT,"
    " pid INTEGER, slurm_job TEXT, threads INTEGER, started_utc TEXT NOT NULL,"
    " heartbeat_utc TEXT, ended_utc TEXT, exit TEXT, evaluations INTEGER,"
    " cache_hits INTEGER, cache_lookups INTEGER, wall_s REAL, cpu_s REAL,"
    " origin TEXT) STRICT;"
    "CREATE TABLE trials(number INTEGER PRIMARY KEY,"
    " design INTEGER NOT NULL REFERENCES designs(id), run_id INTEGER REFERENCES runs,"
    " generation INTEGER, proposed_by TEXT) STRICT;"
    "CREATE TABLE history(evaluations INTEGER PRIMARY KEY, hypervolume REAL,"
    " front_size INTEGER, elapsed_s REAL) STRICT;"
    "CREATE TABLE layers(layer_id INTEGER PRIMARY KEY, name TEXT, op TEXT, macs "
    "INTEGER,"
    " weights INTEGER, dims TEXT) STRICT;" DB_BREAKDOWN "CREATE VIEW front AS SELECT * FROM designs WHERE rank = 0;"
    "CREATE VIEW log AS SELECT t.number, d.hash, d.state, t.generation, t.proposed_by,"
    " t.run_id FROM trials t JOIN designs d ON d.id = t.design;";

static int column_check(const struct db_layout *l, int i, struct err *err)
{
    const struct db_column *c = &l->columns[i];
    size_t n = strspn(c->name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    if (!n || c->name[n] || isdigit((unsigned char)c->name[0])) {
        return err_set(err, ERR_BUG, "column '%s' is not a name of [a-z0-9_]", c->name);
    }
    for (size_t k = 0; k < sizeof own_columns / sizeof *own_columns; k++) {
        if (!strcmp(c->name, own_columns[k])) {
            return err_set(err, ERR_BUG, "column '%s' is one of the table's own", c->name);
        }
    }
    for (int k = 0; k < i; k++) {
        if (!strcmp(c->name, l->columns[k].name)) {
            return err_set(err, ERR_BUG, "column '%s' is there twice", c->name);
        }
    }
    bool numeric = c->type == DB_INTEGER || c->type == DB_REAL;
    if (c->type == DB_NULL || (c->kind == DB_VIOLATION && c->type != DB_REAL)) {
        return err_set(err, ERR_BUG, "column '%s' has no type that fits", c->name);
    }
    bool goal = c->goal && *c->goal;
    if (goal && strcmp(c->goal, "min") && strcmp(c->goal, "max")) {
        return err_set(err, ERR_BUG, "column '%s': no such goal '%s'", c->name, c->goal);
    }
    if (c->objective && (!goal || !numeric || c->sql)) {
        return err_set(err, ERR_BUG, "column '%s': an objective is a stored number with a goal", c->name);
    }
    if (c->sql && c->kind != DB_DERIVED) {
        return err_set(err, ERR_BUG, "column '%s': only a derived one has sql", c->name);
    }
    return 0;
}

int db_layout_check(const struct db_layout *layout, struct err *err)
{
    if (layout->n_columns > DB_MAX_COLUMNS) {
        return err_set(err, ERR_DATA,
                       "%d columns are too many for one table (at most %d); give vectors as "
                       "one text column",
                       layout->n_columns, DB_MAX_COLUMNS);
    }
    int seen[DB_MAX_OBJECTIVES + 1] = {0}, n = 0;
    for (int i = 0; i < layout->n_columns; i++) {
        int place = layout->columns[i].objective;
        if (column_check(layout, i, err)) {
            return -1;
        }
        if (place < 0 || place > DB_MAX_OBJECTIVES || (place && seen[place]++)) {
            return err_set(err, ERR_BUG, "column '%s': no place %d among the objectives", layout->columns[i].name,
                           place);
        }
        n += place > 0;
    }
    for (int place = 1; place <= n; place++) {
        if (!seen[place]) {
            return err_set(err, ERR_BUG, "objective %d of %d is missing", place, n);
        }
    }
    return 0;
}

/* Objectives first, then metrics, violations, derived, parameters: 0 ... 4. */
static int storage_class(const struct db_column *c)
{
    static const int by_kind[DB_KIND_COUNT] = {
        [DB_METRIC] = 1, [DB_VIOLATION] = 2, [DB_DERIVED] = 3, [DB_PARAMETER] = 4};
    return c->objective ? 0 : by_kind[c->kind];
}

static void designs_table(const struct db_layout *l, struct strbuf *sb)
{
    strbuf_adds(sb, "CREATE TABLE designs(id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE,"
                    " state TEXT NOT NULL CHECK(state IN('ok','infeasible','failed')),"
                    " rank INTEGER");
    for (int class = 0; class <= 4; class ++) {
        for (int i = 0; i < l->n_columns; i++) {
            const struct db_column *c = &l->columns[i];
            if (storage_class(c) != class) {
                continue;
            }
            strbuf_addf(sb, ", \"%s\" %s", c->name, db_sql_type(c->type));
            if (c->sql) {
                strbuf_addf(sb, " GENERATED ALWAYS AS (%s) VIRTUAL", c->sql);
            }
        }
    }
    strbuf_adds(sb, ", violated TEXT, error TEXT, eval_us INTEGER, exact BLOB) STRICT;"
                    "CREATE INDEX designs_front ON designs(rank) WHERE rank = 0;");
}

/* Two objectives at a time, by a window function: the best of the second so far,
 * walking along the first. */
static void pair_view(const struct db_column *a, const struct db_column *b, struct strbuf *sb)
{
    bool amax = !strcmp(a->goal, "max"), bmax = !strcmp(b->goal, "max");
    strbuf_addf(sb,
                "CREATE VIEW \"front_%s_%s\" AS SELECT * FROM (SELECT *, %s(\"%s\") OVER"
                " (ORDER BY \"%s\"%s, \"%s\"%s, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1"
                " PRECEDING) AS best_before FROM designs WHERE state = 'ok') WHERE"
                " best_before IS NULL OR \"%s\" %c best_before;",
                a->name, b->name, bmax ? "MAX" : "MIN", b->name, a->name, amax ? " DESC" : "", b->name,
                bmax ? " DESC" : "", b->name, bmax ? '>' : '<');
}

static void pair_views(const struct db_layout *l, struct strbuf *sb)
{
    const struct db_column *objective[DB_MAX_OBJECTIVES + 1] = {NULL};
    for (int i = 0; i < l->n_columns; i++) {
        objective[l->columns[i].objective] = &l->columns[i];
    }
    for (int a = 1; a <= DB_MAX_OBJECTIVES && objective[a]; a++) {
        for (int b = a + 1; b <= DB_MAX_OBJECTIVES && objective[b]; b++) {
            pair_view(objective[a], objective[b], sb);
        }
    }
}

static int put_pair(sqlite3 *sql, const char *path, const char *key, const char *value, struct err *err)
{
    sqlite3_stmt *stmt;
    if (db_sql_prepare(sql, path, "INSERT OR REPLACE INTO study VALUES(?,?)", &stmt, err)) {
        return -1;
    }
    sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, value, -1, SQLITE_STATIC);
    int rc = sqlite3_step(stmt) == SQLITE_DONE ? 0 : db_sql_error(sql, path, "write", err);
    sqlite3_finalize(stmt);
    return rc;
}

static int put_column(sqlite3_stmt *stmt, int position, const struct db_column *c)
{
    sqlite3_bind_int(stmt, 1, position);
    sqlite3_bind_text(stmt, 2, c->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 3, db_kind_names[c->kind], -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 4, db_sql_type(c->type), -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 5, c->unit ? c->unit : "", -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 6, c->goal ? c->goal : "", -1, SQLITE_STATIC);
    sqlite3_bind_int(stmt, 7, c->objective);
    sqlite3_bind_text(stmt, 8, c->description ? c->description : "", -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 9, c->sql, -1, SQLITE_STATIC);
    int rc = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? 0 : -1;
}

static int put_layout(sqlite3 *sql, const char *path, const struct db_layout *l, struct err *err)
{
    sqlite3_stmt *stmt;
    if (db_sql_prepare(sql, path, "INSERT INTO columns VALUES(?,?,?,?,?,?,?,?,?)", &stmt, err)) {
        return -1;
    }
    int rc = 0;
    for (int i = 0; i < l->n_columns && !rc; i++) {
        if (put_column(stmt, i, &l->columns[i])) {
            rc = db_sql_error(sql, path, "write", err);
        }
    }
    sqlite3_finalize(stmt);
    for (int i = 0; i < l->n_meta && !rc; i++) {
        rc = put_pair(sql, path, l->meta[i].key, l->meta[i].value, err);
    }
    return rc;
}

static int put_origin(sqlite3 *sql, const char *path, struct err *err)
{
    char now[32], host[100] = "";
    gethostname(host, sizeof host - 1);
    return put_pair(sql, path, "created_utc", db_utc_now(now), err) || put_pair(sql, path, "host", host, err) ? -1 : 0;
}

static const char *text_at(sqlite3_stmt *stmt, int i)
{
    const unsigned char *s = sqlite3_column_text(stmt, i);
    return s ? (const char *)s : "";
}

/* SQLite answers with the mode that it chose, and that is no error for it. */
static int set_wal(sqlite3 *sql, const char *path, struct err *err)
{
    sqlite3_stmt *stmt;
    if (db_sql_prepare(sql, path, "PRAGMA journal_mode=WAL", &stmt, err)) {
        return -1;
    }
    int rc = sqlite3_step(stmt);
    if (rc != SQLITE_ROW) {
        rc = db_sql_error(sql, path, "write", err);
    } else if (strcmp(text_at(stmt, 0), "wal") != 0) {
        rc = err_set(err, ERR_IO,
                     "'%s' lies on a file system where a write-ahead log cannot be shared; "
                     "write to another disk",
                     path);
    } else {
        rc = 0;
    }
    sqlite3_finalize(stmt);
    return rc;
}

static int create(sqlite3 *sql, const char *path, const char *tables, const struct db_layout *layout, struct err *err)
{
    struct strbuf head = STRBUF_INIT;
    strbuf_addf(&head, "PRAGMA application_id=%d; PRAGMA user_version=%d; BEGIN IMMEDIATE;%s", DB_APPLICATION_ID,
                DB_SCHEMA_VERSION, shared_tables);
    int rc = set_wal(sql, path, err) || db_sql_exec(sql, path, head.buf, err);
    strbuf_release(&head);
    if (rc || db_sql_exec(sql, path, tables, err) || put_origin(sql, path, err) ||
        (layout && put_layout(sql, path, layout, err))) {
        return -1;
    }
    return db_sql_exec(sql, path, "COMMIT", err);
}

int db_schema_create(sqlite3 *sql, const char *path, const struct db_layout *layout, struct err *err)
{
    struct strbuf tables = STRBUF_INIT;
    designs_table(layout, &tables);
    strbuf_adds(&tables, study_tables);
    pair_views(layout, &tables);
    int rc = create(sql, path, tables.buf, layout, err);
    strbuf_release(&tables);
    return rc;
}

int db_schema_create_cache(sqlite3 *sql, const char *path, struct err *err)
{
    return create(sql, path, "INSERT INTO study VALUES('kind','cache');", NULL, err);
}

int db_schema_check(sqlite3 *sql, const char *path, struct err *err)
{
    int64_t id, version, pages;
    if (db_sql_integer(sql, path, "PRAGMA page_count", 0, &pages, err) ||
        db_sql_integer(sql, path, "PRAGMA application_id", 0, &id, err) ||
        db_sql_integer(sql, path, "PRAGMA user_version", 0, &version, err)) {
        return -1;
    }
    if (pages == 0) {
        return err_set(err, ERR_DATA, "'%s' is empty, not a Dovetail study", path);
    }
    if (id != DB_APPLICATION_ID) {
        return err_set(err, ERR_DATA, "'%s' is an SQLite file of another program, not a Dovetail study", path);
    }
    if (version > DB_SCHEMA_VERSION) {
        return err_set(err, ERR_DATA,
                       "'%s' has schema version %lld; this program knows versions up to %d: "
                       "use a newer dovetail",
                       path, (long long)version, DB_SCHEMA_VERSION);
    }
    if (version < DB_SCHEMA_VERSION) {
        return err_set(err, ERR_DATA,
                       "'%s' has the older schema version %lld (now %d): run `dovetail "
                       "upgrade '%s'`",
                       path, (long long)version, DB_SCHEMA_VERSION, path);
    }
    return 0;
}

void db_set_meta(struct db *db, const char *key, const char *value)
{
    for (int i = 0; i < db->n_meta; i++) {
        if (!strcmp(db->meta[i].key, key)) {
            mem_free((void *)(uintptr_t)db->meta[i].value);
            db->meta[i].value = mem_strdup(value);
            return;
        }
    }
    MEM_GROW(db->meta, db->n_meta, db->cap_meta);
    db->meta[db->n_meta++] = (struct db_pair){mem_strdup(key), mem_strdup(value)};
}

static int load_meta(struct db *db, struct err *err)
{
    sqlite3_stmt *stmt;
    if (db_sql_prepare(db->read, db->path, "SELECT key, value FROM study", &stmt, err)) {
        return -1;
    }
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        db_set_meta(db, text_at(stmt, 0), text_at(stmt, 1));
    }
    rc = rc == SQLITE_DONE ? 0 : db_sql_error(db->read, db->path, "read", err);
    sqlite3_finalize(stmt);
    return rc;
}

static int index_of(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++) {
        if (!strcmp(names[i], name)) {
            return i;
        }
    }
    return -1;
}

static int load_column(sqlite3_stmt *stmt, struct db_column *c)
{
    const char *types[DB_TYPE_COUNT];
    for (int i = 0; i < DB_TYPE_COUNT; i++) {
        types[i] = db_sql_type((enum db_type)i);
    }
    int kind = index_of(db_kind_names, DB_KIND_COUNT, text_at(stmt, 1));
    int type = index_of(types, DB_TYPE_COUNT, text_at(stmt, 2));
    if (kind < 0 || type < 0) {
        return -1;
    }
    *c = (struct db_column){
        .name = mem_strdup(text_at(stmt, 0)),
        .kind = (enum db_kind)kind,
        .type = (enum db_type)type,
        .unit = mem_strdup(text_at(stmt, 3)),
        .goal = mem_strdup(text_at(stmt, 4)),
        .objective = sqlite3_column_int(stmt, 5),
        .description = mem_strdup(text_at(stmt, 6)),
        .sql = sqlite3_column_type(stmt, 7) == SQLITE_NULL ? NULL : mem_strdup(text_at(stmt, 7)),
    };
    return 0;
}

static int load_columns(struct db *db, struct err *err)
{
    sqlite3_stmt *stmt;
    if (db_sql_prepare(db->read, db->path,
                       "SELECT name, kind, type, unit, goal, objective, description, sql"
                       " FROM columns ORDER BY position",
                       &stmt, err)) {
        return -1;
    }
    int rc, cap = 0;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        MEM_GROW(db->columns, db->n_columns, cap);
        if (load_column(stmt, &db->columns[db->n_columns])) {
            err_set(err, ERR_DATA, "'%s': table 'columns' has a row that means nothing here", db->path);
            sqlite3_finalize(stmt);
            return -1;
        }
        db->n_columns++;
    }
    rc = rc == SQLITE_DONE ? 0 : db_sql_error(db->read, db->path, "read", err);
    sqlite3_finalize(stmt);
    return rc;
}

/* In the order that trial_from_row() reads. */
static void build_select(struct db *db)
{
    strbuf_adds(&db->select, "SELECT t.number, d.hash, d.state, d.violated, d.error,"
                             " t.proposed_by, t.generation, d.eval_us, d.exact");
    for (int i = 0; i < db->n_columns; i++) {
        strbuf_addf(&db->select, ", d.\"%s\"", db->columns[i].name);
    }
    strbuf_adds(&db->select, " FROM trials t JOIN designs d ON d.id = t.design");
}

void db_schema_insert_design(const struct db *db, struct strbuf *sb)
{
    int n = 8;
    strbuf_adds(sb, "INSERT INTO designs(id, rank, hash, state, violated, error, eval_us,"
                    " exact");
    for (int i = 0; i < db->n_columns; i++) {
        if (db_column_stored(&db->columns[i])) {
            strbuf_addf(sb, ", \"%s\"", db->columns[i].name);
            n++;
        }
    }
    strbuf_adds(sb, ") VALUES(?");
    for (int i = 1; i < n; i++) {
        strbuf_adds(sb, ",?");
    }
    strbuf_adds(sb, ") ON CONFLICT(hash) DO NOTHING");
}

int db_schema_load(struct db *db, struct err *err)
{
    if (load_meta(db, err)) {
        return -1;
    }
    const char *kind = db_meta(db, "kind");
    bool cache = kind && !strcmp(kind, "cache");
    if (cache != db->cache_only) {
        return err_set(err, ERR_DATA,
                       cache ? "'%s' is a cache shared between studies, not a study"
                             : "'%s' is a study, not a shared cache; name another --cache",
                       db->path);
    }
    if (!cache && load_columns(db, err)) {
        return -1;
    }
    build_select(db);
    return 0;
}
