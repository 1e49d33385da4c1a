/* Spatial candidates: which dimensions are unrolled over which axis of which fan-out,
 * and how far. An axis of n children takes factors of its allowed dimensions whose
 * product is at most n; a factor need not divide its dimension (7 rows on 8 columns, 64
 * channels on 24: three rounds), the rounds are ceil(bound / factor). Only factors that
 * are the smallest for their number of rounds are of use, and only axis choices that
 * cannot be grown. Candidates are ordered by the cycles they leave, then by the operand
 * traffic that their multicast saves. */
#include "costmodel/mapper_spatial.h"

#include <string.h>

enum { AXIS_CHOICES = 12 };

struct axis_list {
    struct axis_choice c[AXIS_CHOICES];
    int n;
};

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

uint32_t mp_allowed_dims(const struct mp_problem *p, int level, int axis)
{
    const struct dataflow *f = &p->a->dataflow;
    int n = axis == AXIS_X ? f->spatial[level].n_x : f->spatial[level].n_y;
    uint32_t set = 0;
    if (n < 0) {
        return (1u << p->nd) - 1;
    }
    for (int i = 0; i < n; i++) {
        const char *name = axis == AXIS_X ? f->spatial[level].x[i] : f->spatial[level].y[i];
        for (int d = 0; d < p->nd; d++) {
            if (strcmp(p->e->dim[p->dim[d]], name) == 0) {
                set |= 1u << d;
            }
        }
    }
    return set;
}

/* Keeps the list sorted by rounds, stable, and bounded. */
static void axis_insert(struct axis_list *l, const struct axis_choice *c)
{
    int i = l->n;
    if (i == AXIS_CHOICES) {
        if (c->rounds >= l->c[i - 1].rounds) {
            return;
        }
        i--;
    } else {
        l->n++;
    }
    while (i > 0 && l->c[i - 1].rounds > c->rounds) {
        l->c[i] = l->c[i - 1];
        i--;
    }
    l->c[i] = *c;
}

static void axis_choices(const struct mp_problem *p, uint32_t dims, int d, int64_t room, bool perfect,
                         struct axis_choice *c, struct axis_list *out)
{
    while (d < p->nd && !(dims >> d & 1)) {
        d++;
    }
    if (d >= p->nd || room <= 1) {
        axis_insert(out, c);
        return;
    }
    int64_t bound = p->bound[d];
    int64_t most = room < bound ? room : bound;
    double rounds = c->rounds;
    for (int64_t q = ceil_div(bound, most);;) {
        int64_t f = ceil_div(bound, q);
        c->f[d] = f;
        c->rounds = rounds / (double)bound * (double)q;
        if (!perfect || f * q == bound) {
            axis_choices(p, dims, d + 1, room / f, perfect, c, out);
        }
        if (f == 1) {
            break;
        }
        q = ceil_div(bound, f - 1);
    }
    c->f[d] = 1;
    c->rounds = rounds;
}

/* Least number of distinct tiles below one instance. Two dimensions of one rank (rows and
 * kernel rows) may ask for the same words: how many depends on the tiles; at best n + m - 1. */
static double distinct(const struct mp_tensor *t, const int64_t *s)
{
    double n = 1;
    for (int r = 0; r < t->n_ranks; r++) {
        const struct mp_rank *k = &t->rank[r];
        double span = 1;
        for (int i = 0; i < k->n_terms; i++) {
            span += (double)(s[k->dim[i]] - 1);
        }
        n *= span;
    }
    return n;
}

/* Hops of a word below level v under the factors along x and y. */
double mp_hops(const struct level *v, const struct mp_tensor *t, const int64_t *x, const int64_t *y, int nd)
{
    double columns = 1, rows = 1;
    for (int d = 0; d < nd; d++) {
        if (!(t->relevant >> d & 1)) {
            columns *= (double)x[d];
            rows *= (double)y[d];
        }
    }
    return level_hops(v, columns, rows);
}

void mp_spatial_finish(const struct mp_problem *p, struct mp_spatial *s)
{
    double fan_above = 1;
    s->cycles = 1;
    s->padded_macs = 1;
    for (int d = 0; d < p->nd; d++) {
        int64_t all = 1;
        for (int l = 0; l < p->n_levels; l++) {
            s->s[l][d] = s->f[l][0][d] * s->f[l][1][d];
            all *= s->s[l][d];
            s->inner[l][d] = all;
        }
        s->rest[d] = ceil_div(p->bound[d], all);
        s->cycles *= (double)s->rest[d];
        s->padded_macs *= (double)(s->rest[d] * all);
    }
    s->partial = false;
    for (int d = 0; d < p->nd; d++) {
        s->partial = s->partial || (s->rest[d] > 1 && (p->reduction >> d & 1));
    }
    for (int l = 0; l < p->n_levels; l++) {
        const struct level *v = &p->a->level[l];
        double fan = 1;
        for (int d = 0; d < p->nd; d++) {
            fan *= (double)s->s[l][d];
        }
        for (int t = 0; t < p->nt; t++) {
            const struct mp_tensor *mt = &p->tensor[t];
            s->share[l][t] = fan / distinct(mt, s->s[l]);
            s->hop_pj[l][t] = v->hop_pj_per_bit * mp_hops(v, mt, s->f[l][0], s->f[l][1], p->nd);
        }
    }
    bool above = false;
    for (int l = p->n_levels - 1; l >= 0; l--) {
        s->instances[l] = fan_above;
        s->partial_above[l] = above;
        above = above || s->share[l][p->out] > 1;
        for (int d = 0; d < p->nd; d++) {
            fan_above *= (double)s->s[l][d];
        }
    }
}

/* Operand energy that the mapping pays whatever its tiles are: the reads at the level
 * above each fan-out go down with the multicast factor. */
static double score(const struct mp_problem *p, const struct mp_spatial *s)
{
    double e = 0;
    for (int t = 0; t < p->nt; t++) {
        for (int l = 0; l < p->n_levels; l++) {
            double share = s->share[l][t];
            double pj = p->width[l][t][MP_WIDE].read_pj;
            e += pj / share;
        }
    }
    return e;
}

static bool smallest_fits(const struct mp_problem *p, const struct mp_spatial *s, const uint32_t *keep)
{
    for (int l = 0; l < p->n_levels - 1; l++) {
        double x[MP_DIMS];
        for (int d = 0; d < p->nd; d++) {
            x[d] = (double)(s->inner[l][d] < p->bound[d] ? s->inner[l][d] : p->bound[d]);
        }
        if (mp_tile_bits(p, l, keep[l], s->partial || s->partial_above[l], x) > p->capacity[l]) {
            return false;
        }
    }
    return true;
}

struct collector {
    const struct mp_problem *p;
    const uint32_t *keep;
    struct mp_spatial *out;
    int n, max;
    bool perfect;
    struct axis_list axis[HW_LEVELS][2];
};

static bool comes_before(const struct mp_spatial *a, const struct mp_spatial *b)
{
    if (a->cycles < b->cycles || a->cycles > b->cycles) {
        return a->cycles < b->cycles;
    }
    return a->score < b->score;
}

static void collect(struct collector *c, struct mp_spatial *s)
{
    mp_spatial_finish(c->p, s);
    if (c->perfect && s->padded_macs > c->p->macs) {
        return;
    }
    if (c->n == c->max && s->cycles > c->out[c->n - 1].cycles) {
        return;
    }
    if (!smallest_fits(c->p, s, c->keep)) {
        return;
    }
    s->score = score(c->p, s);
    int i = c->n;
    if (i == c->max) {
        if (!comes_before(s, &c->out[i - 1])) {
            return;
        }
        i--;
    } else {
        c->n++;
    }
    while (i > 0 && comes_before(s, &c->out[i - 1])) {
        c->out[i] = c->out[i - 1];
        i--;
    }
    c->out[i] = *s;
}

/* Is a dimension unrolled along both axes of a level? */
static bool on_both_axes(const struct mp_problem *p, const int64_t *x, const int64_t *y)
{
    for (int d = 0; d < p->nd; d++) {
        if (x[d] > 1 && y[d] > 1) {
            return true;
        }
    }
    return false;
}

static void combine(struct collector *c, int level, int axis, double rounds, struct mp_spatial *s)
{
    if (level == c->p->n_levels) {
        collect(c, s);
        return;
    }
    const struct axis_list *list = &c->axis[level][axis];
    for (int i = 0; i < list->n; i++) {
        double r = rounds * list->c[i].rounds;
        if (c->n == c->max && r * c->p->macs > 1.0001 * c->out[c->n - 1].cycles) {
            break;
        }
        memcpy(s->f[level][axis], list->c[i].f, sizeof s->f[level][axis]);
        if (c->p->one_axis && axis == 1 && on_both_axes(c->p, s->f[level][0], s->f[level][1])) {
            continue;
        }
        combine(c, level + axis, 1 - axis, r, s);
    }
}

/* The cores' fan-out: one dimension over all cores, or one core. */
void mp_core_choice(const struct mp_problem *p, int core_split, struct axis_choice *x_axis, struct axis_choice *y_axis)
{
    const struct level *v = &p->a->level[p->a->core_level];
    for (int d = 0; d < p->nd; d++) {
        if (core_split >= 0 && p->dim[d] == core_split) {
            int64_t cores = p->a->cores < p->bound[d] ? p->a->cores : p->bound[d];
            int64_t part = ceil_div(p->bound[d], cores);
            int64_t used = ceil_div(p->bound[d], part);
            int64_t x = used < v->fanout_x ? used : v->fanout_x;
            x_axis->f[d] = x;
            y_axis->f[d] = used / x;
        }
    }
}

int mp_spatial_candidates(const struct mp_problem *p, int core_split, bool perfect, const uint32_t *keep,
                          struct mp_spatial *out, int max)
{
    struct collector c = {.p = p, .perfect = perfect, .keep = keep, .out = out, .max = max};
    struct axis_choice one;
    struct mp_spatial s;
    memset(&s, 0, sizeof s);
    for (int d = 0; d < MP_DIMS; d++) {
        one.f[d] = 1;
    }
    one.rounds = 1;
    for (int l = 0; l < p->n_levels; l++) {
        const struct level *v = &p->a->level[l];
        for (int axis = 0; axis < 2; axis++) {
            struct axis_list *list = &c.axis[l][axis];
            int64_t fan = axis == AXIS_X ? v->fanout_x : v->fanout_y;
            list->n = 0;
            if (l == 0 && axis == AXIS_X) {
                fan *= p->lanes;
            }
            if (l == p->a->core_level) {
                list->c[0] = one;
                list->n = 1;
            } else {
                struct axis_choice work = one;
                axis_choices(p, fan > 1 ? mp_allowed_dims(p, l, axis) : 0, 0, fan, perfect, &work, list);
            }
        }
        if (l == p->a->core_level) {
            mp_core_choice(p, core_split, &c.axis[l][0].c[0], &c.axis[l][1].c[0]);
        }
    }
    combine(&c, 0, 0, 1, &s);
    return c.n;
}
