/* Objectives are compared as the old studies stored them: with another network or technology their numbers are not this study's, but what was
 * good there is a better guess here than a random design. So the designs are evaluated anew, as the first trials. */
#include "experiments/transfer.h"

#include "base/mem.h"
#include "experiments/record.h"
#include "experiments/study_space.h"
#include "search/dominance.h"
#include "search/survival.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST = 4, MOST = 40, SHARE = 10 };

struct gather {
    const struct study *s;
    int *family;   /* [n_columns] that a column of the query sets; -1: an objective */
    double *x, *f; /* [n][variables], [n][objectives] */
    int n, cap;    /* designs of all files */
};

/* The nearest of the study's values, on a log scale where all are positive; an unknown label leaves the default. */
static void set_number(const struct study *s, const struct study_family *f, int member, double v, double *x)
{
    const struct variable *var = &s->space.var[f->first + member];
    if (var->kind == VARIABLE_REAL) {
        x[f->first + member] = fmin(fmax(v, var->lo), var->hi);
        return;
    }
    bool logs = v > 0 && f->level[0] > 0;
    double least = INFINITY;
    for (int64_t i = 0; i < f->n_levels; i++) {
        double d = logs ? fabs(log(f->level[i] / v)) : fabs(f->level[i] - v);
        if (d < least) {
            least = d;
            x[f->first + member] = (double)i;
        }
    }
}

static void set_label(const struct study *s, const struct study_family *f, int member, const char *text, size_t len,
                      double *x)
{
    int n;
    const char *const *labels = study_labels(s, f, &n);
    for (int64_t i = 0; i < f->n_levels; i++) {
        const char *label = labels[(int)f->level[i]];
        if (strlen(label) == len && memcmp(label, text, len) == 0) {
            x[f->first + member] = (double)i;
        }
    }
}

/* Value k of the n in a stored '[8,4,4]' or '["rows","core0"]'; *len is its length without quotation marks. */
static const char *element(const char *list, int k, size_t *len)
{
    const char *p = list + (*list == '[');
    for (; k > 0; k--) {
        p += strcspn(p, ",]");
        p += *p == ',';
    }
    *len = strcspn(p, ",]");
    if (*p == '"' && *len >= 2) {
        *len -= 2;
        p++;
    }
    return p;
}

static int elements(const char *list)
{
    int n = 1;
    for (; *list != '\0'; list++) {
        n += *list == ',';
    }
    return n;
}

/* Blocks of another network are matched by their place from first to last. */
static void set_family(const struct study *s, const struct study_family *f, struct db_value v, double *x)
{
    if (v.type == DB_NULL) {
        return;
    }
    int there = v.type == DB_TEXT ? elements(v.u.s) : 1;
    for (int k = 0; k < f->count; k++) {
        size_t len = 0;
        const char *text = v.type == DB_TEXT ? element(v.u.s, (int)((int64_t)k * there / f->count), &len) : NULL;
        if (f->kind != VALUE_NUMBER && text != NULL) {
            set_label(s, f, k, text, len, x);
        } else if (f->kind == VALUE_NUMBER) {
            double number = text != NULL ? strtod(text, NULL) : db_number(v) / column_unit(f->dim)->scale;
            set_number(s, f, k, number, x);
        }
    }
}

static int take_row(void *ctx, const struct db_row *row)
{
    struct gather *g = ctx;
    const struct study *s = g->s;
    if (g->n == g->cap) {
        g->cap = g->cap ? 2 * g->cap : 256;
        g->x = mem_realloc(g->x, (size_t)g->cap * (size_t)s->space.n, sizeof *g->x);
        g->f = mem_realloc(g->f, (size_t)g->cap * (size_t)s->n_objectives, sizeof *g->f);
    }
    double *x = g->x + (int64_t)g->n * s->space.n, *f = g->f + (int64_t)g->n * s->n_objectives;
    study_default(s, x);
    int k = 0;
    for (; g->family[k] >= 0; k++) {
        set_family(s, &s->family[g->family[k]], row->values[k], x);
    }
    space_canonical(&s->space, x);
    for (int j = 0; j < s->n_objectives; j++) {
        double v = db_number(row->values[k + j]);
        f[j] = isnan(v) ? 0 : s->objective[j].maximise ? -v : v; /* what is not known there says nothing */
    }
    g->n++;
    return 0;
}

static int read_file(struct gather *g, const char *path, struct err *err)
{
    const struct study *s = g->s;
    struct db *db = db_open(path, DB_READ, err);
    if (db == NULL) {
        return -1;
    }
    const char **column = mem_calloc((size_t)(s->n_families + s->n_objectives) + 1, sizeof *column);
    struct strbuf *name = mem_calloc((size_t)s->n_families + 1, sizeof *name);
    int n = 0, bad = 0;
    for (int i = 0; i < s->n_families; i++) {
        record_column_name(&s->family[i], &name[i]);
        if (db_column(db, strbuf_str(&name[i])) >= 0) {
            g->family[n] = i;
            column[n++] = strbuf_str(&name[i]);
        }
    }
    g->family[n] = -1;
    if (n == 0) {
        bad = err_set(err, ERR_DATA, "'%s' (search.start) has no variable of this study", path);
    }
    for (int j = 0; j < s->n_objectives; j++) {
        column[n + j] = metrics[s->objective[j].metric].column;
        bad |= bad ? 0
               : db_column(db, column[n + j]) < 0
                   ? err_set(err, ERR_DATA, "'%s' has no column '%s'", path, column[n + j])
                   : 0;
    }
    struct db_query q = {.columns = column, .n_columns = n + s->n_objectives, .front_only = true};
    bad = bad || db_query(db, &q, take_row, g, err) < 0;
    for (int i = 0; i < s->n_families; i++) {
        strbuf_release(&name[i]);
    }
    mem_free(name);
    mem_free(column);
    struct err ignored = ERR_INIT;
    db_close(db, &ignored);
    return bad ? -1 : 0;
}

/* The non-dominated ones, thinned, in the order of the files. */
static void print_best(const struct gather *g, struct strbuf *out)
{
    const struct study *s = g->s;
    int want = (int)fmin(fmax((double)s->evaluations / SHARE, LEAST), MOST), n = 0;
    bool *keep = mem_calloc((size_t)g->n + 1, sizeof *keep), *stays = mem_calloc((size_t)g->n + 1, sizeof *stays);
    int *member = mem_calloc((size_t)g->n + 1, sizeof *member);
    double *worth = mem_calloc((size_t)g->n + 1, sizeof *worth);
    dominance_filter(g->f, g->n, s->n_objectives, keep);
    for (int i = 0; i < g->n; i++) {
        if (keep[i]) {
            member[n++] = i;
        }
    }
    if (n > 0) {
        survival_truncate(s->n_objectives <= 3 ? SURVIVE_VOLUME : SURVIVE_SHIFT, g->f, s->n_objectives, member, n,
                          want < n ? want : n, stays, worth);
    }
    for (int i = 0; i < n; i++) {
        const double *x = g->x + (int64_t)member[i] * s->space.n;
        for (int k = 0; stays[i] && k < s->space.n; k++) {
            strbuf_addf(out, k + 1 < s->space.n ? "%.17g " : "%.17g\n", x[k]);
        }
    }
    mem_free(keep);
    mem_free(stays);
    mem_free(member);
    mem_free(worth);
}

int transfer_read(const struct study *s, struct strbuf *out, struct err *err)
{
    struct gather g = {.s = s};
    g.family = mem_calloc((size_t)s->n_families + 1, sizeof *g.family);
    int bad = 0;
    for (int i = 0; i < s->n_start && !bad; i++) {
        bad = read_file(&g, s->start[i], err);
    }
    if (!bad) {
        print_best(&g, out);
    }
    mem_free(g.family);
    mem_free(g.x);
    mem_free(g.f);
    return bad;
}

double *transfer_points(const struct study *s, const char *text, int *n)
{
    *n = 0;
    for (const char *p = text; p != NULL && *p != '\0'; p++) {
        *n += *p == '\n';
    }
    if (*n == 0) {
        return NULL;
    }
    double *x = mem_calloc((size_t)*n * (size_t)s->space.n, sizeof *x);
    for (int64_t i = 0; i < (int64_t)*n * s->space.n; i++) {
        char *end;
        x[i] = strtod(text, &end);
        text = end;
    }
    return x;
}
