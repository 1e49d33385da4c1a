/* The mapper's outer loops: which tensors bypass which level, which dimensions are unrolled
 * over the cores and the array; the chain search does the rest and shares one incumbent.
 * The winner is built as a mapping, checked, and priced by the cost model itself, so that
 * what is returned never rests on the search's own arithmetic. */
#include "costmodel/mapper.h"

#include "base/tensor_role.h"
#include "costmodel/mapper_problem.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SPATIAL_TRIED = 4 };

const char *const goal_names[] = {[GOAL_ENERGY] = "energy",
                                  [GOAL_LATENCY] = "latency",
                                  [GOAL_EDP] = "edp",
                                  [GOAL_COUNT] = NULL};

struct run {
    const struct mp_problem *p;
    const struct mapper_options *opt;
    struct mapper_work *work;
    int64_t budget;
    struct mp_best best;
};

static void try_keep(struct run *r, int core_split, const uint32_t *keep)
{
    struct mp_spatial s[SPATIAL_TRIED];
    int n = mp_spatial_candidates(r->p, core_split, keep, s, SPATIAL_TRIED);
    int64_t each = r->budget / (n > 0 ? n : 1);
    for (int i = 0; i < n; i++) {
        int64_t budget = each;
        mp_chain_search(r->p, &s[i], keep, r->opt->goal, r->work, &budget, &r->best);
    }
}

static uint32_t roles(const struct mp_problem *p, int level, enum keep how)
{
    uint32_t set = 0;
    for (int t = 0; t < p->nt; t++) {
        set |= (uint32_t)(p->a->level[level].keep[p->tensor[t].role] == how) << t;
    }
    return set;
}

/* Everything that may be kept is; then one bypass at a time where it helps. */
static void try_bypasses(struct run *r, int core_split)
{
    uint32_t keep[HW_LEVELS] = {0};
    int top = r->p->n_levels - 1;
    uint32_t all = (1u << r->p->nt) - 1;
    for (int l = 0; l < top; l++) {
        keep[l] = all & ~roles(r->p, l, KEEP_NEVER);
    }
    keep[top] = all;
    try_keep(r, core_split, keep);
    for (int l = 0; l < top; l++) {
        uint32_t may = roles(r->p, l, KEEP_FREE);
        for (int t = 0; t < r->p->nt; t++) {
            if (may >> t & 1) {
                double before = r->best.found ? r->best.value : HUGE_VAL;
                keep[l] ^= 1u << t;
                try_keep(r, core_split, keep);
                if (!r->best.found || !(r->best.value < before)) {
                    keep[l] ^= 1u << t;
                }
            }
        }
    }
}

static bool splits(const struct mp_problem *p, int d)
{
    for (int t = 0; t < p->nt; t++) {
        if (p->tensor[t].output && !(p->tensor[t].relevant >> d & 1)) {
            return false; /* a reduction across cores is not offered */
        }
    }
    return true;
}

static void search(struct run *r)
{
    int split = r->p->a->core_level < 0 ? CORE_ONE : r->opt->core_split;
    if (split != CORE_ANY) {
        try_bypasses(r, split);
        return;
    }
    for (int d = 0; d < r->p->nd; d++) {
        if (splits(r->p, d)) {
            try_bypasses(r, r->p->dim[d]);
        }
    }
    try_bypasses(r, CORE_ONE);
}

/* Names the level whose smallest tiles do not fit. */
static int explain(const struct mp_problem *p, struct err *err)
{
    double one[MP_DIMS];
    for (int d = 0; d < p->nd; d++) {
        one[d] = 1;
    }
    for (int l = 0; l < p->n_levels - 1; l++) {
        uint32_t must = roles(p, l, KEEP_ALWAYS);
        double bits = mp_tile_bits(p, l, must, true, one);
        if (bits > p->capacity[l]) {
            char parts[160];
            int n = 0;
            for (int t = 0; t < p->nt && n < (int)sizeof parts; t++) {
                if (must >> t & 1) {
                    n += snprintf(parts + n, sizeof parts - (size_t)n, "%s%s %.0f",
                                  n ? ", " : "", p->e->tensor[t].name,
                                  p->width[l][t][MP_WIDE].port_bits);
                }
            }
            return err_set(err, ERR_NO,
                           "no mapping of '%s': %s holds %.0f bits, its smallest tiles "
                           "need %.0f (%s)",
                           p->e->name, p->a->level[l].name, p->capacity[l], bits,
                           parts);
        }
    }
    return err_set(err, ERR_NO,
                   "no mapping of '%s': no tiles were found that fit every level",
                   p->e->name);
}

static int finish(const struct run *r, struct mapper_result *out, struct err *err)
{
    struct cost_options how = {.accounting = ACCOUNTING_EXACT,
                               .fidelity = FIDELITY_BANDWIDTH};
    memset(out, 0, sizeof *out);
    mp_build(r->p, &r->best, &out->mapping);
    if (mapping_check(&out->mapping, r->p->a, r->p->e, err) < 0) {
        err->code = ERR_BUG;
        return -1;
    }
    return cost_evaluate(r->p->a, r->p->e, &out->mapping, &how, &out->cost, err);
}

int mapper_best(const struct accelerator *a, const struct einsum *e,
                const struct mapper_options *opt, struct mapper_work *work,
                struct mapper_result *out, struct err *err)
{
    struct mp_problem p;
    struct run r = {.p = &p, .opt = opt, .work = work};
    r.budget = opt->budget > 0 ? opt->budget : MAPPER_BUDGET;
    if (mp_problem_init(&p, a, e, err) < 0) {
        return -1;
    }
    r.work = work ? work : mapper_work_new();
    search(&r);
    if (!work) {
        mapper_work_free(r.work);
    }
    if (!r.best.found) {
        return explain(&p, err);
    }
    return finish(&r, out, err);
}
