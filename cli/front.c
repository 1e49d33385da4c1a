/* See front.h. */
#include "cli/front.h"

#include "base/mem.h"
#include "base/strbuf.h"
#include "cli/infeasible.h"
#include "cli/table.h"
#include "experiments/pick.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUMMARY_ROWS = 16, LINE_WIDTH = 120, SHORT_TEXT = 24 };

static struct db_value copy_value(struct db_value v)
{
    if (v.type == DB_TEXT) {
        v.u.s = mem_strdup(v.u.s);
    }
    return v;
}

static int add_row(void *ctx, const struct db_row *row)
{
    struct pareto *front = ctx;
    MEM_GROW(front->row, front->n, front->cap);
    struct pareto_row *r = &front->row[front->n++];
    *r = (struct pareto_row){row->hash, row->number, mem_calloc((size_t)front->columns.n + 1, sizeof *r->value)};
    for (int c = 0; c < front->columns.n; c++) {
        r->value[c] = copy_value(row->values[c]);
    }
    return 0;
}

static double objective_of(const struct pareto *front, const struct pareto_row *r, int k)
{
    double v = db_number(r->value[front->objective[k]]);
    return front->maximise[k] ? -v : v;
}

/* The study's own objectives, in their order. */
static void own_objectives(struct pareto *front)
{
    for (int c = 0; c < front->columns.n; c++) {
        const struct db_column *column = front->columns.list[c].column;
        if (column->objective > 0 && column->objective <= PARETO_OBJECTIVES) {
            front->objective[column->objective - 1] = c;
            front->maximise[column->objective - 1] = strcmp(column->goal, "max") == 0;
            front->m++;
        }
    }
}

static int add_objective(struct pareto *front, const struct cli *cli, const char *word)
{
    bool max = strncmp(word, "max:", 4) == 0;
    bool min = strncmp(word, "min:", 4) == 0;
    int c = columns_find(cli, &front->columns, word + (max || min ? 4 : 0));
    if (c < 0) {
        return ERR_USAGE;
    }
    const struct shown_column *s = &front->columns.list[c];
    if (front->m == PARETO_OBJECTIVES) {
        return cli_fail(cli, ERR_USAGE, "at most %d objectives are possible", PARETO_OBJECTIVES);
    }
    if (s->column->type == DB_TEXT) {
        return cli_fail(cli, ERR_USAGE, "'%s' is text and cannot be an objective", s->name);
    }
    if (!max && !min && !*s->column->goal) {
        return cli_fail(cli, ERR_USAGE, "'%s' has no direction of its own; write min:%s or max:%s", s->name, s->name,
                        s->name);
    }
    for (int k = 0; k < front->m; k++) {
        if (front->objective[k] == c) {
            return cli_fail(cli, ERR_USAGE, "objective '%s' stands twice", s->name);
        }
    }
    front->objective[front->m] = c;
    front->maximise[front->m++] = max || (!min && strcmp(s->column->goal, "max") == 0);
    return 0;
}

static int parse_objectives(struct pareto *front, const struct cli *cli, const char *list)
{
    while (*list) {
        size_t len = strcspn(list, ",");
        char *word = mem_strndup(list, len);
        int status = add_objective(front, cli, word);
        mem_free(word);
        if (status) {
            return status;
        }
        list += len + (list[len] == ',');
    }
    return front->m ? 0 : cli_fail(cli, ERR_USAGE, "name at least one objective");
}

struct order {
    double f;
    int64_t number;
    struct pareto_row row;
};

static int compare(const void *a, const void *b)
{
    const struct order *x = a;
    const struct order *y = b;
    if (x->f != y->f) {
        return x->f < y->f ? -1 : 1;
    }
    return (x->number > y->number) - (x->number < y->number);
}

/* By the first objective, then by trial. */
static void sort_rows(struct pareto *front)
{
    struct order *order = mem_calloc((size_t)front->n + 1, sizeof *order);
    for (int i = 0; i < front->n; i++) {
        order[i] = (struct order){objective_of(front, &front->row[i], 0), front->row[i].number, front->row[i]};
    }
    qsort(order, (size_t)front->n, sizeof *order, compare);
    front->f = mem_calloc((size_t)front->n * (size_t)front->m + 1, sizeof *front->f);
    for (int i = 0; i < front->n; i++) {
        front->row[i] = order[i].row;
        for (int k = 0; k < front->m; k++) {
            front->f[i * front->m + k] = objective_of(front, &front->row[i], k);
        }
    }
    mem_free(order);
}

static int query_front(struct pareto *front, struct db *db, bool own, const struct where *where, struct err *err)
{
    struct db_objective objectives[PARETO_OBJECTIVES];
    for (int k = 0; k < front->m; k++) {
        objectives[k] =
            (struct db_objective){front->columns.list[front->objective[k]].column->name, front->maximise[k]};
    }
    bool stored = own && !where->sql;
    struct db_query q = {.front_only = stored,
                         .where = where->sql,
                         .params = where->params,
                         .n_params = where->n_params,
                         .objectives = stored ? NULL : objectives,
                         .n_objectives = stored ? 0 : front->m};
    return db_query(db, &q, add_row, front, err);
}

int pareto_load(struct pareto *front, const struct cli *cli, struct db *db, const char *objectives,
                const struct opt_list *where)
{
    *front = (struct pareto){0};
    columns_init(&front->columns, db);
    int status = 0;
    if (objectives) {
        status = parse_objectives(front, cli, objectives);
    } else {
        own_objectives(front);
    }
    struct where w = {NULL, NULL, 0};
    if (!status) {
        status = where_init(&w, cli, &front->columns, db, where);
    }
    struct err err = ERR_INIT;
    if (!status && query_front(front, db, !objectives, &w, &err)) {
        status = cli_error(cli, &err);
    }
    if (!status) {
        sort_rows(front);
    }
    where_release(&w);
    return status;
}

void pareto_release(struct pareto *front)
{
    for (int i = 0; i < front->n; i++) {
        for (int c = 0; c < front->columns.n; c++) {
            if (front->row[i].value[c].type == DB_TEXT) {
                free((void *)(uintptr_t)front->row[i].value[c].u.s);
            }
        }
        mem_free(front->row[i].value);
    }
    mem_free(front->row);
    mem_free(front->f);
    columns_release(&front->columns);
    *front = (struct pareto){0};
}

void pareto_why(const struct pareto *front, int i, struct strbuf *out)
{
    for (int k = 0; k < front->m; k++) {
        if (pick_least(front->f, front->n, front->m, k) == i) {
            strbuf_addf(out, "%s%s %s", out->len ? ", " : "", front->maximise[k] ? "most" : "least",
                        front->columns.list[front->objective[k]].name);
        }
    }
    if (front->m > 1 && pick_knee(front->f, front->n, front->m) == i) {
        strbuf_adds(out, out->len ? ", knee" : "knee");
    }
}

static bool is_objective(const struct pareto *front, int c)
{
    for (int k = 0; k < front->m; k++) {
        if (front->objective[k] == c) {
            return true;
        }
    }
    return false;
}

static void cell_text(const struct pareto *front, int i, int c, struct strbuf *out)
{
    strbuf_reset(out);
    columns_print(&front->columns.list[c], front->row[i].value[c], out);
}

/* Do the kept rows have more than one text in column c? *widest is the longest, in bytes. */
static bool differs(const struct pareto *front, const bool *keep, int c, size_t *widest)
{
    struct strbuf first = STRBUF_INIT;
    struct strbuf text = STRBUF_INIT;
    bool any = false;
    bool different = false;
    *widest = 0;
    for (int i = 0; i < front->n; i++) {
        if (!keep[i]) {
            continue;
        }
        cell_text(front, i, c, &text);
        *widest = text.len > *widest ? text.len : *widest;
        different |= any && strcmp(strbuf_str(&first), strbuf_str(&text)) != 0;
        if (!any) {
            strbuf_adds(&first, strbuf_str(&text));
            any = true;
        }
    }
    strbuf_release(&first);
    strbuf_release(&text);
    return different;
}

/* Columns worth a place of themselves: parameters, and the means of vectors, that differ. What all rows share is told in
 * `same`. Returns how many are in show[]. */
static int choose_columns(const struct pareto *front, const bool *keep, int *show, struct strbuf *same)
{
    int n = 0;
    int first = 0;
    while (first < front->n && !keep[first]) {
        first++;
    }
    for (int c = 0; c < front->columns.n && first < front->n; c++) {
        const struct db_column *column = front->columns.list[c].column;
        if ((column->kind != DB_PARAMETER && column->kind != DB_DERIVED) || is_objective(front, c)) {
            continue;
        }
        size_t widest;
        if (differs(front, keep, c, &widest)) {
            if (widest <= SHORT_TEXT) {
                show[n++] = c;
            }
        } else if (widest > 0 && widest <= SHORT_TEXT && column->kind == DB_PARAMETER) {
            struct strbuf text = STRBUF_INIT;
            cell_text(front, first, c, &text);
            strbuf_addf(same, "%s%s %s", same->len ? ", " : "", front->columns.list[c].name, strbuf_str(&text));
            strbuf_release(&text);
        }
    }
    return n;
}

/* A proxy is called one wherever it is shown. */
static void add_title(struct table *t, const struct shown_column *c)
{
    struct strbuf title = STRBUF_INIT;
    strbuf_addf(&title, "%s%s", c->name, strstr(c->column->description, "proxy") ? " (proxy)" : "");
    table_column(t, strbuf_str(&title), c->column->type == DB_TEXT ? TABLE_LEFT : TABLE_RIGHT);
    strbuf_release(&title);
}

static void fill_table(const struct pareto *front, const bool *keep, const int *show, int n_show, struct table *t)
{
    table_column(t, "ID", TABLE_LEFT);
    table_column(t, "why", TABLE_LEFT);
    for (int k = 0; k < front->m; k++) {
        add_title(t, &front->columns.list[front->objective[k]]);
    }
    for (int s = 0; s < n_show; s++) {
        add_title(t, &front->columns.list[show[s]]);
    }
    struct strbuf text = STRBUF_INIT;
    for (int i = 0; i < front->n; i++) {
        if (!keep[i]) {
            continue;
        }
        char hex[HASH_HEX];
        hash_hex(front->row[i].hash, hex);
        hex[7] = '\0';
        table_cell(t, hex);
        strbuf_reset(&text);
        pareto_why(front, i, &text);
        table_cell(t, strbuf_str(&text));
        for (int k = 0; k < front->m; k++) {
            cell_text(front, i, front->objective[k], &text);
            table_cell(t, strbuf_str(&text));
        }
        for (int s = 0; s < n_show; s++) {
            cell_text(front, i, show[s], &text);
            table_cell(t, strbuf_str(&text));
        }
    }
    strbuf_release(&text);
}

void pareto_print(const struct pareto *front, const struct cli *cli, const bool *keep, const int *show, int n_show)
{
    struct strbuf same = STRBUF_INIT;
    struct strbuf out = STRBUF_INIT;
    int *chosen = mem_calloc((size_t)front->columns.n + 1, sizeof *chosen);
    bool choose = !show;
    if (choose) {
        n_show = choose_columns(front, keep, chosen, &same);
        show = chosen;
    }
    struct table t;
    table_init(&t);
    fill_table(front, keep, show, n_show, &t);
    int width = terminal_width();
    int n = choose ? table_fit(&t, width ? width : LINE_WIDTH) : t.n_columns;
    table_print(&t, n, cli->color_out, &out);
    if (n < t.n_columns) {
        strbuf_adds(&out, "not shown: ");
        for (int c = n; c < t.n_columns; c++) {
            strbuf_addf(&out, "%s%s", c > n ? ", " : "", t.column[c].title);
        }
        strbuf_adds(&out, " (--columns)\n");
    }
    if (same.len) {
        strbuf_addf(&out, "in all: %s\n", strbuf_str(&same));
    }
    fputs(strbuf_str(&out), stdout);
    table_release(&t);
    mem_free(chosen);
    strbuf_release(&out);
    strbuf_release(&same);
}

int front_summary(const struct cli *cli, struct db *db, struct err *err)
{
    static const struct opt_list everything = {NULL, 0, 0};
    struct pareto front;
    int status = pareto_load(&front, cli, db, NULL, &everything);
    if (status) {
        pareto_release(&front);
        return err_set(err, ERR_DATA, "the front of '%s' cannot be read", db_path(db));
    }
    bool *keep = mem_calloc((size_t)front.n + 1, sizeof *keep);
    int shown = pick_spread(front.f, front.n, front.m, SUMMARY_ROWS, keep);
    if (shown > 0) {
        printf("%d design%s on the front%s\n", front.n, front.n == 1 ? "" : "s",
               shown < front.n ? "; some of them:" : ":");
        pareto_print(&front, cli, keep, NULL, 0);
    } else {
        printf("no feasible design\n");
        infeasible_say(cli, db);
    }
    mem_free(keep);
    pareto_release(&front);
    return shown;
}
