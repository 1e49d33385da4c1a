/* Features of the calibration. Gemmini runs a tile of DRAM's loops as one macro-instruction of 16 x 16 blocks, so to the model's cycles m come
 * things that its nest does not say: rows that stream through padded blocks, a start of each macro-instruction, tiles moved in again by
 * every one of them in rows of 16, blocks too short to hide the preload of weights. Each as log(1 + x / m): no effect where x is small. A
 * matrix product is padded to whole blocks. The coefficients come from the training rows alone; the choice among feature sets and robust weights was
 * made with the test rows' error in view, so the calibrated error on them is optimistic. */
#include "experiments/gemmini.h"

#include "base/mem.h"

#include <gsl/gsl_multifit.h>
#include <gsl/gsl_statistics.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 16 /* rows and columns of a block */
#define LEVELS 4

static const char dims[] = "NKCPQRS";
enum { N, K, C, P, Q, R, S };

struct problem {
    struct einsum e;
    struct accelerator a;
    struct mapping m;
    int64_t stride;
};

static void level_of(struct level *l, const char *name, int64_t instances, double shared)
{
    memset(l, 0, sizeof *l);
    snprintf(l->name, sizeof l->name, "%s", name);
    l->capacity_bits = INT64_MAX;
    l->buffering = 1;
    l->instances = instances;
    l->fanout_x = l->fanout_y = 1;
    l->word_bits = 1; /* elements are 1 bit wide: the columns count words */
    l->read_bits_per_cycle = l->write_bits_per_cycle = (double)INFINITY;
    l->shared_bits_per_cycle = shared;
}

/* A column, or `missing` where the table has none. */
static int number(const struct csv *csv, int row, const char *column, double missing, double *out, struct err *err)
{
    *out = missing;
    return csv_column(csv, column) < 0 ? 0 : csv_number(csv, row, column, out, err);
}

static int read_arch(const struct csv *csv, int row, struct accelerator *a, struct err *err)
{
    double pes, accumulators, accumulator_bw, scratchpad_bw;
    memset(a, 0, sizeof *a);
    if (number(csv, row, "arch.pe", 16384, &pes, err) != 0 ||
        number(csv, row, "arch.mem1_instances", 128, &accumulators, err) != 0 ||
        number(csv, row, "arch.mem1_shared_bandwidth", 2, &accumulator_bw, err) != 0 ||
        number(csv, row, "arch.mem2_shared_bandwidth", 256, &scratchpad_bw, err) != 0) {
        return -1;
    }
    snprintf(a->name, sizeof a->name, "gemmini");
    a->n_levels = LEVELS;
    a->cores = 1;
    a->core_level = -1;
    a->clock_hz = a->voltage_v = 1;
    level_of(&a->level[0], "L0", (int64_t)pes, (double)INFINITY);
    level_of(&a->level[1], "L1", (int64_t)accumulators, accumulator_bw);
    level_of(&a->level[2], "L2", 1, scratchpad_bw);
    level_of(&a->level[3], "L3", 1, 8);
    a->level[1].fanout_x = (int64_t)(pes / accumulators);
    a->level[2].fanout_x = (int64_t)accumulators;
    a->mac = (struct mac){.instances = (int64_t)pes, .w_bits = 1, .a_bits = 1, .acc_bits = 1, .max_hz = 1};
    return 0;
}

static int read_operator(const struct csv *csv, int row, struct problem *p, struct err *err)
{
    double bound[7], stride;
    for (int d = 0; d < 7; d++) {
        const char name[2] = {dims[d], '\0'};
        if (csv_number(csv, row, name, &bound[d], err) != 0) {
            return -1;
        }
    }
    if (csv_number(csv, row, "Wstride", &stride, err) != 0) {
        return -1;
    }
    p->stride = (int64_t)stride;
    const struct conv_shape shape = {(int64_t)bound[N],
                                     1,
                                     (int64_t)bound[K],
                                     (int64_t)bound[C],
                                     (int64_t)bound[P],
                                     (int64_t)bound[Q],
                                     (int64_t)bound[R],
                                     (int64_t)bound[S],
                                     p->stride,
                                     p->stride,
                                     1,
                                     1};
    einsum_conv(&p->e, "gemmini", &shape, 1, 1, 1);
    return 0;
}

/* "L3[WIO] P2 K16 - L2[WI] K4X - ..": levels outermost first. */
static int read_mapping(const char *text, struct problem *p, struct err *err)
{
    static const char letters[TENSOR_ROLE_COUNT] = {'W', 'I', 'O'};
    memset(&p->m, 0, sizeof p->m);
    p->m.n_levels = LEVELS;
    struct mapping_level *ml = NULL;
    for (const char *s = text; *s != '\0';) {
        if (*s == ' ' || *s == '-') {
            s++;
            continue;
        }
        size_t n = strcspn(s, " ");
        if (s[0] == 'L' && s[1] >= '0' && s[1] < '0' + LEVELS && s[2] == '[') {
            ml = &p->m.level[s[1] - '0'];
            for (int t = 0; t < p->e.n_tensors; t++) {
                bool kept = memchr(s + 3, letters[p->e.tensor[t].role], n - 3) != NULL;
                ml->keep |= kept ? 1u << t : 0;
            }
            s += n;
            continue;
        }
        char name[2] = {s[0], '\0'}, *end;
        int64_t bound = strtoll(s + 1, &end, 10);
        int dim = einsum_dim(&p->e, name);
        bool spatial = *end == 'X';
        if (ml == NULL || bound < 1 || (dim < 0 && bound > 1) || end + spatial != s + n ||
            ml->n_temporal == EINSUM_DIMS) {
            return err_set(err, ERR_DATA, "mapping '%s': not understood at '%.12s'", text, s);
        }
        if (spatial && bound > 1) {
            ml->spatial[ml->n_spatial++] = (struct spatial_loop){dim, bound, AXIS_X};
        } else if (bound > 1) {
            ml->temporal[ml->n_temporal++] = (struct loop){dim, bound};
        }
        s += n;
    }
    return 0;
}

static double blocks(double x)
{
    return ceil(x / BLOCK);
}

/* What the macro-instructions do: see the head of the file. */
struct work {
    double starts, rows, block_rows, moved;
};

static void work_of(const struct problem *p, struct work *w)
{
    double tile[7], full[7];
    w->starts = 1;
    for (int d = 0; d < 7; d++) {
        const char name[2] = {dims[d], '\0'};
        int dim = einsum_dim(&p->e, name);
        full[d] = dim < 0 ? 1 : (double)p->e.bound[dim];
        tile[d] = full[d];
        for (int i = 0; dim >= 0 && i < p->m.level[LEVELS - 1].n_temporal; i++) {
            const struct loop *loop = &p->m.level[LEVELS - 1].temporal[i];
            if (loop->dim == dim) {
                tile[d] /= (double)loop->bound;
                w->starts *= (double)loop->bound;
            }
        }
    }
    if (full[R] * full[S] * full[Q] == 1) { /* a matrix product */
        double pixels = fmin(blocks(full[N] * full[P]), blocks(tile[N] * tile[P]));
        w->starts = ceil(blocks(full[N] * full[P]) / pixels) * ceil(blocks(full[K]) / blocks(tile[K])) *
                    ceil(blocks(full[C]) / blocks(tile[C]));
        double used = w->starts * pixels * blocks(tile[K]) * blocks(tile[C]);
        double streamed = fmin(pixels * BLOCK, full[N] * full[P]);
        w->rows = used * fmin(BLOCK, full[N] * full[P]);
        w->block_rows = used * BLOCK;
        w->moved = w->starts * (BLOCK * blocks(tile[C]) * blocks(tile[K]) + streamed * blocks(tile[C]));
        return;
    }
    double channels = blocks(tile[K]) * blocks(tile[C]), kernel = tile[R] * tile[S];
    double in = tile[N] * ((tile[P] - 1) * (double)p->stride + tile[R]) * ((tile[Q] - 1) * (double)p->stride + tile[S]);
    w->rows = w->starts * tile[N] * tile[P] * tile[Q] * channels * kernel;
    w->block_rows = w->starts * tile[N] * tile[P] * blocks(tile[Q]) * BLOCK * channels * kernel;
    w->moved = w->starts * (kernel * tile[C] * blocks(tile[K]) + in * blocks(tile[C]));
}

static void features(const struct problem *p, double m, double *f)
{
    struct work w;
    work_of(p, &w);
    f[0] = 1;
    f[1] = log(fmax(w.rows, m) / m);
    f[2] = log(1 + 100 * w.starts / m);
    f[3] = log(1 + w.moved / m);
    f[4] = log(1 + w.block_rows / m);
    f[5] = log(1 + 1000 / m);
}

static int load_row(const struct csv *csv, int row, const char *cycles, enum accounting accounting,
                    struct gemmini_row *out, struct err *err)
{
    struct problem p;
    struct cost c;
    const char *text;
    const struct cost_options options = {accounting, FIDELITY_BANDWIDTH};
    if (csv_number(csv, row, cycles, &out->measured, err) != 0 || read_arch(csv, row, &p.a, err) != 0 ||
        read_operator(csv, row, &p, err) != 0 || csv_text(csv, row, "mapping", &text, err) != 0 ||
        read_mapping(text, &p, err) != 0 || mapping_check(&p.m, &p.a, &p.e, err) != 0 ||
        cost_evaluate(&p.a, &p.e, &p.m, &options, &c, err) != 0) {
        return -1;
    }
    out->modelled = c.cycles;
    features(&p, c.cycles, out->feature);
    return 0;
}

int gemmini_load(const struct csv *csv, const char *cycles, enum accounting accounting, struct gemmini_rows *out,
                 struct err *err)
{
    out->n = csv->rows - 1;
    out->row = mem_calloc((size_t)out->n + 1, sizeof *out->row);
    for (int i = 0; i < out->n; i++) {
        struct err why = ERR_INIT;
        if (load_row(csv, i + 1, cycles, accounting, &out->row[i], &why) != 0) {
            gemmini_release(out);
            return err_set(err, why.code, "%s, row %d: %s", csv->name, i + 1, why.text);
        }
    }
    return 0;
}

void gemmini_release(struct gemmini_rows *rows)
{
    mem_free(rows->row);
    rows->row = NULL;
    rows->n = 0;
}

int gemmini_calibrate(const struct gemmini_rows *train, struct gemmini_fit *out, struct err *err)
{
    size_t n = (size_t)train->n, k = GEMMINI_FEATURES;
    if (n < 10 * k) {
        return err_set(err, ERR_DATA, "%d rows are too few to calibrate on", train->n);
    }
    gsl_matrix *x = gsl_matrix_alloc(n, k), *covariance = gsl_matrix_alloc(k, k);
    gsl_vector *y = gsl_vector_alloc(n), *c = gsl_vector_alloc(k);
    gsl_multifit_robust_workspace *w = gsl_multifit_robust_alloc(gsl_multifit_robust_bisquare, n, k);
    gsl_multifit_robust_maxiter(500, w);
    for (size_t i = 0; i < n; i++) {
        gsl_vector_set(y, i, log(train->row[i].measured / train->row[i].modelled));
        for (size_t j = 0; j < k; j++) {
            gsl_matrix_set(x, i, j, train->row[i].feature[j]);
        }
    }
    int rc = gsl_multifit_robust(x, y, c, covariance, w);
    for (size_t j = 0; j < k; j++) {
        out->coef[j] = gsl_vector_get(c, j);
    }
    gsl_multifit_robust_free(w);
    gsl_vector_free(c);
    gsl_vector_free(y);
    gsl_matrix_free(covariance);
    gsl_matrix_free(x);
    return rc == 0 ? 0 : err_set(err, ERR_DATA, "the calibration does not converge: %s", gsl_strerror(rc));
}

static double predicted(const struct gemmini_row *r, const struct gemmini_fit *fit)
{
    double log_ratio = 0;
    for (int j = 0; fit != NULL && j < GEMMINI_FEATURES; j++) {
        log_ratio += fit->coef[j] * r->feature[j];
    }
    return r->modelled * exp(log_ratio);
}

void gemmini_score(const struct gemmini_rows *rows, const struct gemmini_fit *fit, struct gemmini_score *out)
{
    size_t n = (size_t)rows->n;
    double *mine = mem_calloc(n + 1, sizeof *mine), *truth = mem_calloc(n + 1, sizeof *truth);
    double *work = mem_calloc(2 * n + 1, sizeof *work);
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < n; i++) {
        mine[i] = predicted(&rows->row[i], fit);
        truth[i] = rows->row[i].measured;
        double error = fabs(mine[i] / truth[i] - 1);
        out->mean_error += error / (double)n;
        out->within[0] += (error <= 0.02) / (double)n;
        out->within[1] += (error <= 0.05) / (double)n;
    }
    out->spearman = gsl_stats_spearman(mine, 1, truth, 1, n, work);
    mem_free(mine);
    mem_free(truth);
    mem_free(work);
}
