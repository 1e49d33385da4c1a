/* Questions about designs: rows by condition, fronts over any objectives, designs by
 * the head of their hash.
 *
 * A front over other objectives or under a condition is one scan of the objectives'
 * columns through an incremental front (db_front.c): nothing is sorted and only the
 * front is kept. The rows themselves are fetched afterwards, by id. */
#include "base/mem.h"
#include "db/db_private.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* designs' own columns that may be asked for. */
static const struct {
    const char *name;
    enum db_type type;
} own[] = {
    {"id", DB_INTEGER},    {"hash", DB_TEXT},  {"state", DB_TEXT},      {"rank", DB_INTEGER},
    {"violated", DB_TEXT}, {"error", DB_TEXT}, {"eval_us", DB_INTEGER},
};

static enum db_type column_type(const struct db *db, const char *name)
{
    int i = db_column(db, name);
    if (i >= 0) {
        return db->columns[i].type;
    }
    for (size_t k = 0; k < sizeof own / sizeof *own; k++) {
        if (!strcmp(own[k].name, name)) {
            return own[k].type;
        }
    }
    return DB_NULL;
}

static int unknown(const struct db *db, const char *name, struct err *err)
{
    return err_set(err, ERR_USAGE, "'%s' has no column '%s'", db->path, name);
}

static int check(const struct db *db, const struct db_query *q, struct err *err)
{
    for (int i = 0; i < q->n_columns; i++) {
        if (column_type(db, q->columns[i]) == DB_NULL) {
            return unknown(db, q->columns[i], err);
        }
    }
    if (q->order_by && column_type(db, q->order_by) == DB_NULL) {
        return unknown(db, q->order_by, err);
    }
    if (q->n_objectives < 0 || q->n_objectives > DB_MAX_OBJECTIVES) {
        return err_set(err, ERR_USAGE, "a front has 1 to %d objectives, not %d", DB_MAX_OBJECTIVES, q->n_objectives);
    }
    for (int i = 0; i < q->n_objectives; i++) {
        enum db_type type = column_type(db, q->objectives[i].column);
        if (type == DB_NULL) {
            return unknown(db, q->objectives[i].column, err);
        }
        if (type == DB_TEXT) {
            return err_set(err, ERR_USAGE, "objective '%s' is text, not a number", q->objectives[i].column);
        }
    }
    return 0;
}

int db_own_objectives(const struct db *db, struct db_objective o[DB_MAX_OBJECTIVES])
{
    int n = 0;
    for (int i = 0; i < db->n_columns; i++) {
        const struct db_column *c = &db->columns[i];
        if (c->objective) {
            o[c->objective - 1] = (struct db_objective){c->name, !strcmp(c->goal, "max")};
            n++;
        }
    }
    return n;
}

/* Are q's objectives those of the study, in any order? */
static bool own_objectives(const struct db *db, const struct db_query *q)
{
    struct db_objective o[DB_MAX_OBJECTIVES];
    int found = 0, n = db_own_objectives(db, o);
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < q->n_objectives; k++) {
            found += !strcmp(q->objectives[k].column, o[i].column) && q->objectives[k].maximise == o[i].maximise;
        }
    }
    return found == n && n == q->n_objectives;
}

static void add_conditions(const struct db_query *q, bool front_only, struct strbuf *sb)
{
    strbuf_adds(sb, " FROM designs WHERE 1");
    if (front_only) {
        strbuf_adds(sb, " AND rank = 0");
    } else if (!q->all_states) {
        strbuf_adds(sb, " AND state = 'ok'");
    }
    if (q->where) {
        strbuf_addf(sb, " AND (%s)", q->where);
    }
}

/* Prepares and binds the parameters of `where`, if it is in the text. */
static int prepare(struct db *db, const struct db_query *q, const char *text, sqlite3_stmt **stmt, struct err *err)
{
    if (sqlite3_prepare_v2(db->read, text, -1, stmt, NULL) != SQLITE_OK) {
        if ((sqlite3_errcode(db->read) & 0xff) == SQLITE_ERROR && q->where) {
            return err_set(err, ERR_USAGE, "cannot ask '%s' for '%s': %s", db->path, q->where,
                           sqlite3_errmsg(db->read));
        }
        return db_sql_error(db->read, db->path, "read", err);
    }
    int n = q->where ? q->n_params : 0;
    for (int i = 0; i < n; i++) {
        if (db_bind_value(*stmt, i + 1, q->params[i]) != SQLITE_OK) {
            sqlite3_finalize(*stmt);
            return err_set(err, ERR_BUG, "'%s' has no parameter %d", q->where, i + 1);
        }
    }
    return 0;
}

static double number_or_nan(sqlite3_stmt *stmt, int i)
{
    return sqlite3_column_type(stmt, i) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(stmt, i);
}

int db_front_ids(sqlite3_stmt *stmt, const struct db_objective *o, int m, struct strbuf *ids)
{
    struct front front;
    int rc;
    front_init(&front, m);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        double f[DB_MAX_OBJECTIVES];
        for (int k = 0; k < m; k++) {
            double v = number_or_nan(stmt, k + 1);
            f[k] = o[k].maximise ? -v : v;
        }
        front_add(&front, f, sqlite3_column_int64(stmt, 0));
    }
    for (int64_t i = 0; i < front.n; i++) {
        strbuf_addf(ids, "%c%lld", i ? ',' : '[', (long long)front.id[i]);
    }
    strbuf_adds(ids, front.n ? "]" : "[]");
    front_release(&front);
    return rc;
}

static int scan_front(struct db *db, const struct db_query *q, struct strbuf *ids, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    strbuf_adds(&text, "SELECT id");
    for (int k = 0; k < q->n_objectives; k++) {
        strbuf_addf(&text, ", \"%s\"", q->objectives[k].column);
    }
    add_conditions(q, q->front_only, &text);
    strbuf_adds(&text, " ORDER BY id");
    sqlite3_stmt *stmt;
    int rc = prepare(db, q, text.buf, &stmt, err);
    strbuf_release(&text);
    if (rc) {
        return -1;
    }
    rc = db_front_ids(stmt, q->objectives, q->n_objectives, ids) == SQLITE_DONE
             ? 0
             : db_sql_error(db->read, db->path, "read", err);
    sqlite3_finalize(stmt);
    return rc;
}

static void select_rows(const struct db *db, const struct db_query *q, struct strbuf *text)
{
    int n = q->columns ? q->n_columns : db->n_columns;
    strbuf_adds(text, "SELECT id, hash, state");
    for (int i = 0; i < n; i++) {
        strbuf_addf(text, ", \"%s\"", q->columns ? q->columns[i] : db->columns[i].name);
    }
}

static void order_rows(const struct db_query *q, struct strbuf *text)
{
    strbuf_adds(text, " ORDER BY ");
    if (q->order_by) {
        strbuf_addf(text, "\"%s\"%s, ", q->order_by, q->descending ? " DESC" : "");
    }
    strbuf_adds(text, "id");
    if (q->limit > 0) {
        strbuf_addf(text, " LIMIT %lld", (long long)q->limit);
    }
}

static int read_row(const struct db *db, sqlite3_stmt *stmt, const struct db_query *q, struct db_value *values,
                    struct db_row *row, struct err *err)
{
    const char *hex = (const char *)sqlite3_column_text(stmt, 1);
    const char *state = (const char *)sqlite3_column_text(stmt, 2);
    int n = q->columns ? q->n_columns : db->n_columns, s = 0;
    row->number = sqlite3_column_int64(stmt, 0);
    while (s < DB_STATE_COUNT && (!state || strcmp(state, db_state_names[s]))) {
        s++;
    }
    if (s == DB_STATE_COUNT || !hex || hash_parse(hex, &row->hash)) {
        return err_set(err, ERR_DATA, "'%s': design %lld has a damaged row", db->path, (long long)row->number);
    }
    row->state = (enum db_state)s;
    for (int i = 0; i < n; i++) {
        enum db_type type = q->columns ? column_type(db, q->columns[i]) : db->columns[i].type;
        values[i] = db_column_value(stmt, i + 3, type);
    }
    row->values = values;
    return 0;
}

static int give_rows(struct db *db, const struct db_query *q, sqlite3_stmt *stmt,
                     int (*fn)(void *ctx, const struct db_row *row), void *ctx, struct err *err)
{
    int n = q->columns ? q->n_columns : db->n_columns, rc = 0, step = SQLITE_DONE;
    struct db_value *values = mem_calloc((size_t)n + 1, sizeof *values);
    while (!rc && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct db_row row;
        rc = read_row(db, stmt, q, values, &row, err);
        rc = rc ? rc : fn(ctx, &row);
    }
    if (!rc && step != SQLITE_DONE) {
        rc = db_sql_error(db->read, db->path, "read", err);
    }
    mem_free(values);
    return rc;
}

/* One snapshot for both steps, lest the writer change the front between them. */
static int query(struct db *db, const struct db_query *q, int (*fn)(void *ctx, const struct db_row *row), void *ctx,
                 struct err *err)
{
    struct strbuf ids = STRBUF_INIT, text = STRBUF_INIT;
    bool scan = q->n_objectives > 0;
    bool stored = scan && !q->where && !q->all_states && own_objectives(db, q);
    int rc = 0;
    if (scan && !stored) {
        rc = scan_front(db, q, &ids, err);
    }
    if (!rc) {
        struct db_query by_id = *q;
        sqlite3_stmt *stmt;
        select_rows(db, q, &text);
        if (ids.len) {
            strbuf_adds(&text, " FROM designs WHERE id IN (SELECT value FROM json_each(?1))");
            by_id.where = NULL;
        } else {
            add_conditions(q, q->front_only || stored, &text);
        }
        order_rows(q, &text);
        rc = prepare(db, &by_id, text.buf, &stmt, err);
        if (!rc) {
            if (ids.len) {
                sqlite3_bind_text(stmt, 1, ids.buf, (int)ids.len, SQLITE_STATIC);
            }
            rc = give_rows(db, q, stmt, fn, ctx, err);
            sqlite3_finalize(stmt);
        }
    }
    strbuf_release(&ids);
    strbuf_release(&text);
    return rc;
}

int db_query(struct db *db, const struct db_query *q, int (*fn)(void *ctx, const struct db_row *row), void *ctx,
             struct err *err)
{
    if (check(db, q, err)) {
        return -1;
    }
    pthread_mutex_lock(&db->mutex);
    int rc = db_sql_exec(db->read, db->path, "SAVEPOINT question", err);
    if (!rc) {
        rc = query(db, q, fn, ctx, err);
        sqlite3_exec(db->read, "RELEASE question", NULL, NULL, NULL);
    }
    pthread_mutex_unlock(&db->mutex);
    return rc;
}

int64_t db_front(struct db *db, int64_t **numbers, struct err *err)
{
    sqlite3_stmt *stmt;
    int64_t n = 0, cap = 0;
    int rc;
    *numbers = NULL;
    pthread_mutex_lock(&db->mutex);
    if (db_sql_prepare(db->read, db->path, "SELECT id FROM designs WHERE rank = 0 ORDER BY id", &stmt, err)) {
        pthread_mutex_unlock(&db->mutex);
        return -1;
    }
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        MEM_GROW(*numbers, n, cap);
        (*numbers)[n++] = sqlite3_column_int64(stmt, 0);
    }
    if (rc != SQLITE_DONE) {
        n = db_sql_error(db->read, db->path, "read", err);
    }
    sqlite3_finalize(stmt);
    pthread_mutex_unlock(&db->mutex);
    return n;
}

/* ---- by the head of the hash ---- */

static int ambiguous(const char *prefix, sqlite3_stmt *stmt, struct err *err)
{
    struct strbuf some = STRBUF_INIT;
    int n = 0;
    sqlite3_reset(stmt);
    while (n < 4 && sqlite3_step(stmt) == SQLITE_ROW) {
        strbuf_addf(&some, "%s%.12s", n++ ? ", " : "", sqlite3_column_text(stmt, 1));
    }
    err_set(err, ERR_NO, "'%s' is the beginning of several designs: %s%s", prefix, some.buf,
            sqlite3_step(stmt) == SQLITE_ROW ? ", ..." : "");
    strbuf_release(&some);
    return -1;
}

static int find(struct db *db, sqlite3_stmt *stmt, const char *prefix, struct hash *hash, int64_t *number,
                struct err *err)
{
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_DONE) {
        return err_set(err, ERR_NO, "'%s' has no design '%s'", db->path, prefix);
    }
    if (rc == SQLITE_ROW) {
        *number = sqlite3_column_int64(stmt, 0);
        if (hash_parse((const char *)sqlite3_column_text(stmt, 1), hash)) {
            return err_set(err, ERR_DATA, "'%s': design %lld has a damaged hash", db->path, (long long)*number);
        }
        rc = sqlite3_step(stmt);
    }
    if (rc == SQLITE_ROW) {
        return ambiguous(prefix, stmt, err);
    }
    return rc == SQLITE_DONE ? 0 : db_sql_error(db->read, db->path, "read", err);
}

int db_find(struct db *db, const char *prefix, struct hash *hash, int64_t *number, struct err *err)
{
    char from[HASH_HEX], to[HASH_HEX + 1];
    size_t n = strlen(prefix);
    if (!n || n >= HASH_HEX || strspn(prefix, "0123456789abcdefABCDEF") != n) {
        return err_set(err, ERR_USAGE, "'%s' is no design: give 1 to 32 hex digits", prefix);
    }
    for (size_t i = 0; i < n; i++) {
        from[i] = (char)tolower((unsigned char)prefix[i]);
    }
    from[n] = '\0';
    snprintf(to, sizeof to, "%sg", from); /* 'g' comes after the last digit */
    sqlite3_stmt *stmt;
    pthread_mutex_lock(&db->mutex);
    int rc = db_sql_prepare(db->read, db->path,
                            "SELECT id, hash FROM designs WHERE hash >= ?1 AND hash < ?2"
                            " ORDER BY hash LIMIT 5",
                            &stmt, err);
    if (!rc) {
        sqlite3_bind_text(stmt, 1, from, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 2, to, -1, SQLITE_STATIC);
        rc = find(db, stmt, prefix, hash, number, err);
        sqlite3_finalize(stmt);
    }
    pthread_mutex_unlock(&db->mutex);
    return rc;
}
