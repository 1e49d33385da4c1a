/* dovetail pareto: the non-dominated designs, and questions about them. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "cli/front.h"
#include "cli/infeasible.h"
#include "cli/json_values.h"
#include "cli/open_db.h"
#include "cli/plot.h"
#include "cli/table.h"
#include "experiments/pick.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_ROWS = 16, PLOT_WIDTH = 64, PLOT_HEIGHT = 16 };

struct pareto_opts {
    struct opt_list where;
    int64_t top;
    const char *by;
    bool knee;
    bool all;
    double eps;
    bool hv;
    const char *ref;
    const char *columns;
    bool plot;
};

/* clang-format off */
static const struct opt options[] = {
    {"where", 'w', OPT_LIST, offsetof(struct pareto_opts, where), "EXPR",
     .help = "of the designs for which this holds: 'area <= 2mm2 and pe_rows > 8'; repeatable"},
    {"top", 0, OPT_INT, offsetof(struct pareto_opts, top), "K",
     .help = "the K best by one objective", .min = 1, .max = 1e9},
    {"by", 0, OPT_STRING, offsetof(struct pareto_opts, by), "OBJ",
     .help = "the objective of --top (default: the first)"},
    {"knee", 0, OPT_FLAG, offsetof(struct pareto_opts, knee), NULL,
     .help = "the knee only: nearest to the best of every objective"},
    {"eps", 0, OPT_QUANTITY, offsetof(struct pareto_opts, eps), "SHARE",
     .help = "leave out designs within this share, as in 1%, of a shown one in every objective",
     .min = 0, .max = 100},
    {"all", 'a', OPT_FLAG, offsetof(struct pareto_opts, all), NULL,
     .help = "every design of the front, not a spread of 16"},
    {"hv", 0, OPT_FLAG, offsetof(struct pareto_opts, hv), NULL,
     .help = "the hypervolume, as a share of the box between the best values and --ref"},
    {"ref", 0, OPT_STRING, offsetof(struct pareto_opts, ref), "V,V..",
     .help = "reference point of --hv, a value with unit for each objective"},
    {"columns", 'c', OPT_STRING, offsetof(struct pareto_opts, columns), "NAME,NAME..",
     .help = "show these columns after the objectives"},
    {"plot", 'p', OPT_FLAG, offsetof(struct pareto_opts, plot), NULL,
     .help = "draw the first two objectives"},
    OPT_END
};
/* clang-format on */

/* ---- which rows */

static int by_index(const struct cli *cli, const struct pareto *front, const char *by)
{
    int c = by ? columns_find(cli, &front->columns, by) : front->objective[0];
    for (int k = 0; k < front->m; k++) {
        if (front->objective[k] == c) {
            return k;
        }
    }
    if (c >= 0) {
        cli_fail(cli, ERR_USAGE, "'%s' is not one of the objectives", by);
    }
    return -1;
}

/* Keeps the `top` rows with the least value of objective k; ties to the earlier row. */
static void keep_top(const struct pareto *front, int k, int64_t top, bool *keep)
{
    for (int64_t t = 0; t < top; t++) {
        int best = -1;
        for (int i = 0; i < front->n; i++) {
            if (!keep[i] && (best < 0 || front->f[i * front->m + k] < front->f[best * front->m + k])) {
                best = i;
            }
        }
        if (best < 0) {
            return;
        }
        keep[best] = true;
    }
}

/* Which rows are shown. 0, or the exit status. */
static int select_rows(const struct cli *cli, const struct pareto_opts *o, const struct pareto *front, bool *keep)
{
    int k = by_index(cli, front, o->by);
    if (k < 0) {
        return ERR_USAGE;
    }
    if (o->by && !o->top) {
        return cli_fail(cli, ERR_USAGE, "--by goes with --top");
    }
    if (o->knee) {
        keep[pick_knee(front->f, front->n, front->m)] = true;
    } else if (o->top) {
        keep_top(front, k, o->top, keep);
    } else if (o->eps > 0.0) {
        pick_thin(front->f, front->n, front->m, o->eps, keep);
    } else {
        pick_spread(front->f, front->n, front->m, o->all || cli->json ? front->n : DEFAULT_ROWS, keep);
    }
    return 0;
}

/* ---- hypervolume */

/* "4mJ,10ms" into minimised column values. */
static int parse_reference(const struct cli *cli, const struct pareto *front, const char *text, double *reference)
{
    for (int k = 0; k < front->m; k++) {
        const struct shown_column *c = &front->columns.list[front->objective[k]];
        double v;
        struct dim dim;
        int unit_at;
        int used = quantity_scan(text, &v, &dim, &unit_at);
        bool percent = used > 0 && strcmp(c->column->unit, "%") == 0;
        if (used <= 0 || (!percent && !dim_equal(dim, c->dim))) {
            char name[64];
            return cli_fail(cli, ERR_USAGE, "--ref needs %s for '%s' at '%s'", dim_name(c->dim, name, sizeof name),
                            c->name, text);
        }
        v = percent && dim_equal(dim, DIM_ONE) ? 100.0 * v : v * c->scale;
        reference[k] = front->maximise[k] ? -v : v;
        text += used;
        bool last = k == front->m - 1;
        if ((last && *text) || (!last && *text != ',')) {
            return cli_fail(cli, ERR_USAGE, "--ref needs %d values, one for each objective", front->m);
        }
        text += *text == ',';
    }
    return 0;
}

static void column_value(const struct pareto *front, int k, double minimised, struct strbuf *out)
{
    double v = front->maximise[k] ? -minimised : minimised;
    columns_print(&front->columns.list[front->objective[k]], db_real(v), out);
}

struct box {
    double ideal[PARETO_OBJECTIVES], reference[PARETO_OBJECTIVES];
    double volume;
};

static int measure(const struct cli *cli, const struct pareto *front, const char *ref, struct box *box)
{
    pick_box(front->f, front->n, front->m, box->ideal, box->reference);
    int status = ref ? parse_reference(cli, front, ref, box->reference) : 0;
    for (int k = 0; k < front->m && !status; k++) {
        if (!(box->reference[k] > box->ideal[k])) {
            status = cli_fail(cli, ERR_USAGE, "--ref is not worse than the best '%s'",
                              front->columns.list[front->objective[k]].name);
        }
    }
    box->volume = status ? 0.0 : pick_hypervolume(front->f, front->n, front->m, box->ideal, box->reference);
    return status;
}

static void print_volume(const struct pareto *front, const struct box *box)
{
    struct strbuf text = STRBUF_INIT;
    strbuf_addf(&text, "hypervolume %.6f of the box from (", box->volume);
    for (int k = 0; k < front->m; k++) {
        strbuf_adds(&text, k ? ", " : "");
        column_value(front, k, box->ideal[k], &text);
    }
    strbuf_adds(&text, ") to (");
    for (int k = 0; k < front->m; k++) {
        strbuf_adds(&text, k ? ", " : "");
        column_value(front, k, box->reference[k], &text);
    }
    printf("%s)\n", strbuf_str(&text));
    strbuf_release(&text);
}

/* ---- plot */

struct dots {
    double *xy;
    int64_t n, cap;
};

static int add_dot(void *ctx, const struct db_row *row)
{
    struct dots *d = ctx;
    MEM_GROW(d->xy, 2 * d->n + 1, d->cap);
    d->xy[2 * d->n] = db_number(row->values[0]);
    d->xy[2 * d->n + 1] = db_number(row->values[1]);
    d->n++;
    return 0;
}

static struct plot_axis axis_of(const struct shown_column *c)
{
    bool percent = strcmp(c->column->unit, "%") == 0;
    return (struct plot_axis){c->name, percent ? DIM_ONE : c->dim, percent ? "%" : ""};
}

/* Marks: the front; of three objectives and more only the rows that are shown, since the others would cover all. */
static int draw(const struct cli *cli, const struct pareto_opts *o, const struct pareto *front, struct db *db,
                const bool *keep)
{
    if (front->m < 2) {
        return cli_fail(cli, ERR_USAGE, "--plot needs two objectives");
    }
    const struct shown_column *x = &front->columns.list[front->objective[1]];
    const struct shown_column *y = &front->columns.list[front->objective[0]];
    const char *const names[] = {x->column->name, y->column->name};
    struct where where;
    int status = where_init(&where, cli, &front->columns, db, &o->where);
    struct dots dots = {NULL, 0, 0};
    struct db_query q = {
        .columns = names, .n_columns = 2, .where = where.sql, .params = where.params, .n_params = where.n_params};
    struct err err = ERR_INIT;
    if (!status && db_query(db, &q, add_dot, &dots, &err)) {
        status = cli_error(cli, &err);
    }
    if (!status) {
        struct plot p = {.x = axis_of(x),
                         .y = axis_of(y),
                         .dots = dots.xy,
                         .n_dots = dots.n,
                         .what = front->m > 2 ? "shown below" : "front",
                         .width = PLOT_WIDTH,
                         .height = PLOT_HEIGHT};
        double *marks = mem_calloc(2 * (size_t)front->n + 1, sizeof *marks);
        for (int i = 0; i < front->n; i++) {
            if (front->m == 2 || keep[i]) {
                marks[2 * p.n_marks] = db_number(front->row[i].value[front->objective[1]]) / x->scale;
                marks[2 * p.n_marks++ + 1] = db_number(front->row[i].value[front->objective[0]]) / y->scale;
            }
        }
        for (int64_t i = 0; i < dots.n; i++) {
            dots.xy[2 * i] /= x->scale;
            dots.xy[2 * i + 1] /= y->scale;
        }
        p.marks = marks;
        struct strbuf out = STRBUF_INIT;
        plot_draw(&p, &out);
        fputs(strbuf_str(&out), stdout);
        strbuf_release(&out);
        mem_free(marks);
    }
    mem_free(dots.xy);
    where_release(&where);
    return status;
}

/* ---- output */

static json_t *objectives_json(const struct pareto *front)
{
    json_t *list = json_array();
    for (int k = 0; k < front->m; k++) {
        const struct shown_column *c = &front->columns.list[front->objective[k]];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "name", c->name, "column", c->column->name,
                                              "unit", c->column->unit, "goal", front->maximise[k] ? "max" : "min"));
    }
    return list;
}

static json_t *design_json(const struct pareto *front, int i, const int *show, int n_show)
{
    const struct pareto_row *r = &front->row[i];
    char hex[HASH_HEX];
    hash_hex(r->hash, hex);
    struct strbuf why = STRBUF_INIT;
    pareto_why(front, i, &why);
    json_t *values = json_object();
    for (int s = 0; s < (show ? n_show : front->columns.n); s++) {
        int c = show ? show[s] : s;
        json_object_set_new(values, front->columns.list[c].column->name, json_value(r->value[c]));
    }
    json_t *row = json_pack("{s:s, s:I, s:s, s:o}", "hash", hex, "trial", (json_int_t)r->number, "why",
                            strbuf_str(&why), "values", values);
    strbuf_release(&why);
    return row;
}

static int print_json(const struct pareto *front, const bool *keep, const struct box *box, const int *show, int n_show)
{
    json_t *designs = json_array();
    for (int i = 0; i < front->n; i++) {
        if (keep[i]) {
            json_array_append_new(designs, design_json(front, i, show, n_show));
        }
    }
    json_t *doc = json_pack("{s:o, s:i}", "objectives", objectives_json(front), "front", front->n);
    if (box) {
        json_object_set_new(doc, "hypervolume", json_real(box->volume));
    }
    json_object_set_new(doc, "designs", designs);
    return cli_json(doc);
}

static int show_front(struct cli *cli, const struct pareto_opts *o, const struct pareto *front, struct db *db)
{
    bool *keep = mem_calloc((size_t)front->n + 1, sizeof *keep);
    struct box box;
    int *columns = NULL;
    int n_columns = o->columns ? columns_parse(cli, &front->columns, o->columns, &columns) : 0;
    int status = n_columns < 0 ? ERR_USAGE : select_rows(cli, o, front, keep);
    if (!status && (o->hv || o->ref)) {
        status = measure(cli, front, o->ref, &box);
    }
    if (!status && cli->json) {
        print_json(front, keep, o->hv || o->ref ? &box : NULL, columns, n_columns);
    } else if (!status) {
        int shown = 0;
        for (int i = 0; i < front->n; i++) {
            shown += keep[i];
        }
        if (o->plot) {
            status = draw(cli, o, front, db, keep);
        }
        if (o->hv || o->ref) {
            print_volume(front, &box);
        }
        printf("%d design%s on the front%s\n", front->n, front->n == 1 ? "" : "s",
               shown < front->n ? "; of them:" : ":");
        pareto_print(front, cli, keep, columns, n_columns);
        char hex[HASH_HEX];
        hash_hex(front->row[pick_knee(front->f, front->n, front->m)].hash, hex);
        cli_next(cli, "dovetail eval %s %.7s --explain", db_path(db), hex);
    }
    mem_free(columns);
    mem_free(keep);
    return status;
}

static int say_empty(struct cli *cli, const struct pareto_opts *o, const struct pareto *front, struct db *db)
{
    struct err ignored = ERR_INIT;
    struct db_status s;
    bool some = db_status(db, &s, &ignored) == 0 && s.state[DB_OK] > 0;
    db_status_release(&s);
    if (some && o->where.n == 0) { /* there are feasible designs, but what is asked for they do not have */
        struct strbuf names = STRBUF_INIT;
        for (int k = 0; k < front->m; k++) {
            strbuf_addf(&names, "%s'%s'", k ? ", " : "", front->columns.list[front->objective[k]].name);
        }
        int status =
            cli_fail(cli, ERR_NO,
                     front->m == 1 ? "no feasible design has a number of %s: this study does not price it"
                                   : "no feasible design has numbers of %s: this study does not price all of them",
                     strbuf_str(&names));
        strbuf_release(&names);
        return status;
    }
    int status = cli_fail(cli, ERR_NO, "no feasible design%s", o->where.n ? " satisfies --where" : " yet");
    if (o->where.n == 0) {
        infeasible_say(cli, db);
    }
    return status;
}

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    const struct pareto_opts *o = values;
    int status;
    struct db *db = open_db(cli, n_args > 0 ? args[0] : NULL, &status);
    if (!db) {
        return status;
    }
    struct pareto front;
    status = pareto_load(&front, cli, db, n_args > 1 ? args[1] : NULL, &o->where);
    if (!status && front.n == 0) {
        status = say_empty(cli, o, &front, db);
    } else if (!status) {
        status = show_front(cli, o, &front, db);
    }
    pareto_release(&front);
    struct err ignored = ERR_INIT;
    db_close(db, &ignored);
    return status;
}

const struct verb verb_pareto = {.name = "pareto",
                                 .args = "[DB [OBJ,OBJ..]]",
                                 .help = "show the non-dominated designs",
                                 .details = "Objectives are the study's unless named: metrics and parameters, by "
                                            "their names without unit; one that has no\n"
                                            "direction of its own is written min:NAME or max:NAME. DB may be a "
                                            "folder with one database in it.",
                                 .example = "dovetail pareto demo.db\ndovetail pareto demo.db energy,latency --plot\n"
                                            "dovetail pareto demo.db --where 'area <= 4mm2' --top 5 --by latency\n"
                                            "dovetail pareto demo.db --eps 5% --columns utilization,dram_traffic",
                                 .options = options,
                                 .options_size = sizeof(struct pareto_opts),
                                 .max_args = 2,
                                 .run = run};
