/* Complete chains of tiles: every order of loops that is not dominated, built as a mapping and priced by the cost model. */
#include "costmodel/mapper_chain.h"

#include <string.h>

void mp_add_spatial(const struct mp_problem *p, const struct mp_spatial *s, int l, struct mapping_level *v)
{
    for (int axis = 0; axis < 2; axis++) {
        for (int d = 0; d < p->nd; d++) {
            int64_t f = s->f[l][axis][d];
            if (f > 1) {
                v->spatial[v->n_spatial].dim = p->dim[d];
                v->spatial[v->n_spatial].bound = f;
                v->spatial[v->n_spatial++].axis = axis ? AXIS_Y : AXIS_X;
            }
        }
    }
}

static void add_temporal(const struct chain *c, const struct mp_loops *l, const uint8_t *order, struct mapping_level *v)
{
    for (int i = l->m - 1; i >= 0; i--) {
        int j = order ? order[i] : i;
        v->temporal[v->n_temporal].dim = c->p->dim[l->dim[j]];
        v->temporal[v->n_temporal++].bound = (int64_t)l->n[j];
    }
}

/* A loop with *all / *bound positions inside it: cut to what the bound needs. */
static void cut(int64_t *bound, int64_t *all, int64_t whole, bool *outermost)
{
    int64_t inner = *all / *bound;
    if (*outermost) {
        int64_t need = (whole + inner - 1) / inner;
        *bound = need < *bound ? need : *bound;
        *outermost = *bound == 1;
    }
    *all = inner;
}

void mp_trim(const struct einsum *e, int d, struct mapping *m)
{
    int64_t all = 1;
    bool outermost = true;
    for (int pass = 0; pass < 2; pass++) {
        for (int l = m->n_levels - 1; l >= 0; l--) {
            struct mapping_level *v = &m->level[l];
            for (int i = 0; i < v->n_temporal + v->n_spatial; i++) {
                bool temporal = i < v->n_temporal;
                int k = temporal ? i : i - v->n_temporal;
                int64_t *bound = temporal ? &v->temporal[k].bound : &v->spatial[k].bound;
                if ((temporal ? v->temporal[k].dim : v->spatial[k].dim) != d) {
                    continue;
                }
                if (pass == 0) {
                    all *= *bound;
                } else {
                    cut(bound, &all, e->bound[d], &outermost);
                }
            }
        }
    }
}

static void price(struct chain *c, const int *label, int port)
{
    struct mp_search *m = c->m;
    struct cost_options how = {.accounting = m->accounting, .fidelity = FIDELITY_BANDWIDTH};
    struct mapping map;
    struct cost cost;
    memset(&map, 0, sizeof map);
    map.n_levels = c->top + 1;
    for (int l = 0; l <= c->top; l++) {
        const uint8_t *order = l > 0 ? c->w->labels.label[label[l]].order : NULL;
        map.level[l].keep = c->keep[l];
        add_temporal(c, &c->loops[l], order, &map.level[l]);
        mp_add_spatial(c->p, c->s, l, &map.level[l]);
    }
    for (int d = 0; d < c->p->nd && c->s->padded_macs > c->p->macs; d++) {
        mp_trim(c->p->e, c->p->dim[d], &map);
    }
    m->priced++;
    if (mapping_check(&map, c->p->a, c->p->e, NULL) == 0 &&
        cost_evaluate(c->p->a, c->p->e, &map, &how, &cost, NULL) == 0) {
        if (mp_offer(m, &map, cost.energy_pj, cost.cycles)) {
            m->best.port = port;
        }
    }
}

/* The words of every tensor and keeper under one order a level. */
static void weigh(struct chain *c, const int *label, int n_pairs, const int *tensor, const int *keeper, struct walk *w)
{
    *w = c->start;
    w->energy_pj += c->s->padded_macs > c->p->macs ? 0 : c->mac_padding_pj;
    for (int k = 0; k < n_pairs; k++) {
        int t = tensor[k], l = keeper[k];
        double x[MP_DIMS];
        chain_extent(c, l, c->at[l], x);
        double words = mp_volume(&c->p->tensor[t], x) * c->s->instances[l];
        for (int u = l + 1; u <= c->top; u++) {
            words += c->w->labels.label[label[u]].words[k] * c->outer[u] * c->s->instances[l];
        }
        w->energy_pj += chain_link_pj(c, t, l, words);
        if (t == c->p->out) {
            chain_add_output(c, l, words, w);
        } else {
            chain_add_operand(c, l, t, words, w);
        }
    }
}

/* Orders are combined from the innermost level on. */
static void combine(struct chain *c, int u, const int *first, int *label, int n_pairs, const int *tensor,
                    const int *keeper)
{
    if (u > c->top) {
        struct walk w;
        weigh(c, label, n_pairs, tensor, keeper, &w);
        if (!chain_hopeless(c, w.energy_pj, chain_cycles(c, &w))) {
            price(c, label, chain_busiest_port(c, &w));
        }
        return;
    }
    for (int i = first[u]; i >= 0; i = c->w->labels.label[i].next) {
        label[u] = i;
        combine(c, u + 1, first, label, n_pairs, tensor, keeper);
    }
}

/* Least energy of a complete chain: the levels' orders do not interact, so each level's best one for all tensors and keepers. */
static double least_pj(const struct chain *c, int n_pairs, const int *tensor, const int *keeper)
{
    double pj = c->start.energy_pj, each[MP_PAIRS];
    for (int k = 0; k < n_pairs; k++) {
        int t = tensor[k], l = keeper[k];
        double x[MP_DIMS];
        chain_extent(c, l, c->at[l], x);
        each[k] = c->pj[l][t];
        pj += mp_volume(&c->p->tensor[t], x) * c->s->instances[l] * each[k];
        pj -= t == c->p->out ? c->first_pj[l] : 0;
    }
    for (int u = 1; u <= c->top; u++) {
        struct mp_tick ticks[MP_PAIRS];
        int seen = 0;
        while (seen < n_pairs && keeper[seen] < u) {
            chain_tick(c, tensor[seen], keeper[seen], u, &ticks[seen]);
            ticks[seen].weight *= each[seen];
            seen++;
        }
        pj += mp_order_min(&c->loops[u], ticks, seen, chain_inner_first(c, u));
    }
    return pj;
}

void chain_finish(struct chain *c)
{
    int tensor[MP_PAIRS], keeper[MP_PAIRS], first[HW_LEVELS], label[HW_LEVELS];
    int n = 0;
    for (int l = 0; l < c->top; l++) {
        for (int t = 0; t < c->p->nt; t++) {
            if (c->keep[l] >> t & 1) {
                tensor[n] = t;
                keeper[n++] = l;
            }
        }
    }
    if (c->m->exact && chain_hopeless(c, least_pj(c, n, tensor, keeper), c->least_cycles)) {
        return;
    }
    bool all = c->m->exact && chain_other_counts(c);
    c->w->labels.n = 0;
    for (int u = 1; u <= c->top; u++) {
        struct mp_tick ticks[MP_PAIRS];
        int seen = 0; /* pairs are sorted by keeper: those below u */
        while (seen < n && keeper[seen] < u) {
            chain_tick(c, tensor[seen], keeper[seen], u, &ticks[seen]);
            seen++;
        }
        first[u] = mp_order_pareto(&c->loops[u], ticks, seen, chain_inner_first(c, u), all, &c->w->labels);
    }
    /* the innermost level's loops, in any order */
    struct mp_loops *in = &c->loops[0];
    in->m = 0;
    for (int d = 0; d < c->p->nd; d++) {
        int64_t iterations = c->w->div[d][c->at[0][d]];
        if (iterations > 1) {
            in->dim[in->m] = d;
            in->n[in->m++] = (double)iterations;
        }
    }
    combine(c, 1, first, label, n, tensor, keeper);
}
