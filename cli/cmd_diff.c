/* dovetail diff: what two studies have in common, and where the same design has other numbers. */
#include "base/strbuf.h"
#include "cli/json_values.h"
#include "cli/open_db.h"
#include "cli/table.h"
#include "experiments/study_files.h"

#include <stdio.h>

struct diff_opts {
    int64_t limit;
};
static const struct diff_opts defaults = {.limit = 20};

/* clang-format off */
static const struct opt options[] = {
    {"limit", 0, OPT_INT, offsetof(struct diff_opts, limit), "N", .help = "differing designs to list (20)", .min = 0, .max = 1e9},
    OPT_END
};
/* clang-format on */

struct found {
    int64_t limit, n;
    json_t *rows;
    struct table table;
};

static void add_value(struct table *t, struct db_value v)
{
    char text[64];
    if (v.type == DB_TEXT) {
        table_cell(t, v.u.s);
        return;
    }
    if (v.type == DB_INTEGER) {
        snprintf(text, sizeof text, "%lld", (long long)v.u.i);
    } else {
        snprintf(text, sizeof text, v.type == DB_REAL ? "%.17g" : "-", v.u.d);
    }
    table_cell(t, text);
}

static int note(void *ctx, const struct db_difference *d)
{
    struct found *f = ctx;
    char hex[HASH_HEX];
    if (f->n++ >= f->limit) {
        return 0;
    }
    hash_hex(d->hash, hex);
    json_array_append_new(f->rows, json_pack("{s:s, s:s, s:[I, I], s:[o, o]}", "hash", hex, "field", d->field, "trials",
                                             (json_int_t)d->number[0], (json_int_t)d->number[1], "values",
                                             json_value(d->value[0]), json_value(d->value[1])));
    hex[7] = '\0';
    table_cell(&f->table, hex);
    table_cell(&f->table, d->field);
    add_value(&f->table, d->value[0]);
    add_value(&f->table, d->value[1]);
    return 0;
}

static void begin(struct found *f, int64_t limit, const char *a, const char *b)
{
    *f = (struct found){.limit = limit, .rows = json_array()};
    table_init(&f->table);
    table_column(&f->table, "ID", TABLE_LEFT);
    table_column(&f->table, "field", TABLE_LEFT);
    table_column(&f->table, a, TABLE_RIGHT);
    table_column(&f->table, b, TABLE_RIGHT);
}

static void print_json(const struct db_diff_report *r, const char *a, const char *b, json_t *rows)
{
    json_t *facts = json_array();
    for (int i = 0; i < 4; i++) {
        if (r->facts[i]) {
            json_array_append_new(facts, json_string(db_diff_facts[i]));
        }
    }
    cli_json(json_pack("{s:[s, s], s:[I, I], s:I, s:I, s:o, s:O}", "databases", a, b, "only", (json_int_t)r->only[0],
                       (json_int_t)r->only[1], "same", (json_int_t)r->same, "different", (json_int_t)r->different,
                       "facts", facts, "differences", rows));
}

static void print_text(const struct cli *cli, const struct db_diff_report *r, const char *a, const char *b,
                       const struct found *f)
{
    struct strbuf out = STRBUF_INIT;
    printf("same       %lld designs\ndifferent  %lld\nonly in    %s: %lld\nonly in    %s: %lld\n", (long long)r->same,
           (long long)r->different, a, (long long)r->only[0], b, (long long)r->only[1]);
    for (int i = 0; i < 4; i++) {
        if (r->facts[i]) {
            printf("differs    %s\n", db_diff_facts[i]);
        }
    }
    if (table_rows(&f->table)) {
        table_print(&f->table, f->table.n_columns, cli->color_out, &out);
        fputs(strbuf_str(&out), stdout);
    }
    if (f->n > f->limit) {
        printf("... and %lld more\n", (long long)(f->n - f->limit));
    }
    strbuf_release(&out);
}

static int diff(const struct cli *cli, const struct diff_opts *o, struct db *a, struct db *b)
{
    struct err err = ERR_INIT;
    struct db_diff_report r;
    struct found f;
    begin(&f, o->limit, db_path(a), db_path(b));
    int status = db_diff(a, b, &r, note, &f, &err) ? cli_error(cli, &err) : 0;
    if (!status) {
        if (cli->json) {
            print_json(&r, db_path(a), db_path(b), f.rows);
        } else {
            print_text(cli, &r, db_path(a), db_path(b), &f);
        }
        status = r.only[0] || r.only[1] || r.different ? ERR_NO : 0;
    }
    json_decref(f.rows);
    table_release(&f.table);
    return status;
}

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    (void)n_args;
    int status = 0;
    struct err ignored = ERR_INIT;
    struct db *a = open_db(cli, args[0], &status);
    struct db *b = a ? open_db(cli, args[1], &status) : NULL;
    if (b) {
        status = diff(cli, values, a, b);
    }
    db_close(a, &ignored);
    db_close(b, &ignored);
    return status;
}

const struct verb verb_diff = {
    .name = "diff",
    .args = "DB DB",
    .help = "compare the designs of two studies",
    .details = "By design, over the columns that both have. The exit status is 0 when they hold the same "
               "designs with the same results, 1 when not. The same design with other "
               "numbers means that results are not reproducible, or that the cost models "
               "differ.",
    .example = "dovetail diff yesterday.db today.db",
    .options = options,
    .options_size = sizeof(struct diff_opts),
    .defaults = &defaults,
    .min_args = 2,
    .max_args = 2,
    .run = run};
