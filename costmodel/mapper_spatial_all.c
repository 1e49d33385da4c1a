/* Every choice of spatial factors: all that divide, one of those that cost the same, for proofs; or all factors, for the search over factors
 * that need not divide. What some tiles share along diagonals is taken at its most, so bounds hold for every tile. */
#include "costmodel/mapper_spatial.h"

#include "base/mem.h"

#include <string.h>

struct level_choice {
    int64_t f[2][MP_DIMS];
};

struct level_list {
    struct level_choice *c;
    int n, cap;
};

struct everything {
    const struct mp_problem *p;
    bool imperfect;
    struct level_list level[HW_LEVELS];
    struct mp_spatial *out;
    int n, cap;
};

bool mp_may_split(const struct mp_problem *p, int compact_dim)
{
    return p->tensor[p->out].relevant >> compact_dim & 1;
}

/* Do two choices of a level cost the same whatever the rest is? Equal products of both
 * axes do, and equal distances where distances cost. */
static bool same_cost(const struct mp_problem *p, int level, const struct level_choice *a, const struct level_choice *b)
{
    const struct level *v = &p->a->level[level];
    for (int d = 0; d < p->nd; d++) {
        if (a->f[0][d] * a->f[1][d] != b->f[0][d] * b->f[1][d]) {
            return false;
        }
    }
    for (int t = 0; t < p->nt && v->hop_pj_per_bit > 0; t++) {
        const struct mp_tensor *mt = &p->tensor[t];
        double x = mp_hops(v, mt, a->f[0], a->f[1], p->nd), y = mp_hops(v, mt, b->f[0], b->f[1], p->nd);
        if (x < y || x > y) {
            return false;
        }
    }
    return true;
}

/* Factors of one axis after the other, dimension by dimension; each must divide. */
static void level_choices(const struct everything *all, int level, int axis, int d, const int64_t *room,
                          const uint32_t *dims, struct level_choice *c, struct level_list *out)
{
    const struct mp_problem *p = all->p;
    if (axis == 2) {
        MEM_GROW(out->c, out->n, out->cap);
        out->c[out->n++] = *c;
        return;
    }
    if (d == p->nd) {
        level_choices(all, level, axis + 1, 0, room, dims, c, out);
        return;
    }
    int64_t whole = all->imperfect ? p->bound[d] : p->bound[d] / (axis == 1 ? c->f[0][d] : 1);
    int64_t used = 1;
    for (int i = 0; i < d; i++) {
        used *= c->f[axis][i];
    }
    for (int64_t f = 1; f <= room[axis] / used && f <= whole; f++) {
        if (f > 1 && (!(dims[axis] >> d & 1) || (whole % f != 0 && !all->imperfect) ||
                      (p->one_axis && axis == 1 && c->f[0][d] > 1))) {
            continue;
        }
        c->f[axis][d] = f;
        level_choices(all, level, axis, d + 1, room, dims, c, out);
    }
    c->f[axis][d] = 1;
}

static uint64_t product_key(const struct mp_problem *p, const struct level_choice *c)
{
    uint64_t h = 14695981039346656037u;
    for (int d = 0; d < p->nd; d++) {
        h = (h ^ (uint64_t)(c->f[0][d] * c->f[1][d])) * 1099511628211u;
    }
    return h;
}

/* Drops choices that cost what an earlier one costs. */
static void drop_twins(const struct mp_problem *p, int level, struct level_list *l)
{
    int size = 1, kept = 0;
    while (size < 2 * l->n) {
        size *= 2;
    }
    int *table = mem_calloc((size_t)size, sizeof *table); /* index + 1 */
    for (int i = 0; i < l->n; i++) {
        uint64_t h = product_key(p, &l->c[i]) % (uint64_t)size;
        while (table[h] && !same_cost(p, level, &l->c[table[h] - 1], &l->c[i])) {
            h = (h + 1) % (uint64_t)size;
        }
        if (!table[h]) {
            l->c[kept] = l->c[i];
            table[h] = ++kept;
        }
    }
    l->n = kept;
    mem_free(table);
}

static void all_of_level(struct everything *all, int level, int core_split)
{
    const struct mp_problem *p = all->p;
    const struct level *v = &p->a->level[level];
    struct level_list *l = &all->level[level];
    struct level_choice c;
    for (int d = 0; d < MP_DIMS; d++) {
        c.f[0][d] = c.f[1][d] = 1;
    }
    if (level == p->a->core_level) {
        struct axis_choice x, y;
        memcpy(x.f, c.f[0], sizeof x.f);
        memcpy(y.f, c.f[1], sizeof y.f);
        mp_core_choice(p, core_split, &x, &y);
        memcpy(c.f[0], x.f, sizeof x.f);
        memcpy(c.f[1], y.f, sizeof y.f);
        MEM_GROW(l->c, l->n, l->cap);
        l->c[l->n++] = c;
        return;
    }
    int64_t room[2] = {v->fanout_x * (level == 0 ? p->lanes : 1), v->fanout_y};
    uint32_t dims[2] = {mp_allowed_dims(p, level, AXIS_X), mp_allowed_dims(p, level, AXIS_Y)};
    level_choices(all, level, 0, 0, room, dims, &c, l);
    if (!all->imperfect) { /* else which of two twins has no empty iteration depends on the inner levels */
        drop_twins(p, level, l);
    }
}

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

/* Different values of a*i + b*j for i < n, j < m. */
static int64_t places(int64_t a, int64_t b, int64_t n, int64_t m)
{
    int64_t g = gcd(a, b), x = n - b / g, y = m - a / g;
    return n * m - (x > 0 && y > 0 ? x * y : 0);
}

/* Least number of different places along a rank below an instance of level l: the tiles of its children are divisors of what the
 * other spatial factors leave. */
static double rank_places(const struct mp_spatial *s, const struct mp_rank *k, int l)
{
    int64_t n[2], base[2], rest[2], coef[2], least = INT64_MAX;
    int spread = 0;
    double span = 1;
    for (int i = 0; i < k->n_terms; i++) {
        int d = k->dim[i];
        if (s->s[l][d] > 1) {
            n[spread % 2] = s->s[l][d];
            base[spread % 2] = l > 0 ? s->inner[l - 1][d] : 1;
            rest[spread % 2] = s->rest[d];
            coef[spread++ % 2] = (int64_t)k->coef[i];
        }
        span += (double)(s->s[l][d] - 1);
    }
    if (spread != 2) {
        return span;
    }
    for (int64_t x = 1; x <= rest[0]; x++) {
        for (int64_t y = 1; y <= rest[1] && rest[0] % x == 0; y++) {
            if (rest[1] % y == 0) {
                int64_t v = places(coef[0] * base[0] * x, coef[1] * base[1] * y, n[0], n[1]);
                least = v < least ? v : least;
            }
        }
    }
    return (double)least;
}

/* Sharpens what operands share along diagonals. */
static void tighten_shares(const struct mp_problem *p, struct mp_spatial *s)
{
    for (int t = 0; t < p->nt; t++) {
        const struct mp_tensor *mt = &p->tensor[t];
        for (int l = 0; l < p->n_levels && mt->sliding && t != p->out; l++) {
            double fan = 1, n = 1;
            for (int d = 0; d < p->nd; d++) {
                fan *= (double)s->s[l][d];
            }
            for (int r = 0; r < mt->n_ranks; r++) {
                n *= rank_places(s, &mt->rank[r], l);
            }
            s->share[l][t] = fan / n;
        }
    }
}

/* Does every spatial iteration of dimension d have work when each level runs once? Y stands inside X. */
static bool all_work(const struct mp_problem *p, const struct mp_spatial *s, int level, int d)
{
    int64_t reach = 1;
    for (int l = 0; l <= level; l++) {
        for (int axis = 1; axis >= 0; axis--) {
            if (s->f[l][axis][d] > 1 && reach * (s->f[l][axis][d] - 1) >= p->bound[d]) {
                return false;
            }
            reach *= s->f[l][axis][d];
        }
    }
    return true;
}

static void join_levels(struct everything *all, int level, struct mp_spatial *s)
{
    const struct mp_problem *p = all->p;
    if (level == p->n_levels) {
        mp_spatial_finish(p, s);
        if (all->imperfect || !(s->padded_macs > p->macs)) {
            s->padded_macs = p->macs;
            if (!all->imperfect) {
                tighten_shares(p, s);
            }
            MEM_GROW(all->out, all->n, all->cap);
            all->out[all->n++] = *s;
        }
        return;
    }
    for (int i = 0; i < all->level[level].n; i++) {
        bool whole = true;
        memcpy(s->f[level], all->level[level].c[i].f, sizeof s->f[level]);
        for (int d = 0; d < p->nd; d++) {
            int64_t product = 1;
            for (int l = 0; l <= level; l++) {
                product *= s->f[l][0][d] * s->f[l][1][d];
            }
            whole = whole && (all->imperfect ? all_work(p, s, level, d)
                                             : level == p->a->core_level || p->bound[d] % product == 0);
        }
        if (whole) {
            join_levels(all, level + 1, s);
        }
    }
}

int mp_spatial_all(const struct mp_problem *p, int core_split, bool imperfect, struct mp_spatial **out)
{
    struct everything all = {.p = p, .imperfect = imperfect};
    struct mp_spatial s;
    memset(&s, 0, sizeof s);
    for (int l = 0; l < p->n_levels; l++) {
        all_of_level(&all, l, core_split);
    }
    join_levels(&all, 0, &s);
    for (int l = 0; l < p->n_levels; l++) {
        mem_free(all.level[l].c);
    }
    *out = all.out;
    return all.n;
}
