/* Counts of Gemmini's program, and its cycles. What is known of the hardware and stands here as it is: commands as its unrollers write
 * them (LoopConv.scala, LoopMatmul.scala: inputs and weights are loaded for every macro instruction, outputs leave in rows of a block); a
 * command takes max(rows, 4) steps, or all rows of a block with new weights (ExecuteController.scala); DMA requests are powers of two of
 * at most 64 bytes, on a bus of 16 (DMA.scala); caches have lines of 64 bytes. What is not known are the coefficients, and two sizes of the
 * simulated memory system that cross-validation on the training rows chose (an L2 of 640 KiB fits best, 512 is its nominal size).
 *
 * Caches by reuse distance: going outwards through the loops around the macro instruction, a loop that does not move a tensor finds its
 * lines again when all that the loops inside touch fits, and fetches them anew when not. A step of a power of two between rows uses only
 * every n-th set, so such a tile takes n times its size. */
#include "costmodel/gemmini_work.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define LINE 64
#define BEAT 16
#define L2_BYTES (640.0 * 1024)
#define LLC_BYTES (4096.0 * 1024)
#define SETS 1024
#define BANKS 4

const char *const gemmini_coefficient_names[] = {"beat",       "bank",      "miss_l2", "miss_llc", "store",
                                                 "store_l2",   "store_llc", "cover",   "issue",    "macro_matmul",
                                                 "macro_conv", "latency",   "slot",    "start",    NULL};
_Static_assert(sizeof gemmini_coefficient_names / sizeof *gemmini_coefficient_names == GEMMINI_COEFFICIENTS + 1,
               "a name for each coefficient");

enum { IN, WEIGHTS, OUT, TENSORS };
static const uint32_t moves[TENSORS] = {
    [IN] = 1u << GEMMINI_N | 1u << GEMMINI_C | 1u << GEMMINI_Q | 1u << GEMMINI_P | 1u << GEMMINI_S | 1u << GEMMINI_R,
    [WEIGHTS] = 1u << GEMMINI_K | 1u << GEMMINI_C | 1u << GEMMINI_S | 1u << GEMMINI_R,
    [OUT] = 1u << GEMMINI_N | 1u << GEMMINI_K | 1u << GEMMINI_Q | 1u << GEMMINI_P};
static const uint32_t reductions = 1u << GEMMINI_C | 1u << GEMMINI_S | 1u << GEMMINI_R;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static int64_t tiles_of(const struct gemmini_program *p, enum gemmini_dim d)
{
    return ceil_div(p->bound[d], p->tile[d]);
}

static int64_t tile_at(const struct gemmini_program *p, enum gemmini_dim d, int64_t i)
{
    return least(p->tile[d], p->bound[d] - i * p->tile[d]);
}

static double blocks_of(const struct gemmini_program *p, enum gemmini_dim d)
{
    int64_t n = tiles_of(p, d);
    return (double)((n - 1) * ceil_div(p->tile[d], p->array) + ceil_div(tile_at(p, d, n - 1), p->array));
}

/* Requests and beats for `bytes` in a row, averaged over where a multiple of `grain` may lie in a line. */
struct transfer {
    double requests, beats;
};

static struct transfer transfer_of(int64_t bytes, int64_t grain)
{
    struct transfer t = {0, 0};
    int64_t places = LINE / grain;
    for (int64_t place = 0; place < places; place++) {
        t.requests += (double)ceil_div(place * grain + bytes, LINE);
        for (int64_t at = place * grain, left = bytes; left > 0;) {
            int64_t size = BEAT, read = least(BEAT - at % BEAT, left);
            for (int64_t s = 2 * BEAT; s <= LINE; s *= 2) {
                if (least(s - at % s, left) > read) {
                    size = s;
                    read = least(s - at % s, left);
                }
            }
            t.beats += (double)(size / BEAT);
            at += read;
            left -= read;
        }
    }
    t.requests /= (double)places;
    t.beats /= (double)places;
    return t;
}

static int64_t grain_of(int64_t row)
{
    int64_t g = LINE;
    while (row % g != 0) {
        g /= 2;
    }
    return g;
}

/* A row of all channels of dimension d, loaded tile by tile in chunks of at most `chunk` bytes. */
static struct transfer channels(const struct gemmini_program *p, enum gemmini_dim d, int64_t chunk)
{
    struct transfer sum = {0, 0};
    int64_t n = tiles_of(p, d);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t left = tile_at(p, d, i); left > 0; left -= chunk) {
            struct transfer t = transfer_of(least(chunk, left), grain_of(p->bound[d]));
            sum.requests += t.requests;
            sum.beats += t.beats;
        }
    }
    return sum;
}

/* Rows or columns of inputs that the tiles of `out` and `kernel` load, padding left out. */
static double loaded(const struct gemmini_program *p, enum gemmini_dim out, enum gemmini_dim kernel, int64_t extent)
{
    double sum = 0;
    for (int64_t i = 0; i < tiles_of(p, out); i++) {
        for (int64_t j = 0; j < tiles_of(p, kernel); j++) {
            int64_t at = i * p->tile[out] * p->stride + j * p->tile[kernel] - p->pad;
            int64_t end = at + tile_at(p, out, i) * p->stride + tile_at(p, kernel, j) - 1;
            int64_t inside = least(end, extent) - (at > 0 ? at : 0);
            sum += inside > 0 ? (double)inside : 0;
        }
    }
    return sum;
}

static double steps_of(int64_t rows)
{
    return rows < 4 ? 4 : (double)rows;
}

/* Steps of the array for a row of output columns (or of a matrix), in commands of at most a block; *first: what the first command of each
 * tile takes more, as it brings new weights. */
static double row_steps(const struct gemmini_program *p, double *commands, double *first)
{
    double steps = 0;
    int64_t n = tiles_of(p, GEMMINI_P);
    *commands = *first = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t left = tile_at(p, GEMMINI_P, i);
        *first += (double)p->array - steps_of(least(left, p->array));
        for (; left > 0; left -= p->array) {
            steps += steps_of(least(left, p->array));
            *commands += 1;
        }
    }
    return steps;
}

/* How many sets further the next row lies, as a power of two; 1 when rows are no whole lines. */
static double set_step(int64_t row)
{
    int64_t lines = row / LINE, step = 1;
    if (row % LINE != 0) {
        return 1;
    }
    for (; lines > 0 && lines % 2 == 0 && step < SETS; lines /= 2) {
        step *= 2;
    }
    return (double)step;
}

/* Lines of n rows of `part` bytes each, `row` bytes apart, and the cache that they take. */
struct lines {
    double touched, taken;
};

static struct lines lines_of(int64_t part, int64_t row, double n)
{
    if (part >= row || row < LINE) {
        double all = n * (double)row / LINE;
        return (struct lines){all, all};
    }
    double per = row % LINE == 0 ? (double)ceil_div(part, LINE) : (double)part / LINE + 0.5;
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
    out[IN] = lines_of(e[GEMMINI_C], p->bound[GEMMINI_C], pixels);
    out[WEIGHTS] = lines_of(e[GEMMINI_K], p->bound[GEMMINI_K], taps);
    out[OUT] = lines_of(e[GEMMINI_K], p->bound[GEMMINI_K], outputs);
}

/* Share of lines still there after `lines` others, of a cache of `bytes`; a smooth step. */
static double hit_share(double lines, double bytes)
{
    double x = lines * LINE / bytes;
    x *= x;
    x *= x;
    return 1 / (1 + x * x);
}

/* Lines of each tensor that come from behind a cache of `bytes`. The operator has run before: what fits is there. */
static void misses(const struct gemmini_program *p, double bytes, double *miss)
{
    struct lines now[TENSORS], next[TENSORS];
    int64_t reach[GEMMINI_DIMS];
    uint32_t outside = 0;
    for (int d = 0; d < GEMMINI_DIMS; d++) {
        reach[d] = 1;
    }
    for (int i = 0; i < p->n_loops; i++) {
        outside |= 1u << p->loop[i];
    }
    footprint(p, reach, now);
    for (int t = 0; t < TENSORS; t++) {
        miss[t] = now[t].touched;
    }
    for (int i = 0; i < p->n_loops; i++) {
        enum gemmini_dim d = p->loop[i];
        /* Outputs are written in the last pass of the reduction: they are in the way when none is to come. */
        bool writes = !(reductions >> d & 1) && !(outside & reductions);
        double share = hit_share(now[IN].taken + now[WEIGHTS].taken + (writes ? now[OUT].taken : 0), bytes);
        reach[d] = tiles_of(p, d);
        double n = fmin((double)reach[d], (double)p->bound[d] / (double)p->tile[d]);
        footprint(p, reach, next);
        for (int t = 0; t < TENSORS; t++) {
            double fresh = moves[t] >> d & 1 ? next[t].touched / now[t].touched : 1;
            if (t != OUT || !(reductions >> d & 1)) {
                miss[t] *= fresh + fmax(0, n - fresh) * (1 - share);
            }
        }
        memcpy(now, next, sizeof now);
        outside &= ~(1u << d);
    }
    double share = hit_share(now[IN].taken + now[WEIGHTS].taken + now[OUT].taken, bytes);
    for (int t = 0; t < TENSORS; t++) {
        miss[t] *= 1 - share;
    }
}

void gemmini_count(const struct gemmini_program *p, struct gemmini_work *out)
{
    double n[GEMMINI_DIMS], b[GEMMINI_DIMS], commands, first, miss[TENSORS];
    memset(out, 0, sizeof *out);
    out->macros = 1;
    for (int d = 0; d < GEMMINI_DIMS; d++) {
        assert(p->bound[d] >= 1 && p->tile[d] >= 1);
        n[d] = (double)tiles_of(p, (enum gemmini_dim)d);
        b[d] = (double)p->bound[d];
        out->macros *= n[d];
    }
    int64_t chunk = p->array > LINE ? p->array : LINE;
    double weight_blocks = blocks_of(p, GEMMINI_K) * blocks_of(p, GEMMINI_C) * b[GEMMINI_S] * b[GEMMINI_R];
    double lines = b[GEMMINI_N] * b[GEMMINI_Q]; /* of outputs */
    double steps = row_steps(p, &commands, &first);
    out->matmul = p->matmul;
    out->array = (double)p->array;
    out->rows = weight_blocks * (lines * steps + n[GEMMINI_N] * n[GEMMINI_Q] * first);
    out->computes = weight_blocks * lines * commands;

    struct transfer in = channels(p, GEMMINI_C, chunk), w = channels(p, GEMMINI_K, chunk);
    struct transfer store = p->matmul ? w : channels(p, GEMMINI_K, p->array);
    double pixels = b[GEMMINI_N] * n[GEMMINI_K] * loaded(p, GEMMINI_Q, GEMMINI_S, p->in_rows) *
                    loaded(p, GEMMINI_P, GEMMINI_R, p->in_cols);
    double taps = n[GEMMINI_N] * n[GEMMINI_Q] * n[GEMMINI_P] * b[GEMMINI_S] * b[GEMMINI_R] * b[GEMMINI_C];
    out->in_requests = pixels * in.requests;
    out->in_beats = pixels * in.beats;
    out->w_requests = taps * w.requests;
    out->w_beats = taps * w.beats;
    out->out_requests = lines * b[GEMMINI_P] * store.requests;
    out->in_stride = fmin(BANKS, set_step(p->bound[GEMMINI_C]));
    out->w_stride = fmin(BANKS, set_step(p->bound[GEMMINI_K]));
    out->w_cover = fmin(1, (double)least(p->tile[GEMMINI_K], p->bound[GEMMINI_K]) / LINE);
    misses(p, L2_BYTES, miss);
    out->miss_l2 = miss[IN] + miss[WEIGHTS];
    out->store_l2 = miss[OUT];
    misses(p, LLC_BYTES, miss);
    out->miss_llc = miss[IN] + miss[WEIGHTS];
    out->store_llc = miss[OUT];
}

/* The larger of the two, smoothly: (a^n + b^n)^(1/n). */
static double larger(double a, double b, double n)
{
    double most = fmax(fmax(a, b), 1e-9);
    return most * pow(pow(a / most, n) + pow(b / most, n), 1 / n);
}

void gemmini_parts(const struct gemmini_work *w, const double c[GEMMINI_COEFFICIENTS], double out[GEMMINI_PARTS])
{
    double issue = fmax(4, c[GEMMINI_ISSUE] * w->array) * w->computes;
    out[GEMMINI_EXECUTE] = larger(w->rows, issue, 5);
    out[GEMMINI_LOAD] = larger(c[GEMMINI_BEAT] * w->in_beats, c[GEMMINI_BANK] * w->in_stride * w->in_requests, 6) +
                        larger(c[GEMMINI_BEAT] * w->w_beats, c[GEMMINI_BANK] * w->w_stride * w->w_requests, 6) +
                        c[GEMMINI_MISS_L2] * w->miss_l2 + c[GEMMINI_MISS_LLC] * w->miss_llc;
    out[GEMMINI_WRITE] = c[GEMMINI_STORE] * w->out_requests +
                         c[GEMMINI_STORE_L2] * w->store_l2 * pow(w->w_cover, -c[GEMMINI_COVER]) +
                         c[GEMMINI_STORE_LLC] * w->store_llc;
    out[GEMMINI_PROCESSOR] = w->macros * c[w->matmul ? GEMMINI_MACRO_MATMUL : GEMMINI_MACRO_CONV];
}

double gemmini_cycles(const struct gemmini_work *w, const double c[GEMMINI_COEFFICIENTS])
{
    double part[GEMMINI_PARTS];
    gemmini_parts(w, c, part);
    double memory = part[GEMMINI_LOAD] + part[GEMMINI_WRITE]; /* both use the same bus and caches */
    double all = part[GEMMINI_EXECUTE] + memory + c[GEMMINI_LATENCY] * w->macros;
    /* Two macro instructions are in flight, each takes its place until its outputs have left. */
    const double bound[] = {part[GEMMINI_EXECUTE], memory, part[GEMMINI_PROCESSOR], c[GEMMINI_SLOT] * all};
    double most = 0, sum = 0;
    for (size_t i = 0; i < sizeof bound / sizeof *bound; i++) {
        most = fmax(most, bound[i]);
    }
    for (size_t i = 0; i < sizeof bound / sizeof *bound; i++) {
        sum += pow(bound[i] / most, 12);
    }
    double steady = most * pow(sum, 1.0 / 12);
    /* The first of a convolution loads before it executes and the last stores after; a matrix product overlaps within one. */
    double cycles = w->matmul ? steady : steady * (1 - 1 / w->macros) + all / w->macros;
    return cycles + c[GEMMINI_START];
}
