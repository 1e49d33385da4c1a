/* See columns.h. Names without units: a metric's stands in experiments/metrics.h; another column's is its own without the
 * ending that its unit gives. */
#include "cli/columns.h"

#include "base/expr.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "experiments/metrics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *unit, *ending;
} endings[] = {{"J", "_j"},       {"s", "_s"},    {"mm2", "_mm2"}, {"B", "_bytes"}, {"bit", "_bits"},
               {"Hz", "_hz"},     {"W", "_w"},    {"V", "_v"},     {"m", "_m"},     {"B/s", "_bytes_per_s"},
               {"1/s", "_per_s"}, {"J*s", "_js"}, {"pp", "_pp"},   {"%", "_pct"},   {"g", "_g"},
               {"USD", "_usd"}};

static const struct metric *metric_of(const struct db_column *column)
{
    for (int i = 0; i < METRIC_COUNT && column->kind == DB_METRIC; i++) {
        if (strcmp(metrics[i].column, column->name) == 0) {
            return &metrics[i];
        }
    }
    return NULL;
}

static char *name_without_unit(const struct db_column *column)
{
    size_t n = strlen(column->name);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t e = strlen(endings[i].ending);
        if (strcmp(column->unit, endings[i].unit) == 0 && n > e &&
            strcmp(column->name + n - e, endings[i].ending) == 0) {
            return mem_strndup(column->name, n - e);
        }
    }
    return mem_strdup(column->name);
}

static void init_column(struct shown_column *s, const struct db_column *column)
{
    const struct metric *metric = metric_of(column);
    *s = (struct shown_column){column, NULL, DIM_ONE, 1.0};
    if (metric) {
        s->name = mem_strdup(metric->name);
        s->dim = metric->dim;
        s->scale = metric->column_scale;
        return;
    }
    s->name = name_without_unit(column);
    char one[80];
    double value;
    struct dim dim;
    int unit_at;
    snprintf(one, sizeof one, "1%s", column->unit);
    if (quantity_scan(one, &value, &dim, &unit_at) == (int)strlen(one) && value > 0.0) {
        s->dim = dim;
        s->scale = 1.0 / value;
    }
}

void columns_init(struct columns *c, const struct db *db)
{
    const struct db_column *columns;
    c->n = db_columns(db, &columns);
    c->list = mem_calloc((size_t)c->n + 1, sizeof *c->list);
    for (int i = 0; i < c->n; i++) {
        init_column(&c->list[i], &columns[i]);
    }
}

void columns_release(struct columns *c)
{
    for (int i = 0; i < c->n; i++) {
        mem_free(c->list[i].name);
    }
    mem_free(c->list);
    *c = (struct columns){NULL, 0};
}

static int find(const struct columns *c, const char *name)
{
    for (int i = 0; i < c->n; i++) {
        if (strcmp(c->list[i].name, name) == 0 || strcmp(c->list[i].column->name, name) == 0) {
            return i;
        }
    }
    return -1;
}

int columns_find(const struct cli *cli, const struct columns *c, const char *name)
{
    int i = find(c, name);
    if (i < 0) {
        const char **names = mem_calloc((size_t)c->n + 1, sizeof *names);
        for (int k = 0; k < c->n; k++) {
            names[k] = c->list[k].name;
        }
        cli_unknown(cli, "column", name, names, c->n);
        mem_free(names);
    }
    return i;
}

int columns_parse(const struct cli *cli, const struct columns *c, const char *list, int **index)
{
    int n = 0;
    int cap = 0;
    *index = NULL;
    while (*list) {
        size_t len = strcspn(list, ",");
        char *name = mem_strndup(list, len);
        MEM_GROW(*index, n, cap);
        (*index)[n] = columns_find(cli, c, name);
        mem_free(name);
        if ((*index)[n++] < 0) {
            mem_free(*index);
            *index = NULL;
            return -1;
        }
        list += len + (list[len] == ',');
    }
    return n;
}

void columns_print(const struct shown_column *c, struct db_value v, struct strbuf *out)
{
    double x = db_number(v);
    if (v.type == DB_TEXT) {
        strbuf_adds(out, v.u.s);
    } else if (v.type == DB_NULL || isnan(x)) {
        return;
    } else if (strcmp(c->column->unit, "%") == 0) {
        strbuf_addf(out, "%.4g%%", x);
    } else if (dim_equal(c->dim, DIM_ONE)) {
        strbuf_addf(out, x == nearbyint(x) && fabs(x) < 1e15 ? "%.0f" : "%.4g", x);
    } else {
        quantity_print(x / c->scale, c->dim, out);
    }
}

/* ---- conditions */

struct labels {
    char **list; /* distinct texts of one column */
    int n, cap;
};

enum { MAX_LABELS = 1000 };

static int add_label(void *ctx, const struct db_row *row)
{
    struct labels *l = ctx;
    if (row->values[0].type != DB_TEXT || l->n >= MAX_LABELS) {
        return 0;
    }
    for (int i = 0; i < l->n; i++) {
        if (strcmp(l->list[i], row->values[0].u.s) == 0) {
            return 0;
        }
    }
    MEM_GROW(l->list, l->n, l->cap);
    l->list[l->n++] = mem_strdup(row->values[0].u.s);
    return 0;
}

/* The names that a condition may use. A text column is a choice among the texts that stand in it; they are looked up only
 * when some condition names the column. */
struct names {
    struct symbol *symbol;
    char **sql;
    struct labels *labels;
    int n;
};

static bool mentioned(const struct opt_list *texts, const struct shown_column *c)
{
    for (int i = 0; i < texts->n; i++) {
        if (strstr(texts->item[i], c->name)) {
            return true;
        }
    }
    return false;
}

static int add_name(struct names *names, const struct shown_column *c, const char *name, int slot, struct db *db,
                    const struct opt_list *texts, struct err *err)
{
    struct labels *labels = &names->labels[names->n];
    struct strbuf sql = STRBUF_INIT;
    if (c->scale != 1.0) {
        strbuf_addf(&sql, "(\"%s\" / %.17g)", c->column->name, c->scale);
    } else {
        strbuf_addf(&sql, "\"%s\"", c->column->name);
    }
    bool text = c->column->type == DB_TEXT;
    if (text && mentioned(texts, c)) {
        struct db_query q = {.columns = &c->column->name, .n_columns = 1, .all_states = true};
        if (db_query(db, &q, add_label, labels, err)) {
            strbuf_release(&sql);
            return -1;
        }
    }
    names->sql[names->n] = strbuf_detach(&sql);
    names->symbol[names->n] = (struct symbol){.name = name,
                                              .kind = text ? VALUE_CHOICE : VALUE_NUMBER,
                                              .dim = c->dim,
                                              .labels = (const char *const *)labels->list,
                                              .n_labels = labels->n,
                                              .slot = slot,
                                              .sql = names->sql[names->n]};
    names->n++;
    return 0;
}

static int names_init(struct names *names, const struct columns *c, struct db *db, const struct opt_list *texts,
                      struct err *err)
{
    size_t n = 2 * (size_t)c->n + 1;
    *names = (struct names){mem_calloc(n, sizeof(struct symbol)), mem_calloc(n, sizeof(char *)),
                            mem_calloc(n, sizeof(struct labels)), 0};
    for (int i = 0; i < c->n; i++) {
        const struct shown_column *s = &c->list[i];
        if (add_name(names, s, s->name, i, db, texts, err)) {
            return -1;
        }
        if (strcmp(s->name, s->column->name) != 0 && add_name(names, s, s->column->name, i, db, texts, err)) {
            return -1;
        }
    }
    return 0;
}

static void names_release(struct names *names)
{
    for (int i = 0; i < names->n; i++) {
        for (int l = 0; l < names->labels[i].n; l++) {
            mem_free(names->labels[i].list[l]);
        }
        mem_free(names->labels[i].list);
        mem_free(names->sql[i]);
    }
    mem_free(names->symbol);
    mem_free(names->labels);
    mem_free(names->sql);
}

enum { MAX_PARAMS = 500 };

/* Appends "(text as SQL)". */
static void add_condition(const char *text, const struct names *names, struct strbuf *sql, double *params,
                          int *n_params, struct diags *d)
{
    const struct source *source = diags_source(d, "--where", mem_strdup(text), strlen(text));
    struct mark at = {source, 1, 1, 1};
    struct scope scope = {names->symbol, names->n, "column"};
    struct expr *e = expr_parse(text, at, &scope, d);
    if (!e) {
        return;
    }
    strbuf_adds(sql, sql->len ? " AND (" : "(");
    int n = expr_to_sql(e, &scope, sql, params + *n_params, MAX_PARAMS - *n_params);
    if (expr_kind(e) != VALUE_BOOL) {
        diags_error(d, at, "write 'area <= 4mm2'", "a condition must be true or false");
    } else if (n < 0) {
        diags_error(d, at, NULL, "too long a condition");
    }
    *n_params += n > 0 ? n : 0;
    strbuf_adds(sql, ")");
    expr_free(e);
}

int where_init(struct where *w, const struct cli *cli, const struct columns *c, struct db *db,
               const struct opt_list *texts)
{
    *w = (struct where){NULL, NULL, 0};
    if (texts->n == 0) {
        return 0;
    }
    struct names names;
    struct err err = ERR_INIT;
    struct diags d = DIAGS_INIT;
    struct strbuf sql = STRBUF_INIT;
    double *params = mem_calloc(MAX_PARAMS, sizeof *params);
    int status = 0;
    if (names_init(&names, c, db, texts, &err)) {
        status = cli_error(cli, &err);
    } else {
        for (int i = 0; i < texts->n; i++) {
            add_condition(texts->item[i], &names, &sql, params, &w->n_params, &d);
        }
        status = cli_diags_as(cli, &d, ERR_USAGE);
    }
    w->params = mem_calloc((size_t)w->n_params + 1, sizeof *w->params);
    for (int i = 0; i < w->n_params; i++) {
        w->params[i] = db_real(params[i]);
    }
    w->sql = strbuf_detach(&sql);
    names_release(&names);
    diags_release(&d);
    mem_free(params);
    return status;
}

void where_release(struct where *w)
{
    mem_free(w->sql);
    mem_free(w->params);
}
