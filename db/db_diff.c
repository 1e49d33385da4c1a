/* Two studies side by side: both are walked in the order of the hashes. */
#include "base/mem.h"
#include "db/db_private.h"
#include "db/db_tools.h"

#include <string.h>

const char *const db_diff_facts[4] = {"space_hash", "model_hash", "objectives", "columns"};

struct side {
    struct db *db;
    sqlite3 *sql;
    sqlite3_stmt *stmt;
    struct db_value *values;
    struct db_trial trial; /* where it stands */
    bool more;
};

static int advance(struct side *s, struct err *err)
{
    int rc = sqlite3_step(s->stmt);
    s->more = rc == SQLITE_ROW;
    if (s->more) {
        return trial_from_row(s->db, s->stmt, &s->trial, s->values, err);
    }
    return rc == SQLITE_DONE ? 0 : db_sql_error(s->sql, s->db->path, "read", err);
}

static int begin(struct side *s, struct db *db, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    s->db = db;
    s->values = mem_calloc((size_t)db->n_columns + 1, sizeof *s->values);
    strbuf_addf(&text, "%s WHERE t.number = d.id ORDER BY d.hash", db->select.buf);
    int rc = db_sql_open_reader(db->path, &s->sql, err) || db_sql_prepare(s->sql, db->path, text.buf, &s->stmt, err) ||
             advance(s, err);
    strbuf_release(&text);
    return rc ? -1 : 0;
}

static void end(struct side *s)
{
    sqlite3_finalize(s->stmt);
    sqlite3_close(s->sql);
    mem_free(s->values);
}

static struct db_value text_or_null(const char *s)
{
    return s ? db_text(s) : db_null();
}

/* The first field in which they differ, and both values. b_column[i]: a's column i in b, or -1. */
static bool differ(const struct side *a, const struct side *b, const int *b_column, struct db_difference *d)
{
    d->hash = a->trial.hash;
    d->number[0] = a->trial.number;
    d->number[1] = b->trial.number;
    if (a->trial.state != b->trial.state) {
        d->field = "state";
        d->value[0] = db_text(db_state_names[a->trial.state]);
        d->value[1] = db_text(db_state_names[b->trial.state]);
        return true;
    }
    for (int i = 0; i < a->db->n_columns; i++) {
        int k = b_column[i];
        if (k >= 0 && !db_same_value(a->db->columns[i].type, a->values[i], b->values[k])) {
            d->field = a->db->columns[i].name;
            d->value[0] = a->values[i];
            d->value[1] = b->values[k];
            return true;
        }
    }
    d->field = "violated";
    d->value[0] = text_or_null(a->trial.violated);
    d->value[1] = text_or_null(b->trial.violated);
    return !db_same_text(a->trial.violated, b->trial.violated);
}

static void map_columns(const struct db *a, const struct db *b, int *b_column, bool *differ)
{
    *differ = a->n_columns != b->n_columns;
    for (int i = 0; i < a->n_columns; i++) {
        int k = db_column(b, a->columns[i].name);
        bool same = k >= 0 && a->columns[i].type == b->columns[k].type;
        *differ = *differ || !same;
        b_column[i] = same && db_column_stored(&a->columns[i]) ? k : -1;
    }
}

static int walk(struct side *a, struct side *b, const int *b_column, struct db_diff_report *r,
                int (*fn)(void *ctx, const struct db_difference *d), void *ctx, struct err *err)
{
    int rc = 0;
    while (!rc && (a->more || b->more)) {
        int order = !a->more ? 1 : !b->more ? -1 : memcmp(a->trial.hash.byte, b->trial.hash.byte, HASH_BYTES);
        struct db_difference d;
        if (order != 0) {
            r->only[order > 0]++;
        } else if (differ(a, b, b_column, &d)) {
            r->different++;
            rc = fn ? fn(ctx, &d) : 0;
        } else {
            r->same++;
        }
        if (!rc && order <= 0) {
            rc = advance(a, err);
        }
        if (!rc && order >= 0) {
            rc = advance(b, err);
        }
    }
    return rc;
}

int db_diff(struct db *a, struct db *b, struct db_diff_report *report,
            int (*fn)(void *ctx, const struct db_difference *d), void *ctx, struct err *err)
{
    struct side x = {0}, y = {0};
    int *b_column = mem_calloc((size_t)a->n_columns + 1, sizeof *b_column);
    *report = (struct db_diff_report){0};
    map_columns(a, b, b_column, &report->facts[3]);
    for (int i = 0; i < 3; i++) {
        report->facts[i] = !db_same_text(db_meta(a, db_diff_facts[i]), db_meta(b, db_diff_facts[i]));
    }
    int rc = begin(&x, a, err) || begin(&y, b, err) ? -1 : walk(&x, &y, b_column, report, fn, ctx, err);
    end(&x);
    end(&y);
    mem_free(b_column);
    return rc;
}
