/* The union of several studies by design hash, in SQL: each file is attached in turn, compared with what is there, and copied.
 *
 * Trials of file k are numbered behind those of file k - 1, so designs.id stays the number of the design's first trial: of a design in several
 * files the first file's row stands. Rank and counts are computed once at the end. */
#include "base/mem.h"
#include "db/db_private.h"
#include "db/db_tools.h"

#include <string.h>
#include <unistd.h>

struct merge {
    const char *const *paths;
    int n;
    struct db *shape; /* the first file: columns and facts of all */
    struct db_merge_report *report;
    struct strbuf copied;       /* names of what is copied of a design, without id and rank: "hash", "state", ... */
    struct strbuf ours, theirs; /* the same for comparing, as m."x" and s."x", without hash, eval_us and error */
    int64_t *first_trial;       /* [n] offsets of each file's trials */
    int64_t *first_run;         /* [n] */
    bool *fact_differs;         /* [shape->n_meta] between the files */
};

/* ---- may they be united? ---- */

/* Space, seed and algorithm may differ: shards of a sweep differ in just these. */
static const char *const same_facts[] = {"objectives", "constraints"};

static bool same_columns(const struct db *a, const struct db *b)
{
    bool same = a->n_columns == b->n_columns;
    for (int i = 0; same && i < a->n_columns; i++) {
        const struct db_column *x = &a->columns[i], *y = &b->columns[i];
        same = !strcmp(x->name, y->name) && x->kind == y->kind && x->type == y->type && x->objective == y->objective &&
               !strcmp(x->goal, y->goal) && db_same_text(x->sql, y->sql);
    }
    return same;
}

static int check_pair(const struct db *a, const struct db *b, bool force_model, struct err *err)
{
    if (!same_columns(a, b)) {
        return err_set(err, ERR_DATA, "'%s' and '%s' have different columns", a->path, b->path);
    }
    for (size_t i = 0; i < sizeof same_facts / sizeof *same_facts; i++) {
        const char *x = db_meta(a, same_facts[i]), *y = db_meta(b, same_facts[i]);
        if (!db_same_text(x, y)) {
            return err_set(err, ERR_DATA, "'%s' and '%s' differ in %s: %.100s and %.100s", a->path, b->path,
                           same_facts[i], x ? x : "none", y ? y : "none");
        }
    }
    const char *x = db_meta(a, "model_hash"), *y = db_meta(b, "model_hash");
    if (!force_model && !db_same_text(x, y)) {
        return err_set(err, ERR_DATA,
                       "'%s' and '%s' were priced by different cost models (%.20s, %.20s); "
                       "--force-model unites them all the same",
                       a->path, b->path, x ? x : "none", y ? y : "none");
    }
    return 0;
}

static void compare_facts(struct merge *m, const struct db *other)
{
    for (int i = 0; i < m->shape->n_meta; i++) {
        const struct db_pair *fact = &m->shape->meta[i];
        m->fact_differs[i] = m->fact_differs[i] || !db_same_text(fact->value, db_meta(other, fact->key));
    }
}

static int check_all(struct merge *m, bool force_model, struct err *err)
{
    m->fact_differs = mem_calloc((size_t)m->shape->n_meta + 1, sizeof *m->fact_differs);
    for (int i = 1; i < m->n; i++) {
        struct db *other = db_open(m->paths[i], DB_READ, err);
        int rc = other ? check_pair(m->shape, other, force_model, err) : -1;
        if (!rc) {
            compare_facts(m, other);
        }
        db_close(other, NULL);
        if (rc) {
            return -1;
        }
    }
    return 0;
}

/* ---- the conflict ---- */

/* "energy_j = 1.5 in 'a.db' (trial 3 on node17)" */
static void describe(struct strbuf *sb, struct db *origin, const struct db_trial *t, const char *field)
{
    char *text = sqlite3_mprintf("SELECT r.host FROM runs r JOIN trials t ON"
                                 " t.run_id = r.run_id WHERE t.number = %lld",
                                 (long long)t->number);
    sqlite3_stmt *stmt;
    strbuf_addf(sb, "%s = ", field);
    trial_print_field(origin, t, field, sb);
    strbuf_addf(sb, " in '%s' (trial %lld", origin->path, (long long)t->number);
    if (!db_sql_prepare(origin->read, origin->path, text, &stmt, NULL)) {
        if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_text(stmt, 0)) {
            strbuf_addf(sb, " on %s", sqlite3_column_text(stmt, 0));
        }
        sqlite3_finalize(stmt);
    }
    strbuf_adds(sb, ")");
    sqlite3_free(text);
}

/* The design `hex` is there from an earlier file and differs in file `second`: find out from which, and say how. */
static int conflict(struct merge *m, const char *hex, int64_t number, int second, struct err *err)
{
    int first = second;
    while (first > 0 && m->first_trial[first] > number) {
        first--;
    }
    struct hash hash;
    struct db_trial t[2];
    struct db_cursor *hold[2] = {NULL, NULL};
    struct db *db[2] = {db_open(m->paths[first], DB_READ, err), NULL};
    db[1] = db[0] ? db_open(m->paths[second], DB_READ, err) : NULL;
    int rc = db[1] && !hash_parse(hex, &hash) && db_get(db[0], hash, &t[0], &hold[0], err) == 1 &&
                     db_get(db[1], hash, &t[1], &hold[1], err) == 1
                 ? 0
                 : -1;
    const char *field = rc ? NULL : trial_difference(m->shape, &t[0], &t[1]);
    struct strbuf sb = STRBUF_INIT;
    if (field) {
        strbuf_addf(&sb, "design %.7s has ", hex);
        describe(&sb, db[0], &t[0], field);
        strbuf_adds(&sb, " and ");
        describe(&sb, db[1], &t[1], field);
        strbuf_adds(&sb, ": results are not reproducible");
        m->report->conflict = strbuf_detach(&sb);
        err_set(err, ERR_BUG, "%s", m->report->conflict);
    } else {
        err_set(err, ERR_DATA, "design %.7s differs between '%s' and '%s'", hex, m->paths[first], m->paths[second]);
    }
    strbuf_release(&sb);
    for (int i = 0; i < 2; i++) {
        db_cursor_free(hold[i]);
        db_close(db[i], NULL);
    }
    return -1;
}

static int find_conflict(struct merge *m, sqlite3 *sql, const char *path, int second, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    sqlite3_stmt *stmt;
    strbuf_addf(&text,
                "SELECT s.hash, m.id FROM src.designs s JOIN main.designs m ON m.hash = s.hash"
                " WHERE (%s) IS NOT (%s) ORDER BY m.id LIMIT 1",
                m->ours.buf, m->theirs.buf);
    int rc = db_sql_prepare(sql, path, text.buf, &stmt, err);
    strbuf_release(&text);
    if (rc) {
        return -1;
    }
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        rc = conflict(m, (const char *)sqlite3_column_text(stmt, 0), sqlite3_column_int64(stmt, 1), second, err);
    } else {
        rc = rc == SQLITE_DONE ? 0 : db_sql_error(sql, path, "read", err);
    }
    sqlite3_finalize(stmt);
    return rc;
}

/* Cached values under one key must agree too. */
static int find_cache_conflict(struct merge *m, sqlite3 *sql, const char *path, int second, struct err *err)
{
    static const char *const texts[] = {"SELECT count(*) FROM src.evaluation_cache s JOIN main.evaluation_cache m"
                                        " ON m.key = s.key WHERE m.value <> s.value",
                                        "SELECT count(*) FROM src.mapping_cache s JOIN main.mapping_cache m"
                                        " ON m.key = s.key WHERE m.value <> s.value"};
    int64_t n[2];
    if (db_sql_integer(sql, path, texts[0], 0, &n[0], err) || db_sql_integer(sql, path, texts[1], 0, &n[1], err)) {
        return -1;
    }
    if (n[0] + n[1]) {
        return err_set(err, ERR_BUG,
                       "%lld cached values of '%s' differ from those of earlier files under "
                       "the same key: results are not reproducible",
                       (long long)(n[0] + n[1]), m->paths[second]);
    }
    return 0;
}

/* ---- copying ---- */

static void list_columns(struct merge *m)
{
    /* `error` is not compared: a design that failed once at random, or was answered when asked again, tells it in other words elsewhere. */
    static const char *const own[] = {"state", "violated", "exact"};
    strbuf_adds(&m->copied, "hash, eval_us, error");
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        strbuf_addf(&m->copied, ", %s", own[i]);
        strbuf_addf(&m->ours, "%sm.%s", i ? ", " : "", own[i]);
        strbuf_addf(&m->theirs, "%ss.%s", i ? ", " : "", own[i]);
    }
    for (int i = 0; i < m->shape->n_columns; i++) {
        const struct db_column *c = &m->shape->columns[i];
        if (db_column_stored(c)) {
            strbuf_addf(&m->copied, ", \"%s\"", c->name);
            strbuf_addf(&m->ours, ", m.\"%s\"", c->name);
            strbuf_addf(&m->theirs, ", s.\"%s\"", c->name);
        }
    }
}

static void copy_text(const struct merge *m, int k, struct strbuf *sb)
{
    long long trial = (long long)m->first_trial[k], run = (long long)m->first_run[k];
    char *origin = sqlite3_mprintf("%Q", m->paths[k]);
    strbuf_addf(sb,
                "INSERT INTO main.designs(id, %s) SELECT id + %lld, %s FROM src.designs s"
                " WHERE true ORDER BY id ON CONFLICT(hash) DO NOTHING;",
                m->copied.buf, trial, m->copied.buf);
    strbuf_addf(sb,
                "INSERT INTO main.trials(number, design, run_id, generation, proposed_by)"
                " SELECT t.number + %lld, (SELECT id FROM main.designs WHERE hash = s.hash),"
                " t.run_id + %lld, t.generation, t.proposed_by FROM src.trials t"
                " JOIN src.designs s ON s.id = t.design ORDER BY t.number;",
                trial, run);
    strbuf_addf(sb,
                "INSERT INTO main.runs(run_id, command, version, host, pid, slurm_job,"
                " threads, started_utc, heartbeat_utc, ended_utc, exit, evaluations,"
                " cache_hits, cache_lookups, wall_s, cpu_s, origin)"
                " SELECT run_id + %lld, command, version, host, pid, slurm_job, threads,"
                " started_utc, heartbeat_utc, ended_utc, exit, evaluations, cache_hits,"
                " cache_lookups, wall_s, cpu_s, coalesce(origin, %s) FROM src.runs;",
                run, origin);
    strbuf_adds(sb, "INSERT OR IGNORE INTO main.layers SELECT * FROM src.layers;"
                    "INSERT OR IGNORE INTO main.layer_cost SELECT m.id, c.layer_id, c.level, c.tensor, c.energy_j,"
                    " c.network_j, c.bits, c.cycles FROM src.layer_cost c JOIN src.designs s ON s.id = c.design"
                    " JOIN main.designs m ON m.hash = s.hash;"
                    "INSERT OR IGNORE INTO main.mappings SELECT m.id, l.layer_id, l.loops FROM src.mappings l"
                    " JOIN src.designs s ON s.id = l.design JOIN main.designs m ON m.hash = s.hash;"
                    "INSERT OR IGNORE INTO main.evaluation_cache(key, value)"
                    " SELECT key, value FROM src.evaluation_cache ORDER BY rowid;"
                    "INSERT OR IGNORE INTO main.mapping_cache(key, value)"
                    " SELECT key, value FROM src.mapping_cache ORDER BY rowid;");
    sqlite3_free(origin);
}

static int copy(struct merge *m, sqlite3 *sql, const char *path, int k, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    int64_t known;
    int rc = db_sql_integer(sql, path, "SELECT max(number) + 1 FROM main.trials", 0, &m->first_trial[k], err) ||
             db_sql_integer(sql, path, "SELECT max(run_id) FROM main.runs", 0, &m->first_run[k], err) ||
             db_sql_integer(sql, path,
                            "SELECT count(*) FROM src.designs s JOIN main.designs m ON"
                            " m.hash = s.hash",
                            0, &known, err) ||
             (known && find_conflict(m, sql, path, k, err)) || find_cache_conflict(m, sql, path, k, err);
    if (!rc) {
        m->report->duplicates += known;
        copy_text(m, k, &text);
        rc = db_sql_exec(sql, path, text.buf, err);
    }
    strbuf_release(&text);
    return rc ? -1 : 0;
}

/* File k in a transaction of its own: nothing of it is seen before the whole file is linked to its name. */
static int attach_and_copy(struct merge *m, sqlite3 *sql, const char *path, int k, struct err *err)
{
    struct strbuf uri = STRBUF_INIT;
    db_sql_uri(&uri, m->paths[k], "?mode=ro");
    char *attach = sqlite3_mprintf("ATTACH %Q AS src; BEGIN", uri.buf);
    int rc = db_sql_exec(sql, path, attach, err) || copy(m, sql, path, k, err);
    rc = db_sql_exec(sql, path, rc ? "ROLLBACK" : "COMMIT", rc ? NULL : err) || rc;
    sqlite3_free(attach);
    strbuf_release(&uri);
    return db_sql_exec(sql, path, "DETACH src", rc ? NULL : err) || rc ? -1 : 0;
}

static void json_text(struct strbuf *sb, const char *s)
{
    strbuf_adds(sb, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\' || c < 0x20) {
            strbuf_addf(sb, "\\u%04x", c);
        } else {
            strbuf_add(sb, s, 1);
        }
    }
    strbuf_adds(sb, "\"");
}

static void list_origins(const struct merge *m, struct strbuf *json)
{
    for (int i = 0; i < m->n; i++) {
        strbuf_adds(json, i ? ", " : "[");
        json_text(json, m->paths[i]);
    }
    strbuf_adds(json, "]");
}

/* What all files agree on is said of their union too; the name and the study's text are those of the first. */
static bool keep_fact(const struct merge *m, int i)
{
    static const char *const own[] = {"created_utc", "host", "merged", "command", "budget", "plan", "seed"};
    const char *key = m->shape->meta[i].key;
    for (size_t k = 0; k < sizeof own / sizeof *own; k++) {
        if (!strcmp(key, own[k])) {
            return false;
        }
    }
    return !m->fact_differs[i] || !strcmp(key, "name") || !strcmp(key, "yaml");
}

static int create(struct merge *m, sqlite3 *sql, const char *path, struct err *err)
{
    struct strbuf origins = STRBUF_INIT;
    struct db_pair *facts = mem_calloc((size_t)m->shape->n_meta + 1, sizeof *facts);
    int n = 0;
    for (int i = 0; i < m->shape->n_meta; i++) {
        if (keep_fact(m, i)) {
            facts[n++] = m->shape->meta[i];
        }
    }
    list_origins(m, &origins);
    facts[n++] = (struct db_pair){"merged", origins.buf};
    struct db_layout layout = {facts, n, m->shape->columns, m->shape->n_columns};
    int rc = db_schema_create(sql, path, &layout, err);
    mem_free(facts);
    strbuf_release(&origins);
    return rc;
}

static int fill(void *ctx, sqlite3 *sql, const char *path, struct err *err)
{
    struct merge *m = ctx;
    struct db_merge_report *r = m->report;
    int64_t changed;
    if (create(m, sql, path, err) || db_sql_exec(sql, path, "PRAGMA synchronous=NORMAL", err)) {
        return -1;
    }
    for (int k = 0; k < m->n; k++) {
        if (attach_and_copy(m, sql, path, k, err)) {
            return -1;
        }
    }
    if (db_sql_exec(sql, path, "BEGIN IMMEDIATE", err) || db_recount(sql, m->shape, path, &changed, err) ||
        db_sql_exec(sql, path, "COMMIT", err)) {
        return -1;
    }
    return db_sql_integer(sql, path, "SELECT count(*) FROM trials", 0, &r->trials, err) ||
                   db_sql_integer(sql, path, "SELECT count(*) FROM designs", 0, &r->designs, err) ||
                   db_sql_integer(sql, path, "SELECT count(*) FROM designs WHERE rank = 0", 0, &r->front, err)
               ? -1
               : 0;
}

static void release(struct merge *m)
{
    strbuf_release(&m->copied);
    strbuf_release(&m->ours);
    strbuf_release(&m->theirs);
    mem_free(m->first_trial);
    mem_free(m->first_run);
    mem_free(m->fact_differs);
    db_close(m->shape, NULL);
}

int db_merge(const char *out, const char *const *paths, int n, bool force_model, struct db_merge_report *report,
             struct err *err)
{
    struct merge m = {.paths = paths, .n = n, .report = report};
    *report = (struct db_merge_report){0};
    if (n < 1) {
        return err_set(err, ERR_USAGE, "merging needs at least one study");
    }
    if (!access(out, F_OK)) {
        return err_set(err, ERR_IO, "'%s' exists already; nothing is overwritten", out);
    }
    m.first_trial = mem_calloc((size_t)n, sizeof *m.first_trial);
    m.first_run = mem_calloc((size_t)n, sizeof *m.first_run);
    m.shape = db_open(paths[0], DB_READ, err);
    int rc = !m.shape || check_all(&m, force_model, err) || db_check_local(out, err);
    if (!rc) {
        list_columns(&m);
        rc = db_make(out, fill, &m, err);
        if (rc == 1) {
            err_set(err, ERR_IO, "'%s' exists already; nothing is overwritten", out);
        }
    }
    release(&m);
    return rc ? -1 : 0;
}

void db_merge_report_release(struct db_merge_report *r)
{
    mem_free(r->conflict);
    r->conflict = NULL;
}
