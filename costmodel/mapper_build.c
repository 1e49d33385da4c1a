/* From the search's chain of tiles to a mapping: loops in order, bounds cut so that no
 * outer iteration is empty. */
#include "costmodel/mapper_problem.h"

#include <string.h>

static void add_temporal(struct mapping_level *v, int dim, int64_t bound)
{
    if (bound > 1) {
        v->temporal[v->n_temporal].dim = dim;
        v->temporal[v->n_temporal++].bound = bound;
    }
}

/* Outermost first: the loops that move the stationary tensor, then those that do not; in
 * each group the window dimension last. */
static void add_level(const struct mp_problem *p, const struct mp_best *b, int l,
                      struct mapping_level *v)
{
    int st = b->chain.stationary[l], window = b->chain.window[l];
    for (int group = 0; group < 2; group++) {
        for (int last = 0; last < 2; last++) {
            for (int d = 0; d < p->nd; d++) {
                int g = st >= 0 && !(p->tensor[st].relevant >> d & 1);
                int64_t inner = l > 0 ? b->chain.tau[l - 1][d] : 1;
                if (g == group && (d == window) == last) {
                    add_temporal(v, p->dim[d], b->chain.tau[l][d] / inner);
                }
            }
        }
    }
    for (int axis = 0; axis < 2; axis++) {
        for (int d = 0; d < p->nd; d++) {
            int64_t f = b->spatial.f[l][axis][d];
            if (f > 1) {
                v->spatial[v->n_spatial].dim = p->dim[d];
                v->spatial[v->n_spatial].bound = f;
                v->spatial[v->n_spatial++].axis = axis ? AXIS_Y : AXIS_X;
            }
        }
    }
}

/* A loop of dimension `dim` with `inner` positions inside it: cut to what the bound needs. */
static void cut(int64_t *bound, int64_t *all, int64_t whole, bool *open)
{
    int64_t inner = *all / *bound;
    if (*open) {
        int64_t need = (whole + inner - 1) / inner;
        *bound = need < *bound ? need : *bound;
        *open = *bound == 1;
    }
    *all = inner;
}

static void trim(const struct einsum *e, struct mapping *m)
{
    for (int d = 0; d < e->n_dims; d++) {
        int64_t all = 1;
        bool open = true;
        for (int l = 0; l < m->n_levels; l++) {
            struct mapping_level *v = &m->level[l];
            for (int i = 0; i < v->n_temporal; i++) {
                all *= v->temporal[i].dim == d ? v->temporal[i].bound : 1;
            }
            for (int i = 0; i < v->n_spatial; i++) {
                all *= v->spatial[i].dim == d ? v->spatial[i].bound : 1;
            }
        }
        for (int l = m->n_levels - 1; l >= 0; l--) {
            struct mapping_level *v = &m->level[l];
            for (int i = 0; i < v->n_temporal; i++) {
                if (v->temporal[i].dim == d) {
                    cut(&v->temporal[i].bound, &all, e->bound[d], &open);
                }
            }
            for (int i = 0; i < v->n_spatial; i++) {
                if (v->spatial[i].dim == d) {
                    cut(&v->spatial[i].bound, &all, e->bound[d], &open);
                }
            }
        }
    }
}

void mp_build(const struct mp_problem *p, const struct mp_best *b, struct mapping *m)
{
    memset(m, 0, sizeof *m);
    m->n_levels = p->n_levels;
    for (int l = 0; l < p->n_levels; l++) {
        m->level[l].keep = b->keep[l];
        add_level(p, b, l, &m->level[l]);
    }
    trim(p->e, m);
}
