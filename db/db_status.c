/* What surrounds the designs: runs, history, layers, and the summary of all. */
#include "base/mem.h"
#include "db/db_private.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ALIVE_S 60 /* a heartbeat older than this, seen from another host: lost */

/* ---- runs ---- */

int db_begin_run(struct db *db, const struct db_run *run, struct err *err)
{
    int64_t id;
    char now[32], host[100] = "";
    gethostname(host, sizeof host - 1);
    db_utc_now(now);
    pthread_mutex_lock(&db->mutex);
    int rc = db_sql_integer(db->read, db->path, "SELECT max(run_id) + 1 FROM runs", 1, &id, err);
    pthread_mutex_unlock(&db->mutex);
    struct queue *q = rc ? NULL : db_begin_record(db, err);
    if (!q) {
        return -1;
    }
    queue_begin(q, RECORD_RUN_BEGIN, 9);
    queue_integer(q, id);
    queue_text(q, run->command);
    queue_text(q, run->version);
    queue_text(q, host);
    queue_integer(q, getpid());
    queue_text(q, run->slurm_job);
    queue_integer(q, run->threads);
    queue_text(q, now);
    queue_text(q, now);
    queue_end(q);
    writer_end(db->writer);
    pthread_mutex_lock(&db->mutex);
    db->run_id = id;
    pthread_mutex_unlock(&db->mutex);
    writer_run(db->writer, id);
    return db_flush(db, err);
}

void db_run_counts(struct db *db, int64_t evaluations, int64_t cache_hits, int64_t cache_lookups)
{
    writer_counts(db->writer, evaluations, cache_hits, cache_lookups);
}

int db_end_run(struct db *db, enum db_exit how, struct err *err)
{
    char now[32];
    if (db_sync(db, err)) { /* with the last heartbeat */
        return -1;
    }
    struct queue *q = db_begin_record(db, err);
    if (!q) {
        return -1;
    }
    queue_begin(q, RECORD_RUN_END, 3);
    queue_integer(q, db->run_id);
    queue_text(q, db_utc_now(now));
    queue_text(q, db_exit_names[how]);
    queue_end(q);
    writer_end(db->writer);
    int rc = db_sync(db, err);
    writer_run(db->writer, 0);
    db->run_id = 0;
    return rc;
}

/* ---- layers, mappings, history ---- */

int db_put_layer(struct db *db, const struct db_layer *layer, struct err *err)
{
    struct queue *q = db_begin_record(db, err);
    if (!q) {
        return -1;
    }
    queue_begin(q, RECORD_LAYER, 6);
    queue_integer(q, layer->layer_id);
    queue_text(q, layer->name);
    queue_text(q, layer->op);
    queue_integer(q, layer->macs);
    queue_integer(q, layer->weights);
    queue_text(q, layer->dims);
    queue_end(q);
    writer_end(db->writer);
    return 0;
}

int db_put_layer_cost(struct db *db, const struct db_layer_cost *cost, struct err *err)
{
    struct queue *q = db_begin_record(db, err);
    if (!q) {
        return -1;
    }
    queue_begin(q, RECORD_LAYER_COST, 8);
    queue_integer(q, cost->design);
    queue_integer(q, cost->layer_id);
    queue_text(q, cost->level);
    queue_text(q, cost->tensor);
    queue_real(q, cost->energy_j);
    queue_real(q, cost->network_j);
    queue_real(q, cost->bits);
    queue_real(q, cost->cycles);
    queue_end(q);
    writer_end(db->writer);
    return 0;
}

int db_put_mapping(struct db *db, int64_t design, int64_t layer_id, const char *loops, struct err *err)
{
    struct queue *q = db_begin_record(db, err);
    if (!q) {
        return -1;
    }
    queue_begin(q, RECORD_MAPPING, 3);
    queue_integer(q, design);
    queue_integer(q, layer_id);
    queue_text(q, loops);
    queue_end(q);
    writer_end(db->writer);
    return 0;
}

int db_put_history(struct db *db, const struct db_history *h, struct err *err)
{
    struct queue *q = db_begin_record(db, err);
    if (!q) {
        return -1;
    }
    queue_begin(q, RECORD_HISTORY, 4);
    queue_integer(q, h->evaluations);
    queue_real(q, h->hypervolume);
    queue_integer(q, h->front_size);
    queue_real(q, h->elapsed_s);
    queue_end(q);
    writer_end(db->writer);
    return 0;
}

static double real_or_nan(sqlite3_stmt *stmt, int i)
{
    return sqlite3_column_type(stmt, i) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(stmt, i);
}

static int64_t read_history(struct db *db, struct db_history **h, struct err *err)
{
    sqlite3_stmt *stmt;
    int64_t n = 0, cap = 0;
    int rc;
    if (db_sql_prepare(db->read, db->path,
                       "SELECT evaluations, hypervolume, front_size, elapsed_s FROM history"
                       " ORDER BY evaluations",
                       &stmt, err)) {
        return -1;
    }
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        MEM_GROW(*h, n, cap);
        (*h)[n++] = (struct db_history){sqlite3_column_int64(stmt, 0), real_or_nan(stmt, 1),
                                        sqlite3_column_int64(stmt, 2), real_or_nan(stmt, 3)};
    }
    if (rc != SQLITE_DONE) {
        n = db_sql_error(db->read, db->path, "read", err);
    }
    sqlite3_finalize(stmt);
    return n;
}

int64_t db_get_history(struct db *db, struct db_history **h, struct err *err)
{
    *h = NULL;
    pthread_mutex_lock(&db->mutex);
    int64_t n = read_history(db, h, err);
    pthread_mutex_unlock(&db->mutex);
    return n;
}

/* ---- status ---- */

static int read_integers(struct db *db, struct db_status *s, struct err *err)
{
    const struct {
        const char *text;
        int64_t *out;
    } facts[] = {
        {"SELECT max(number) + 1 FROM trials", &s->trials},
        {"SELECT n FROM counts WHERE what = 'ok'", &s->state[DB_OK]},
        {"SELECT n FROM counts WHERE what = 'infeasible'", &s->state[DB_INFEASIBLE]},
        {"SELECT n FROM counts WHERE what = 'failed'", &s->state[DB_FAILED]},
        {"SELECT n FROM counts WHERE what = 'evaluation_cache'", &s->cached[DB_EVALUATIONS]},
        {"SELECT n FROM counts WHERE what = 'mapping_cache'", &s->cached[DB_MAPPINGS]},
        {"SELECT count(*) FROM designs WHERE rank = 0", &s->front},
    };
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        if (db_sql_integer(db->read, db->path, facts[i].text, 0, facts[i].out, err)) {
            return -1;
        }
    }
    s->designs = s->state[DB_OK] + s->state[DB_INFEASIBLE] + s->state[DB_FAILED];
    return 0;
}

/* Texts go into one buffer; until it stops growing a run holds offsets + 1 in place of
 * pointers. */
static const char *keep(struct strbuf *sb, sqlite3_stmt *stmt, int i)
{
    const unsigned char *s = sqlite3_column_text(stmt, i);
    if (!s) {
        return NULL;
    }
    uintptr_t at = sb->len + 1;
    strbuf_add(sb, s, strlen((const char *)s) + 1);
    return (const char *)at;
}

static void settle(const char **text, const char *base)
{
    if (*text) {
        *text = base + ((uintptr_t)*text - 1);
    }
}

static enum db_exit exit_of(const char *name)
{
    for (int i = 0; name && i < DB_EXIT_COUNT; i++) {
        if (!strcmp(name, db_exit_names[i])) {
            return (enum db_exit)i;
        }
    }
    return DB_EXIT_NONE;
}

static struct db_run read_run(sqlite3_stmt *stmt, struct strbuf *sb)
{
    return (struct db_run){
        .run_id = sqlite3_column_int64(stmt, 0),
        .command = keep(sb, stmt, 1),
        .version = keep(sb, stmt, 2),
        .host = keep(sb, stmt, 3),
        .pid = sqlite3_column_int64(stmt, 4),
        .slurm_job = keep(sb, stmt, 5),
        .threads = sqlite3_column_int(stmt, 6),
        .started_utc = keep(sb, stmt, 7),
        .heartbeat_utc = keep(sb, stmt, 8),
        .ended_utc = keep(sb, stmt, 9),
        .exit = exit_of((const char *)sqlite3_column_text(stmt, 10)),
        .evaluations = sqlite3_column_int64(stmt, 11),
        .cache_hits = sqlite3_column_int64(stmt, 12),
        .cache_lookups = sqlite3_column_int64(stmt, 13),
        .wall_s = sqlite3_column_double(stmt, 14),
        .cpu_s = sqlite3_column_double(stmt, 15),
    };
}

static int read_runs(struct db *db, struct db_status *s, struct err *err)
{
    sqlite3_stmt *stmt;
    struct strbuf sb = STRBUF_INIT;
    int rc, cap = 0;
    if (db_sql_prepare(db->read, db->path,
                       "SELECT run_id, command, version, host, pid, slurm_job, threads,"
                       " started_utc, heartbeat_utc, ended_utc, exit, evaluations,"
                       " cache_hits, cache_lookups, wall_s, cpu_s FROM runs ORDER BY run_id",
                       &stmt, err)) {
        return -1;
    }
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        MEM_GROW(s->runs, s->n_runs, cap);
        s->runs[s->n_runs++] = read_run(stmt, &sb);
    }
    rc = rc == SQLITE_DONE ? 0 : db_sql_error(db->read, db->path, "read", err);
    sqlite3_finalize(stmt);
    s->texts = strbuf_detach(&sb);
    for (int i = 0; i < s->n_runs; i++) {
        struct db_run *r = &s->runs[i];
        const char **texts[] = {&r->command,     &r->version,       &r->host,     &r->slurm_job,
                                &r->started_utc, &r->heartbeat_utc, &r->ended_utc};
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
            settle(texts[k], s->texts);
        }
    }
    return rc;
}

/* Seconds since then; a clock that went backwards makes it 0, not negative. */
static double age_s(const char *utc)
{
    struct tm tm = {0};
    if (!utc || !strptime(utc, "%Y-%m-%dT%H:%M:%SZ", &tm)) {
        return (double)INFINITY;
    }
    double age = difftime(time(NULL), timegm(&tm));
    return age > 0.0 ? age : 0.0;
}

/* One writer a file: only the last run can be alive. */
static void find_alive(const struct db *db, struct db_status *s)
{
    char host[100] = "";
    gethostname(host, sizeof host - 1);
    struct db_run *last = s->n_runs ? &s->runs[s->n_runs - 1] : NULL;
    if (last && !last->ended_utc) {
        bool here = last->host && !strcmp(last->host, host);
        last->alive = here ? db_lock_held(db->path) : age_s(last->heartbeat_utc) < ALIVE_S;
    }
}

static int64_t file_bytes(const char *path)
{
    struct stat st;
    struct strbuf wal = STRBUF_INIT;
    int64_t n = stat(path, &st) ? 0 : (int64_t)st.st_size;
    strbuf_addf(&wal, "%s-wal", path);
    n += stat(wal.buf, &st) ? 0 : (int64_t)st.st_size;
    strbuf_release(&wal);
    return n;
}

static int last_hypervolume(struct db *db, double *hv, struct err *err)
{
    sqlite3_stmt *stmt;
    *hv = (double)NAN;
    if (db_sql_prepare(db->read, db->path, "SELECT hypervolume FROM history ORDER BY evaluations DESC LIMIT 1", &stmt,
                       err)) {
        return -1;
    }
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        *hv = real_or_nan(stmt, 0);
    }
    rc = rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : db_sql_error(db->read, db->path, "read", err);
    sqlite3_finalize(stmt);
    return rc;
}

int db_status(struct db *db, struct db_status *s, struct err *err)
{
    *s = (struct db_status){0};
    pthread_mutex_lock(&db->mutex);
    int rc = db_sql_exec(db->read, db->path, "SAVEPOINT status", err);
    if (!rc) {
        rc = read_integers(db, s, err) || last_hypervolume(db, &s->hypervolume, err) || read_runs(db, s, err) ? -1 : 0;
        sqlite3_exec(db->read, "RELEASE status", NULL, NULL, NULL);
    }
    pthread_mutex_unlock(&db->mutex);
    find_alive(db, s);
    s->file_bytes = file_bytes(db->path);
    if (rc) {
        db_status_release(s);
    }
    return rc;
}

void db_status_release(struct db_status *s)
{
    mem_free(s->runs);
    mem_free(s->texts);
    *s = (struct db_status){0};
}
