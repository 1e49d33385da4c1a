/* Caches by reuse distance: going outwards through the loops around the macro instruction, a loop that does not move a tensor finds its
 * lines again when all that the loops inside touch fits, and fetches them anew when not. A step of a power of two between rows uses only
 * every n-th set, so such a tile takes n times its size. */
#include "costmodel/gemmini_cache.h"

#include <math.h>
#include <string.h>

#define SETS 1024
#define BANKS 4

static const uint32_t moves[GEMMINI_TENSORS] = {
    [GEMMINI_IN] =
        1u << GEMMINI_N | 1u << GEMMINI_C | 1u << GEMMINI_Q | 1u << GEMMINI_P | 1u << GEMMINI_S | 1u << GEMMINI_R,
    [GEMMINI_W] = 1u << GEMMINI_K | 1u << GEMMINI_C | 1u << GEMMINI_S | 1u << GEMMINI_R,
    [GEMMINI_OUT] = 1u << GEMMINI_N | 1u << GEMMINI_K | 1u << GEMMINI_Q | 1u << GEMMINI_P};
static const uint32_t reductions = 1u << GEMMINI_C | 1u << GEMMINI_S | 1u << GEMMINI_R;

/* How many sets further the next row lies, as a power of two; 1 when rows are no whole lines. */
static double set_step(int64_t row)
{
    int64_t lines = row / GEMMINI_LINE, step = 1;
    if (row % GEMMINI_LINE != 0) {
        return 1;
    }
    for (; lines > 0 && lines % 2 == 0 && step < SETS; lines /= 2) {
        step *= 2;
    }
    return (double)step;
}

double gemmini_bank_step(int64_t row)
{
    return fmin(BANKS, set_step(row));
}

/* Lines of n rows of `part` bytes each, `row` bytes apart, and the cache that they take. */
struct lines {
    double touched, taken;
};

static struct lines lines_of(int64_t part, int64_t row, double n)
{
    if (part >= row || row < GEMMINI_LINE) {
        double all = n * (double)row / GEMMINI_LINE;
        return (struct lines){all, all};
    }
    double per = row % GEMMINI_LINE == 0 ? (double)ceil_div(part, GEMMINI_LINE) : (double)part / GEMMINI_LINE + 0.5;
    return (struct lines){n * per, n * per * fmax(1, set_step(row) / per)};
}

/* What macro instructions touch when the loops inside run: reach[d] tiles of each dimension. */
static void footprint(const struct gemmini_program *p, const int64_t *reach, struct lines *out)
{
    int64_t e[GEMMINI_DIMS];
    for (int d = 0; d < GEMMINI_DIMS; d++) {
        e[d] = least(p->bound[d], reach[d] * p->tile[d]);
    }
    int64_t rows = least(p->in_rows, e[GEMMINI_Q] * p->stride + e[GEMMINI_S] - 1);
    int64_t cols = least(p->in_cols, e[GEMMINI_P] * p->stride + e[GEMMINI_R] - 1);
    double pixels = (double)e[GEMMINI_N] * (double)rows * (double)cols;
    double outputs = (double)e[GEMMINI_N] * (double)e[GEMMINI_Q] * (double)e[GEMMINI_P];
    double taps = (double)e[GEMMINI_S] * (double)e[GEMMINI_R] * (double)e[GEMMINI_C];
    out[GEMMINI_IN] = lines_of(e[GEMMINI_C], p->bound[GEMMINI_C], pixels);
    out[GEMMINI_W] = lines_of(e[GEMMINI_K], p->bound[GEMMINI_K], taps);
    out[GEMMINI_OUT] = lines_of(e[GEMMINI_K], p->bound[GEMMINI_K], outputs);
}

/* Share of lines still there after `lines` others, of a cache of `bytes`; a smooth step. */
static double hit_share(double lines, double bytes)
{
    double x = lines * GEMMINI_LINE / bytes;
    x *= x;
    x *= x;
    return 1 / (1 + x * x);
}

void gemmini_misses(const struct gemmini_program *p, double bytes, double miss[GEMMINI_TENSORS])
{
    struct lines now[GEMMINI_TENSORS], next[GEMMINI_TENSORS];
    int64_t reach[GEMMINI_DIMS];
    uint32_t outside = 0;
    for (int d = 0; d < GEMMINI_DIMS; d++) {
        reach[d] = 1;
    }
    for (int i = 0; i < p->n_loops; i++) {
        outside |= 1u << p->loop[i];
    }
    footprint(p, reach, now);
    for (int t = 0; t < GEMMINI_TENSORS; t++) {
        miss[t] = now[t].touched;
    }
    for (int i = 0; i < p->n_loops; i++) {
        enum gemmini_dim d = p->loop[i];
        /* Outputs are written in the last pass of the reduction: they are in the way when none is to come. */
        bool writes = !(reductions >> d & 1) && !(outside & reductions);
        double share =
            hit_share(now[GEMMINI_IN].taken + now[GEMMINI_W].taken + (writes ? now[GEMMINI_OUT].taken : 0), bytes);
        reach[d] = gemmini_tiles(p, d);
        double n = fmin((double)reach[d], (double)p->bound[d] / (double)p->tile[d]);
        footprint(p, reach, next);
        for (int t = 0; t < GEMMINI_TENSORS; t++) {
            double fresh = moves[t] >> d & 1 ? next[t].touched / now[t].touched : 1;
            if (t != GEMMINI_OUT || !(reductions >> d & 1)) {
                miss[t] *= fresh + fmax(0, n - fresh) * (1 - share);
            }
        }
        memcpy(now, next, sizeof now);
        outside &= ~(1u << d);
    }
    double share = hit_share(now[GEMMINI_IN].taken + now[GEMMINI_W].taken + now[GEMMINI_OUT].taken, bytes);
    for (int t = 0; t < GEMMINI_TENSORS; t++) {
        miss[t] *= 1 - share;
    }
}
