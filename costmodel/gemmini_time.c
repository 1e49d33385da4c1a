/* The machine as it is described (LoopConv.scala, LoopMatmul.scala, Controller.scala): two macro instructions are in flight; loads, array and
 * stores of one follow each other, in a matrix product they overlap in part; loads and stores of all use one bus and one cache. */
#include "costmodel/gemmini_time.h"

#include <math.h>
#include <stddef.h>

const char *const gemmini_coefficient_names[] = {
    "beat",       "bank_in", "bank_w",   "bank_matmul", "miss_l2", "miss_llc", "load_command",
    "zero_row",   "store",   "store_l2", "store_llc",   "cover",   "issue",    "macro_matmul",
    "macro_conv", "latency", "slot",     "slot_matmul", "start",   NULL};
_Static_assert(sizeof gemmini_coefficient_names / sizeof *gemmini_coefficient_names == GEMMINI_COEFFICIENTS + 1,
               "a name for each coefficient");

/* The larger of the two, smoothly: (a^8 + b^8)^(1/8). */
static double larger(double a, double b)
{
    double most = fmax(a, b), r = fmin(a, b) / fmax(most, 1e-9);
    r *= r;
    r *= r;
    return most * sqrt(sqrt(sqrt(1 + r * r)));
}

/* The coefficients that this form uses for this operator. */
struct rates {
    double bank_in, bank_w; /* what a request costs more, as its rows step over banks */
    double command, zero_row, cover, issue, processor, slot;
    bool one_bus;
    const double *c;
};

static struct rates rates_of(const struct gemmini_work *w, const struct calibration *k)
{
    const double *c = k->coef;
    unsigned form = k->form;
    double weights = w->matmul && form & GEMMINI_BANKS_MATMULS ? c[GEMMINI_BANK_MATMUL] : c[GEMMINI_BANK_W];
    double inputs = form & GEMMINI_BANKS_INPUTS ? c[GEMMINI_BANK_IN] : weights;
    bool banks = form & GEMMINI_BANKS;
    return (struct rates){.bank_in = banks ? inputs * (w->in_stride - 1) : 0,
                          .bank_w = banks ? weights * (w->w_stride - 1) : 0,
                          .command = form & GEMMINI_LOAD_COMMANDS ? c[GEMMINI_LOAD_COMMAND] : 0,
                          .zero_row = form & GEMMINI_ZERO_ROWS ? c[GEMMINI_ZERO_ROW] : 0,
                          .cover =
                              c[GEMMINI_STORE_L2] * (form & GEMMINI_COVERS ? pow(w->w_cover, -c[GEMMINI_COVER]) : 1),
                          .issue = fmax(4, c[GEMMINI_ISSUE] * w->array),
                          .processor = c[w->matmul ? GEMMINI_MACRO_MATMUL : GEMMINI_MACRO_CONV],
                          .slot = c[w->matmul && form & GEMMINI_SLOTS ? GEMMINI_SLOT_MATMUL : GEMMINI_SLOT],
                          .one_bus = form & GEMMINI_ONE_BUS,
                          .c = c};
}

static void parts_of(const struct gemmini_macro *m, const struct rates *r, double out[GEMMINI_PARTS])
{
    const double *c = r->c;
    double in = c[GEMMINI_BEAT] * m->in_beats + r->bank_in * m->in_requests;
    double w = c[GEMMINI_BEAT] * m->w_beats + r->bank_w * m->w_requests;
    out[GEMMINI_EXECUTE] = larger(m->rows, r->issue * m->computes);
    out[GEMMINI_LOAD] = larger(in, r->command * m->in_loads) + larger(w, r->command * m->w_loads) +
                        r->zero_row * m->zero_rows + c[GEMMINI_MISS_L2] * (m->in_l2 + m->w_l2) +
                        c[GEMMINI_MISS_LLC] * (m->in_llc + m->w_llc);
    out[GEMMINI_WRITE] = c[GEMMINI_STORE] * m->out_requests + r->cover * m->out_l2 + c[GEMMINI_STORE_LLC] * m->out_llc;
    out[GEMMINI_PROCESSOR] = r->processor;
}

/* Cycles until the next macro instruction of its kind can begin; *all: from its beginning to its end. */
static double period_of(const struct gemmini_macro *m, const struct rates *r, double *all)
{
    double part[GEMMINI_PARTS];
    parts_of(m, r, part);
    double load = part[GEMMINI_LOAD], store = part[GEMMINI_WRITE];
    double memory = r->one_bus ? load + store : larger(load, store);
    *all = part[GEMMINI_EXECUTE] + memory + r->c[GEMMINI_LATENCY];
    return larger(larger(part[GEMMINI_EXECUTE], memory), larger(part[GEMMINI_PROCESSOR], r->slot * *all));
}

double gemmini_cycles(const struct gemmini_work *w, const struct calibration *k)
{
    struct rates r = rates_of(w, k);
    double steady = 0, alone = 0, all;
    if (k->form & GEMMINI_EVERY_KIND) {
        for (int i = 0; i < w->n_kinds; i++) {
            steady += w->kind[i].n * period_of(&w->kind[i], &r, &all);
            alone += w->kind[i].n * all;
        }
    } else {
        steady = w->macros * period_of(&w->mean, &r, &all);
        alone = w->macros * all;
    }
    bool exposed = !w->matmul && k->form & GEMMINI_EXPOSED;
    return (exposed ? steady + (alone - steady) / w->macros : steady) + k->coef[GEMMINI_START];
}

void gemmini_parts(const struct gemmini_work *w, const struct calibration *k, double out[GEMMINI_PARTS])
{
    struct rates r = rates_of(w, k);
    parts_of(&w->mean, &r, out);
    for (int i = 0; i < GEMMINI_PARTS; i++) {
        out[i] *= w->macros;
    }
}
