/* Counts of Gemmini's program. What is known of the hardware and stands here as it is: commands as its unrollers write them
 * (LoopConv.scala, LoopMatmul.scala: inputs and weights are loaded for every macro instruction; padding, and the accumulators before the
 * first sum of a convolution, are loads of zeros; outputs leave in rows of a block with the last sum); a command takes max(rows, 4) steps,
 * or all rows of a block with new weights (ExecuteController.scala); DMA requests are powers of two of at most 64 bytes, on a bus of 16
 * (DMA.scala). Macro instructions are not alike: those of the edges are small, those with the first and the last sums do more, and the
 * longest of loads, array and processor is a matter of each. So they are counted kind by kind. */
#include "costmodel/gemmini_work.h"

#include "base/mem.h"
#include "costmodel/gemmini_cache.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define LINE GEMMINI_LINE
#define BEAT 16

int64_t gemmini_tiles(const struct gemmini_program *p, enum gemmini_dim d)
{
    return ceil_div(p->bound[d], p->tile[d]);
}

static int64_t tile_at(const struct gemmini_program *p, enum gemmini_dim d, int64_t i)
{
    return least(p->tile[d], p->bound[d] - i * p->tile[d]);
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

/* `bytes` of a row whose length is `row`, in chunks of at most `chunk`. */
static struct transfer channels(int64_t bytes, int64_t row, int64_t chunk)
{
    struct transfer sum = {0, 0};
    for (; bytes > 0; bytes -= chunk) {
        struct transfer t = transfer_of(least(chunk, bytes), grain_of(row));
        sum.requests += t.requests;
        sum.beats += t.beats;
    }
    return sum;
}

static double steps_of(int64_t rows)
{
    return rows < 4 ? 4 : (double)rows;
}

/* Tiles of an axis of the image that do alike: out rows (or columns) of outputs, taps of the kernel; of the inputs the rows that are
 * loaded and those of padding, and the load commands for each, in the mean over the n tiles. */
struct piece {
    int64_t out, taps;
    bool first, last; /* of the kernel's tiles */
    double n, inside, outside, commands;
};
enum { PIECES = 8 };

static int pieces_of(const struct gemmini_program *p, enum gemmini_dim out, enum gemmini_dim kernel, int64_t extent,
                     int64_t most, struct piece *list)
{
    int n = 0;
    for (int64_t j = 0; j < gemmini_tiles(p, kernel); j++) {
        for (int64_t i = 0; i < gemmini_tiles(p, out); i++) {
            struct piece new = {.out = tile_at(p, out, i),
                                .taps = tile_at(p, kernel, j),
                                .first = j == 0,
                                .last = j == gemmini_tiles(p, kernel) - 1};
            int64_t at = i * p->tile[out] * p->stride + j * p->tile[kernel] - p->pad;
            int64_t end = at + new.out * p->stride + new.taps - 1;
            int64_t before = at < 0 ? -at : 0, after = end > extent ? end - extent : 0;
            int64_t inside = end - at - before - after;
            int k = 0;
            while (k < n && (list[k].out != new.out || list[k].taps != new.taps || list[k].first != new.first ||
                             list[k].last != new.last)) {
                k++;
            }
            assert(k < PIECES);
            if (k == n) {
                list[n++] = new;
            }
            list[k].n += 1;
            list[k].inside += inside > 0 ? (double)inside : 0;
            list[k].commands += inside > 0 ? (double)ceil_div(inside, most) : 0;
            list[k].outside += (double)(before + after);
        }
    }
    for (int k = 0; k < n; k++) {
        list[k].inside /= list[k].n;
        list[k].commands /= list[k].n;
        list[k].outside /= list[k].n;
    }
    return n;
}

/* Tiles of an axis of equal size, and of equal place as far as first and last go. */
static int sizes_of(const struct gemmini_program *p, enum gemmini_dim d, bool places, struct piece *list)
{
    int64_t n = gemmini_tiles(p, d), full = tile_at(p, d, 0), rest = tile_at(p, d, n - 1);
    int k = 0;
    if (n == 1 || (!places && rest == full)) {
        list[k++] = (struct piece){.out = full, .first = true, .last = true, .n = (double)n};
        return k;
    }
    if (places) {
        list[k++] = (struct piece){.out = full, .first = true, .n = 1};
    }
    if (n > 2 || !places) {
        list[k++] = (struct piece){.out = full, .n = (double)(n - 1 - places)};
    }
    list[k++] = (struct piece){.out = rest, .last = true, .n = 1};
    return k;
}

/* Steps of the array for all outputs of a macro instruction and one block of weights, in commands of at most a block: the first command
 * brings the weights. */
static void array_steps(const struct gemmini_program *p, double lines, int64_t columns, struct gemmini_macro *out)
{
    double steps = 0, commands = 0;
    for (int64_t left = columns; left > 0; left -= p->array) {
        steps += steps_of(least(left, p->array));
        commands += 1;
    }
    out->rows = lines * steps + (double)p->array - steps_of(least(columns, p->array));
    out->computes = lines * commands;
}

static void count_macro(const struct gemmini_program *p, const struct piece *n, const struct piece *k,
                        const struct piece *c, const struct piece *y, const struct piece *x, struct gemmini_macro *out)
{
    int64_t chunk = p->array > LINE ? p->array : LINE;
    double images = (double)n->out, taps = (double)(y->taps * x->taps);
    double lines = images * (double)y->out;
    double blocks = taps * (double)(ceil_div(k->out, p->array) * ceil_div(c->out, p->array));
    memset(out, 0, sizeof *out);
    out->n = n->n * k->n * c->n * y->n * x->n;
    array_steps(p, lines, x->out, out);
    out->rows *= blocks;
    out->computes *= blocks;

    struct transfer in = channels(c->out, p->bound[GEMMINI_C], chunk), w = channels(k->out, p->bound[GEMMINI_K], chunk);
    double pixels = images * y->inside * x->inside, pieces = images * (double)ceil_div(c->out, chunk);
    out->in_requests = pixels * in.requests;
    out->in_beats = pixels * in.beats;
    out->w_requests = taps * (double)c->out * w.requests;
    out->w_beats = taps * (double)c->out * w.beats;
    out->in_loads = pieces * y->commands * x->commands;
    out->w_loads = taps * (double)(ceil_div(c->out, p->array) * ceil_div(k->out, chunk));
    bool first = c->first && y->first && x->first, last = c->last && y->last && x->last;
    if (!p->matmul) {
        out->zero_rows = pieces * (y->outside * (x->inside + x->outside) + y->inside * x->outside);
    }
    if (!p->matmul && first) {
        out->zero_rows += lines * (double)x->out * (double)ceil_div(k->out, p->array);
    }
    if (last) {
        int64_t width = p->matmul ? chunk : p->array;
        out->out_requests = lines * (double)x->out * channels(k->out, p->bound[GEMMINI_K], width).requests;
    }
}

static void count_kinds(const struct gemmini_program *p, struct gemmini_work *out)
{
    struct piece n[PIECES], k[PIECES], c[PIECES], y[PIECES], x[PIECES];
    int nn = sizes_of(p, GEMMINI_N, false, n), nk = sizes_of(p, GEMMINI_K, false, k);
    int nc = sizes_of(p, GEMMINI_C, true, c);
    int ny = pieces_of(p, GEMMINI_Q, GEMMINI_S, p->in_rows, 1, y);
    int nx = pieces_of(p, GEMMINI_P, GEMMINI_R, p->in_cols, p->array, x);
    out->n_kinds = nn * nk * nc * ny * nx;
    out->kind = mem_calloc((size_t)out->n_kinds, sizeof *out->kind);
    for (int i = 0; i < out->n_kinds; i++) {
        int at = i, ix = at % nx, iy = (at /= nx) % ny, ic = (at /= ny) % nc, ik = (at /= nc) % nk;
        count_macro(p, &n[at / nk], &k[ik], &c[ic], &y[iy], &x[ix], &out->kind[i]);
        out->macros += out->kind[i].n;
    }
}

/* Shares the lines that miss out over the kinds, by what each loads. */
static void spread_misses(const double *l2, const double *llc, struct gemmini_work *out)
{
    double in = 0, w = 0, stored = 0;
    for (int i = 0; i < out->n_kinds; i++) {
        const struct gemmini_macro *m = &out->kind[i];
        in += m->n * m->in_requests;
        w += m->n * m->w_requests;
        stored += m->n * m->out_requests;
    }
    for (int i = 0; i < out->n_kinds; i++) {
        struct gemmini_macro *m = &out->kind[i];
        m->in_l2 = in > 0 ? l2[GEMMINI_IN] * m->in_requests / in : 0;
        m->in_llc = in > 0 ? llc[GEMMINI_IN] * m->in_requests / in : 0;
        m->w_l2 = l2[GEMMINI_W] * m->w_requests / w;
        m->w_llc = llc[GEMMINI_W] * m->w_requests / w;
        m->out_l2 = l2[GEMMINI_OUT] * m->out_requests / stored;
        m->out_llc = llc[GEMMINI_OUT] * m->out_requests / stored;
    }
}

static void average(struct gemmini_work *w)
{
    struct gemmini_macro *m = &w->mean;
    for (int i = 0; i < w->n_kinds; i++) {
        const struct gemmini_macro *k = &w->kind[i];
        double share = k->n / w->macros;
        m->n += k->n;
        m->rows += share * k->rows;
        m->computes += share * k->computes;
        m->in_beats += share * k->in_beats;
        m->in_requests += share * k->in_requests;
        m->w_beats += share * k->w_beats;
        m->w_requests += share * k->w_requests;
        m->in_loads += share * k->in_loads;
        m->w_loads += share * k->w_loads;
        m->zero_rows += share * k->zero_rows;
        m->out_requests += share * k->out_requests;
        m->in_l2 += share * k->in_l2;
        m->w_l2 += share * k->w_l2;
        m->out_l2 += share * k->out_l2;
        m->in_llc += share * k->in_llc;
        m->w_llc += share * k->w_llc;
        m->out_llc += share * k->out_llc;
    }
}

void gemmini_count(const struct gemmini_program *p, struct gemmini_work *out)
{
    double l2[GEMMINI_TENSORS], llc[GEMMINI_TENSORS];
    memset(out, 0, sizeof *out);
    out->matmul = p->matmul;
    out->array = (double)p->array;
    out->in_stride = gemmini_bank_step(p->bound[GEMMINI_C]);
    out->w_stride = gemmini_bank_step(p->bound[GEMMINI_K]);
    out->w_cover = fmin(1, (double)least(p->tile[GEMMINI_K], p->bound[GEMMINI_K]) / LINE);
    count_kinds(p, out);
    gemmini_misses(p, GEMMINI_L2_BYTES, l2);
    gemmini_misses(p, GEMMINI_LLC_BYTES, llc);
    spread_misses(l2, llc, out);
    average(out);
}

void gemmini_work_release(struct gemmini_work *w)
{
    mem_free(w->kind);
    w->kind = NULL;
    w->n_kinds = 0;
}
