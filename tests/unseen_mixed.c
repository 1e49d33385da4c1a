/* Two discrete and mixed problems of our own, for which no paper has a formula.
 *
 * KNAP: 60 items, two profits and a weight each, 10 to 100, by a hash of item and column; half of the weight may be carried.
 *
 * CODES: an accelerator and the precision of five layers, in the manner of HWXM but with other terms. Hardware: rows and columns
 * (multiples of 4), buffer (8 KiB * 2^i), dataflow, a second-level buffer or none and its size, clock, voltage, what zeros in the weights
 * are skipped (none, half, all), DRAM bandwidth. A layer: weight and activation bits, tile, density of the weights where zeros are
 * skipped. Objectives: log10 of ms and of mJ, loss in %; constraints: 1.5 W, loss 40 %, 0.1 s; known before: 3 mm2, the clock that the
 * voltage allows. */
#include "tests/unseen.h"

#include <math.h>

static double knapsack_entry(int item, int column)
{
    uint64_t h = (uint64_t)(item * 3 + column + 1) * 0x9E3779B97F4A7C15u;
    h ^= h >> 29;
    h *= 0xBF58476D1CE4E5B9u;
    h ^= h >> 32;
    return 10 + (double)(h % 91);
}

void unseen_knapsack_space(struct space *s)
{
    for (int i = 0; i < 60; i++) {
        problem_levels(s, VARIABLE_ORDERED, 2);
    }
}

void unseen_knapsack(const double *x, double *f, double *g)
{
    double carried = 0, all = 0;
    f[0] = f[1] = 0;
    for (int i = 0; i < 60; i++) {
        f[0] -= x[i] * knapsack_entry(i, 0);
        f[1] -= x[i] * knapsack_entry(i, 1);
        carried += x[i] * knapsack_entry(i, 2);
        all += knapsack_entry(i, 2);
    }
    g[0] = carried / (0.5 * all) - 1;
}

/* The variables of CODES; those of layer k begin at LAYERS + 4 k. */
enum { ROWS, COLS, BUFFER, FLOW, L2, L2_SIZE, GHZ, VOLTS, SPARSE, DRAM, LAYERS, N_LAYERS = 5 };
enum { W_BITS, A_BITS, TILE, DENSITY, LAYER_VARIABLES };

static bool codes_active(const void *ctx, const double *x, int i)
{
    (void)ctx;
    bool density = i >= LAYERS && (i - LAYERS) % LAYER_VARIABLES == DENSITY;
    return i == L2_SIZE ? x[L2] > 0.5 : density ? x[SPARSE] > 0.5 : true;
}

void unseen_codes_space(struct space *s)
{
    problem_levels(s, VARIABLE_ORDERED, 10)->group = 0; /* the array's two sides */
    problem_levels(s, VARIABLE_ORDERED, 10)->group = 0;
    problem_levels(s, VARIABLE_ORDERED, 9);
    problem_levels(s, VARIABLE_CATEGORY, 4);
    problem_levels(s, VARIABLE_CATEGORY, 2);
    problem_levels(s, VARIABLE_ORDERED, 6);
    problem_reals(s, 1, 0.1, 1.5);
    problem_reals(s, 1, 0.5, 1.1);
    problem_levels(s, VARIABLE_CATEGORY, 3);
    problem_levels(s, VARIABLE_ORDERED, 5);
    for (int k = 0; k < N_LAYERS; k++) {
        problem_levels(s, VARIABLE_ORDERED, 5);
        problem_levels(s, VARIABLE_ORDERED, 5);
        problem_levels(s, VARIABLE_ORDERED, 7);
        problem_reals(s, 1, 0.2, 1);
        for (int j = 0; j < LAYER_VARIABLES; j++) {
            struct variable *v = &s->var[LAYERS + LAYER_VARIABLES * k + j];
            v->group = 1 + k;
            v->family = j;
        }
    }
    s->active = codes_active;
}

struct codes {
    double pes, rows, buffer_kb, l2_kb, hz, bytes_s, swing, area_mm2; /* swing: of the voltage's square, 1 at 0.8 V */
    int flow, sparse;
};

static struct codes codes_chip(const double *x)
{
    struct codes c = {.pes = 16 * (x[ROWS] + 1) * (x[COLS] + 1), .rows = 4 * (x[ROWS] + 1)};
    c.buffer_kb = 8 * pow(2, x[BUFFER]);
    c.l2_kb = x[L2] > 0.5 ? 256 * pow(2, x[L2_SIZE]) : 0;
    c.hz = x[GHZ] * 1e9;
    c.bytes_s = 2e9 * pow(2, x[DRAM]);
    c.swing = x[VOLTS] * x[VOLTS] / 0.64;
    c.flow = (int)x[FLOW];
    c.sparse = (int)x[SPARSE];
    c.area_mm2 = 0.5 + c.pes * (0.0006 + 0.0002 * x[SPARSE]) + 0.01 * pow(2, x[BUFFER]);
    c.area_mm2 += x[L2] > 0.5 ? 0.3 * pow(2, 0.7 * x[L2_SIZE]) : 0;
    return c;
}

double unseen_codes_known(const void *ctx, const double *x)
{
    (void)ctx;
    struct codes c = codes_chip(x);
    return fmax(c.area_mm2 / 3 - 1, 0) + fmax(x[GHZ] - 2.2 * (x[VOLTS] - 0.35), 0);
}

/* Adds layer k's time [s], energy [J] and loss; y: its variables. */
static void codes_layer(const struct codes *c, int k, const double *y, double *time, double *energy, double *loss)
{
    static const double macs[N_LAYERS] = {120e6, 260e6, 400e6, 300e6, 90e6}; /* operations */
    static const double weights[N_LAYERS] = {0.01e6, 0.1e6, 0.6e6, 2e6, 4e6};
    static const double acts[N_LAYERS] = {3e6, 1.6e6, 0.8e6, 0.4e6, 0.1e6};
    static const double sensitive[N_LAYERS] = {3, 1, 0.6, 1, 2.5}, bits[] = {2, 3, 4, 6, 8};
    double w = bits[(int)y[W_BITS]], a = bits[(int)y[A_BITS]], tile = pow(2, y[TILE] + 2);
    double density = c->sparse > 0 ? y[DENSITY] : 1;
    double work = macs[k] * (c->sparse == 2 ? density : c->sparse == 1 ? 0.5 + 0.5 * density : 1);
    double misfit = log2(tile / (c->rows * (1 + 0.5 * c->flow))), use = 1 / (1 + 0.3 * misfit * misfit);
    double fit =
        c->flow == 0 ? 1 + 0.04 * k : 1.3 - 0.05 * k; /* the first dataflow for early layers, the others for late */
    double cycles = work / (c->pes * use) * fmax(w, a) / 8 * fit;
    double stored = weights[k] * density * w / 8; /* bytes */
    double again = fmax(1, stored / 1e6 * 1024 * tile / 32 / c->buffer_kb);
    double traffic = (stored + acts[k] * a / 8) * (c->l2_kb > 0 ? pow(again, 1 / (1 + c->l2_kb / 1024)) : again);
    double t = fmax(cycles / c->hz, traffic / c->bytes_s);
    *time += t;
    *energy += work * (0.05 + 0.4 * w * a / 64 + 0.02 * sqrt(c->buffer_kb) / use) * c->swing * 1e-12 +
               traffic * 40e-12 * (c->l2_kb > 0 ? 0.8 : 1) + t * c->area_mm2 * 0.03 * c->swing;
    *loss += sensitive[k] * (pow(2.2, 4 - w) + 0.7 * pow(2.4, 4 - a) + 2.5 * pow(1 - density, 3));
}

void unseen_codes(const double *x, double *f, double *g)
{
    struct codes c = codes_chip(x);
    double time = 0, energy = 0, loss = 0;
    for (int k = 0; k < N_LAYERS; k++) {
        codes_layer(&c, k, x + LAYERS + LAYER_VARIABLES * k, &time, &energy, &loss);
    }
    f[0] = log10(time * 1e3);
    f[1] = log10(energy * 1e3);
    f[2] = 100 * (1 - exp(-0.04 * loss));
    g[0] = energy / time / 1.5 - 1;
    g[1] = f[2] / 40 - 1;
    g[2] = time / 0.1 - 1;
}
