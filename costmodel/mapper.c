/* What callers see, the incumbent, and the fast search's outer loops: which tensors bypass
 * which level, which dimensions are unrolled over the cores and the array. The chain search
 * does the rest. Every incumbent was priced by the cost model itself, so what is returned
 * never rests on the search's own arithmetic. */
#include "costmodel/mapper.h"

#include "base/mem.h"
#include "base/tensor_role.h"
#include "costmodel/count_forward.h"
#include "costmodel/mapper_search.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SPATIAL_TRIED = 4 };
enum { INCUMBENT_BUDGET = 1000 }; /* pairs of tiles looked at before the exact search */
#define GAIN 1e-10                /* relative: less is no gain */

const char *const goal_names[] = {
    [GOAL_ENERGY] = "energy", [GOAL_LATENCY] = "latency", [GOAL_EDP] = "edp", [GOAL_COUNT] = NULL};

/* --- incumbents ------------------------------------------------------------------------ */

static bool front_covers(const struct mapper_front *f, double energy_pj, double cycles)
{
    for (int i = 0; i < f->n && f->point[i].cycles <= cycles; i++) {
        if (f->point[i].energy_pj * (1 - GAIN) <= energy_pj) {
            return true;
        }
    }
    return false;
}

bool mp_hopeless(const struct mp_search *s, double energy_pj, double cycles)
{
    const struct mp_best *b = &s->best;
    if (s->front) {
        return front_covers(s->front, energy_pj, cycles);
    }
    if (!b->found) {
        return false;
    }
    switch (s->goal) {
    case GOAL_ENERGY:
        return energy_pj >= b->energy_pj * (1 - GAIN);
    case GOAL_LATENCY:
        return cycles > b->cycles || (cycles >= b->cycles && energy_pj >= b->energy_pj * (1 - GAIN));
    default:
        return energy_pj * cycles >= b->value * (1 - GAIN);
    }
}

static void front_add(struct mapper_front *f, const struct mapping *map, double energy_pj, double cycles)
{
    int n = 0, at = 0;
    for (int i = 0; i < f->n; i++) {
        bool beaten = f->point[i].cycles >= cycles && f->point[i].energy_pj >= energy_pj;
        if (!beaten) {
            f->point[n++] = f->point[i];
        }
    }
    f->n = n;
    MEM_GROW(f->point, f->n, f->cap);
    while (at < f->n && f->point[at].cycles < cycles) {
        at++;
    }
    memmove(&f->point[at + 1], &f->point[at], (size_t)(f->n - at) * sizeof *f->point);
    f->point[at].energy_pj = energy_pj;
    f->point[at].cycles = cycles;
    f->point[at].mapping = *map;
    f->n++;
}

bool mp_offer(struct mp_search *m, const struct mapping *map, double energy_pj, double cycles)
{
    if (mp_hopeless(m, energy_pj, cycles)) {
        return false;
    }
    if (m->front) {
        front_add(m->front, map, energy_pj, cycles);
        return true;
    }
    m->best = (struct mp_best){true, mp_goal(m->goal, energy_pj, cycles), energy_pj, cycles, 0, *map};
    return true;
}

/* --- fast search ----------------------------------------------------------------------- */

uint32_t mp_roles(const struct mp_problem *p, int level, enum keep how)
{
    uint32_t set = 0;
    for (int t = 0; t < p->nt; t++) {
        set |= (uint32_t)(p->a->level[level].keep[p->tensor[t].role] == how) << t;
    }
    return set;
}

static bool perfect_only(const struct mapper_options *opt)
{
    return opt->perfect || (opt->effort == MAPPER_EXACT && !opt->imperfect);
}

static void try_keep(struct mp_search *m, const struct mapper_options *opt, int core_split, const uint32_t *keep)
{
    struct mp_spatial s[SPATIAL_TRIED];
    int n = mp_spatial_candidates(m->p, core_split, perfect_only(opt), keep, s, SPATIAL_TRIED);
    int64_t budget = opt->effort == MAPPER_EXACT ? INCUMBENT_BUDGET : opt->budget > 0 ? opt->budget : MAPPER_BUDGET;
    for (int i = 0; i < n; i++) {
        double pj, cycles;
        mp_floor(m->p, &s[i], keep, &pj, &cycles);
        m->budget = m->dive ? 0 : budget / n * MP_PAIR;
        if (!mp_hopeless(m, pj, cycles)) {
            mp_chain_search(m, &s[i], keep);
        }
    }
}

static double value_of(const struct mp_search *m)
{
    return m->best.found ? m->best.value : HUGE_VAL;
}

/* Everything that may be kept is; then one bypass at a time where it helps. */
static void fast_search(struct mp_search *m, const struct mapper_options *opt, int core_split)
{
    uint32_t keep[HW_LEVELS] = {0};
    int top = m->p->n_levels - 1;
    uint32_t all = (1u << m->p->nt) - 1;
    for (int l = 0; l < top; l++) {
        keep[l] = all & ~mp_roles(m->p, l, KEEP_NEVER);
    }
    keep[top] = all;
    try_keep(m, opt, core_split, keep);
    for (int l = 0; l < top && opt->effort == MAPPER_FAST; l++) {
        uint32_t may = mp_roles(m->p, l, KEEP_FREE);
        for (int t = 0; t < m->p->nt; t++) {
            if (!(may >> t & 1)) {
                continue;
            }
            double before = value_of(m);
            keep[l] ^= 1u << t;
            try_keep(m, opt, core_split, keep);
            if (!(value_of(m) < before)) {
                keep[l] ^= 1u << t;
            }
        }
    }
}

/* --- small budgets ----------------------------------------------------------------------- */

static bool found(const struct mp_search *m)
{
    return m->front ? m->front->n > 0 : m->best.found;
}

static void offer_simplest(struct mp_search *m, const struct mapper_options *opt, int core_split)
{
    struct cost_options how = {.accounting = m->accounting, .fidelity = FIDELITY_BANDWIDTH};
    struct mapping map;
    struct cost cost;
    if (mp_simplest(m->p, core_split, perfect_only(opt), &map, NULL) == 0 &&
        cost_evaluate(m->p->a, m->p->e, &map, &how, &cost, NULL) == 0) {
        m->priced++;
        mp_offer(m, &map, cost.energy_pj, cost.cycles);
    }
}

/* A budget may end before any chain of tiles is complete. Then each chain search takes the first chain that it comes to; failing that, the mapping
 * that needs least room is the answer. (To do so whenever a budget is small would double the time of a search with small budgets, for 1 or 2 % of EDP.) */
static void search_briefly(struct mp_search *m, const struct mapper_options *opt, int core_split)
{
    uint32_t least[HW_LEVELS] = {0};
    m->exact = false;
    m->dive = true;
    fast_search(m, opt, core_split);
    if (!found(m)) {
        for (int l = 0; l < m->p->n_levels; l++) {
            least[l] = mp_roles(m->p, l, KEEP_ALWAYS);
        }
        least[m->p->n_levels - 1] = (1u << m->p->nt) - 1;
        try_keep(m, opt, core_split, least);
    }
    m->dive = false;
    if (!found(m)) {
        offer_simplest(m, opt, core_split);
    }
}

/* --- what callers see -------------------------------------------------------------------- */

static void search_split(struct mp_search *m, const struct mapper_options *opt, int core_split, double *open_bound)
{
    m->exact = false;
    fast_search(m, opt, core_split);
    if (opt->effort == MAPPER_EXACT) {
        m->exact = true;
        m->imperfect = opt->imperfect;
        m->budget = opt->budget > 0 ? opt->budget * MP_PAIR : INT64_MAX;
        mp_exact_search(m, core_split, open_bound);
    }
}

/* The splits over the cores that are asked for; returns how many. */
static int list_splits(const struct mp_problem *p, const struct mapper_options *opt, int *split)
{
    int n = 0;
    if (p->a->core_level < 0 || opt->core_split != CORE_ANY) {
        split[0] = p->a->core_level < 0 ? CORE_ONE : opt->core_split;
        return 1;
    }
    for (int d = 0; d < p->nd; d++) {
        if (mp_may_split(p, d)) {
            split[n++] = p->dim[d];
        }
    }
    split[n++] = CORE_ONE;
    return n;
}

/* Returns the least bound of what was left out; HUGE_VAL: nothing was. */
static double search(struct mp_search *m, const struct mapper_options *opt)
{
    int split[MP_DIMS + 1], n = list_splits(m->p, opt, split);
    double open_bound = HUGE_VAL;
    for (int i = 0; i < n; i++) {
        search_split(m, opt, split[i], &open_bound);
    }
    bool ended_early = !found(m) && (opt->effort == MAPPER_FAST || open_bound < HUGE_VAL);
    for (int i = 0; i < n && ended_early; i++) {
        search_briefly(m, opt, split[i]);
    }
    return open_bound;
}

/* Names the level whose smallest tiles do not fit: of one element each, but whole tensors in the outermost level, which may be an SRAM. */
static int explain(const struct mp_problem *p, const struct mapper_options *opt, struct err *err)
{
    double one[MP_DIMS], whole[MP_DIMS];
    struct err why = ERR_INIT;
    struct mapping map;
    for (int d = 0; d < p->nd; d++) {
        one[d] = 1;
        whole[d] = (double)p->bound[d];
    }
    for (int l = 0; l < p->n_levels; l++) {
        bool outermost = l == p->n_levels - 1;
        const double *extent = outermost ? whole : one;
        uint32_t must = outermost ? (1U << p->nt) - 1 : mp_roles(p, l, KEEP_ALWAYS);
        double bits = mp_tile_bits(p, l, must, !outermost, extent);
        if (bits > p->capacity[l]) {
            char parts[160];
            int n = 0;
            for (int t = 0; t < p->nt && n < (int)sizeof parts; t++) {
                if (must >> t & 1) {
                    n += snprintf(parts + n, sizeof parts - (size_t)n, "%s%s %.0f", n ? ", " : "", p->e->tensor[t].name,
                                  mp_tile_bits(p, l, 1U << t, !outermost, extent));
                }
            }
            return err_set(err, ERR_NO, "no mapping of '%s': '%s' holds %.0f bits, its %s need %.0f (%s)", p->e->name,
                           p->a->level[l].name, p->capacity[l], outermost ? "tensors" : "smallest tiles", bits, parts);
        }
    }
    if (opt->core_split != CORE_ANY && mp_simplest(p, opt->core_split, perfect_only(opt), &map, &why) < 0) {
        return err_set(err, ERR_NO, "no mapping of '%s': with the smallest tiles %s", p->e->name, why.text);
    }
    return err_set(err, ERR_NO, "no mapping of '%s': no tiles were found that fit every level", p->e->name);
}

static int start(struct mp_search *m, struct mp_problem *p, const struct accelerator *a, const struct einsum *e,
                 const struct mapper_options *opt, struct mapper_work *work, struct err *err)
{
    memset(m, 0, sizeof *m);
    m->p = p;
    m->goal = opt->goal;
    m->accounting = opt->accounting;
    if (mp_problem_init(p, a, e, err) < 0) {
        return -1;
    }
    p->one_axis = opt->one_axis;
    p->drains = opt->accounting == ACCOUNTING_EXACT;
    p->fixed = p->fixed && count_links(a) == 0; /* what neighbours hand on is not in the bounds */
    for (int t = 0; t < p->nt; t++) { /* its extrapolation may count fewer words than move: nothing is proven then */
        p->fixed = p->fixed && !(opt->accounting == ACCOUNTING_TIMELOOP_DEFAULT && p->tensor[t].sliding);
    }
    m->work = work ? work : mapper_work_new();
    return 0;
}

double mapper_value(enum goal goal, const struct cost *c)
{
    return mp_goal(goal, c->energy_pj, c->cycles);
}

int mapper_best(const struct accelerator *a, const struct einsum *e, const struct mapper_options *opt,
                struct mapper_work *work, struct mapper_result *out, struct err *err)
{
    struct cost_options how = {.accounting = opt->accounting, .fidelity = FIDELITY_BANDWIDTH};
    struct mp_problem p;
    struct mp_search m;
    if (start(&m, &p, a, e, opt, work, err) < 0) {
        return -1;
    }
    double open_bound = search(&m, opt);
    if (!work) {
        mapper_work_free(m.work);
    }
    if (!m.best.found) {
        return explain(&p, opt, err);
    }
    memset(out, 0, sizeof *out);
    out->mapping = m.best.mapping;
    out->priced = m.priced;
    out->looked = m.looked;
    out->space = m.space;
    if (opt->effort == MAPPER_EXACT) {
        out->proven = p.fixed && !(open_bound < m.best.value * (1 - GAIN));
        out->bound = out->proven ? m.best.value : p.fixed ? open_bound : 0;
    }
    return cost_evaluate(a, e, &out->mapping, &how, &out->cost, err);
}

int mapper_pareto(const struct accelerator *a, const struct einsum *e, const struct mapper_options *opt,
                  struct mapper_work *work, struct mapper_front *out, struct err *err)
{
    struct mp_problem p;
    struct mp_search m;
    memset(out, 0, sizeof *out);
    if (start(&m, &p, a, e, opt, work, err) < 0) {
        return -1;
    }
    m.front = out;
    double open_bound = search(&m, opt);
    if (!work) {
        mapper_work_free(m.work);
    }
    out->proven = opt->effort == MAPPER_EXACT && p.fixed && !(open_bound < HUGE_VAL);
    return out->n > 0 ? 0 : explain(&p, opt, err);
}

void mapper_front_release(struct mapper_front *f)
{
    mem_free(f->point);
    memset(f, 0, sizeof *f);
}
