/* Trials in and out: put, replay, find. (db_compare.c says what differs.)
 *
 * SQLite keeps doubles as they are, with two exceptions: NaN becomes NULL, and -0.0
 * becomes 0. Where a trial has such a value, column `exact` says what was meant: for
 * each, the column's position (2 bytes) and the 8 bytes of the double, little-endian.
 */
#include "base/mem.h"
#include "db/db_private.h"

#include <math.h>
#include <string.h>

#define EXACT_ENTRY 10 /* bytes */

static uint64_t bits(double d)
{
    uint64_t u;
    memcpy(&u, &d, sizeof u);
    return u;
}

static bool needs_exact(double d)
{
    return isnan(d) || bits(d) == bits(-0.0);
}

/* ---- in ---- */

static void exact_add(struct strbuf *sb, int column, double d)
{
    unsigned char entry[EXACT_ENTRY] = {(unsigned char)column, (unsigned char)(column >> 8)};
    uint64_t u = bits(d);
    for (int i = 0; i < 8; i++) {
        entry[2 + i] = (unsigned char)(u >> (8 * i));
    }
    strbuf_add(sb, entry, sizeof entry);
}

/* The types must fit, and a design that is ok violates nothing; fills `exact` with what needs it. */
static int check_values(const struct db *db, const struct db_trial *t, struct strbuf *exact, struct err *err)
{
    if (t->state == DB_OK && t->violated) {
        return err_set(err, ERR_BUG, "trial %lld is ok, but has '%s'", (long long)t->number, t->violated);
    }
    for (int i = 0; i < db->n_columns; i++) {
        const struct db_column *c = &db->columns[i];
        const struct db_value *v = &t->values[i];
        if (!db_column_stored(c) || v->type == DB_NULL) {
            continue;
        }
        if (v->type != c->type && !(c->type == DB_REAL && v->type == DB_INTEGER)) {
            return err_set(err, ERR_BUG, "trial %lld: column '%s' is %s, its value is %s", (long long)t->number,
                           c->name, db_sql_type(c->type), db_sql_type(v->type));
        }
        if (v->type == DB_REAL && needs_exact(v->u.d)) {
            exact_add(exact, i, v->u.d);
        }
    }
    return 0;
}

static void queue_value(struct queue *q, const struct db_column *c, struct db_value v)
{
    switch (v.type) {
    case DB_INTEGER:
        if (c->type == DB_REAL) {
            queue_real(q, (double)v.u.i);
        } else {
            queue_integer(q, v.u.i);
        }
        break;
    case DB_REAL:
        queue_real(q, v.u.d);
        break;
    case DB_TEXT:
        queue_text(q, v.u.s);
        break;
    default:
        queue_null(q);
    }
}

static int count_stored(const struct db *db)
{
    int n = 0;
    for (int i = 0; i < db->n_columns; i++) {
        n += db_column_stored(&db->columns[i]);
    }
    return n;
}

/* In the order of enum trial_cell. */
static void queue_trial(const struct db *db, struct queue *q, const struct db_trial *t, const struct strbuf *exact)
{
    char hex[HASH_HEX];
    hash_hex(t->hash, hex);
    queue_begin(q, RECORD_TRIAL, TRIAL_COLUMNS + count_stored(db));
    queue_integer(q, t->number);
    if (db->run_id) {
        queue_integer(q, db->run_id);
    } else {
        queue_null(q);
    }
    if (t->generation >= 0) {
        queue_integer(q, t->generation);
    } else {
        queue_null(q);
    }
    queue_text(q, t->proposed_by);
    queue_text(q, hex);
    queue_text(q, db_state_names[t->state]);
    queue_text(q, t->violated);
    queue_text(q, t->error);
    if (t->eval_us >= 0.0 && t->eval_us < 9e18) {
        queue_integer(q, (int64_t)(t->eval_us + 0.5));
    } else {
        queue_null(q);
    }
    if (exact->len) {
        queue_blob(q, exact->buf, exact->len);
    } else {
        queue_null(q);
    }
    for (int i = 0; i < db->n_columns; i++) {
        if (db_column_stored(&db->columns[i])) {
            queue_value(q, &db->columns[i], t->values[i]);
        }
    }
    queue_end(q);
}

/* A number that is in the file already: must be what it was. */
static int compare_stored(struct db *db, const struct db_trial *t, struct err *err)
{
    struct db_trial old;
    if (db_stored(db) <= t->number && db_flush(db, err)) {
        return -1;
    }
    if (!db->by_number) {
        struct strbuf text = STRBUF_INIT;
        strbuf_addf(&text, "%s WHERE t.number = ?", db->select.buf);
        int rc = db_sql_prepare(db->read, db->path, text.buf, &db->by_number, err);
        strbuf_release(&text);
        if (rc) {
            return -1;
        }
    }
    sqlite3_bind_int64(db->by_number, 1, t->number);
    int rc = sqlite3_step(db->by_number);
    if (rc == SQLITE_ROW) {
        rc = trial_from_row(db, db->by_number, &old, db->scratch, err);
        rc = rc ? rc : trial_alarm(db, &old, t, err);
    } else if (rc == SQLITE_DONE) {
        rc = err_set(err, ERR_DATA, "'%s': trial %lld is missing", db->path, (long long)t->number);
    } else {
        rc = db_sql_error(db->read, db->path, "read", err);
    }
    sqlite3_reset(db->by_number);
    return rc;
}

static int check_order(struct db *db, const struct db_trial *t, struct err *err)
{
    if (db->mode != DB_WRITE || db->cache_only) {
        return err_set(err, ERR_BUG, "'%s' was not opened for writing trials", db->path);
    }
    if (db_meta(db, "merged")) {
        return err_set(err, ERR_DATA, "'%s' unites several studies: it can be asked, not continued", db->path);
    }
    if (t->number > db->next || t->number < 0) {
        return err_set(err, ERR_BUG, "trial %lld was put where %lld comes next", (long long)t->number,
                       (long long)db->next);
    }
    return 0;
}

int db_put_trial(struct db *db, const struct db_trial *trial, struct err *err)
{
    struct strbuf exact = STRBUF_INIT;
    pthread_mutex_lock(&db->mutex);
    int rc = check_order(db, trial, err);
    if (!rc && trial->number < db->next) {
        rc = compare_stored(db, trial, err);
    } else if (!rc && !(rc = check_values(db, trial, &exact, err))) {
        struct queue *q = writer_begin(db->writer, err);
        if (q) {
            queue_trial(db, q, trial, &exact);
            writer_end(db->writer);
            db->next++;
        } else {
            rc = -1;
        }
    }
    pthread_mutex_unlock(&db->mutex);
    strbuf_release(&exact);
    return rc;
}

/* ---- out ---- */

static const char *text_or_null(sqlite3_stmt *stmt, int i)
{
    return (const char *)sqlite3_column_text(stmt, i);
}

/* One call for the cell, then its facts: sqlite3_column_*() would look the cell up each time. Allowed, because nobody else
 * uses the connection. A number other than zero needs no question for its type: the table is STRICT, so that its number
 * columns hold numbers and NULL, which reads as 0. */
static inline struct db_value cell_value(sqlite3_stmt *stmt, int i, enum db_type type)
{
    sqlite3_value *cell = sqlite3_column_value(stmt, i);
    if (type == DB_REAL) {
        double d = sqlite3_value_double(cell);
        if (d != 0) {
            return db_real(d);
        }
    } else if (type == DB_INTEGER) {
        int64_t n = sqlite3_value_int64(cell);
        if (n != 0) {
            return db_integer(n);
        }
    }
    switch (sqlite3_value_type(cell)) {
    case SQLITE_NULL:
        return db_null();
    case SQLITE_INTEGER:
        return type == DB_REAL ? db_real(sqlite3_value_double(cell)) : db_integer(sqlite3_value_int64(cell));
    case SQLITE_FLOAT:
        return db_real(sqlite3_value_double(cell));
    default:
        return db_text((const char *)sqlite3_value_text(cell));
    }
}

struct db_value db_column_value(sqlite3_stmt *stmt, int i, enum db_type type)
{
    return cell_value(stmt, i, type);
}

static void apply_exact(const struct db *db, struct db_value *values, const unsigned char *p, int n)
{
    for (; n >= EXACT_ENTRY; n -= EXACT_ENTRY, p += EXACT_ENTRY) {
        int column = p[0] | p[1] << 8;
        uint64_t u = 0;
        double d;
        for (int i = 0; i < 8; i++) {
            u |= (uint64_t)p[2 + i] << (8 * i);
        }
        memcpy(&d, &u, sizeof d);
        if (column < db->n_columns && db->columns[column].type == DB_REAL) {
            values[column] = db_real(d);
        }
    }
}

static int state_of(const char *name)
{
    int s = 0;
    while (s < DB_STATE_COUNT && (!name || strcmp(name, db_state_names[s]))) {
        s++;
    }
    return s;
}

int trial_from_row(const struct db *db, sqlite3_stmt *stmt, struct db_trial *t, struct db_value *values,
                   struct err *err)
{
    const char *hex = text_or_null(stmt, 1);
    int s = state_of(text_or_null(stmt, 2));
    t->number = sqlite3_column_int64(stmt, 0);
    if (s == DB_STATE_COUNT || !hex || hash_parse(hex, &t->hash)) {
        return err_set(err, ERR_DATA, "'%s': trial %lld has a damaged row", db->path, (long long)t->number);
    }
    t->state = (enum db_state)s;
    bool ok = s == DB_OK; /* violates nothing: check_values() */
    t->violated = ok ? NULL : text_or_null(stmt, 3);
    t->error = text_or_null(stmt, 4);
    t->proposed_by = text_or_null(stmt, 5);
    struct db_value generation = cell_value(stmt, 6, DB_INTEGER);
    t->generation = generation.type == DB_INTEGER ? (int)generation.u.i : -1;
    struct db_value us = cell_value(stmt, 7, DB_REAL);
    t->eval_us = us.type == DB_REAL ? us.u.d : -1.0;
    for (int i = 0; i < db->n_columns; i++) {
        values[i] = cell_value(stmt, 9 + i, db->columns[i].type);
    }
    if (sqlite3_column_type(stmt, 8) == SQLITE_BLOB) {
        const unsigned char *p = sqlite3_column_blob(stmt, 8);
        apply_exact(db, values, p, sqlite3_column_bytes(stmt, 8));
    }
    t->values = values;
    return 0;
}

static const char *record_text(const struct record *r, int i)
{
    return r->cell[i].type == CELL_TEXT ? record_bytes(r, i) : NULL;
}

void trial_from_record(const struct db *db, const struct record *r, struct db_trial *t, struct db_value *values)
{
    *t = (struct db_trial){.number = r->cell[TRIAL_NUMBER].u.i,
                           .violated = record_text(r, TRIAL_VIOLATED),
                           .error = record_text(r, TRIAL_ERROR),
                           .values = values};
    hash_parse(record_bytes(r, TRIAL_HASH), &t->hash);
    while (strcmp(record_bytes(r, TRIAL_STATE), db_state_names[t->state])) {
        t->state++;
    }
    int cell = TRIAL_COLUMNS;
    for (int i = 0; i < db->n_columns; i++) {
        values[i] = db_null();
        if (!db_column_stored(&db->columns[i])) {
            continue;
        }
        const struct cell *c = &r->cell[cell];
        if (c->type == CELL_INTEGER) {
            values[i] = db_integer(c->u.i);
        } else if (c->type == CELL_REAL) {
            values[i] = db_real(c->u.d);
        } else if (c->type == CELL_TEXT) {
            values[i] = db_text(record_bytes(r, cell));
        }
        cell++;
    }
}

/* ---- replay ---- */

struct db_cursor {
    struct db *db;
    sqlite3 *sql; /* its own connection: a snapshot that nobody's flush has to wait for */
    sqlite3_stmt *stmt;
    struct db_value *values; /* [n_columns] */
};

static struct db_cursor *cursor_new(struct db *db, const char *where, struct err *err)
{
    struct db_cursor *c = mem_alloc(sizeof *c);
    struct strbuf text = STRBUF_INIT;
    c->db = db;
    c->values = mem_calloc((size_t)db->n_columns + 1, sizeof *c->values);
    strbuf_addf(&text, "%s %s", db->select.buf, where);
    if (db_sql_open_reader(db->path, &c->sql, err) || db_sql_prepare(c->sql, db->path, text.buf, &c->stmt, err)) {
        db_cursor_free(c);
        c = NULL;
    }
    strbuf_release(&text);
    return c;
}

struct db_cursor *db_trials(struct db *db, int64_t from, struct err *err)
{
    struct db_cursor *c = cursor_new(db, "WHERE t.number >= ? ORDER BY t.number", err);
    if (c) {
        sqlite3_bind_int64(c->stmt, 1, from);
    }
    return c;
}

int db_next(struct db_cursor *c, struct db_trial *trial, struct err *err)
{
    int rc = sqlite3_step(c->stmt);
    if (rc == SQLITE_ROW) {
        return trial_from_row(c->db, c->stmt, trial, c->values, err) ? -1 : 1;
    }
    return rc == SQLITE_DONE ? 0 : db_sql_error(c->sql, c->db->path, "read", err);
}

void db_cursor_free(struct db_cursor *c)
{
    if (c) {
        sqlite3_finalize(c->stmt);
        sqlite3_close(c->sql);
        mem_free(c->values);
        mem_free(c);
    }
}

int db_get(struct db *db, struct hash hash, struct db_trial *trial, struct db_cursor **hold, struct err *err)
{
    char hex[HASH_HEX];
    hash_hex(hash, hex);
    *hold = cursor_new(db, "WHERE d.hash = ? AND t.number = d.id", err);
    if (!*hold) {
        return -1;
    }
    sqlite3_bind_text((*hold)->stmt, 1, hex, -1, SQLITE_TRANSIENT);
    int rc = db_next(*hold, trial, err);
    if (rc != 1) {
        db_cursor_free(*hold);
        *hold = NULL;
    }
    return rc;
}
