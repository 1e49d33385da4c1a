/* Rows of DOSA's tables as Timeloop's Gemmini and as the program that ran on the RTL. */
#include "experiments/gemmini.h"

#include "base/mem.h"

#include <gsl/gsl_sort.h>
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

/* Side of the array that ran the row: the training rows were taken on arrays of 4 x 4 to 64 x 64, each mapping on the smallest that its
 * spatial factors fit (gemmini_data_collection.py, per_pe_dim()); the test rows name theirs. */
static int64_t array_of(const struct csv *csv, const struct problem *p)
{
    int64_t side = 2, most = 1;
    if (csv_column(csv, "arch.meshX") >= 0) {
        return p->a.level[1].instances;
    }
    for (int l = 0; l < LEVELS; l++) {
        for (int i = 0; i < p->m.level[l].n_spatial; i++) {
            most = p->m.level[l].spatial[i].bound > most ? p->m.level[l].spatial[i].bound : most;
        }
    }
    while (side < most) {
        side *= 2;
    }
    return side;
}

/* The program as DOSA's runner made it of the row (extract_data_csv.py, conv_tilings.c, matmul_tilings.c): images are square with P for
 * side, kernels with R, padded by half a kernel; kernels of even side give one output more than P. Tiles of a matrix product are
 * counted in blocks of 16, whatever the array. */
static void program_of(const struct problem *p, int64_t array, struct gemmini_program *out)
{
    static const int order[GEMMINI_DIMS] = {N, K, C, Q, P, S, R};
    memset(out, 0, sizeof *out);
    out->array = array;
    out->stride = 1;
    int64_t bound[7], tile[7];
    int of[EINSUM_DIMS];
    for (int d = 0; d < 7; d++) {
        const char name[2] = {dims[d], '\0'};
        int dim = einsum_dim(&p->e, name);
        bound[d] = dim < 0 ? 1 : p->e.bound[dim];
        tile[d] = 1;
        if (dim >= 0) {
            of[dim] = d;
        }
    }
    for (int l = 0; l < LEVELS - 1; l++) {
        const struct mapping_level *ml = &p->m.level[l];
        for (int i = 0; i < ml->n_temporal; i++) {
            tile[of[ml->temporal[i].dim]] *= ml->temporal[i].bound;
        }
        for (int i = 0; i < ml->n_spatial; i++) {
            tile[of[ml->spatial[i].dim]] *= ml->spatial[i].bound;
        }
    }
    out->matmul = bound[Q] * bound[R] * bound[S] == 1;
    if (out->matmul) {
        for (int d = 0; d < 7; d++) {
            tile[d] = d == P || d == K || d == C ? (tile[d] < BLOCK ? 1 : tile[d] / BLOCK) * array : 1;
        }
        out->in_rows = 1;
        out->in_cols = bound[P];
    } else {
        out->stride = p->stride;
        out->pad = bound[R] / 2;
        out->in_rows = out->in_cols = bound[P] * p->stride;
        bound[P] = bound[Q] = (out->in_rows - bound[R] + 2 * out->pad) / p->stride + 1;
        bound[S] = bound[R];
    }
    for (int g = 0; g < GEMMINI_DIMS; g++) {
        out->bound[g] = bound[order[g]];
        out->tile[g] = tile[order[g]];
    }
    gemmini_loops(out, &p->e, &p->m.level[LEVELS - 1]);
}

/* Whether some macro instruction lies in the padding alone, which the runner does not expect: the unsigned sizes that it then hands over wrap
 * and the hardware moves a hundred times as much. */
static bool broken(const struct gemmini_program *p)
{
    for (enum gemmini_dim out = GEMMINI_Q, kernel = GEMMINI_S; out <= GEMMINI_P; out++, kernel++) {
        for (int64_t at = 0; at < p->bound[out]; at += p->tile[out]) {
            for (int64_t tap = 0; tap < p->bound[kernel]; tap += p->tile[kernel]) {
                int64_t outs = p->bound[out] - at < p->tile[out] ? p->bound[out] - at : p->tile[out];
                int64_t taps = p->bound[kernel] - tap < p->tile[kernel] ? p->bound[kernel] - tap : p->tile[kernel];
                int64_t first = at * p->stride + tap - p->pad, n = outs * p->stride + taps - 1;
                int64_t before = first < 0 ? -first : 0, after = first + n - p->in_rows;
                if (before + (after > 0 ? after : 0) > n) {
                    return true;
                }
            }
        }
    }
    return false;
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
    snprintf(out->mapping, sizeof out->mapping, "%s", text);
    struct gemmini_program program;
    program_of(&p, array_of(csv, &p), &program);
    out->modelled = c.cycles;
    out->usable = program.array == BLOCK && !broken(&program);
    gemmini_count(&program, &out->work);
    return 0;
}

static int name_of(const struct csv *csv, int row, char *out, size_t size, struct err *err)
{
    static const char *const columns[] = {"N", "K", "C", "P", "Q", "R", "S", "Wstride"};
    size_t len = 0;
    for (size_t c = 0; c < sizeof columns / sizeof *columns && len < size; c++) {
        const char *cell;
        if (csv_text(csv, row, columns[c], &cell, err) != 0) {
            return -1;
        }
        len += (size_t)snprintf(out + len, size - len, "%s%s", c > 0 ? "," : "", cell);
    }
    return 0;
}

int gemmini_load(const struct csv *csv, const char *cycles, enum accounting accounting, struct gemmini_rows *out,
                 struct err *err)
{
    memset(out, 0, sizeof *out);
    out->held_out = csv_column(csv, "set") >= 0;
    out->row = mem_calloc((size_t)csv->rows, sizeof *out->row);
    for (int i = 0; i < csv->rows - 1; i++) {
        struct err why = ERR_INIT;
        struct gemmini_row *r = &out->row[i];
        out->n++;
        if (load_row(csv, i + 1, cycles, accounting, r, &why) != 0 ||
            name_of(csv, i + 1, r->name, sizeof r->name, &why) != 0) {
            gemmini_release(out);
            return err_set(err, why.code, "%s, row %d: %s", csv->name, i + 1, why.text);
        }
        r->layer = out->n_layers;
        for (int j = i - 1; j >= 0; j--) {
            if (strcmp(r->name, out->row[j].name) == 0) {
                r->layer = out->row[j].layer;
                break;
            }
        }
        out->n_layers += r->layer == out->n_layers;
    }
    return 0;
}

static int network_number(struct gemmini_rows *io, const char *name, struct err *err)
{
    for (int n = 0; n < io->n_networks; n++) {
        if (strcmp(io->network[n], name) == 0) {
            return n;
        }
    }
    if (io->n_networks == GEMMINI_NETWORKS) {
        err_set(err, ERR_DATA, "more than %d networks", GEMMINI_NETWORKS);
        return -1;
    }
    snprintf(io->network[io->n_networks], sizeof io->network[0], "%s", name);
    return io->n_networks++;
}

int gemmini_networks(const struct csv *csv, struct gemmini_rows *io, struct err *err)
{
    for (int i = 0; i < io->n; i++) {
        struct gemmini_row *r = &io->row[i];
        const char *network = NULL;
        for (int k = 1; k < csv->rows && network == NULL; k++) {
            char name[sizeof r->name];
            if (name_of(csv, k, name, sizeof name, err) != 0) {
                return -1;
            }
            if (strcmp(name, r->name) == 0 && csv_text(csv, k, "network", &network, err) != 0) {
                return -1;
            }
        }
        if (network == NULL) {
            return err_set(err, ERR_DATA, "%s: no row for operator %s", csv->name, r->name);
        }
        r->network = network_number(io, network, err);
        if (r->network < 0) {
            return -1;
        }
    }
    return 0;
}

void gemmini_release(struct gemmini_rows *rows)
{
    for (int i = 0; i < rows->n; i++) {
        gemmini_work_release(&rows->row[i].work);
    }
    mem_free(rows->row);
    rows->row = NULL;
    rows->n = 0;
}

static double predicted(const struct gemmini_row *r, const struct calibration *k)
{
    return k == NULL ? r->modelled : gemmini_cycles(&r->work, k);
}

void gemmini_score(const struct gemmini_rows *rows, const struct calibration *k, struct gemmini_score *out)
{
    size_t n = (size_t)rows->n;
    double *mine = mem_calloc(n + 1, sizeof *mine), *truth = mem_calloc(n + 1, sizeof *truth);
    double *work = mem_calloc(2 * n + 1, sizeof *work), *errors = mem_calloc(n + 1, sizeof *errors);
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < n; i++) {
        mine[i] = predicted(&rows->row[i], k);
        truth[i] = rows->row[i].measured;
        double error = fabs(mine[i] / truth[i] - 1);
        errors[i] = error;
        out->mean_error += error / (double)n;
        out->within[0] += (error <= 0.02) / (double)n;
        out->within[1] += (error <= 0.05) / (double)n;
    }
    out->spearman = gsl_stats_spearman(mine, 1, truth, 1, n, work);
    gsl_sort(errors, 1, n);
    out->median_error = gsl_stats_median_from_sorted_data(errors, 1, n);
    mem_free(errors);
    mem_free(mine);
    mem_free(truth);
    mem_free(work);
}
