/* The mapping that asks for least room of every level: what a search falls back on when its budget ended before it came to any, and the
 * reason why there is none. A tile of one iteration holds one element of each tensor, an output as wide as partial sums are where the
 * operator reduces. Less is only asked of a level where the whole reduction lies inside of it: the search looks at those mappings. */
#include "costmodel/mapper_spatial.h"

#include <string.h>

/* Outermost first: loops that move the dataflow's stationary tensor, then the others, which so stand inside. */
static void add_loops(const struct mp_problem *p, const struct mp_spatial *s, struct mapping_level *v)
{
    enum tensor_role rests =
        p->a->dataflow.stationary == TENSOR_ROLE_COUNT ? TENSOR_WEIGHTS : p->a->dataflow.stationary;
    uint32_t moves = 0;
    for (int t = 0; t < p->nt; t++) {
        moves |= p->tensor[t].role == rests ? p->tensor[t].relevant : 0;
    }
    for (int pass = 0; pass < 2; pass++) {
        for (int d = 0; d < p->nd; d++) {
            if (s->rest[d] > 1 && (moves >> d & 1) == (pass == 0)) {
                v->temporal[v->n_temporal].dim = p->dim[d];
                v->temporal[v->n_temporal++].bound = s->rest[d];
            }
        }
    }
}

int mp_simplest(const struct mp_problem *p, int core_split, bool perfect, struct mapping *m, struct err *err)
{
    int top = p->n_levels - 1;
    struct mp_spatial s;
    memset(&s, 0, sizeof s);
    memset(m, 0, sizeof *m);
    for (int l = 0; l <= top; l++) {
        for (int d = 0; d < p->nd; d++) {
            s.f[l][0][d] = s.f[l][1][d] = 1;
        }
    }
    if (p->a->core_level >= 0) {
        struct axis_choice axis[2];
        memset(axis, 0, sizeof axis);
        memcpy(axis[0].f, s.f[0][0], sizeof axis[0].f);
        memcpy(axis[1].f, s.f[0][0], sizeof axis[1].f);
        mp_core_choice(p, core_split, &axis[0], &axis[1]);
        memcpy(s.f[p->a->core_level][0], axis[0].f, sizeof axis[0].f);
        memcpy(s.f[p->a->core_level][1], axis[1].f, sizeof axis[1].f);
    }
    mp_spatial_finish(p, &s);
    if (perfect && s.padded_macs > p->macs) {
        return err_set(err, ERR_DATA, "'%s' does not divide by the cores", p->e->dim[core_split]);
    }
    m->n_levels = p->n_levels;
    for (int l = 0; l <= top; l++) {
        m->level[l].keep = l == top ? (1u << p->nt) - 1 : mp_roles(p, l, KEEP_ALWAYS);
        mp_add_spatial(p, &s, l, &m->level[l]);
    }
    add_loops(p, &s, &m->level[top]);
    for (int d = 0; d < p->nd; d++) {
        mp_trim(p->e, p->dim[d], m);
    }
    return mapping_check(m, p->a, p->e, err);
}
