/* The search space: a flat list of variables (space.h). The canonical form is what everything else stands on: the same
 * design always gives the same doubles, so equality, hashing and model distances need no special cases. Conditions may look
 * at earlier variables only, so one pass in order decides them all, on values that are canonical already. */
#include "search/space.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void space_init(struct space *s)
{
    memset(s, 0, sizeof *s);
}

void space_release(struct space *s)
{
    for (int i = 0; i < s->n; i++) {
        mem_free(s->var[i].values);
    }
    mem_free(s->var);
    space_init(s);
}

struct variable *space_add(struct space *s, const char *name, enum variable_kind kind)
{
    MEM_GROW(s->var, s->n, s->cap);
    struct variable *v = &s->var[s->n++];
    memset(v, 0, sizeof *v);
    snprintf(v->name, sizeof v->name, "%s", name);
    v->kind = kind;
    v->group = -1;
    v->family = -1;
    return v;
}

static int check_real(const struct variable *v, struct err *err)
{
    if (!isfinite(v->lo) || !isfinite(v->hi) || v->lo >= v->hi) {
        return err_set(err, ERR_DATA, "variable '%s' needs finite bounds with low < high, not %g..%g", v->name, v->lo,
                       v->hi);
    }
    if (v->log && v->lo <= 0) {
        return err_set(err, ERR_DATA, "variable '%s' is on a log scale, so its low bound must be > 0, not %g", v->name,
                       v->lo);
    }
    return 0;
}

static int check_levels(const struct variable *v, struct err *err)
{
    if (v->n < 1) {
        return err_set(err, ERR_DATA, "variable '%s' has no levels", v->name);
    }
    if (!v->values) {
        return 0;
    }
    for (int64_t k = 0; k < v->n; k++) {
        if (!isfinite(v->values[k]) || (k > 0 && v->values[k] <= v->values[k - 1])) {
            return err_set(err, ERR_DATA,
                           "the levels of variable '%s' must be finite and increase, "
                           "but level %lld is %g",
                           v->name, (long long)k, v->values[k]);
        }
    }
    return 0;
}

int space_check(const struct space *s, struct err *err)
{
    if (s->n == 0) {
        return err_set(err, ERR_DATA, "the space has no variables");
    }
    for (int i = 0; i < s->n; i++) {
        const struct variable *v = &s->var[i];
        if ((v->kind == VARIABLE_REAL ? check_real(v, err) : check_levels(v, err)) != 0) {
            return -1;
        }
        for (int j = 0; j < i; j++) {
            if (v->name[0] != '\0' && strcmp(v->name, s->var[j].name) == 0) {
                return err_set(err, ERR_DATA, "two variables are called '%s'", v->name);
            }
        }
    }
    return 0;
}

double space_cardinality(const struct space *s)
{
    double product = 1;
    for (int i = 0; i < s->n; i++) {
        if (s->var[i].kind == VARIABLE_REAL) {
            return HUGE_VAL;
        }
        product *= (double)s->var[i].n;
    }
    return product;
}

bool space_active(const struct space *s, const double *x, int i)
{
    return !s->active || s->active(s->ctx, x, i);
}

static double clamp(double x, double lo, double hi)
{
    if (!(x > lo)) { /* NaN goes to the low end */
        return lo;
    }
    return x < hi ? x : hi;
}

void space_canonical(const struct space *s, double *x)
{
    for (int i = 0; i < s->n; i++) {
        const struct variable *v = &s->var[i];
        if (!space_active(s, x, i)) {
            x[i] = 0;
        } else if (v->kind == VARIABLE_REAL) {
            x[i] = clamp(x[i], v->lo, v->hi) + 0.0; /* no negative zero */
        } else {
            x[i] = floor(clamp(x[i], 0, (double)(v->n - 1)) + 0.5);
        }
    }
}

double space_to_unit(const struct variable *v, double x)
{
    if (v->kind != VARIABLE_REAL) {
        return v->n > 1 ? x / (double)(v->n - 1) : 0;
    }
    return v->log ? log(x / v->lo) / log(v->hi / v->lo) : (x - v->lo) / (v->hi - v->lo);
}

double space_from_unit(const struct variable *v, double u)
{
    if (v->kind != VARIABLE_REAL) {
        return clamp(floor(u * (double)v->n), 0, (double)(v->n - 1));
    }
    return clamp(v->log ? v->lo * exp(u * log(v->hi / v->lo)) : v->lo + u * (v->hi - v->lo), v->lo, v->hi);
}
