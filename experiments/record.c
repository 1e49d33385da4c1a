/* Columns of the wide table, in order: one or two for each family (a vector over blocks is a JSON array, and its mean when numeric), one for each
 * metric, one for each constraint that is known only after the evaluation, and one for "a mapping fits". */
#include "experiments/record.h"

#include "base/mem.h"
#include "base/strbuf.h"
#include "base/version.h"
#include "experiments/study_space.h"
#include "experiments/transfer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct column_names {
    char *name, *text;
};

struct record {
    const struct study *study;
    struct db_column *column;
    struct column_names *owned; /* [n] */
    int n, cap, cap_owned;
    int first_metric; /* index of METRIC 0's column */
    int first_violation;
    struct db_value *value; /* [n] */
    struct strbuf *text;    /* [n] texts of one row */
};

static struct db_column *add_column(struct record *r, char *name, enum db_kind kind, enum db_type type,
                                    const char *unit, char *description)
{
    MEM_GROW(r->column, r->n, r->cap);
    MEM_GROW(r->owned, r->n, r->cap_owned);
    r->owned[r->n] = (struct column_names){name, description};
    struct db_column *c = &r->column[r->n++];
    *c = (struct db_column){
        .name = name, .kind = kind, .type = type, .unit = unit, .goal = "", .description = description};
    return c;
}

static char *join(const char *a, const char *b)
{
    struct strbuf out = STRBUF_INIT;
    strbuf_addf(&out, "%s%s", a, b);
    return strbuf_detach(&out);
}

static const struct column_unit unit_rows[] = {
    {{{0, 0, 0, 1, 0, 0, 0, 0}}, "_bytes", "B", 0.125}, {{{-1, 0, 0, 1, 0, 0, 0, 0}}, "_bytes_per_s", "B/s", 0.125},
    {{{-1, 0, 0, 0, 0, 0, 0, 0}}, "_hz", "Hz", 1},      {{{1, 0, 0, 0, 0, 0, 0, 0}}, "_s", "s", 1},
    {{{0, 1, 0, 0, 0, 0, 0, 0}}, "_j", "J", 1},         {{{-1, 1, 0, 0, 0, 0, 0, 0}}, "_w", "W", 1},
    {{{0, 0, 2, 0, 0, 0, 0, 0}}, "_mm2", "mm2", 1e6},   {{{0, 0, 1, 0, 0, 0, 0, 0}}, "_m", "m", 1},
    {{{0, 0, 0, 0, 1, 0, 0, 0}}, "_v", "V", 1},         {{{0, 0, 0, 0, 0, 0, 0, 0}}, "", "", 1},
};

const struct column_unit *column_unit(struct dim dim)
{
    int n = (int)(sizeof unit_rows / sizeof *unit_rows);
    for (int i = 0; i < n - 1; i++) {
        if (dim_equal(unit_rows[i].dim, dim)) {
            return &unit_rows[i];
        }
    }
    return &unit_rows[n - 1];
}

/* Whole numbers in the column's unit are INTEGER: 16 rows, not 16.0. */
static bool is_whole(const struct study_family *f)
{
    bool whole = f->n_levels > 0;
    for (int64_t i = 0; i < f->n_levels; i++) {
        double v = f->level[i] * column_unit(f->dim)->scale;
        whole = whole && v == floor(v) && fabs(v) < 9e15;
    }
    return whole;
}

void record_column_name(const struct study_family *f, struct strbuf *out)
{
    strbuf_addf(out, "%s%s", f->name, f->per != PER_NETWORK ? "" : column_unit(f->dim)->suffix);
}

static void add_family(struct record *r, const struct study_family *f)
{
    const struct column_unit *u = column_unit(f->dim);
    const char *per = f->per == PER_BLOCK ? ", one value a block" : f->per == PER_LAYER ? ", one value a layer" : "";
    bool vector = f->per != PER_NETWORK;
    enum db_type type = vector || f->kind != VALUE_NUMBER ? DB_TEXT : is_whole(f) ? DB_INTEGER : DB_REAL;
    struct strbuf name = STRBUF_INIT;
    record_column_name(f, &name);
    add_column(r, strbuf_detach(&name), DB_PARAMETER, type, u->unit, join("variable of the space", per));
    if (vector && f->kind == VALUE_NUMBER) {
        add_column(r, join(f->name, "_mean"), DB_DERIVED, DB_REAL, u->unit, join("mean of ", f->name));
    }
}

static int objective_rank(const struct study *s, int metric)
{
    for (int i = 0; i < s->n_objectives; i++) {
        if ((int)s->objective[i].metric == metric) {
            return i + 1;
        }
    }
    return 0;
}

void record_describe(const struct study *s, enum metric_id m, struct strbuf *out)
{
    const char *what = metrics[m].what, *by = strstr(what, " by the study's proxy");
    if (by != NULL && by > what && by[-1] == ',') {
        by--;
    }
    if (s->evaluator == NULL || !s->evaluator->metric[m]) {
        strbuf_adds(out, what);
    } else {
        strbuf_add(out, what, by != NULL ? (size_t)(by - what) : strlen(what));
        strbuf_adds(out, ", by the study's evaluator");
    }
}

struct record *record_new(const struct study *s)
{
    struct record *r = mem_calloc(1, sizeof *r);
    r->study = s;
    for (int i = 0; i < s->n_families; i++) {
        add_family(r, &s->family[i]);
    }
    r->first_metric = r->n;
    for (int m = 0; m < METRIC_COUNT; m++) {
        const struct metric *metric = &metrics[m];
        struct strbuf what = STRBUF_INIT;
        record_describe(s, (enum metric_id)m, &what);
        struct db_column *c =
            add_column(r, mem_strdup(metric->column), DB_METRIC, DB_REAL, metric->unit, strbuf_detach(&what));
        c->objective = objective_rank(s, m);
        bool maximise = c->objective ? s->objective[c->objective - 1].maximise : metric->goal > 0;
        c->goal = maximise ? "max" : metric->goal < 0 || c->objective ? "min" : "";
    }
    r->first_violation = r->n;
    for (int i = 0; i < s->n_constraints; i++) {
        struct strbuf name = STRBUF_INIT;
        strbuf_addf(&name, "violation_%d", i + 1);
        add_column(r, strbuf_detach(&name), DB_VIOLATION, DB_REAL, "",
                   join("relative amount by which this fails: ", s->constraint[i].source));
    }
    add_column(r, mem_strdup("violation_mapping"), DB_VIOLATION, DB_REAL, "",
               mem_strdup("1 when no mapping of some operator fits"));
    r->value = mem_calloc((size_t)r->n, sizeof *r->value);
    r->text = mem_calloc((size_t)r->n, sizeof *r->text);
    return r;
}

void record_free(struct record *r)
{
    if (r == NULL) {
        return;
    }
    for (int i = 0; i < r->n; i++) {
        mem_free(r->owned[i].name);
        mem_free(r->owned[i].text);
        strbuf_release(&r->text[i]);
    }
    mem_free(r->column);
    mem_free(r->owned);
    mem_free(r->value);
    mem_free(r->text);
    mem_free(r);
}

static char *objectives_json(const struct study *s)
{
    struct strbuf out = STRBUF_INIT;
    for (int i = 0; i < s->n_objectives; i++) {
        strbuf_addf(&out, "%s{\"metric\": \"%s\", \"goal\": \"%s\"}", i ? ", " : "[",
                    metrics[s->objective[i].metric].name, s->objective[i].maximise ? "max" : "min");
    }
    strbuf_adds(&out, "]");
    return strbuf_detach(&out);
}

static char *constraints_json(const struct study *s)
{
    struct strbuf out = STRBUF_INIT;
    strbuf_adds(&out, "[");
    for (int i = 0; i < s->n_constraints; i++) {
        strbuf_addf(&out, "%s\"%s\"", i ? ", " : "", s->constraint[i].source);
    }
    strbuf_adds(&out, "]");
    return strbuf_detach(&out);
}

struct db *record_create(const struct record *r, const char *path, const char *command, struct err *err)
{
    const struct study *s = r->study;
    char space[HASH_HEX], model[HASH_HEX], seed[32], plan[32];
    hash_hex(s->space_hash, space);
    hash_hex(s->model_hash, model);
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)s->seed);
    snprintf(plan, sizeof plan, "%lld", (long long)s->evaluations);
    struct strbuf start = STRBUF_INIT;
    if (s->n_start > 0 && transfer_read(s, &start, err) < 0) {
        strbuf_release(&start);
        return NULL;
    }
    char *objectives = objectives_json(s), *constraints = constraints_json(s);
    const struct db_pair meta[] = {
        {"name", s->name},
        {"yaml", s->resolved},
        {"path", s->path},
        {"space_hash", space},
        {"model_hash", model},
        {"objectives", objectives},
        {"seed", seed},
        {"plan", plan},
        {"version", dovetail_version()},
        {"model_version", MODEL_VERSION},
        {"constraints", constraints},
        {"command", command},
        {"start", strbuf_str(&start)}, /* only where there is one */
    };
    int n_meta = (int)(sizeof meta / sizeof *meta) - (start.len == 0);
    struct db_layout layout = {meta, n_meta, r->column, r->n};
    struct db *db = db_create(path, &layout, err);
    mem_free(objectives);
    mem_free(constraints);
    strbuf_release(&start);
    return db;
}

int record_check(const struct record *r, const struct db *db, struct err *err)
{
    char space[HASH_HEX], model[HASH_HEX];
    hash_hex(r->study->space_hash, space);
    hash_hex(r->study->model_hash, model);
    const char *had_space = db_meta(db, "space_hash"), *had_model = db_meta(db, "model_hash");
    if (db_meta(db, "merged") != NULL) {
        return err_set(err, ERR_DATA, "'%s' unites several studies: it can be asked, not continued; resume its parts",
                       db_path(db));
    }
    if (had_space == NULL || had_model == NULL) {
        return err_set(err, ERR_DATA, "'%s' does not say which study it holds", db_path(db));
    }
    if (strcmp(had_space, space) != 0) {
        return err_set(
            err, ERR_DATA,
            "'%s' holds another study: its space, objectives, constraints or search differ (%.7s there, %.7s here); "
            "give the study another name, or `dovetail resume %s` to continue the one that is there",
            db_path(db), had_space, space, db_path(db));
    }
    if (strcmp(had_model, model) != 0) {
        return err_set(
            err, ERR_DATA,
            "'%s' was made with another model: template, technology, workload, proxy, evaluator or program differ "
            "(%.7s there, %.7s here, "
            "model version %s there, %s here); its numbers cannot be continued; give the study another name",
            db_path(db), had_model, model, db_meta(db, "model_version"), MODEL_VERSION);
    }
    return 0;
}

static void put_vector(struct record *r, const struct study_family *f, const double *x, int column)
{
    const struct study *s = r->study;
    struct strbuf *t = &r->text[column];
    int n;
    const char *const *labels = study_labels(s, f, &n);
    strbuf_adds(t, "[");
    for (int k = 0; k < f->count; k++) {
        double v = study_level(s, f, x, k);
        strbuf_adds(t, k ? "," : "");
        if (f->kind == VALUE_NUMBER) {
            strbuf_addf(t, "%.17g", v);
        } else {
            strbuf_addf(t, "\"%s\"", labels[(int)v]);
        }
    }
    strbuf_adds(t, "]");
    r->value[column] = db_text(strbuf_str(t));
}

static void put_families(struct record *r, const double *x)
{
    const struct study *s = r->study;
    double slots[STUDY_SLOTS];
    study_slots(s, x, slots);
    int c = 0;
    for (int i = 0; i < s->n_families; i++) {
        const struct study_family *f = &s->family[i];
        bool on = f->when == NULL || expr_eval(f->when, slots) != 0;
        int n;
        const char *const *labels = study_labels(s, f, &n);
        if (on && f->per != PER_NETWORK) {
            put_vector(r, f, x, c);
        } else if (on && f->kind == VALUE_NUMBER) {
            double v = study_level(s, f, x, 0) * column_unit(f->dim)->scale;
            r->value[c] = r->column[c].type == DB_INTEGER ? db_integer((int64_t)v) : db_real(v);
        } else if (on) {
            r->value[c] = db_text(labels[(int)study_level(s, f, x, 0)]);
        }
        c++;
        if (f->per != PER_NETWORK && f->kind == VALUE_NUMBER) {
            r->value[c++] = on ? db_real(slots[f->slot]) : db_null();
        }
    }
}

/* "area <= 4mm2, mapping": what does not hold. */
static const char *violated(const struct record *r, const struct evaluation *v, struct strbuf *out)
{
    const struct study *s = r->study;
    for (int i = 0; i < s->n_constraints; i++) {
        if (v->violation[i] > 0) {
            strbuf_addf(out, "%s%s", out->len ? ", " : "", s->constraint[i].source);
        }
    }
    if (v->violation[s->n_constraints] > 0) {
        strbuf_addf(out, "%smapping", out->len ? ", " : "");
    }
    return out->len ? strbuf_str(out) : NULL;
}

int record_put(struct record *r, struct db *db, int64_t number, const double *x, const struct evaluation *v,
               const char *proposed_by, struct err *err)
{
    const struct study *s = r->study;
    for (int i = 0; i < r->n; i++) {
        r->value[i] = db_null();
        strbuf_reset(&r->text[i]);
    }
    put_families(r, x);
    for (int m = 0; m < METRIC_COUNT; m++) {
        r->value[r->first_metric + m] = isnan(v->metric[m]) ? db_null() : db_real(v->metric[m]);
    }
    for (int i = 0; i <= s->n_constraints; i++) {
        r->value[r->first_violation + i] = isnan(v->violation[i]) ? db_null() : db_real(v->violation[i]);
    }
    struct strbuf why = STRBUF_INIT;
    struct db_trial t = {.number = number,
                         .hash = study_design_hash(s, x),
                         .state = v->state,
                         .violated = violated(r, v, &why),
                         .error = v->why[0] ? v->why : NULL,
                         .proposed_by = proposed_by,
                         .generation = -1,
                         .eval_us = v->us,
                         .values = r->value};
    int bad = db_put_trial(db, &t, err);
    strbuf_release(&why);
    return bad;
}

void record_read(const struct record *r, const struct db_trial *trial, struct evaluation *v)
{
    memset(v, 0, sizeof *v);
    v->state = trial->state;
    for (int m = 0; m < METRIC_COUNT; m++) {
        v->metric[m] = db_number(trial->values[r->first_metric + m]);
    }
    for (int i = 0; i <= r->study->n_constraints; i++) {
        v->violation[i] = db_number(trial->values[r->first_violation + i]);
    }
    if (trial->error != NULL) {
        snprintf(v->why, sizeof v->why, "%.*s", (int)sizeof v->why - 1, trial->error);
    }
}

/* '["rows","core0"]' -> '[rows,core0]': what study_assign() reads. */
static char *unquoted(const char *text)
{
    char *out = mem_strdup(text), *to = out;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p != '"') {
            *to++ = *p;
        }
    }
    *to = '\0';
    return out;
}

static int scalar_point(const struct study *s, const struct study_family *f, double v, double *x, struct err *err)
{
    if (s->space.var[f->first].kind == VARIABLE_REAL) {
        x[f->first] = v;
        return 0;
    }
    for (int64_t i = 0; i < f->n_levels; i++) {
        if (fabs(f->level[i] - v) <= 1e-12 * fabs(v)) {
            x[f->first] = (double)i;
            return 0;
        }
    }
    return err_set(err, ERR_DATA, "the stored value of '%s' is none that the study allows", f->name);
}

int record_point(const struct study *s, const struct db_trial *trial, double *x, struct err *err)
{
    int c = 0;
    study_default(s, x);
    for (int i = 0; i < s->n_families; i++) {
        const struct study_family *f = &s->family[i];
        struct db_value v = trial->values[c++];
        int bad = 0;
        if (v.type == DB_TEXT) {
            char *text = unquoted(v.u.s);
            bad = study_assign(s, f->name, text, x, err);
            mem_free(text);
        } else if (v.type != DB_NULL) {
            bad = scalar_point(s, f, db_number(v) / column_unit(f->dim)->scale, x, err);
        }
        if (bad) {
            return -1;
        }
        c += f->per != PER_NETWORK && f->kind == VALUE_NUMBER;
    }
    space_canonical(&s->space, x);
    return 0;
}
