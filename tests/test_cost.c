/* Prices: against sums made by hand, invariants on random mappings, and the kernel against cost_evaluate(). */
#include "costmodel/cost_kernel.h"
#include "tests/random_mapping.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct cost_options exact = {ACCOUNTING_EXACT, FIDELITY_BANDWIDTH};

static long wanted(long normal)
{
    const char *s = getenv("DOVETAIL_RANDOM");
    long n = s != NULL ? strtol(s, NULL, 10) : 0;
    return n > 0 ? n : normal;
}

/* 1-D convolution of 4 outputs, 3 taps, on a 2-level machine; small enough to count on paper. */
static void paper(struct einsum *e, struct mapping *m, struct accelerator *a)
{
    struct rng r;
    struct conv_shape s = {1, 1, 1, 1, 4, 1, 3, 1, 1, 1, 1, 1};
    einsum_conv(e, "paper", &s, 8, 8, 24);
    memset(m, 0, sizeof *m);
    m->n_levels = 2;
    m->level[0].keep = m->level[1].keep = 7;
    m->level[0].n_temporal = 1;
    m->level[0].temporal[0] = (struct loop){einsum_dim(e, "R"), 3};
    m->level[1].n_temporal = 1;
    m->level[1].temporal[0] = (struct loop){einsum_dim(e, "P"), 4};
    rng_init(&r, 1, 1, RNG_TEST);
    random_accelerator(&r, e, m, a);
    for (int l = 0; l < 2; l++) {
        a->level[l].word_bits = 16;
        a->level[l].read_pj = l == 0 ? 1 : 100;
        a->level[l].write_pj = l == 0 ? 2 : 200;
        a->level[l].hop_pj_per_bit = 0;
        a->level[l].add_pj_per_bit = 0;
        a->level[l].read_bits_per_cycle = a->level[l].write_bits_per_cycle = a->level[l].shared_bits_per_cycle =
            (double)INFINITY;
    }
}

START_TEST(sums_made_by_hand)
{
    struct einsum e;
    struct mapping m;
    struct accelerator a;
    struct cost c;
    struct err err = ERR_INIT;
    paper(&e, &m, &a);
    ck_assert_int_eq(cost_evaluate(&a, &e, &m, &exact, &c, &err), 0);
    int out = einsum_output(&e);
    ck_assert_int_eq(c.macs, 12);
    ck_assert_int_eq(c.compute_cycles, 12);
    /* Outputs arrive in level 0 as partial sums of 24 bits, two words of 16 bits each: 8 reads, 12 updates, 4 drains. */
    ck_assert_int_eq(mapping_bits(&m, &e, 0, out), 24);
    ck_assert_int_eq(mapping_bits(&m, &e, 1, out), 8);
    ck_assert_int_eq(c.level[0].tensor[out].reads, 8);
    ck_assert_int_eq(c.level[0].tensor[out].updates, 12);
    ck_assert_int_eq(c.level[0].tensor[out].drains, 4);
    ck_assert_double_eq_tol(c.level[0].tensor[out].energy_pj, 2 * (8 + 4) + 4 * 12, 1e-9);
    /* In DRAM they are finished, 8 bits, two of them in a word: 4 updates are 2 writes. */
    ck_assert_double_eq_tol(c.level[1].tensor[out].energy_pj, 2 * 200, 1e-9);
    /* Weights: 3 fills are 2 words of 16 bits (3 / 2 up), 12 reads are 6. */
    ck_assert_double_eq_tol(c.level[0].tensor[0].energy_pj, 2 * 2 + 6, 1e-9);
    ck_assert_double_eq_tol(c.mac_pj, 12 * (a.mac.mul_pj + a.mac.add_pj), 1e-9);
    ck_assert_double_eq_tol(c.leak_pj, 12 / 1e9 * 1e-3 * 1e12, 1e-9);
    ck_assert_int_eq(c.binding, -1);
    /* DRAM reads 3 weights and 6 inputs of 8 bits, writes 4 outputs of 8: at 4 bits a cycle 18 cycles for reads. */
    a.level[1].read_bits_per_cycle = 4;
    a.level[1].shared_bits_per_cycle = 5;
    ck_assert_int_eq(cost_evaluate(&a, &e, &m, &exact, &c, &err), 0);
    ck_assert_double_eq_tol(c.cycles, ceil((9 + 4) * 8 / 5.0), 1e-9);
    ck_assert_int_eq(c.binding, 1);
}
END_TEST

/* A sum that comes to DRAM complete takes a byte, one that does not two words of 16 bits; what MACs add up is wide. */
START_TEST(finished_sums_are_narrow)
{
    struct einsum e;
    struct mapping m;
    struct accelerator a;
    struct cost c;
    struct err err = ERR_INIT;
    paper(&e, &m, &a);
    int out = einsum_output(&e), p = einsum_dim(&e, "P"), r = einsum_dim(&e, "R");
    m.level[0].n_temporal = 0;
    m.level[1].n_temporal = 2;
    /* The tile of one sum stays in level 0 through its 3 taps. */
    m.level[1].temporal[0] = (struct loop){p, 4};
    m.level[1].temporal[1] = (struct loop){r, 3};
    ck_assert_int_eq(cost_evaluate(&a, &e, &m, &exact, &c, &err), 0);
    ck_assert_int_eq(c.level[1].tensor[out].updates, 4);
    ck_assert_double_eq_tol(c.level[1].tensor[out].energy_pj, 4 / 2 * 200, 1e-9);
    ck_assert_double_eq_tol(c.level[0].tensor[out].energy_pj, 2 * (8 + 4) + 4 * 12, 1e-9);
    /* It leaves after each tap: 8 times as a partial sum, which comes back, and 4 times for good. */
    m.level[1].temporal[0] = (struct loop){r, 3};
    m.level[1].temporal[1] = (struct loop){p, 4};
    ck_assert_int_eq(cost_evaluate(&a, &e, &m, &exact, &c, &err), 0);
    ck_assert_int_eq(c.level[1].tensor[out].updates, 12);
    ck_assert_int_eq(c.level[1].tensor[out].reads, 8);
    ck_assert_double_eq_tol(c.level[1].tensor[out].energy_pj, 2 * 8 * (100 + 200) + 4 / 2 * 200, 1e-9);
    ck_assert_double_eq_tol(c.level[0].tensor[out].energy_pj, 2 * (8 + 12) + 4 * (12 + 8), 1e-9);
    /* Its wires: 8 partial sums there and back, and 4 finished ones. */
    a.level[1].hop_pj_per_bit = 1;
    a.level[1].hops_x = 1;
    a.level[1].hops_y = 0;
    ck_assert_int_eq(cost_evaluate(&a, &e, &m, &exact, &c, &err), 0);
    ck_assert_double_eq_tol(c.level[1].tensor[out].network_pj, 2 * 8 * 24 + 4 * 8, 1e-9);
    /* And the write port of DRAM, at a bit a cycle. */
    a.level[1].write_bits_per_cycle = 1;
    ck_assert_int_eq(cost_evaluate(&a, &e, &m, &exact, &c, &err), 0);
    ck_assert_double_eq_tol(c.cycles, 8 * 2 * 16 + 4 * 8, 1e-9);
}
END_TEST

/* Reference case h70 (docs/cases.md): 8 columns of output rows; after the first of 5 taps each column's new input is the one that its right
 * neighbour held, so of 8 inputs a step 1 comes from level 1, in 4 steps of 5, twice. */
START_TEST(links_made_by_hand)
{
    struct rng r;
    struct einsum e;
    struct mapping m;
    struct accelerator a;
    struct cost with, without;
    struct err err = ERR_INIT;
    struct conv_shape s = {1, 1, 1, 1, 16, 1, 5, 1, 1, 1, 1, 1};
    einsum_conv(&e, "h70", &s, 8, 8, 24);
    int p = einsum_dim(&e, "P"), in = 0;
    memset(&m, 0, sizeof m);
    m.n_levels = 2;
    m.level[0].keep = m.level[1].keep = 7;
    m.level[1].n_temporal = 2;
    m.level[1].temporal[0] = (struct loop){p, 2};
    m.level[1].temporal[1] = (struct loop){einsum_dim(&e, "R"), 5};
    m.level[1].n_spatial = 1;
    m.level[1].spatial[0] = (struct spatial_loop){p, 8, AXIS_X};
    rng_init(&r, 1, 1, RNG_TEST);
    random_accelerator(&r, &e, &m, &a);
    a.level[0].word_bits = a.level[1].word_bits = 8;
    while (e.tensor[in].role != TENSOR_INPUTS) {
        in++;
    }
    ck_assert_int_eq(cost_evaluate(&a, &e, &m, &exact, &without, &err), 0);
    a.level[1].links = true;
    ck_assert_int_eq(cost_evaluate(&a, &e, &m, &exact, &with, &err), 0);
    const struct tensor_cost *rf = &with.level[0].tensor[in], *glb = &with.level[1].tensor[in];
    ck_assert_int_eq(without.level[1].tensor[in].reads, 80);
    ck_assert_int_eq(glb->reads, 24);
    ck_assert_int_eq(rf->forwards, 56);
    ck_assert_int_eq(rf->fills, 80);
    ck_assert_double_eq_tol(rf->energy_pj, (80 + 56) * a.level[0].read_pj + 80 * a.level[0].write_pj, 1e-9);
    ck_assert_double_eq_tol(glb->network_pj, 8 * a.level[1].hop_pj_per_bit * (24 * a.level[1].hops_x + 56), 1e-9);
    /* The bandwidth of level 0 feels them: 80 + 56 reads of 8 instances at a bit a cycle. */
    a.level[0].read_bits_per_cycle = 1;
    ck_assert_int_eq(cost_evaluate(&a, &e, &m, &exact, &with, &err), 0);
    ck_assert_double_ge(with.level[0].cycles, (80 + 56) / 8 * 8);
}
END_TEST

/* Stalls on paper: 4 tiles of a 1-D convolution, 12 steps. */
START_TEST(stalls_made_by_hand)
{
    struct einsum e;
    struct mapping m;
    struct accelerator a;
    struct cost c;
    struct err err = ERR_INIT;
    const struct cost_options stalls = {ACCOUNTING_EXACT, FIDELITY_STALLS};
    paper(&e, &m, &a);
    ck_assert_int_eq(cost_evaluate(&a, &e, &m, &stalls, &c, &err), 0);
    ck_assert_double_eq(c.cycles, 12); /* unlimited ports */
    /* Inputs: 3 words first, then 3 times 1; 6 / 3 = 2 tiles in 12 steps: window 6 steps,
     * 3 words of 8 bits in 3 cycles: no stall. First load: weights 3 words, inputs 3: 3 + 3 cycles. */
    a.level[0].write_bits_per_cycle = 8;
    ck_assert_int_eq(cost_evaluate(&a, &e, &m, &stalls, &c, &err), 0);
    ck_assert_double_eq(c.load_cycles, 6);
    /* At 2 bits a cycle a tile takes 12 cycles for its 6: once (the first is the load) 6 cycles late, on 12. The bandwidth's
     * maximum is more: (3 + 6 fills) * 8 bits + 12 updates * 2 words of 16 at 2. */
    a.level[0].write_bits_per_cycle = 2;
    ck_assert_int_eq(cost_evaluate(&a, &e, &m, &stalls, &c, &err), 0);
    ck_assert_double_eq(c.cycles - c.load_cycles - c.drain_cycles, (9 * 8 + 12 * 32) / 2);
    ck_assert_double_eq(c.load_cycles, 24);
}
END_TEST

/* Matrix products on a systolic array, outputs or weights staying: SCALE-Sim's closed form. */
START_TEST(systolic_is_scale_sim)
{
    const struct cost_options systolic = {ACCOUNTING_EXACT, FIDELITY_SYSTOLIC};
    int n = 500;
    for (int i = 0; i < n; i++) {
        struct rng r;
        struct einsum e;
        struct accelerator a;
        struct mapping m;
        struct cost c;
        struct err err = ERR_INIT;
        char text[160];
        rng_init(&r, 8, (uint64_t)i, RNG_TEST);
        bool outputs = i % 2 == 0;
        int64_t rows = 2 + rng_below(&r, 15), columns = 2 + rng_below(&r, 15);
        int64_t p = 1 + rng_below(&r, 60), k = 1 + rng_below(&r, 60), d = 1 + rng_below(&r, 60);
        int64_t down = outputs ? p : d; /* along the rows */
        int64_t used_rows = down < rows ? down : rows, used_columns = k < columns ? k : columns;
        int64_t down_folds = (down + used_rows - 1) / used_rows, folds_k = (k + used_columns - 1) / used_columns;
        einsum_matmul(&e, "matmul", 1, p, k, d, true, 8, 8, 24);
        if (outputs) { /* out[p][k]: P down, K across, C streams */
            snprintf(text, sizeof text, "L1 P%lld K%lld X:K%lld Y:P%lld | L0 C%lld", (long long)down_folds,
                     (long long)folds_k, (long long)used_columns, (long long)used_rows, (long long)d);
        } else { /* weights[c][k]: C down, K across, P streams */
            snprintf(text, sizeof text, "L1 C%lld K%lld P%lld X:K%lld Y:C%lld | L0", (long long)down_folds,
                     (long long)folds_k, (long long)p, (long long)used_columns, (long long)used_rows);
        }
        struct mapping shape = {.n_levels = 2};
        shape.level[1].n_spatial = 2;
        shape.level[1].spatial[0] = (struct spatial_loop){0, columns, AXIS_X};
        shape.level[1].spatial[1] = (struct spatial_loop){1, rows, AXIS_Y};
        random_accelerator(&r, &e, &shape, &a);
        a.dataflow.stationary = outputs ? TENSOR_OUTPUTS : TENSOR_WEIGHTS;
        for (int l = 0; l < 2; l++) {
            a.level[l].read_bits_per_cycle = a.level[l].write_bits_per_cycle = a.level[l].shared_bits_per_cycle =
                (double)INFINITY;
        }
        ck_assert_msg(mapping_read(text, &a, &e, &m, &err) == 0, "%s", err.text);
        ck_assert_msg(mapping_check(&m, &a, &e, &err) == 0, "%s: %s", text, err.text);
        ck_assert_msg(cost_evaluate(&a, &e, &m, &systolic, &c, &err) == 0, "%s", err.text);
        double streams = (double)(outputs ? d : p);
        double closed = (double)(down_folds * folds_k) * (streams + (double)(rows + columns - 2));
        ck_assert_msg(c.cycles == closed, "%s: %g cycles, not %g", text, c.cycles, closed);
    }
    printf("systolic = SCALE-Sim's closed form on %d matrix products\n", n);
}
END_TEST

/* Traffic of finite energy, no less than compulsory, MACs conserved (cost_evaluate() checks); energy grows with bits. */
START_TEST(random_designs_keep_the_invariants)
{
    long n = wanted(5000);
    for (long i = 0; i < n; i++) {
        struct rng r;
        struct einsum e;
        struct mapping m;
        struct accelerator a;
        struct cost c, wide;
        struct err err = ERR_INIT;
        rng_init(&r, 9, (uint64_t)i, RNG_TEST);
        random_einsum(&r, (enum random_kind)(i % RANDOM_KIND_COUNT), 100000, &e);
        random_mapping(&r, &e, (int)(2 + rng_below(&r, 4)), 1024, rng_below(&r, 2) == 0, &m);
        random_accelerator(&r, &e, &m, &a);
        a.mac.w_bits = a.mac.a_bits = 16;
        ck_assert_msg(mapping_check(&m, &a, &e, &err) == 0, "%s", err.text);
        ck_assert_msg(cost_evaluate(&a, &e, &m, &exact, &c, &err) == 0, "%s", err.text);
        for (int l = 0; l < m.n_levels; l++) {
            ck_assert(c.level[l].cycles <= c.cycles);
        }
        const struct cost_options slow = {ACCOUNTING_EXACT, FIDELITY_STALLS};
        struct cost late;
        ck_assert_int_eq(cost_evaluate(&a, &e, &m, &slow, &late, &err), 0);
        ck_assert(late.cycles >= c.cycles && late.stall_cycles >= 0 && late.load_cycles >= 0);
        e.tensor[i % 2].bits *= 2;
        e.tensor[i % 2].partial_bits *= 2;
        ck_assert_int_eq(cost_evaluate(&a, &e, &m, &exact, &wide, &err), 0);
        ck_assert_msg(wide.energy_pj >= c.energy_pj && wide.cycles >= c.cycles,
                      "wider operands cost less: %g pJ, %g before", wide.energy_pj, c.energy_pj);
    }
    printf("invariants hold on %ld random designs\n", n);
}
END_TEST

static int flatten(const struct mapping *m, double *bound)
{
    int s = 0;
    for (int l = 0; l < m->n_levels; l++) {
        for (int i = 0; i < m->level[l].n_temporal; i++) {
            bound[s++] = (double)m->level[l].temporal[i].bound;
        }
        for (int i = 0; i < m->level[l].n_spatial; i++) {
            bound[s++] = (double)m->level[l].spatial[i].bound;
        }
    }
    return s;
}

START_TEST(kernel_is_cost_evaluate)
{
    long n = wanted(8000), imperfect = 0;
    for (long i = 0; i < n; i++) {
        struct rng r;
        struct einsum e;
        struct mapping m;
        struct accelerator a;
        struct cost c;
        struct cost_kernel k;
        struct err err = ERR_INIT;
        double value[KERNEL_SLOTS], energy, cycles;
        const double *bound[KERNEL_SLOTS];
        rng_init(&r, 5, (uint64_t)i, RNG_TEST);
        random_einsum(&r, (enum random_kind)(i % RANDOM_KIND_COUNT), 100000, &e);
        random_mapping(&r, &e, (int)(2 + rng_below(&r, 4)), 256, rng_below(&r, 8) == 0, &m);
        random_accelerator(&r, &e, &m, &a);
        ck_assert_int_eq(cost_evaluate(&a, &e, &m, &exact, &c, &err), 0);
        ck_assert_int_eq(cost_kernel_init(&k, &a, &e, &m, &err), 0);
        int slots = flatten(&m, value);
        for (int s = 0; s < slots; s++) {
            bound[s] = &value[s];
        }
        ck_assert_int_eq(cost_kernel_price(&k, 1, bound, &energy, &cycles, &err), 0);
        ck_assert_msg(fabs(energy - c.energy_pj) <= 1e-11 * c.energy_pj && cycles == c.cycles,
                      "mapping %ld (%s): kernel %.17g pJ, %.17g cycles; evaluated %.17g, "
                      "%.17g",
                      i, random_kind_names[i % RANDOM_KIND_COUNT], energy, cycles, c.energy_pj, c.cycles);
        for (int d = 0; d < e.n_dims; d++) {
            double product = 1;
            for (int s = 0; s < slots; s++) {
                product *= k.slot[k.input_slot[s]].dim == d ? value[s] : 1;
            }
            if ((int64_t)product != e.bound[d]) {
                imperfect++;
                break;
            }
        }
    }
    printf("kernel = cost_evaluate on %ld mappings, %ld of them imperfect\n", n, imperfect);
}
END_TEST

/* Eleven mappings of one skeleton, one of them imperfect: eight in the lanes, then the rest. */
START_TEST(lanes_do_not_mix)
{
    enum { N = 11 };
    struct rng r;
    struct einsum e;
    struct mapping m;
    struct accelerator a;
    struct cost_kernel k;
    struct err err = ERR_INIT;
    double value[KERNEL_SLOTS][N], energy[N], cycles[N];
    const double *bound[KERNEL_SLOTS];
    rng_init(&r, 6, 0, RNG_TEST);
    einsum_matmul(&e, "matmul", 1, 12, 8, 6, true, 8, 8, 24);
    random_mapping(&r, &e, 3, 1, false, &m);
    random_accelerator(&r, &e, &m, &a);
    ck_assert_int_eq(cost_kernel_init(&k, &a, &e, &m, &err), 0);
    struct mapping all[N];
    for (int i = 0; i < N; i++) {
        all[i] = m;
        for (int l = 0; l < 3; l++) { /* every loop of bound 1, then one factor a dimension moved */
            for (int j = 0; j < all[i].level[l].n_temporal; j++) {
                int d = all[i].level[l].temporal[j].dim;
                int64_t inner = e.bound[d] % (i % 3 + 1) == 0 ? i % 3 + 1 : 1;
                all[i].level[l].temporal[j].bound = l == 0 ? inner : (l == 2 ? e.bound[d] / inner : 1);
            }
            for (int j = 0; j < all[i].level[l].n_spatial; j++) {
                all[i].level[l].spatial[j].bound = 1;
            }
        }
        if (i == 9) { /* 5 x 3 over 12 */
            for (int j = 0; j < all[i].level[0].n_temporal; j++) {
                if (e.bound[all[i].level[0].temporal[j].dim] == 12) {
                    all[i].level[0].temporal[j].bound = 5;
                }
                if (e.bound[all[i].level[2].temporal[j].dim] == 12) {
                    all[i].level[2].temporal[j].bound = 3;
                }
            }
        }
        double one[KERNEL_SLOTS];
        int slots = flatten(&all[i], one);
        for (int s = 0; s < slots; s++) {
            value[s][i] = one[s];
            bound[s] = value[s];
        }
    }
    ck_assert_int_eq(cost_kernel_price(&k, N, bound, energy, cycles, &err), 0);
    for (int i = 0; i < N; i++) {
        struct cost c;
        ck_assert_int_eq(cost_evaluate(&a, &e, &all[i], &exact, &c, &err), 0);
        ck_assert_double_eq_tol(energy[i], c.energy_pj, 1e-11 * c.energy_pj);
        ck_assert_double_eq(cycles[i], c.cycles);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cost");
    TCase *tc = tcase_create("cost");
    tcase_set_timeout(tc, 0);
    tcase_add_test(tc, sums_made_by_hand);
    tcase_add_test(tc, finished_sums_are_narrow);
    tcase_add_test(tc, links_made_by_hand);
    tcase_add_test(tc, stalls_made_by_hand);
    tcase_add_test(tc, systolic_is_scale_sim);
    tcase_add_test(tc, random_designs_keep_the_invariants);
    tcase_add_test(tc, kernel_is_cost_evaluate);
    tcase_add_test(tc, lanes_do_not_mix);
    suite_add_tcase(s, tc);
    return run_suite(s, CK_FORK_GETENV);
}
