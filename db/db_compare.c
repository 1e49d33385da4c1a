/* Whether two trials say the same of a design, bit for bit, and the alarm when they do not: results that change from run to run are worth nothing. */
#include "db/db_private.h"

#include <math.h>
#include <string.h>

double db_number(struct db_value v)
{
    switch (v.type) {
    case DB_INTEGER:
        return (double)v.u.i;
    case DB_REAL:
        return v.u.d;
    default:
        return (double)NAN;
    }
}

bool db_same_text(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

bool db_same_value(enum db_type type, struct db_value a, struct db_value b)
{
    if (a.type == DB_NULL || b.type == DB_NULL) {
        return a.type == b.type;
    }
    if (type == DB_TEXT) {
        return db_same_text(a.u.s, b.u.s);
    }
    if (type == DB_REAL) {
        double x = db_number(a), y = db_number(b);
        return memcmp(&x, &y, sizeof x) == 0; /* NaN equals itself, -0.0 is not 0 */
    }
    return a.u.i == b.u.i;
}

const char *trial_difference(const struct db *db, const struct db_trial *a, const struct db_trial *b)
{
    if (!hash_equal(a->hash, b->hash)) {
        return "hash";
    }
    if (a->state != b->state) {
        return "state";
    }
    for (int i = 0; i < db->n_columns; i++) {
        if (db_column_stored(&db->columns[i]) && !db_same_value(db->columns[i].type, a->values[i], b->values[i])) {
            return db->columns[i].name;
        }
    }
    return db_same_text(a->violated, b->violated) ? NULL : "violated";
}

void db_value_print(struct strbuf *sb, struct db_value v)
{
    switch (v.type) {
    case DB_INTEGER:
        strbuf_addf(sb, "%lld", (long long)v.u.i);
        break;
    case DB_REAL:
        strbuf_addf(sb, "%.17g", v.u.d);
        break;
    case DB_TEXT:
        strbuf_adds(sb, v.u.s);
        break;
    default:
        strbuf_adds(sb, "null");
    }
}

void trial_print_field(const struct db *db, const struct db_trial *t, const char *field, struct strbuf *sb)
{
    char hex[HASH_HEX];
    if (!strcmp(field, "hash")) {
        hash_hex(t->hash, hex);
        strbuf_adds(sb, hex);
    } else if (!strcmp(field, "state")) {
        strbuf_adds(sb, db_state_names[t->state]);
    } else if (!strcmp(field, "violated")) {
        strbuf_adds(sb, t->violated ? t->violated : "null");
    } else {
        db_value_print(sb, t->values[db_column(db, field)]);
    }
}

int trial_alarm(const struct db *db, const struct db_trial *stored, const struct db_trial *now, struct err *err)
{
    const char *field = trial_difference(db, stored, now);
    if (!field) {
        return 0;
    }
    struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
    char hex[HASH_HEX];
    trial_print_field(db, stored, field, &a);
    trial_print_field(db, now, field, &b);
    hash_hex(stored->hash, hex);
    err_set(err, ERR_BUG,
            "'%s': design %.7s had %s = %s in trial %lld and has %s in trial %lld: results "
            "are not reproducible",
            db->path, hex, field, a.buf, (long long)stored->number, b.buf, (long long)now->number);
    strbuf_release(&a);
    strbuf_release(&b);
    return -1;
}
