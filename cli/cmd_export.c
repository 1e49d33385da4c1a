/* dovetail export: rows for other programs, in the database's own units (they stand in the column names), the same bytes
 * for the same database: rows by trial, numbers as the shortest text that reads back to the same double. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "cli/columns.h"
#include "cli/json_values.h"
#include "cli/open_db.h"
#include "cli/output_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum export_format { EXPORT_CSV, EXPORT_JSON, EXPORT_JSONL };
static const char *const formats[] = {"csv", "json", "jsonl", NULL};

struct export_opts {
    int format;
    bool front;
    bool all;
    struct opt_list where;
    const char *columns;
    const char *output;
    bool force;
};

/* clang-format off */
static const struct opt options[] = {
    {"format", 'f', OPT_CHOICE, offsetof(struct export_opts, format), "FORMAT",
     .help = "how to write", .choices = formats},
    {"front", 0, OPT_FLAG, offsetof(struct export_opts, front), NULL, .help = "only designs on the study's front"},
    {"all", 'a', OPT_FLAG, offsetof(struct export_opts, all), NULL, .help = "also infeasible and failed designs"},
    {"where", 'w', OPT_LIST, offsetof(struct export_opts, where), "EXPR",
     .help = "only designs for which this holds; repeatable"},
    {"columns", 'c', OPT_STRING, offsetof(struct export_opts, columns), "NAME,NAME..",
     .help = "only these columns (trial, hash and state always)"},
    {"output", 'o', OPT_STRING, offsetof(struct export_opts, output), "FILE",
     .help = "write a file, not standard output"},
    {"force", 0, OPT_FLAG, offsetof(struct export_opts, force), NULL, .help = "overwrite the file"},
    OPT_END
};
/* clang-format on */

struct writer {
    FILE *out;
    enum export_format format;
    const struct columns *columns;
    const int *index; /* [n] columns to write */
    int n;
    int64_t rows;
    struct strbuf text;
};

/* The shortest decimal that reads back to v. */
static void add_real(double v, struct strbuf *out)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v) {
            break;
        }
    }
    strbuf_adds(out, text);
}

/* RFC 4180: quoted when it holds a comma, a quote or a line end. */
static void add_csv_text(const char *s, struct strbuf *out)
{
    if (!s[strcspn(s, ",\"\r\n")]) {
        strbuf_adds(out, s);
        return;
    }
    strbuf_adds(out, "\"");
    for (; *s; s++) {
        strbuf_add(out, *s == '"' ? "\"\"" : s, *s == '"' ? 2 : 1);
    }
    strbuf_adds(out, "\"");
}

static void add_csv_value(struct db_value v, struct strbuf *out)
{
    if (v.type == DB_INTEGER) {
        strbuf_addf(out, "%lld", (long long)v.u.i);
    } else if (v.type == DB_REAL && v.u.d == v.u.d) {
        add_real(v.u.d, out);
    } else if (v.type == DB_TEXT) {
        add_csv_text(v.u.s, out);
    }
}

static void csv_row(struct writer *w, const struct db_row *row, const char *hex)
{
    strbuf_addf(&w->text, "%lld,%s,%s", (long long)row->number, hex, db_state_names[row->state]);
    for (int i = 0; i < w->n; i++) {
        strbuf_adds(&w->text, ",");
        add_csv_value(row->values[i], &w->text);
    }
    strbuf_adds(&w->text, "\n");
}

static void json_row(struct writer *w, const struct db_row *row, const char *hex)
{
    json_t *object = json_pack("{s:I, s:s, s:s}", "trial", (json_int_t)row->number, "hash", hex, "state",
                               db_state_names[row->state]);
    for (int i = 0; i < w->n; i++) {
        json_object_set_new(object, w->columns->list[w->index[i]].column->name, json_value(row->values[i]));
    }
    char *text = json_dumps(object, JSON_COMPACT);
    strbuf_addf(&w->text, "%s%s", w->format == EXPORT_JSON && w->rows ? ",\n" : "", text);
    strbuf_adds(&w->text, w->format == EXPORT_JSONL ? "\n" : "");
    free(text);
    json_decref(object);
}

static int write_row(void *ctx, const struct db_row *row)
{
    struct writer *w = ctx;
    char hex[HASH_HEX];
    hash_hex(row->hash, hex);
    strbuf_reset(&w->text);
    if (w->format == EXPORT_CSV) {
        csv_row(w, row, hex);
    } else {
        json_row(w, row, hex);
    }
    w->rows++;
    return fwrite(w->text.buf, 1, w->text.len, w->out) == w->text.len ? 0 : 1;
}

static void write_head(struct writer *w)
{
    if (w->format == EXPORT_JSON) {
        fputs("[\n", w->out);
    } else if (w->format == EXPORT_CSV) {
        fputs("trial,hash,state", w->out);
        for (int i = 0; i < w->n; i++) {
            fprintf(w->out, ",%s", w->columns->list[w->index[i]].column->name);
        }
        fputs("\n", w->out);
    }
}

/* All of the query's rows. 0, or the exit status. */
static int write_rows(const struct cli *cli, const struct export_opts *o, struct db *db, struct writer *w)
{
    struct where where;
    int status = where_init(&where, cli, w->columns, db, &o->where);
    const char **names = mem_calloc((size_t)w->n + 1, sizeof *names);
    for (int i = 0; i < w->n; i++) {
        names[i] = w->columns->list[w->index[i]].column->name;
    }
    struct db_query q = {.columns = names,
                         .n_columns = w->n,
                         .all_states = o->all,
                         .front_only = o->front,
                         .where = where.sql,
                         .params = where.params,
                         .n_params = where.n_params};
    struct err err = ERR_INIT;
    if (!status) {
        write_head(w);
        int rc = db_query(db, &q, write_row, w, &err);
        fputs(w->format == EXPORT_JSON ? (w->rows ? "\n]\n" : "]\n") : "", w->out);
        if (rc < 0) {
            status = cli_error(cli, &err);
        } else if (rc > 0 || fflush(w->out) || ferror(w->out)) {
            status = cli_fail(cli, ERR_IO, "cannot write %s: %s", o->output ? o->output : "to standard output",
                              strerror(errno));
        }
    }
    where_release(&where);
    mem_free(names);
    return status;
}

static int export_db(const struct cli *cli, const struct export_opts *o, struct db *db)
{
    struct columns columns;
    columns_init(&columns, db);
    int *index = NULL;
    int n = columns.n;
    int status = 0;
    if (o->columns) {
        n = columns_parse(cli, &columns, o->columns, &index);
        status = n < 0 ? ERR_USAGE : 0;
    } else {
        index = mem_calloc((size_t)n + 1, sizeof *index);
        for (int i = 0; i < n; i++) {
            index[i] = i;
        }
    }
    enum export_format format = cli->json ? EXPORT_JSON : (enum export_format)o->format;
    struct writer w = {
        status ? NULL : output_open(cli, o->output, o->force, &status), format, &columns, index, n, 0, STRBUF_INIT};
    if (w.out) {
        status = write_rows(cli, o, db, &w);
        int closed = output_close(cli, w.out, o->output);
        status = status ? status : closed;
        if (o->output && w.out != stdout && !status) {
            cli_say(cli, "wrote %s (%lld designs)", o->output, (long long)w.rows);
        }
    }
    strbuf_release(&w.text);
    mem_free(index);
    columns_release(&columns);
    return status;
}

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    const struct export_opts *o = values;
    int status;
    if (o->front && o->all) {
        return cli_fail(cli, ERR_USAGE, "--front and --all exclude each other: no infeasible design is on the front");
    }
    struct db *db = open_db(cli, n_args > 0 ? args[0] : NULL, &status);
    if (db) {
        status = export_db(cli, o, db);
        struct err ignored = ERR_INIT;
        db_close(db, &ignored);
    }
    return status;
}

const struct verb verb_export = {.name = "export",
                                 .args = "[DB]",
                                 .help = "write designs as CSV, JSON or JSON lines",
                                 .details = "Feasible designs unless --all or --front. The same database gives the "
                                            "same bytes. Units stand in the names.",
                                 .example = "dovetail export demo.db --front -o front.csv\ndovetail export demo.db "
                                            "--format jsonl | jq .energy_j",
                                 .options = options,
                                 .options_size = sizeof(struct export_opts),
                                 .max_args = 1,
                                 .run = run};
