/* A study as text for other programs. Only what the study determines is written, so that two exports can be compared byte by byte. */
#include "base/mem.h"
#include "db/db_private.h"
#include "db/db_tools.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 65536 /* bytes gathered before they are written */

const char *const db_format_names[DB_FORMAT_COUNT] = {[DB_CSV] = "csv", [DB_JSON] = "json", [DB_JSONL] = "jsonl"};

enum { FIELDS = 7 };
static const char *const field_names[FIELDS] = {"trial", "id",         "state",      "violated",
                                                "error", "generation", "proposed_by"};

struct out {
    struct strbuf sb;
    int (*write)(void *ctx, const char *bytes, size_t n);
    void *ctx;
    const struct db *db;
    enum db_format format;
    int64_t rows;
};

static int flush(struct out *o)
{
    int rc = o->sb.len ? o->write(o->ctx, o->sb.buf, o->sb.len) : 0;
    strbuf_reset(&o->sb);
    return rc;
}

/* The shortest decimal that reads back as d. */
static void add_double(struct strbuf *sb, double d)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, d);
        if (strtod(text, NULL) == d) {
            break;
        }
    }
    strbuf_adds(sb, text);
}

static void csv_text(struct strbuf *sb, const char *s)
{
    if (*s && !strpbrk(s, ",\"\r\n")) {
        strbuf_adds(sb, s);
        return;
    }
    strbuf_adds(sb, "\"");
    for (; *s; s++) {
        strbuf_add(sb, s, 1);
        if (*s == '"') {
            strbuf_adds(sb, "\"");
        }
    }
    strbuf_adds(sb, "\"");
}

void db_json_text(struct strbuf *sb, const char *s)
{
    strbuf_adds(sb, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\') {
            strbuf_addf(sb, "\\%c", c);
        } else if (c < 0x20) {
            strbuf_addf(sb, "\\u%04x", c);
        } else {
            strbuf_add(sb, s, 1);
        }
    }
    strbuf_adds(sb, "\"");
}

static void csv_value(struct strbuf *sb, struct db_value v)
{
    if (v.type == DB_TEXT) {
        csv_text(sb, v.u.s);
    } else if (v.type == DB_INTEGER) {
        strbuf_addf(sb, "%lld", (long long)v.u.i);
    } else if (v.type == DB_REAL && isnan(v.u.d)) {
        strbuf_adds(sb, "nan");
    } else if (v.type == DB_REAL) {
        add_double(sb, v.u.d);
    }
}

static void json_value(struct strbuf *sb, struct db_value v)
{
    if (v.type == DB_TEXT) {
        db_json_text(sb, v.u.s);
    } else if (v.type == DB_INTEGER) {
        strbuf_addf(sb, "%lld", (long long)v.u.i);
    } else if (v.type == DB_REAL && isfinite(v.u.d)) {
        add_double(sb, v.u.d);
    } else {
        strbuf_adds(sb, "null");
    }
}

static void add_field(struct out *o, int index, const char *name, struct db_value v)
{
    if (o->format == DB_CSV) {
        strbuf_adds(&o->sb, index ? "," : "");
        csv_value(&o->sb, v);
        return;
    }
    strbuf_addf(&o->sb, "%s\"%s\": ", index ? ", " : "{", name);
    json_value(&o->sb, v);
}

static struct db_value text_or_null(const char *s)
{
    return s ? db_text(s) : db_null();
}

static int add_row(struct out *o, const struct db_trial *t)
{
    char hex[HASH_HEX];
    hash_hex(t->hash, hex);
    const struct db_value fields[FIELDS] = {
        db_integer(t->number),        db_text(hex),           db_text(db_state_names[t->state]),
        text_or_null(t->violated),    text_or_null(t->error), t->generation < 0 ? db_null() : db_integer(t->generation),
        text_or_null(t->proposed_by),
    };
    if (o->format == DB_JSON) {
        strbuf_adds(&o->sb, o->rows ? ",\n  " : "\n  ");
    }
    for (int i = 0; i < FIELDS; i++) {
        add_field(o, i, field_names[i], fields[i]);
    }
    for (int i = 0; i < o->db->n_columns; i++) {
        add_field(o, FIELDS + i, o->db->columns[i].name, t->values[i]);
    }
    strbuf_adds(&o->sb, o->format == DB_CSV ? "\n" : o->format == DB_JSONL ? "}\n" : "}");
    o->rows++;
    return o->sb.len >= PIECE ? flush(o) : 0;
}

static void add_column(struct strbuf *sb, const struct db_column *c)
{
    const char *const facts[][2] = {{"kind", db_kind_names[c->kind]},
                                    {"type", db_sql_type(c->type)},
                                    {"unit", c->unit},
                                    {"goal", c->goal},
                                    {"description", c->description}};
    strbuf_addf(sb, "{\"name\": \"%s\"", c->name);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        strbuf_addf(sb, ", \"%s\": ", facts[i][0]);
        db_json_text(sb, facts[i][1]);
    }
    strbuf_addf(sb, ", \"objective\": %d}", c->objective);
}

static void add_head(struct out *o)
{
    struct strbuf *sb = &o->sb;
    if (o->format == DB_CSV) {
        for (int i = 0; i < FIELDS; i++) {
            strbuf_addf(sb, "%s%s", i ? "," : "", field_names[i]);
        }
        for (int i = 0; i < o->db->n_columns; i++) {
            strbuf_addf(sb, ",%s", o->db->columns[i].name);
        }
        strbuf_adds(sb, "\n");
    } else if (o->format == DB_JSON) {
        const char *name = db_meta(o->db, "name");
        strbuf_adds(sb, "{\"schema\": \"dovetail.export/1\", \"study\": ");
        db_json_text(sb, name ? name : "");
        strbuf_adds(sb, ",\n \"columns\": [");
        for (int i = 0; i < o->db->n_columns; i++) {
            strbuf_adds(sb, i ? ",\n  " : "\n  ");
            add_column(sb, &o->db->columns[i]);
        }
        strbuf_adds(sb, "],\n \"rows\": [");
    }
}

static void build_query(const struct db *db, const struct db_export *e, struct strbuf *sb)
{
    strbuf_adds(sb, db->select.buf);
    if (e->where) {
        /* By id, so that the names in `where` mean designs' columns and nothing else. */
        strbuf_addf(sb, " WHERE d.id IN (SELECT id FROM designs WHERE %s)", e->where);
    } else {
        strbuf_adds(sb, " WHERE 1");
    }
    if (e->rows != DB_ROWS_TRIALS) {
        strbuf_adds(sb, " AND t.number = d.id");
    }
    if (e->rows == DB_ROWS_FRONT) {
        strbuf_adds(sb, " AND d.rank = 0");
    }
    strbuf_adds(sb, " ORDER BY t.number");
}

static int rows(struct out *o, struct db *db, sqlite3 *sql, const struct db_export *e, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    sqlite3_stmt *stmt;
    build_query(db, e, &text);
    int rc = sqlite3_prepare_v2(sql, text.buf, -1, &stmt, NULL);
    strbuf_release(&text);
    if (rc != SQLITE_OK) {
        return (rc & 0xff) == SQLITE_ERROR && e->where
                   ? err_set(err, ERR_USAGE, "cannot ask '%s' for '%s': %s", db->path, e->where, sqlite3_errmsg(sql))
                   : db_sql_error(sql, db->path, "read", err);
    }
    for (int i = 0; i < (e->where ? e->n_params : 0); i++) {
        db_bind_value(stmt, i + 1, e->params[i]);
    }
    struct db_value *values = mem_calloc((size_t)db->n_columns + 1, sizeof *values);
    int step = SQLITE_DONE;
    rc = 0;
    while (!rc && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct db_trial t;
        rc = trial_from_row(db, stmt, &t, values, err);
        rc = rc ? rc : add_row(o, &t);
    }
    if (!rc && step != SQLITE_DONE) {
        rc = db_sql_error(sql, db->path, "read", err);
    }
    mem_free(values);
    sqlite3_finalize(stmt);
    return rc;
}

int db_export(struct db *db, const struct db_export *e, int (*write)(void *ctx, const char *bytes, size_t n), void *ctx,
              struct err *err)
{
    struct out o = {STRBUF_INIT, write, ctx, db, e->format, 0};
    sqlite3 *sql; /* its own connection: a long export holds up nobody */
    if (db_sql_open_reader(db->path, &sql, err)) {
        return -1;
    }
    add_head(&o);
    int rc = rows(&o, db, sql, e, err);
    if (!rc && e->format == DB_JSON) {
        strbuf_adds(&o.sb, "]}\n");
    }
    rc = rc ? rc : flush(&o);
    sqlite3_close(sql);
    strbuf_release(&o.sb);
    return rc;
}
