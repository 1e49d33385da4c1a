/* What keeps the calibration inside its domain, and a mapping as Gemmini's program: the tile of the scratchpad is the macro instruction, the
 * loops of main memory run around it. The machine's memory behind the scratchpad is that of the simulation: 16 bytes a cycle to an L2 cache
 * of 512 KiB and a last level of 4 MiB before DDR3; the accelerator's own bandwidths are not looked at. */
#include "costmodel/calibrated.h"

#include <math.h>
#include <string.h>

#define SIDE 16
#define LEVELS 4

static const char letters[GEMMINI_DIMS][2] = {"N", "K", "C", "Q", "P", "S", "R"};

static void add_loop(struct gemmini_program *p, int d)
{
    for (int i = 0; i < p->n_loops; i++) {
        if (p->loop[i] == (enum gemmini_dim)d) {
            return;
        }
    }
    if (p->tile[d] < p->bound[d]) {
        p->loop[p->n_loops++] = (enum gemmini_dim)d;
    }
}

void gemmini_loops(struct gemmini_program *p, const struct einsum *e, const struct mapping_level *outermost)
{
    static const int rest[GEMMINI_DIMS] = {GEMMINI_C, GEMMINI_R, GEMMINI_S, GEMMINI_K, GEMMINI_P, GEMMINI_Q, GEMMINI_N};
    p->n_loops = 0;
    for (int i = outermost->n_temporal - 1; i >= 0; i--) {
        for (int d = 0; d < GEMMINI_DIMS; d++) {
            if (strcmp(e->dim[outermost->temporal[i].dim], letters[d]) == 0) {
                add_loop(p, d);
            }
        }
    }
    for (int i = 0; i < GEMMINI_DIMS; i++) {
        add_loop(p, rest[i]);
    }
}

/* Coefficient of dimension `dim` in the inputs; 0 when it is not there. */
static int64_t step_of(const struct einsum *e, const char *dim)
{
    int d = einsum_dim(e, dim);
    for (int t = 0; t < e->n_tensors; t++) {
        const struct einsum_tensor *tensor = &e->tensor[t];
        for (int r = 0; r < tensor->n_ranks && tensor->role == TENSOR_INPUTS; r++) {
            for (int i = 0; i < tensor->rank[r].n_terms; i++) {
                if (tensor->rank[r].term[i].dim == d) {
                    return tensor->rank[r].term[i].coef;
                }
            }
        }
    }
    return 0;
}

static int check_machine(const struct accelerator *a, const struct einsum *e, const struct mapping *m, struct err *err)
{
    static const uint32_t kept[LEVELS] = {1u << TENSOR_WEIGHTS, 1u << TENSOR_OUTPUTS,
                                          1u << TENSOR_WEIGHTS | 1u << TENSOR_INPUTS,
                                          1u << TENSOR_WEIGHTS | 1u << TENSOR_INPUTS | 1u << TENSOR_OUTPUTS};
    static const char *const words[LEVELS] = {"weights", "outputs", "weights and inputs", "everything"};
    if (a->mac.instances != (int64_t)SIDE * SIDE || a->mac.kind != MAC_FIXED || a->mac.w_bits > 8 ||
        a->mac.a_bits > 8 || a->n_levels != LEVELS) {
        return err_set(err, ERR_DATA,
                       "the calibrated fidelity holds for Gemmini's weight-stationary array: four levels and 16 x 16 "
                       "fixed MACs of 8 bits; '%s' has %d levels and %lld MACs of %d bits",
                       a->name, a->n_levels, (long long)a->mac.instances, a->mac.w_bits);
    }
    for (int l = 0; l < LEVELS; l++) {
        uint32_t roles = 0;
        for (int t = 0; t < e->n_tensors; t++) {
            roles |= m->level[l].keep >> t & 1 ? 1u << e->tensor[t].role : 0;
        }
        if (roles != kept[l]) {
            return err_set(err, ERR_DATA,
                           "the calibrated fidelity holds for Gemmini's dataflow, in which level '%s' keeps %s alone; "
                           "this mapping keeps something else there",
                           a->level[l].name, words[l]);
        }
    }
    return 0;
}

static int check_operator(const struct einsum *e, const struct mapping *m, struct err *err)
{
    for (int d = 0; d < e->n_dims; d++) {
        bool known = false;
        for (int g = 0; g < GEMMINI_DIMS; g++) {
            known = known || strcmp(e->dim[d], letters[g]) == 0;
        }
        if (!known && e->bound[d] > 1) {
            return err_set(err, ERR_DATA,
                           "the calibrated fidelity knows convolutions and matrix products of Gemmini, without "
                           "dimension '%s' of operator '%s'",
                           e->dim[d], e->name);
        }
    }
    if (step_of(e, "R") > 1 || step_of(e, "S") > 1 || step_of(e, "P") != step_of(e, "Q")) {
        return err_set(err, ERR_DATA,
                       "the calibrated fidelity knows no dilation and equal strides only; operator '%s' has others",
                       e->name);
    }
    for (int l = 0; l < LEVELS; l++) {
        for (int i = 0; i < m->level[l].n_spatial; i++) {
            const char *dim = e->dim[m->level[l].spatial[i].dim];
            if (m->level[l].spatial[i].bound > 1 && strcmp(dim, "K") != 0 && strcmp(dim, "C") != 0) {
                return err_set(err, ERR_DATA,
                               "the calibrated fidelity holds for Gemmini's array, which spreads C and K; this mapping "
                               "spreads %s",
                               dim);
            }
        }
    }
    return 0;
}

static void program_of(const struct einsum *e, const struct mapping *m, struct gemmini_program *out)
{
    memset(out, 0, sizeof *out);
    out->array = SIDE;
    for (int g = 0; g < GEMMINI_DIMS; g++) {
        int d = einsum_dim(e, letters[g]);
        out->bound[g] = d < 0 ? 1 : e->bound[d];
        out->tile[g] = 1;
        for (int l = 0; l < LEVELS - 1; l++) {
            for (int i = 0; i < m->level[l].n_temporal; i++) {
                out->tile[g] *= m->level[l].temporal[i].dim == d ? m->level[l].temporal[i].bound : 1;
            }
            for (int i = 0; i < m->level[l].n_spatial; i++) {
                out->tile[g] *= m->level[l].spatial[i].dim == d ? m->level[l].spatial[i].bound : 1;
            }
        }
        out->tile[g] = out->tile[g] < out->bound[g] ? out->tile[g] : out->bound[g];
    }
    out->matmul = out->bound[GEMMINI_Q] * out->bound[GEMMINI_R] * out->bound[GEMMINI_S] == 1;
    int64_t stride = step_of(e, "P");
    out->stride = stride > 0 && !out->matmul ? stride : 1;
    out->in_rows = (out->bound[GEMMINI_Q] - 1) * out->stride + out->bound[GEMMINI_S];
    out->in_cols = (out->bound[GEMMINI_P] - 1) * out->stride + out->bound[GEMMINI_R];
    for (int g = 0; g < GEMMINI_DIMS && out->matmul; g++) {
        if (g == GEMMINI_P || g == GEMMINI_K || g == GEMMINI_C) {
            out->tile[g] = (out->tile[g] + SIDE - 1) / SIDE * SIDE;
        }
    }
    gemmini_loops(out, e, &m->level[LEVELS - 1]);
}

int cost_calibrate(const struct calibration *k, const struct accelerator *a, const struct einsum *e,
                   const struct mapping *m, struct cost *io, struct err *err)
{
    struct gemmini_program p;
    struct gemmini_work w;
    double part[GEMMINI_PARTS];
    if (check_machine(a, e, m, err) != 0 || check_operator(e, m, err) != 0) {
        return -1;
    }
    program_of(e, m, &p);
    gemmini_count(&p, &w);
    double cycles = ceil(gemmini_cycles(&w, k));
    io->utilization *= io->cycles / cycles;
    io->energy_pj -= io->leak_pj;
    io->leak_pj = a->leak_w * 1e12 * (cycles / a->clock_hz);
    io->energy_pj += io->leak_pj;
    io->cycles = cycles;
    gemmini_parts(&w, k, part);
    gemmini_work_release(&w);
    double memory = part[GEMMINI_LOAD] + part[GEMMINI_WRITE];
    io->binding = memory > fmax(part[GEMMINI_EXECUTE], part[GEMMINI_PROCESSOR]) ? m->n_levels - 1 : -1;
    io->fidelity = FIDELITY_CALIBRATED;
    return 0;
}
