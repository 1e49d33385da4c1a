#include "tests/random_mapping.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const random_kind_names[] = {"conv",
                                         "conv, stride",
                                         "conv, dilation",
                                         "grouped conv",
                                         "depthwise conv",
                                         "matmul",
                                         "batched matmul",
                                         "conv, stride beyond the kernel",
                                         NULL};

static int64_t between(struct rng *r, int64_t lo, int64_t hi)
{
    return lo + rng_below(r, hi - lo + 1);
}

static void random_conv(struct rng *r, enum random_kind kind, struct einsum *e)
{
    struct conv_shape s = {.n = between(r, 1, 2),
                           .g = 1,
                           .k = between(r, 1, 5),
                           .c = between(r, 1, 5),
                           .p = between(r, 1, 7),
                           .q = between(r, 1, 4),
                           .r = between(r, 1, 3),
                           .s = between(r, 1, 3),
                           .stride_h = 1,
                           .stride_w = 1,
                           .dilation_h = 1,
                           .dilation_w = 1};
    if (rng_below(r, 3) == 0) { /* one-dimensional, longer */
        s.n = s.q = s.s = 1;
        s.p = between(r, 4, 17);
        s.r = between(r, 2, 7);
        s.k = between(r, 1, 3);
    }
    if (kind == RANDOM_STRIDED) {
        s.stride_h = s.stride_w = 2;
    } else if (kind == RANDOM_DILATED) {
        s.dilation_h = s.dilation_w = between(r, 2, 3);
        s.r = s.s = between(r, 2, 3);
    } else if (kind == RANDOM_GROUPED) {
        s.g = between(r, 2, 3);
    } else if (kind == RANDOM_DEPTHWISE) {
        s.g = between(r, 2, 6);
        s.k = s.c = 1;
    } else if (kind == RANDOM_LARGE_STEP) {
        s.stride_h = 3;
        s.stride_w = 2;
        s.r = between(r, 1, 2);
        s.dilation_w = between(r, 1, 2);
    }
    einsum_conv(e, "conv", &s, 8, 8, 24);
}

void random_einsum(struct rng *r, enum random_kind kind, int64_t macs, struct einsum *e)
{
    do {
        if (kind == RANDOM_MATMUL) {
            einsum_matmul(e, "matmul", 1, between(r, 1, 9), between(r, 1, 9), between(r, 1, 9), true, 8, 8, 24);
        } else if (kind == RANDOM_BATCHED) {
            einsum_matmul(e, "batched", between(r, 2, 4), between(r, 1, 7), between(r, 1, 7), between(r, 1, 7),
                          rng_below(r, 4) == 0, 8, 8, 24);
        } else {
            random_conv(r, kind, e);
        }
    } while (einsum_macs(e) > macs);
}

/* A bound for the next loop of a dimension of which `rest` iterations remain. */
static int64_t random_bound(struct rng *r, int64_t rest, int64_t limit, bool imperfect)
{
    int64_t most = rest < limit ? rest : limit;
    if (most <= 1 || rng_below(r, 3) == 0) {
        return 1;
    }
    int64_t b = between(r, 1, most);
    while (!imperfect && rest % b != 0) {
        b--;
    }
    return b;
}

static void shuffle(struct rng *r, int *a, int n)
{
    for (int i = n - 1; i > 0; i--) {
        int j = (int)rng_below(r, i + 1);
        int t = a[i];
        a[i] = a[j];
        a[j] = t;
    }
}

void random_mapping(struct rng *r, const struct einsum *e, int levels, int64_t units, bool imperfect, struct mapping *m)
{
    int64_t stride[EINSUM_DIMS];
    int order[EINSUM_DIMS];
    memset(m, 0, sizeof *m);
    m->n_levels = levels;
    for (int d = 0; d < e->n_dims; d++) {
        stride[d] = 1;
        order[d] = d;
    }
    for (int l = 0; l < levels; l++) {
        struct mapping_level *ml = &m->level[l];
        ml->keep = (1u << e->n_tensors) - 1;
        if (l < levels - 1 && rng_below(r, 3) == 0) {
            ml->keep = (uint32_t)rng_below(r, 1 << e->n_tensors);
        }
        ml->n_spatial = 0;
        shuffle(r, order, e->n_dims);
        int p = einsum_dim(e, "P"), k = einsum_dim(e, "R");
        if (p >= 0 && k >= 0 && rng_below(r, 3) == 0) { /* diagonals */
            for (int i = 0; i < e->n_dims; i++) {
                int want = i == 0 ? p : k;
                int at = i;
                while (i < 2 && order[at] != want) {
                    at = (at + 1) % e->n_dims;
                }
                int t = order[i];
                order[i] = order[at];
                order[at] = t;
            }
        }
        for (int i = 0; i < 4; i++) { /* innermost first, turned around below */
            int d = order[i % 2 < e->n_dims ? i % 2 : 0];
            int64_t rest = (e->bound[d] + stride[d] - 1) / stride[d];
            int64_t b = random_bound(r, rest, units < 8 ? units : 8, imperfect);
            ml->spatial[ml->n_spatial++] = (struct spatial_loop){d, b, i < 2 ? AXIS_Y : AXIS_X};
            stride[d] *= b;
            units /= b;
        }
        for (int i = 0; i < ml->n_spatial / 2; i++) {
            struct spatial_loop t = ml->spatial[i];
            ml->spatial[i] = ml->spatial[ml->n_spatial - 1 - i];
            ml->spatial[ml->n_spatial - 1 - i] = t;
        }
        shuffle(r, order, e->n_dims);
        for (int i = 0; i < e->n_dims; i++) {
            int d = order[i];
            int64_t rest = (e->bound[d] + stride[d] - 1) / stride[d];
            int64_t b = l == levels - 1 ? rest : random_bound(r, rest, rest, imperfect);
            ml->temporal[ml->n_temporal++] = (struct loop){d, b};
            stride[d] *= b;
        }
    }
}

void random_accelerator(struct rng *r, const struct einsum *e, const struct mapping *m, struct accelerator *a)
{
    (void)e;
    memset(a, 0, sizeof *a);
    strcpy(a->name, "random");
    a->n_levels = m->n_levels;
    a->clock_hz = 1e9;
    a->voltage_v = 1;
    a->cores = 1;
    a->core_level = -1;
    int64_t instances = 1;
    for (int l = m->n_levels - 1; l >= 0; l--) {
        struct level *level = &a->level[l];
        snprintf(level->name, sizeof level->name, "L%d", l);
        level->kind = l == m->n_levels - 1 ? LEVEL_DRAM : l == 0 ? LEVEL_REGFILE : LEVEL_SRAM;
        level->capacity_bits = INT64_MAX;
        level->buffering = 1;
        level->fanout_x = level->fanout_y = 1;
        for (int i = 0; i < m->level[l].n_spatial; i++) {
            const struct spatial_loop *s = &m->level[l].spatial[i];
            *(s->axis == AXIS_X ? &level->fanout_x : &level->fanout_y) *= s->bound;
        }
        level->instances = instances;
        instances *= level->fanout_x * level->fanout_y;
        level->word_bits = 8 << rng_below(r, 4);
        level->read_pj = 1 + 10 * l + rng_uniform(r);
        level->write_pj = 2 + 11 * l + rng_uniform(r);
        level->read_bits_per_cycle = rng_below(r, 2) ? (double)INFINITY : 8 * rng_uniform(r) + 1;
        level->write_bits_per_cycle = rng_below(r, 2) ? (double)INFINITY : 8 * rng_uniform(r) + 1;
        level->shared_bits_per_cycle = rng_below(r, 2) ? (double)INFINITY : 16 * rng_uniform(r) + 1;
        level->hop_pj_per_bit = 0.01 + 0.02 * rng_uniform(r);
        level->hops_x = (double)(level->fanout_x - 1) / 2;
        level->hops_y = (double)(level->fanout_y - 1) / 2;
        level->add_pj_per_bit = 0.003;
        level->leak_w = 1e-6;
        level->area_mm2 = 0.01;
        strcpy(level->source, "test");
    }
    a->mac.kind = MAC_FIXED;
    a->mac.instances = instances;
    a->mac.w_bits = a->mac.a_bits = 8;
    a->mac.acc_bits = 24;
    a->mac.mul_pj = 0.2;
    a->mac.add_pj = 0.1;
    a->mac.max_hz = 2e9;
    strcpy(a->mac.source, "test");
    a->leak_w = 1e-3;
    a->area_mm2 = 1;
}
