/* Points of a study's space as text: the canonical text that names a design, the short one for tables, and the way back from `name=value`. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "experiments/study_space.h"

#include <math.h>
#include <string.h>

#define VALUES_SHOWN 12

static bool active(const struct study_family *f, const double *slots)
{
    return f->when == NULL || expr_eval(f->when, slots) != 0;
}

static void print_level(const struct study *s, const struct study_family *f, const double *x, int i, struct strbuf *out)
{
    double v = study_level(s, f, x, i);
    if (f->kind == VALUE_NUMBER) {
        strbuf_addf(out, "%.17g", v);
        return;
    }
    int n;
    const char *const *labels = study_labels(s, f, &n);
    strbuf_adds(out, labels[(int)v]);
}

void study_design_text(const struct study *s, const double *x, struct strbuf *out)
{
    double slots[STUDY_SLOTS];
    study_slots(s, x, slots);
    for (int i = 0; i < s->n_families; i++) {
        const struct study_family *f = &s->family[i];
        if (!active(f, slots)) {
            continue;
        }
        strbuf_addf(out, f->per == PER_NETWORK ? "%s=" : "%s=[", f->name);
        for (int k = 0; k < f->count; k++) {
            strbuf_adds(out, k ? "," : "");
            print_level(s, f, x, k, out);
        }
        strbuf_adds(out, f->per == PER_NETWORK ? "\n" : "]\n");
    }
}

struct hash study_design_hash(const struct study *s, const double *x)
{
    struct strbuf text = STRBUF_INIT;
    study_design_text(s, x, &text);
    struct hash h = hash_bytes(text.buf, text.len);
    strbuf_release(&text);
    return h;
}

void study_show(const struct study *s, int family, const double *x, struct strbuf *out)
{
    const struct study_family *f = &s->family[family];
    double slots[STUDY_SLOTS];
    study_slots(s, x, slots);
    if (!active(f, slots)) {
        strbuf_adds(out, "-");
    } else if (f->per == PER_NETWORK && f->kind == VALUE_NUMBER) {
        quantity_print(study_level(s, f, x, 0), f->dim, out);
    } else if (f->kind == VALUE_NUMBER) {
        strbuf_addf(out, "%.1f", slots[f->slot]);
    } else {
        for (int k = 0; k < f->count; k++) {
            strbuf_adds(out, k ? "," : "");
            print_level(s, f, x, k, out);
        }
    }
}

/* The level nearest to v; -1 when v is none of them. */
static int64_t find_level(const struct study_family *f, double v)
{
    for (int64_t i = 0; i < f->n_levels; i++) {
        if (fabs(f->level[i] - v) <= 1e-9 * fabs(v)) {
            return i;
        }
    }
    return -1;
}

/* "8, 16, 32" or "200MHz to 1GHz"; the first few of many. */
static void add_values(const struct study *s, const struct study_family *f, struct strbuf *out)
{
    const struct variable *var = &s->space.var[f->first];
    int n = 0;
    const char *const *labels = f->kind == VALUE_NUMBER ? NULL : study_labels(s, f, &n);
    if (var->kind == VARIABLE_REAL) {
        quantity_print(var->lo, f->dim, out);
        strbuf_adds(out, " to ");
        quantity_print(var->hi, f->dim, out);
    }
    for (int64_t i = 0; i < f->n_levels && i < VALUES_SHOWN; i++) {
        strbuf_adds(out, i > 0 ? ", " : "");
        if (labels != NULL) {
            strbuf_adds(out, labels[(int)f->level[i]]);
        } else {
            quantity_print(f->level[i], f->dim, out);
        }
    }
    if (f->n_levels > VALUES_SHOWN) {
        strbuf_addf(out, ", ... (%lld in all)", (long long)f->n_levels);
    }
}

static int no_value(const struct study *s, const struct study_family *f, const char *value, struct err *err)
{
    struct strbuf may = STRBUF_INIT;
    add_values(s, f, &may);
    err_set(err, ERR_USAGE, "'%s' is none of the study's values of '%s': %s", value, f->name, strbuf_str(&may));
    strbuf_release(&may);
    return -1;
}

static int assign_one(const struct study *s, const struct study_family *f, int member, const char *value, double *x,
                      struct err *err)
{
    double v = NAN;
    if (f->kind == VALUE_NUMBER) {
        struct dim dim;
        int unit;
        int used = quantity_scan(value, &v, &dim, &unit);
        if (used <= 0 || value[used] != '\0' || !dim_equal(dim, f->dim)) {
            return no_value(s, f, value, err);
        }
    } else {
        int n;
        const char *const *labels = study_labels(s, f, &n);
        for (int i = 0; i < n; i++) {
            v = strcmp(labels[i], value) == 0 ? i : v;
        }
    }
    const struct variable *var = &s->space.var[f->first + member];
    if (var->kind == VARIABLE_REAL && v >= var->lo && v <= var->hi) {
        x[f->first + member] = v;
        return 0;
    }
    int64_t level = var->kind == VARIABLE_REAL || isnan(v) ? -1 : find_level(f, v);
    if (level < 0) {
        return no_value(s, f, value, err);
    }
    x[f->first + member] = (double)level;
    return 0;
}

/* "[8,4,4]" sets the members in order; any other text sets all of them. */
static int assign_all(const struct study *s, const struct study_family *f, const char *value, double *x,
                      struct err *err)
{
    if (value[0] != '[') {
        for (int i = 0; i < f->count; i++) {
            if (assign_one(s, f, i, value, x, err) < 0) {
                return -1;
            }
        }
        return 0;
    }
    const char *p = value + 1;
    for (int i = 0; i < f->count; i++) {
        size_t n = strcspn(p, ",]");
        char *one = mem_strndup(p, n);
        int bad = assign_one(s, f, i, one, x, err);
        mem_free(one);
        if (bad) {
            return -1;
        }
        p += n;
        if (*p != (i + 1 < f->count ? ',' : ']')) {
            return err_set(err, ERR_USAGE, "'%s' needs %d values in [ ], one each %s", f->name, f->count,
                           f->per == PER_BLOCK ? "block" : "layer");
        }
        p++;
    }
    return *p == '\0' ? 0 : err_set(err, ERR_USAGE, "'%s' stands behind the values of '%s'", p, f->name);
}

int study_assign(const struct study *s, const char *name, const char *value, double *x, struct err *err)
{
    size_t len = strcspn(name, "[");
    for (int i = 0; i < s->n_families; i++) {
        const struct study_family *f = &s->family[i];
        if (strlen(f->name) != len || memcmp(f->name, name, len) != 0) {
            continue;
        }
        if (name[len] == '\0') {
            return assign_all(s, f, value, x, err);
        }
        for (int k = 0; k < f->count; k++) {
            if (strcmp(s->space.var[f->first + k].name, name) == 0) {
                return assign_one(s, f, k, value, x, err);
            }
        }
    }
    const char **names = mem_calloc((size_t)s->n_families + 1, sizeof *names);
    for (int i = 0; i < s->n_families; i++) {
        names[i] = s->family[i].name;
    }
    const char *near = suggest(name, names, s->n_families);
    mem_free(names);
    return err_set(err, ERR_USAGE,
                   near ? "the study has no variable '%s'; did you mean '%s'?" : "the study has no variable '%s'", name,
                   near);
}

static double default_of(const struct study *s, const struct study_family *f)
{
    switch (f->binding) {
    case BIND_PARAMETER:
        return s->fixed[f->parameter];
    case BIND_MAPPING_GOAL:
        return (double)s->goal;
    case BIND_ACC_BITS:
        return s->acc_bits > 0 ? s->acc_bits : NETWORK_ACC_BITS;
    case BIND_KV_BITS:
        return s->kv_bits > 0 ? s->kv_bits : s->fixed_bits;
    case BIND_W_FORMAT:
        return (double)s->quantizer.format;
    case BIND_W_PER:
        return (double)s->quantizer.per;
    case BIND_W_GROUP:
        return (double)s->quantizer.group;
    case BIND_FUSION:
        return s->fusion;
    case BIND_PARTITION:
        return (double)PARTITION_OUTPUT_CHANNELS;
    default:
        return (double)s->fixed_bits;
    }
}

void study_default(const struct study *s, double *x)
{
    for (int i = 0; i < s->n_families; i++) {
        const struct study_family *f = &s->family[i];
        double v = default_of(s, f);
        for (int k = 0; k < f->count; k++) {
            const struct variable *var = &s->space.var[f->first + k];
            if (var->kind == VARIABLE_REAL) {
                x[f->first + k] = fmin(fmax(v, var->lo), var->hi);
                continue;
            }
            int64_t best = 0;
            for (int64_t l = 1; l < f->n_levels; l++) {
                best = fabs(f->level[l] - v) < fabs(f->level[best] - v) ? l : best;
            }
            x[f->first + k] = (double)best;
        }
    }
    space_canonical(&s->space, x);
}
