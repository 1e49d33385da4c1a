/* The exact search's outer loops. A case is a keep mask and a spatial choice. All cases are
 * given a lower bound (mp_floor) and visited in its order; where the bound of the next one
 * rules out any gain, none that follows can gain either, and the incumbent is proven.
 * Spatial choices that share out every tensor alike have one bound and are bounded once. */
#include "costmodel/mapper_search.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MASK_BITS = 14 }; /* free choices of keeping that are explored: 16,384 masks */

struct group { /* spatial choices of one bound: choices[first .. first + n - 1] */
    int first, n;
};

struct one_case {
    double energy_pj, cycles, key;
    int mask, group;
};

struct cases {
    struct mp_spatial *s;
    int *sorted; /* indices of s */
    struct group *group;
    int n_groups;
    uint32_t (*mask)[HW_LEVELS];
    int n_masks;
    bool all_masks; /* else the outer levels keep what they may */
    struct one_case *c;
    int n;
};

/* What mp_floor() reads of a spatial choice. */
static int compare_shares(const struct mp_problem *p, const struct mp_spatial *a, const struct mp_spatial *b)
{
    if (a->cycles < b->cycles || a->cycles > b->cycles) {
        return a->cycles < b->cycles ? -1 : 1;
    }
    if (a->partial != b->partial) {
        return a->partial - b->partial;
    }
    for (int l = 0; l < p->n_levels; l++) {
        int c = memcmp(a->share[l], b->share[l], sizeof a->share[l]);
        c = c ? c : memcmp(a->hop_pj[l], b->hop_pj[l], sizeof a->hop_pj[l]);
        if (c) {
            return c;
        }
        for (int t = 0; t < p->nt; t++) {
            int64_t x = 1, y = 1;
            for (int d = 0; d < p->nd; d++) {
                bool copied = !(p->tensor[t].relevant >> d & 1);
                x *= copied ? a->s[l][d] : 1;
                y *= copied ? b->s[l][d] : 1;
            }
            if (x != y) {
                return x < y ? -1 : 1;
            }
        }
    }
    return 0;
}

struct sorting {
    const struct mp_problem *p;
    const struct mp_spatial *s;
};

static int by_shares(const void *x, const void *y, void *ctx)
{
    const struct sorting *o = ctx;
    int i = *(const int *)x, j = *(const int *)y;
    int c = compare_shares(o->p, &o->s[i], &o->s[j]);
    return c ? c : (i > j) - (i < j);
}

static void make_groups(const struct mp_problem *p, struct cases *k, int n)
{
    struct sorting o = {p, k->s};
    k->sorted = mem_calloc((size_t)n, sizeof *k->sorted);
    k->group = mem_calloc((size_t)n, sizeof *k->group);
    for (int i = 0; i < n; i++) {
        k->sorted[i] = i;
    }
    qsort_r(k->sorted, (size_t)n, sizeof *k->sorted, by_shares, &o);
    for (int i = 0; i < n; i++) {
        if (i == 0 || compare_shares(p, &k->s[k->sorted[i - 1]], &k->s[k->sorted[i]])) {
            k->group[k->n_groups++].first = i;
        }
        k->group[k->n_groups - 1].n++;
    }
}

/* All keep masks that the rules allow. */
static void make_masks(const struct mp_problem *p, struct cases *k)
{
    int top = p->n_levels - 1, free_bits = 0;
    uint32_t all = (1u << p->nt) - 1;
    for (int l = 0; l < top; l++) {
        free_bits += __builtin_popcount(mp_roles(p, l, KEEP_FREE));
    }
    k->all_masks = free_bits <= MASK_BITS;
    k->n_masks = 1 << (k->all_masks ? free_bits : MASK_BITS);
    k->mask = mem_calloc((size_t)k->n_masks, sizeof *k->mask);
    for (int i = 0; i < k->n_masks; i++) {
        int bit = 0;
        for (int l = 0; l < top; l++) {
            uint32_t may = mp_roles(p, l, KEEP_FREE);
            k->mask[i][l] = mp_roles(p, l, KEEP_ALWAYS);
            for (int t = 0; t < p->nt; t++) {
                if (may >> t & 1) {
                    k->mask[i][l] |= (uint32_t) !(i >> bit++ & 1) << t;
                }
            }
        }
        k->mask[i][top] = all;
    }
}

static int by_key(const void *x, const void *y)
{
    const struct one_case *a = x, *b = y;
    if (a->key < b->key || a->key > b->key) {
        return a->key < b->key ? -1 : 1;
    }
    if (a->energy_pj < b->energy_pj || a->energy_pj > b->energy_pj) {
        return a->energy_pj < b->energy_pj ? -1 : 1;
    }
    if (a->mask != b->mask) {
        return a->mask - b->mask;
    }
    return a->group - b->group;
}

static void make_cases(const struct mp_search *m, struct cases *k)
{
    k->c = mem_calloc((size_t)k->n_masks * (size_t)k->n_groups, sizeof *k->c);
    for (int i = 0; i < k->n_masks; i++) {
        for (int g = 0; g < k->n_groups; g++) {
            const struct mp_spatial *s = &k->s[k->sorted[k->group[g].first]];
            struct one_case c = {.mask = i, .group = g};
            mp_floor(m->p, s, k->mask[i], &c.energy_pj, &c.cycles);
            c.key = mp_goal(m->front ? GOAL_EDP : m->goal, c.energy_pj, c.cycles);
            if (!mp_hopeless(m, c.energy_pj, c.cycles)) {
                k->c[k->n++] = c;
            }
        }
    }
    qsort(k->c, (size_t)k->n, sizeof *k->c, by_key);
}

/* Ways to write n as an ordered product of `levels` factors. */
static double factorizations(int64_t n, int levels)
{
    double ways = 1;
    for (int64_t p = 2; n > 1; p = p * p > n ? n : p + 1) {
        for (int e = 1; n % p == 0; n /= p, e++) {
            ways = ways * (levels - 1 + e) / e;
        }
    }
    return ways;
}

/* Mappings of the space: spatial choices of one cost count once, loops of one iteration as loops. */
static double space_size(const struct mp_problem *p, const struct cases *k, int n_spatial)
{
    double orders = 1, all = 0;
    for (int l = 1; l < p->n_levels; l++) {
        for (int d = 2; d <= p->nd; d++) {
            orders *= d;
        }
    }
    for (int i = 0; i < n_spatial; i++) {
        double tiles = 1;
        for (int d = 0; d < p->nd; d++) {
            tiles *= factorizations(k->s[i].rest[d], p->n_levels);
        }
        all += tiles;
    }
    return all * orders * k->n_masks;
}

void mp_exact_search(struct mp_search *m, int core_split, double *open_bound)
{
    struct cases k;
    memset(&k, 0, sizeof k);
    int n = mp_spatial_all(m->p, core_split, m->imperfect, &k.s);
    make_masks(m->p, &k);
    m->space += space_size(m->p, &k, n);
    make_groups(m->p, &k, mp_spatial_drop_images(m->p, k.s, n));
    make_cases(m, &k);
    if (!k.all_masks) {
        *open_bound = 0;
    }
    for (int i = 0; i < k.n; i++) {
        const struct one_case *c = &k.c[i];
        if (m->budget <= 0) {
            *open_bound = c->key < *open_bound ? c->key : *open_bound;
            break;
        }
        if (mp_hopeless(m, c->energy_pj, c->cycles)) {
            continue;
        }
        for (int j = 0; j < k.group[c->group].n; j++) {
            int s = k.sorted[k.group[c->group].first + j];
            if (m->imperfect) {
                mp_imperfect_search(m, &k.s[s], k.mask[c->mask]);
            } else {
                mp_chain_search(m, &k.s[s], k.mask[c->mask]);
            }
            if (m->budget <= 0) {
                *open_bound = c->key < *open_bound ? c->key : *open_bound;
                break;
            }
        }
    }
    mem_free(k.s);
    mem_free(k.sorted);
    mem_free(k.group);
    mem_free(k.mask);
    mem_free(k.c);
}
