/* The mapper against enumeration: on random small problems every mapping is priced by the
 * cost model, and the exact search must find the best value of each goal and the whole
 * (energy, latency) set; the fast search must return legal mappings and never a better value
 * than the best that there is. */
#include "base/rng.h"
#include "costmodel/mapper.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROBLEMS = 2000, FRONT_MAX = 256 };

/* Problems with more mappings are left out; DOVETAIL_RANDOM sets the limit (make bench: 4000). */
static long most_mappings(void)
{
    const char *s = getenv("DOVETAIL_RANDOM");
    long n = s != NULL ? strtol(s, NULL, 10) : 0;
    return n > 0 ? (n < 4000 ? n : 4000) : 1000;
}

struct point {
    double energy_pj, cycles;
};

struct enumeration {
    const struct accelerator *a;
    const struct einsum *e;
    struct mapping m;
    int64_t f[EINSUM_DIMS][HW_LEVELS][3]; /* temporal, X, Y */
    uint32_t keep[HW_LEVELS];
    int64_t n, most;
    bool imperfect; /* factors that need not divide as well */
    enum accounting accounting;
    bool counting; /* only how many there are */
    double best[GOAL_COUNT];
    double latency_energy;
    struct point front[FRONT_MAX];
    int n_front;
};

static void note(struct enumeration *x, double energy_pj, double cycles)
{
    x->best[GOAL_ENERGY] = fmin(x->best[GOAL_ENERGY], energy_pj);
    x->best[GOAL_EDP] = fmin(x->best[GOAL_EDP], energy_pj * cycles);
    if (cycles < x->best[GOAL_LATENCY] || (!(cycles > x->best[GOAL_LATENCY]) && energy_pj < x->latency_energy)) {
        x->best[GOAL_LATENCY] = cycles;
        x->latency_energy = energy_pj;
    }
    int n = 0;
    for (int i = 0; i < x->n_front; i++) {
        if (x->front[i].cycles <= cycles && x->front[i].energy_pj <= energy_pj) {
            return;
        }
    }
    for (int i = 0; i < x->n_front; i++) {
        if (!(cycles <= x->front[i].cycles && energy_pj <= x->front[i].energy_pj)) {
            x->front[n++] = x->front[i];
        }
    }
    ck_assert_int_lt(n, FRONT_MAX);
    x->front[n++] = (struct point){energy_pj, cycles};
    x->n_front = n;
}

static void price(struct enumeration *x)
{
    struct cost_options how = {.accounting = x->accounting};
    struct cost cost;
    struct err err = ERR_INIT;
    x->n++;
    if (x->counting) {
        return;
    }
    if (mapping_check(&x->m, x->a, x->e, NULL) == 0) {
        ck_assert_msg(cost_evaluate(x->a, x->e, &x->m, &how, &cost, &err) == 0, "%s", err.text);
        note(x, cost.energy_pj, cost.cycles);
    }
}

/* Heap's algorithm over the temporal loops of level l, then the next level. */
static void permute(struct enumeration *x, int l, int n)
{
    if (l == x->a->n_levels) {
        price(x);
        return;
    }
    if (n < 0) {
        n = x->m.level[l].n_temporal;
    }
    if (n <= 1 || l == 0) {
        permute(x, l + 1, -1);
        return;
    }
    for (int i = 0; i < n && x->n < x->most; i++) {
        permute(x, l, n - 1);
        struct loop *t = x->m.level[l].temporal;
        int j = n % 2 ? 0 : i;
        struct loop s = t[j];
        t[j] = t[n - 1];
        t[n - 1] = s;
    }
}

static bool allowed(const struct enumeration *x, int l, int axis, int d)
{
    const struct dataflow *f = &x->a->dataflow;
    int n = axis ? f->spatial[l].n_y : f->spatial[l].n_x;
    if (n < 0) {
        return true;
    }
    for (int i = 0; i < n; i++) {
        const char *name = axis ? f->spatial[l].y[i] : f->spatial[l].x[i];
        if (strcmp(name, x->e->dim[d]) == 0) {
            return true;
        }
    }
    return false;
}

static void build(struct enumeration *x)
{
    memset(&x->m, 0, sizeof x->m);
    x->m.n_levels = x->a->n_levels;
    for (int l = 0; l < x->a->n_levels; l++) {
        struct mapping_level *v = &x->m.level[l];
        v->keep = x->keep[l];
        for (int d = 0; d < x->e->n_dims; d++) {
            if (x->f[d][l][0] > 1) {
                v->temporal[v->n_temporal++] = (struct loop){d, x->f[d][l][0]};
            }
            for (int axis = 0; axis < 2; axis++) {
                int64_t f = x->f[d][l][1 + axis];
                if (f > 1) {
                    v->spatial[v->n_spatial++] = (struct spatial_loop){d, f, axis ? AXIS_Y : AXIS_X};
                }
            }
        }
    }
    permute(x, 0, -1);
}

/* All keep masks, innermost level first. */
static void keeps(struct enumeration *x, int l)
{
    uint32_t all = (1u << x->e->n_tensors) - 1;
    if (l == x->a->n_levels - 1) {
        x->keep[l] = all;
        build(x);
        return;
    }
    for (uint32_t k = 0; k <= all && x->n < x->most; k++) {
        bool legal = true;
        for (int t = 0; t < x->e->n_tensors; t++) {
            enum keep rule = x->a->level[l].keep[x->e->tensor[t].role];
            legal = legal && !(rule == KEEP_ALWAYS && !(k >> t & 1)) && !(rule == KEEP_NEVER && (k >> t & 1));
        }
        if (legal) {
            x->keep[l] = k;
            keeps(x, l + 1);
        }
    }
}

/* All ordered factorizations: dimension d, slot (level, kind), what is left of the bound. */
static void factors(struct enumeration *x, int d, int slot, int64_t left)
{
    if (x->n >= x->most) {
        return;
    }
    if (d == x->e->n_dims) {
        keeps(x, 0);
        return;
    }
    int l = slot / 3, kind = slot % 3, top = x->a->n_levels - 1;
    if (l > top) { /* what is left runs over time, outermost */
        x->f[d][top][0] = left;
        factors(x, d + 1, 0, d + 1 < x->e->n_dims ? x->e->bound[d + 1] : 1);
        return;
    }
    const struct level *v = &x->a->level[l];
    int64_t most = kind == 1 ? v->fanout_x : kind == 2 ? v->fanout_y : left;
    most = kind == 0 && l == top ? 1 : most;
    for (int64_t f = 1; f <= most && f <= left; f++) {
        if (left % f == 0 && (f == 1 || kind == 0 || allowed(x, l, kind - 1, d))) {
            x->f[d][l][kind] = f;
            factors(x, d, slot + 1, left / f);
        }
    }
}

/* The same with factors that need not divide, from the innermost loop out (in a level Y, X, time): a loop's last iteration begins within the
 * bound. */
static void imperfect_factors(struct enumeration *x, int d, int slot, int64_t reach)
{
    static const int kinds[] = {2, 1, 0};
    int l = slot / 3, kind = kinds[slot % 3], top = x->a->n_levels - 1;
    if (x->n >= x->most) {
        return;
    }
    if (d == x->e->n_dims) {
        keeps(x, 0);
        return;
    }
    int64_t bound = x->e->bound[d];
    if (kind == 0 && l == top) {
        x->f[d][l][0] = (bound + reach - 1) / reach;
        imperfect_factors(x, d + 1, 0, 1);
        return;
    }
    const struct level *v = &x->a->level[l];
    int64_t most = kind == 1 ? v->fanout_x : kind == 2 ? v->fanout_y : bound;
    for (int64_t f = 1; f <= most && (f == 1 || reach * (f - 1) < bound); f++) {
        if (f == 1 || kind == 0 || allowed(x, l, kind - 1, d)) {
            x->f[d][l][kind] = f;
            imperfect_factors(x, d, slot + 1, reach * f);
        }
    }
}

static void all_factors(struct enumeration *x)
{
    if (x->imperfect) {
        imperfect_factors(x, 0, 0, 1);
    } else {
        factors(x, 0, 0, x->e->bound[0]);
    }
}

static void enumerate(struct enumeration *x, const struct accelerator *a, const struct einsum *e, bool imperfect,
                      enum accounting accounting)
{
    memset(x, 0, sizeof *x);
    x->accounting = accounting;
    x->a = a;
    x->e = e;
    x->most = most_mappings();
    for (int g = 0; g < GOAL_COUNT; g++) {
        x->best[g] = HUGE_VAL;
    }
    x->imperfect = imperfect;
    x->counting = true;
    all_factors(x);
    x->counting = false;
    if (x->n < x->most) {
        x->n = 0;
        all_factors(x);
    }
}

static int64_t pick(struct rng *r, const int64_t *v, int n)
{
    return v[rng_below(r, n)];
}
#define PICK(r, ...)                                                                                                   \
    pick(r, (const int64_t[]){__VA_ARGS__}, (int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)))

static void random_einsum(struct rng *r, struct einsum *e)
{
    struct conv_shape s = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    int64_t *kind[][3] = {{&s.k, &s.c, &s.p}, {&s.k, &s.p, &s.r}, {&s.c, &s.p, &s.r},
                          {&s.g, &s.p, &s.r}, {&s.p, &s.q, &s.r}, {&s.p, &s.r, &s.s},
                          {&s.g, &s.k, &s.c}, {&s.k, &s.n, &s.c}, {&s.p, &s.r, &s.k}};
    int k = (int)rng_below(r, (int64_t)(sizeof kind / sizeof *kind));
    for (int i = 0; i < 3; i++) {
        *kind[k][i] = PICK(r, 1, 2, 3, 4, 4, 5, 6, 8);
    }
    s.stride_h = PICK(r, 1, 1, 2, 3);
    s.dilation_h = PICK(r, 1, 1, 2);
    einsum_conv(e, "x", &s, (int)PICK(r, 4, 8), (int)PICK(r, 4, 8, 16), (int)PICK(r, 16, 24, 32));
    e->tensor[einsum_output(e)].bits = (int)PICK(r, 8, 16);
}

static void add_tensor(struct einsum *e, const char *name, enum tensor_role role, int bits, const char *dims)
{
    struct einsum_tensor *t = &e->tensor[e->n_tensors++];
    snprintf(t->name, sizeof t->name, "%s", name);
    t->role = role;
    t->bits = t->partial_bits = bits;
    t->density = 1;
    for (; *dims; dims++) {
        t->rank[t->n_ranks].n_terms = 1;
        t->rank[t->n_ranks].term[0].coef = 1;
        while (e->dim[t->rank[t->n_ranks].term[0].dim][0] != *dims) {
            t->rank[t->n_ranks].term[0].dim++;
        }
        t->n_ranks++;
    }
}

/* A product of three tensors (MTTKRP): two of its dimensions each leave two tensors unmoved. */
static void random_product(struct rng *r, struct einsum *e)
{
    static const char *const dims[] = {"P", "C", "R", "K"};
    int64_t out = rng_below(r, 4);
    memset(e, 0, sizeof *e);
    snprintf(e->name, sizeof e->name, "x");
    for (int d = 0; d < 4; d++) {
        snprintf(e->dim[d], sizeof e->dim[d], "%s", dims[d]);
        e->bound[d] = d == out ? 1 : PICK(r, 1, 2, 3, 4, 4, 6);
    }
    e->n_dims = 4;
    add_tensor(e, "a", TENSOR_INPUTS, (int)PICK(r, 4, 8), "PCR");
    add_tensor(e, "b", TENSOR_WEIGHTS, 8, "CK");
    add_tensor(e, "c", TENSOR_WEIGHTS, (int)PICK(r, 4, 8), "RK");
    add_tensor(e, "y", TENSOR_OUTPUTS, (int)PICK(r, 8, 16), "PK");
    e->tensor[3].output = true;
    e->tensor[3].partial_bits = (int)PICK(r, 16, 24, 32);
}

static void random_machine(struct rng *r, struct accelerator *a)
{
    memset(a, 0, sizeof *a);
    a->n_levels = (int)PICK(r, 2, 2, 3, 3, 4);
    int64_t instances = 1;
    int array = (int)rng_below(r, a->n_levels);
    for (int l = a->n_levels - 1; l >= 0; l--) {
        struct level *v = &a->level[l];
        bool top = l == a->n_levels - 1;
        v->name[0] = (char)('A' + l);
        v->kind = top ? LEVEL_DRAM : LEVEL_SRAM;
        v->capacity_bits = top ? INT64_MAX : 16 * PICK(r, 4, 8, 16, 32, 64) * (l + 1);
        v->buffering = (int)PICK(r, 1, 1, 2);
        v->instances = instances;
        v->fanout_x = l == array ? PICK(r, 1, 2, 3, 4) : 1;
        v->fanout_y = l == array ? PICK(r, 1, 2) : 1;
        instances *= v->fanout_x * v->fanout_y;
        v->word_bits = (int)PICK(r, 8, 16, 32);
        v->read_pj = (double)PICK(r, 1, 2, 5) * (1 << (2 * l));
        v->write_pj = (double)PICK(r, 1, 2, 5) * (1 << (2 * l));
        v->read_bits_per_cycle = (double)PICK(r, 8, 32, 1000);
        v->write_bits_per_cycle = (double)PICK(r, 8, 32, 1000);
        v->shared_bits_per_cycle = (double)PICK(r, 16, 64, 1000);
        v->hop_pj_per_bit = 0.01 * (double)PICK(r, 0, 0, 1);
        v->hops_x = (double)v->fanout_x / 2;
        v->hops_y = (double)v->fanout_y / 2;
        v->add_pj_per_bit = 0.01 * (double)PICK(r, 0, 1);
        for (int t = 0; t < TENSOR_ROLE_COUNT; t++) {
            v->keep[t] =
                top ? KEEP_ALWAYS : (enum keep)PICK(r, KEEP_FREE, KEEP_FREE, KEEP_ALWAYS, KEEP_ALWAYS, KEEP_NEVER);
        }
        bool any = rng_below(r, 3) > 0;
        a->dataflow.spatial[l].n_x = a->dataflow.spatial[l].n_y = any ? -1 : 1;
        strcpy(a->dataflow.spatial[l].x[0], "P");
        strcpy(a->dataflow.spatial[l].y[0], "R");
    }
    a->mac = (struct mac){.kind = MAC_FIXED,
                          .instances = instances,
                          .w_bits = 16,
                          .a_bits = 16,
                          .acc_bits = 32,
                          .mul_pj = 1,
                          .add_pj = 0.1};
    a->dataflow.stationary = TENSOR_ROLE_COUNT;
    a->cores = 1;
    a->core_level = -1;
    a->clock_hz = 1e9;
    a->leak_w = 1e-3 * (double)PICK(r, 0, 1);
}

static void check_front(const struct enumeration *x, struct mapper_work *work, int number)
{
    struct mapper_options opt = {
        .effort = MAPPER_EXACT, .imperfect = x->imperfect, .accounting = x->accounting, .core_split = CORE_ONE};
    struct mapper_front f;
    struct err err = ERR_INIT;
    ck_assert_msg(mapper_pareto(x->a, x->e, &opt, work, &f, &err) == 0, "%s", err.text);
    ck_assert(f.proven);
    for (int i = 0; i < x->n_front; i++) {
        bool there = false;
        for (int j = 0; j < f.n; j++) {
            there = there || (f.point[j].cycles <= x->front[i].cycles &&
                              f.point[j].energy_pj <= x->front[i].energy_pj * (1 + 1e-9));
        }
        ck_assert_msg(there, "problem %d: (%.9g pJ, %.9g cycles) is not on the front of %d", number,
                      x->front[i].energy_pj, x->front[i].cycles, f.n);
    }
    ck_assert_int_le(f.n, x->n_front);
    mapper_front_release(&f);
}

static void check_problem(const struct enumeration *x, struct mapper_work *work, int number)
{
    for (int effort = MAPPER_FAST; effort <= MAPPER_EXACT; effort++) {
        for (int g = 0; g < GOAL_COUNT; g++) {
            struct mapper_options opt = {.goal = (enum goal)g,
                                         .effort = (enum mapper_effort)effort,
                                         .perfect = !x->imperfect,
                                         .imperfect = x->imperfect,
                                         .accounting = x->accounting,
                                         .core_split = CORE_ONE};
            struct mapper_result r;
            struct err err = ERR_INIT;
            int rc = mapper_best(x->a, x->e, &opt, work, &r, &err);
            if (!(x->best[g] < HUGE_VAL)) {
                ck_assert_int_eq(rc, -1);
                ck_assert_int_eq(err.code, ERR_NO);
                continue;
            }
            if (effort == MAPPER_FAST && rc < 0) {
                continue;
            }
            ck_assert_msg(rc == 0, "problem %d: %s", number, err.text);
            ck_assert_int_eq(mapping_check(&r.mapping, x->a, x->e, &err), 0);
            double v = g == GOAL_ENERGY    ? r.cost.energy_pj
                       : g == GOAL_LATENCY ? r.cost.cycles
                                           : r.cost.energy_pj * r.cost.cycles;
            ck_assert_msg(v >= x->best[g] * (1 - 1e-9), "problem %d %s: %.12g < %.12g", number, goal_names[g], v,
                          x->best[g]);
            if (effort == MAPPER_EXACT) {
                ck_assert(r.proven);
                ck_assert_msg(v <= x->best[g] * (1 + 1e-9), "problem %d %s: %.12g > %.12g", number, goal_names[g], v,
                              x->best[g]);
                ck_assert(g != GOAL_LATENCY || r.cost.energy_pj <= x->latency_energy * (1 + 1e-9));
            }
        }
    }
}

/* The answer does not depend on what the memory was used for before. */
static void check_memory(const struct enumeration *x, struct mapper_work *work)
{
    for (int effort = MAPPER_FAST; effort <= MAPPER_EXACT; effort++) {
        struct mapper_options opt = {.goal = GOAL_EDP, .effort = (enum mapper_effort)effort, .core_split = CORE_ONE};
        struct mapper_result fresh, used;
        memset(&fresh, 0, sizeof fresh);
        memset(&used, 0, sizeof used);
        int a = mapper_best(x->a, x->e, &opt, NULL, &fresh, NULL);
        int b = mapper_best(x->a, x->e, &opt, work, &used, NULL);
        ck_assert_int_eq(a, b);
        ck_assert_mem_eq(&fresh.mapping, &used.mapping, sizeof fresh.mapping);
        ck_assert_int_eq(fresh.looked, used.looked);
    }
}

START_TEST(equals_enumeration)
{
    struct mapper_work *work = mapper_work_new();
    static struct enumeration x;
    int64_t priced = 0, infeasible = 0;
    int checked = 0, imperfect = 0, timeloop = 0, products = 0;
    for (int i = 0; checked < PROBLEMS; i++) {
        struct rng r;
        struct einsum e;
        struct accelerator a;
        struct err err = ERR_INIT;
        rng_init(&r, 11, (uint64_t)i, RNG_TEST);
        if (i % 8 == 7) {
            random_product(&r, &e);
            products++;
        } else {
            random_einsum(&r, &e);
        }
        random_machine(&r, &a);
        ck_assert_msg(accelerator_check(&a, &err) == 0, "%s", err.text);
        bool ragged = i % 3 == 0;
        enumerate(&x, &a, &e, ragged, !ragged && i % 5 == 0 ? ACCOUNTING_TIMELOOP : ACCOUNTING_EXACT);
        if (x.n >= x.most) {
            products -= i % 8 == 7;
            continue;
        }
        imperfect += x.imperfect;
        timeloop += x.accounting == ACCOUNTING_TIMELOOP;
        priced += x.n;
        check_problem(&x, work, i);
        if (x.n_front > 0) {
            check_front(&x, work, i);
        }
        if (checked % 20 == 0) {
            check_memory(&x, work);
        }
        infeasible += x.n_front == 0;
        checked++;
    }
    printf("checked %d problems (%d with factors that need not divide, %d in Timeloop's accounting, %d of four "
           "tensors), %lld mappings "
           "enumerated, %lld problems "
           "without a mapping\n",
           checked, imperfect, timeloop, products, (long long)priced, (long long)infeasible);
    mapper_work_free(work);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("mapper");
    TCase *c = tcase_create("mapper");
    tcase_set_timeout(c, 600);
    tcase_add_test(c, equals_enumeration);
    suite_add_tcase(s, c);
    return run_suite(s, CK_NOFORK);
}
