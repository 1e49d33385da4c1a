/* Every variable is moved on its own scale: reals on [0, 1] (log where asked), ordered levels on their index, categories by
 * exchange. Sources: simulated binary crossover and polynomial mutation, bounded (Deb and Agrawal, Complex Systems 9, 1995;
 * Deb and Goyal, 1996); differential variation (Storn and Price, J. Global Optimization 11, 1997); boundary mutation
 * (Michalewicz, GENOCOP, 1992); choice of moves by what they put into the archive (Hadka and Reed, "Borg", Evolutionary
 * Computation 21(2), 2013), with a floor, so that none dies out.
 * A variable that is active in the child but was not in the parent it came from has no value to inherit: it is drawn anew. */
#include "search/variation.h"

#include "base/mem.h"
#include "search/algorithm.h"

#include <math.h>
#include <string.h>

static const double ETA_CROSS = 15, ETA_MUTATE = 20;
static const double FLOOR = 0.03;  /* least share of a move */
static const double FADE = 0.995;  /* memory of about 200 children */
static const double SEGMENT = 0.5; /* share of exchanges that take neighbouring variables together */
static const double RUN = 0.3;     /* share of edge moves that take neighbouring variables together */
static const double JUMP = 0.3;    /* share of differential moves by a whole difference */
enum { SHORT_LIST = 8 };           /* up to so many levels, an ordered variable is exchanged, not blended */

void variation_init(struct variation *v, const struct space *space)
{
    memset(v, 0, sizeof *v);
    v->space = space;
    v->group_first = mem_calloc((size_t)space->n + 1, sizeof *v->group_first);
    v->group_var = mem_calloc((size_t)space->n + 1, sizeof *v->group_var);
    int at = 0;
    for (int i = 0; i < space->n; i++) {
        int g = space->var[i].group;
        bool first = g >= 0;
        for (int k = 0; k < i && first; k++) {
            first = space->var[k].group != g;
        }
        if (!first) {
            continue;
        }
        for (int k = i; k < space->n; k++) {
            if (space->var[k].group == g) {
                v->group_var[at++] = k;
            }
        }
        v->group_first[++v->n_groups] = at;
    }
}

void variation_release(struct variation *v)
{
    mem_free(v->group_first);
    mem_free(v->group_var);
    memset(v, 0, sizeof *v);
}

/* ---- one variable ---- */

static double top(const struct variable *v)
{
    return v->kind == VARIABLE_REAL ? 1 : (double)(v->n - 1);
}

static double get(const struct variable *v, double x)
{
    return v->kind == VARIABLE_REAL ? space_to_unit(v, x) : x;
}

static double put(const struct variable *v, double t)
{
    double hi = top(v);
    t = t < 0 ? 0 : t > hi ? hi : t;
    return v->kind == VARIABLE_REAL ? space_from_unit(v, t) : floor(t + 0.5);
}

/* Rounds to a level at random, so that small steps are not lost. */
static double put_random(const struct variable *v, double t, struct rng *r)
{
    return put(v, v->kind == VARIABLE_REAL ? t : floor(t + rng_uniform(r)));
}

/* One child of bounded SBX, on [0, hi]. */
static double sbx(double a, double b, double hi, struct rng *r)
{
    double lo = a < b ? a : b, up = a < b ? b : a, width = up - lo;
    if (width < 1e-14 * (hi > 1 ? hi : 1)) {
        return a;
    }
    bool low_child = a < b; /* the child nearer to a */
    double edge = low_child ? lo : hi - up, u = rng_uniform(r);
    double alpha = 2 - pow(1 + 2 * edge / width, -(ETA_CROSS + 1));
    double beta = u * alpha <= 1 ? pow(u * alpha, 1 / (ETA_CROSS + 1)) : pow(1 / (2 - u * alpha), 1 / (ETA_CROSS + 1));
    return 0.5 * (lo + up + (low_child ? -beta : beta) * width);
}

static double polynomial(double t, struct rng *r)
{
    double u = rng_uniform(r), e = 1 / (ETA_MUTATE + 1), d;
    if (u < 0.5) {
        d = pow(2 * u + (1 - 2 * u) * pow(1 - t, ETA_MUTATE + 1), e) - 1;
    } else {
        d = 1 - pow(2 * (1 - u) + (2 * u - 1) * pow(t, ETA_MUTATE + 1), e);
    }
    return t + d;
}

static double other_level(const struct variable *v, double x, struct rng *r)
{
    if (v->n < 2) {
        return x;
    }
    double t = (double)rng_below(r, v->n - 1);
    return t >= x ? t + 1 : t;
}

static double mutated(const struct variable *v, double x, struct rng *r)
{
    if (v->kind == VARIABLE_REAL) {
        double t = get(v, x);
        return put(v, rng_below(r, 8) ? polynomial(t, r) : rng_uniform(r));
    }
    if (v->kind == VARIABLE_CATEGORY || v->n <= 2 || rng_below(r, 2)) {
        return other_level(v, x, r);
    }
    double step = 1;
    while (rng_below(r, 10) < 3) { /* 1 + geometric */
        step++;
    }
    bool up = x <= 0 || (x < top(v) && rng_below(r, 2));
    return put(v, up ? x + step : x - step);
}

static double crossed(const struct variable *v, double a, double b, struct rng *r)
{
    bool blend = v->kind == VARIABLE_REAL || (v->kind == VARIABLE_ORDERED && v->n > SHORT_LIST && rng_below(r, 2));
    return blend ? put_random(v, sbx(get(v, a), get(v, b), top(v), r), r) : b;
}

/* ---- whole points ---- */

static void mutate(const struct variation *v, struct rng *r, double rate, double *x)
{
    for (int i = 0; i < v->space->n; i++) {
        if (rng_uniform(r) < rate && space_active(v->space, x, i)) {
            x[i] = mutated(&v->space->var[i], x[i], r);
        }
    }
}

void variation_mutate_one(const struct variation *v, struct rng *r, double *x)
{
    int n = v->space->n, start = (int)rng_below(r, n);
    for (int k = 0; k < n; k++) {
        int i = (start + k) % n;
        if (v->space->var[i].kind != VARIABLE_REAL && v->space->var[i].n < 2) {
            continue;
        }
        if (space_active(v->space, x, i)) {
            x[i] = mutated(&v->space->var[i], x[i], r);
            break;
        }
    }
    space_canonical(v->space, x);
}

static void cross(const struct variation *v, struct rng *r, const double *other, double *x)
{
    if (rng_below(r, 10) == 0) {
        return;
    }
    for (int i = 0; i < v->space->n; i++) {
        if (rng_below(r, 2)) {
            x[i] = crossed(&v->space->var[i], x[i], other[i], r);
        }
    }
}

/* As cross() with exchange for all variables: what is good in each parent stays as it is. Half of the time one stretch of
 * neighbours (two-point crossover): variables that work together are mostly written down together. */
static void swap(const struct variation *v, struct rng *r, const double *other, double *x)
{
    int n = v->space->n;
    if (n > 1 && rng_uniform(r) < SEGMENT) {
        int from = (int)rng_below(r, n), many = 1 + (int)rng_below(r, n - 1);
        for (int k = from; k < from + many; k++) {
            x[k % n] = other[k % n];
        }
        return;
    }
    for (int i = 0; i < v->space->n; i++) {
        x[i] = rng_below(r, 2) ? other[i] : x[i];
    }
}

/* a + F (b - c). With F = 1 a point jumps from one basin into another where basins lie regularly (ter Braak, Statistics and
 * Computing 16, 2006, does so to change modes). */
static void differ(const struct variation *v, struct rng *r, const double *const p[3], double *x)
{
    int n = v->space->n, sure = (int)rng_below(r, n);
    double rate = rng_below(r, 2) ? 0.9 : 0.3, factor = 0.4 + 0.5 * rng_uniform(r);
    if (rng_uniform(r) < JUMP) {
        factor = 1;
        rate = rng_below(r, 2) ? rate : 0;
    }
    for (int i = 0; i < n; i++) {
        if (i != sure && rng_uniform(r) >= rate) {
            continue;
        }
        const struct variable *u = &v->space->var[i];
        if (u->kind == VARIABLE_CATEGORY) {
            x[i] = rng_below(r, 2) ? p[1][i] : x[i];
        } else {
            x[i] = put_random(u, get(u, x[i]) + factor * (get(u, p[1][i]) - get(u, p[2][i])), r);
        }
    }
}

/* x + s (other - x): s from -1 (away from the other) to 2 (beyond it). */
static void line(const struct variation *v, struct rng *r, const double *other, double *x)
{
    double s = -1 + 3 * rng_uniform(r);
    for (int i = 0; i < v->space->n; i++) {
        const struct variable *u = &v->space->var[i];
        if (u->kind == VARIABLE_CATEGORY) {
            x[i] = s > 0.5 ? other[i] : x[i];
        } else {
            double t = get(u, x[i]);
            x[i] = put_random(u, t + s * (get(u, other[i]) - t), r);
        }
    }
}

/* A stretch of neighbours, all to their low or all to their high end: what pays only when several do it. */
static void run_to_edge(const struct variation *v, struct rng *r, double *x)
{
    int n = v->space->n, from = (int)rng_below(r, n), to = from + 2;
    while (to < n && rng_below(r, 4)) {
        to++;
    }
    bool high = rng_below(r, 2);
    for (int i = from; i < to && i < n; i++) {
        const struct variable *u = &v->space->var[i];
        if (u->kind != VARIABLE_CATEGORY) {
            x[i] = put(u, high ? top(u) : 0);
        }
    }
}

static void edge(const struct variation *v, struct rng *r, double *x)
{
    int n = v->space->n;
    if (rng_uniform(r) < RUN) {
        run_to_edge(v, r, x);
        return;
    }
    double rate = rng_below(r, 4) ? 1.0 / n : 0.3;
    bool moved = false;
    for (int t = 0; t < 2 && !moved; t++) {
        for (int i = 0; i < n; i++) {
            const struct variable *u = &v->space->var[i];
            if (u->kind == VARIABLE_CATEGORY || rng_uniform(r) >= rate) {
                continue;
            }
            bool high = rng_uniform(r) * top(u) < get(u, x[i]); /* the nearer end more often */
            x[i] = put(u, high ? top(u) : 0);
            moved = true;
        }
    }
}

/* Variables of group `to` take the values that their family has in group `from` of source; with `swap` (source == x) the
 * others get theirs in exchange. */
static void copy_family(const struct variation *v, int from, int to, const double *source, bool swap, double *x)
{
    const struct variable *var = v->space->var;
    for (int a = v->group_first[to]; a < v->group_first[to + 1]; a++) {
        int i = v->group_var[a];
        for (int b = v->group_first[from]; b < v->group_first[from + 1] && var[i].family >= 0; b++) {
            int k = v->group_var[b];
            if (var[i].family == var[k].family && var[i].kind == var[k].kind && var[i].n == var[k].n) {
                double old = x[i];
                x[i] = source[k];
                x[k] = swap ? old : x[k];
                break;
            }
        }
    }
}

/* All ordered variables of a family, or of a group, one level up or down; or one up and another down (constant product). */
static void shift(const struct variation *v, struct rng *r, double *x)
{
    int i = (int)rng_below(r, v->space->n), kind = (int)rng_below(r, 3);
    const struct variable *u = &v->space->var[i];
    double way = rng_below(r, 2) ? 1 : -1;
    if (kind == 0 && u->group >= 0) { /* one up, another of its group down */
        for (int t = 0; t < 8; t++) {
            int k = (int)rng_below(r, v->space->n);
            if (k != i && v->space->var[k].group == u->group && v->space->var[k].kind == VARIABLE_ORDERED) {
                x[k] = put(&v->space->var[k], x[k] - way);
                break;
            }
        }
        x[i] = u->kind == VARIABLE_ORDERED ? put(u, x[i] + way) : x[i];
        return;
    }
    for (int k = 0; k < v->space->n; k++) {
        const struct variable *w = &v->space->var[k];
        bool with = kind == 1 ? w->family == u->family && u->family >= 0 : w->group == u->group && u->group >= 0;
        if (w->kind == VARIABLE_ORDERED && (with || k == i)) {
            x[k] = put(w, x[k] + way);
        }
    }
}

/* A whole family takes one value: what pays only together. */
static void level(const struct variation *v, struct rng *r, double *x)
{
    int i = (int)rng_below(r, v->space->n);
    const struct variable *u = &v->space->var[i];
    double value = search_uniform_value(u, r);
    for (int k = 0; k < v->space->n; k++) {
        const struct variable *w = &v->space->var[k];
        bool with = u->family >= 0 && w->family == u->family && w->kind == u->kind && w->n == u->n;
        x[k] = with || k == i ? value : x[k];
    }
}

static void groups(const struct variation *v, struct rng *r, const double *other, double *x)
{
    int64_t kind = v->n_groups > 0 ? rng_below(r, 5) : 3;
    if (kind == 3) {
        shift(v, r, x);
        return;
    }
    if (kind == 4) {
        level(v, r, x);
        return;
    }
    int a = (int)rng_below(r, v->n_groups), b = (int)rng_below(r, v->n_groups);
    if (kind == 0) { /* some groups from the other parent */
        for (int g = 0; g < v->n_groups; g++) {
            for (int k = v->group_first[g]; (g == a || rng_below(r, 3) == 0) && k < v->group_first[g + 1]; k++) {
                x[v->group_var[k]] = other[v->group_var[k]];
            }
        }
    } else {
        copy_family(v, a, b, kind == 1 ? other : x, kind == 2 && a != b, x);
    }
}

/* Values for variables that no parent could give. */
static void fill(const struct space *s, struct rng *r, const double *parent, const double *other, double *x)
{
    for (int i = 0; i < s->n && s->active; i++) {
        if (space_active(s, x, i) && !space_active(s, parent, i)) {
            x[i] = space_active(s, other, i) ? other[i] : search_uniform_value(&s->var[i], r);
        }
    }
}

void variation_make(const struct variation *v, enum variation_move move, struct rng *r, const double *const parent[3],
                    double *child)
{
    int n = v->space->n;
    memcpy(child, parent[0], (size_t)n * sizeof *child);
    switch (move) {
    case MOVE_CROSS:
        cross(v, r, parent[1], child);
        fill(v->space, r, parent[0], parent[1], child);
        mutate(v, r, 1.0 / n, child);
        break;
    case MOVE_SWAP:
        swap(v, r, parent[1], child);
        fill(v->space, r, parent[0], parent[1], child);
        mutate(v, r, 1.0 / n, child);
        break;
    case MOVE_MUTATE:
        mutate(v, r, (1.0 + (double)rng_below(r, 3)) / n, child);
        break;
    case MOVE_DIFFER:
        differ(v, r, parent, child);
        break;
    case MOVE_LINE:
        line(v, r, parent[1], child);
        break;
    case MOVE_EDGE:
        edge(v, r, child);
        break;
    default:
        groups(v, r, parent[1], child);
        break;
    }
    fill(v->space, r, parent[0], parent[1], child);
    space_canonical(v->space, child);
}

/* ---- learning ---- */

enum variation_move variation_choose(const struct variation *v, struct rng *r)
{
    static const double prior[MOVE_COUNT] = {
        [MOVE_CROSS] = 3, [MOVE_SWAP] = 3,   [MOVE_MUTATE] = 1, [MOVE_DIFFER] = 1.5,
        [MOVE_LINE] = 1,  [MOVE_EDGE] = 1.5, [MOVE_GROUP] = 1,
    };
    double share[MOVE_COUNT], sum = 0;
    for (int k = 0; k < MOVE_COUNT; k++) {
        share[k] = prior[k] * (v->credit[k] + 1) / (v->tried[k] + 10);
        sum += share[k];
    }
    double total = 0;
    for (int k = 0; k < MOVE_COUNT; k++) {
        share[k] = fmax(share[k] / sum, FLOOR);
        total += share[k];
    }
    double u = rng_uniform(r) * total;
    int k = 0;
    while (k + 1 < MOVE_COUNT && u >= share[k]) {
        u -= share[k++];
    }
    return (enum variation_move)k;
}

void variation_reward(struct variation *v, enum variation_move move, enum archive_gain gain)
{
    v->tried[move] = v->tried[move] * FADE + 1;
    v->credit[move] = v->credit[move] * FADE + archive_worth(gain);
}
