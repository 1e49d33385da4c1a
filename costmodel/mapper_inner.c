/* Bounds of what the levels inside a tile cost, and the nodes that they leave (mapper_walk.c makes them). A bound is a sum over the
 * transfers of weighed measures: energy; cycles of a port; both, for the energy-delay product, for which a bound of each apart is
 * weak where less energy takes more cycles. */
#include "costmodel/mapper_inner.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

static int *measure_slot(struct mp_inner *in, int stays, int measure, int l, int t)
{
    return stays ? &in->stays[measure][l][t] : &in->moved[measure][l][t];
}

static void price_pj(const struct chain *c, int t, int l, int stays)
{
    struct mp_inner *in = &c->w->inner;
    struct link_price price;
    chain_link_price(c, t, l, &price);
    inner_price(in->n, &price, inner_slot(c->w, in->words[stays][l][t]),
                inner_slot(c->w, *measure_slot(in, stays, 0, l, t)));
}

/* From words to cycles of the port. */
static void price_cycles(const struct chain *c, int port, int t, int l, const double *words, double *cycles)
{
    struct walk w;
    memset(&w, 0, sizeof w);
    chain_link_bits(c, t, l, 0, &w);
    double none = chain_port_cycles(c, &w, port);
    memset(&w, 0, sizeof w);
    chain_link_bits(c, t, l, 1, &w);
    double one = chain_port_cycles(c, &w, port) - none;
    for (int i = 0; i < c->w->inner.n; i++) {
        cycles[i] = none + words[i] * one;
    }
}

/* Bit by node, in place of what fits the outermost level: a reduction loop is left outside. */
static void open_nodes(const struct chain *c)
{
    struct mapper_work *w = c->w;
    uint8_t *open = w->inner.fits[c->top], at[MP_DIMS] = {0};
    for (int i = 0; i < w->inner.n; i++) {
        open[i] = 0;
        for (int d = 0; d < c->p->nd; d++) {
            open[i] |= (c->p->reduction >> d & 1) && at[d] + 1 < w->n_div[d];
        }
        for (int d = 0; d < c->p->nd && ++at[d] == w->n_div[d]; d++) {
            at[d] = 0;
        }
    }
}

static void tabulate_level(const struct chain *c, int l)
{
    struct mapper_work *w = c->w;
    struct mp_inner *in = &w->inner;
    double *moved[MP_TENSORS] = {0}, *stays[MP_TENSORS] = {0};
    for (int t = 0; t < c->p->nt; t++) {
        for (int k = 0; k < 2 && (c->keep[l] >> t & 1); k++) {
            in->words[k][l][t] = inner_new_slot(w);
            *measure_slot(in, k, 0, l, t) = inner_new_slot(w);
        }
    }
    for (int t = 0; t < c->p->nt; t++) {
        if (c->keep[l] >> t & 1) {
            moved[t] = inner_slot(w, in->words[0][l][t]);
            stays[t] = inner_slot(w, in->words[1][l][t]);
        }
    }
    chain_tabulate(c, l, moved, stays, in->fits[l]);
    for (int t = 0; t < c->p->nt; t++) {
        for (int k = 0; k < 2 && (c->keep[l] >> t & 1); k++) {
            price_pj(c, t, l, k);
        }
    }
}

/* Do levels 0 .. l cost too much whatever their tiles are? */
static bool least_key_hopeless(const struct chain *c, int l)
{
    const double *key = inner_slot(c->w, c->w->inner.table[0].key[l]);
    double least = HUGE_VAL;
    for (int i = 0; i < c->w->inner.n; i++) {
        least = key[i] < least ? key[i] : least;
    }
    return !(least < HUGE_VAL) || chain_hopeless(c, c->start.energy_pj + least + c->outer_pj[l + 1], c->least_cycles);
}

bool inner_init(struct chain *c)
{
    struct mapper_work *w = c->w;
    struct mp_inner *in = &w->inner;
    int64_t n = 1;
    for (int d = 0; d < c->p->nd; d++) {
        in->stride[d] = (int)n;
        n *= w->n_div[d];
        if (n > MP_INNER_NODES) {
            return false;
        }
    }
    if (w->n_covers == MP_COVERS) {
        return false;
    }
    in->n = (int)n;
    in->n_slots = 0;
    for (int l = 0; l <= c->top; l++) {
        if (in->n > in->fits_cap[l]) {
            in->fits_cap[l] = in->n;
            in->fits[l] = mem_realloc(in->fits[l], (size_t)in->n, 1);
        }
    }
    open_nodes(c);
    in->n_tables = 1;
    in->dead = in->overflow = false;
    c->n_ports = 0;
    inner_walk_start(c, &in->table[0], (const double[MP_MEASURES]){1});
    for (int l = 0; l < c->top && !in->dead && !in->overflow; l++) {
        tabulate_level(c, l);
        inner_walk_level(c, &in->table[0], l);
        in->dead = !in->overflow && least_key_hopeless(c, l);
    }
    return !in->overflow;
}

/* The cycles of port q at every node. */
static void tabulate_cycles(const struct chain *c, int q)
{
    struct mapper_work *w = c->w;
    struct mp_inner *in = &w->inner;
    for (int l = 0; l < c->top; l++) {
        for (int t = 0; t < c->p->nt; t++) {
            for (int k = 0; k < 2 && (c->keep[l] >> t & 1); k++) {
                int *at = measure_slot(in, k, 1 + q, l, t);
                *at = inner_new_slot(w);
                price_cycles(c, c->port[q], t, l, inner_slot(w, in->words[k][l][t]), inner_slot(w, *at));
            }
        }
    }
}

static void walk_all(const struct chain *c, struct mp_table *table, const double *weight)
{
    inner_walk_start(c, table, weight);
    for (int l = 0; l < c->top; l++) {
        inner_walk_level(c, table, l);
    }
}

void inner_add_port(struct chain *c, int port)
{
    struct mp_inner *in = &c->w->inner;
    const struct mp_best *b = &c->m->best;
    double weight[MP_MEASURES] = {0};
    int q = c->n_ports++;
    c->port[q] = port;
    tabulate_cycles(c, q);
    c->pj_per_cycle = c->p->leak_pj_per_cycle + (b->found ? b->energy_pj / b->cycles : 0);
    weight[1 + q] = 1;
    walk_all(c, &in->table[in->n_tables++], weight);
    if (c->m->goal == GOAL_EDP && b->found && !c->m->front && !inner_root_hopeless(c)) {
        weight[0] = 1;
        weight[1 + q] = c->pj_per_cycle;
        walk_all(c, &in->table[in->n_tables++], weight);
    }
}

/* Least energy (without leakage), cycles of the port, and their weighed sum: is there no gain? For the product: energy and cycles are both
 * bounded, and so is a line across; the product is least at one of the ends of what the line leaves. */
static bool no_gain(const struct chain *c, double pj, double cycles, double sum)
{
    const struct mp_search *m = c->m;
    double lambda = c->pj_per_cycle - c->p->leak_pj_per_cycle;
    double all_pj = pj + c->p->leak_pj_per_cycle * cycles;
    if (mp_hopeless(m, all_pj, cycles)) {
        return true;
    }
    if (!(sum > all_pj + lambda * cycles)) {
        return false;
    }
    return mp_hopeless(m, all_pj, (sum - all_pj) / lambda) && mp_hopeless(m, sum - lambda * cycles, cycles);
}

/* value[k]: bounds of the tables; what `w` holds is added. */
static bool bounds_hopeless(const struct chain *c, const struct walk *w, double cycles, const double *value)
{
    const struct mp_inner *in = &c->w->inner;
    double held[MP_MEASURES] = {w->energy_pj}, sum = 0;
    for (int q = 0; q < c->n_ports; q++) {
        held[1 + q] = chain_port_cycles(c, w, c->port[q]);
    }
    for (int k = 1; k < in->n_tables; k++) {
        const double *weight = in->table[k].weight;
        double x = value[k];
        for (int m = 0; m <= c->n_ports; m++) {
            x += weight[m] * held[m];
        }
        if (weight[0] > 0) {
            sum = x > sum ? x : sum;
        } else {
            x = ceil(x * (1 - 1e-12));
            cycles = x > cycles ? x : cycles;
        }
    }
    return no_gain(c, w->energy_pj + value[0], cycles, sum);
}

static bool all_closed(const struct mp_state *s)
{
    bool closed = true;
    for (int t = 0; t < MP_TENSORS; t++) {
        closed = closed && s->from[t] == HW_LEVELS;
    }
    return closed;
}

bool inner_root_hopeless(const struct chain *c)
{
    const struct mp_inner *in = &c->w->inner;
    double value[MP_TABLES];
    for (int k = 0; k < in->n_tables && !in->dead; k++) {
        const struct mp_states *s = &in->table[k].states[c->top];
        value[k] = HUGE_VAL;
        for (int i = 0; i < s->n; i++) {
            double x = all_closed(&s->state[i]) ? inner_slot(c->w, s->state[i].slot)[in->n - 1] : HUGE_VAL;
            value[k] = x < value[k] ? x : value[k];
        }
    }
    return in->dead || bounds_hopeless(c, &c->start, c->least_cycles, value);
}

/* The node at which a run of tensor t ends that is open at level l: the first level above whose loops move t closes it. */
static int run_end(const struct chain *c, int t, int l)
{
    uint32_t relevant = c->p->tensor[t].relevant;
    int u = l + 1, i = 0;
    while (u < c->top) {
        bool moved = false;
        for (int j = 0; j < c->loops[u].m; j++) {
            moved = moved || (relevant >> c->loops[u].dim[j] & 1);
        }
        if (moved) {
            break;
        }
        u++;
    }
    for (int d = 0; d < c->p->nd; d++) {
        i += (relevant >> d & 1 ? c->at[l][d] : c->at[u][d]) * c->w->inner.stride[d];
    }
    return i;
}

/* What the tensors that are open in a state pay at the ends of their runs. */
static double pay_open(const struct chain *c, const struct mp_table *table, int l, const uint8_t *from, const int *end)
{
    const struct mp_inner *in = &c->w->inner;
    double sum = 0;
    for (int t = 0; t < c->p->nt; t++) {
        for (int k = from[t]; k < l; k++) {
            if (c->keep[k] >> t & 1) {
                for (int m = 0; m <= c->n_ports; m++) {
                    double weight = table->weight[m];
                    sum += weight > 0 ? inner_slot(c->w, in->moved[m][k][t])[end[t]] * weight : 0;
                }
            }
        }
    }
    return sum;
}

bool inner_hopeless(const struct chain *c, int l, const struct walk *w)
{
    const struct mp_inner *in = &c->w->inner;
    int at = 0, end[MP_TENSORS];
    double value[MP_TABLES];
    for (int d = 0; d < c->p->nd; d++) {
        at += c->at[l][d] * in->stride[d];
    }
    for (int t = 0; t < c->p->nt; t++) {
        end[t] = run_end(c, t, l);
    }
    for (int k = 0; k < in->n_tables; k++) {
        const struct mp_states *s = &in->table[k].states[l];
        value[k] = HUGE_VAL;
        for (int i = 0; i < s->n; i++) {
            if (in->fits[l][at] == MP_FITS_SEALED && !s->state[i].sealed) {
                continue;
            }
            double x = inner_slot(c->w, s->state[i].slot)[at];
            x += x < value[k] ? pay_open(c, &in->table[k], l, s->state[i].from, end) : 0;
            value[k] = x < value[k] ? x : value[k];
        }
    }
    return bounds_hopeless(c, w, chain_cycles(c, w), value);
}

void inner_collect(const struct chain *c, int l)
{
    struct mapper_work *w = c->w;
    struct mp_inner *in = &w->inner;
    struct mp_level_nodes *v = &w->level[l];
    uint8_t at[MP_DIMS] = {0};
    int n = 0;
    for (int i = 0; i < in->n; i++) {
        double value[MP_TABLES];
        for (int k = 0; k < in->n_tables; k++) {
            value[k] = inner_slot(w, in->table[k].key[l])[i];
        }
        double key = value[0];
        value[0] += c->outer_pj[l + 1];
        if (value[0] < HUGE_VAL && !bounds_hopeless(c, &c->start, c->least_cycles, value)) {
            mp_level_reserve(w, l, n + 1);
            v->node[n].bound_pj = key;
            v->node[n].grown = false;
            memcpy(v->node[n++].at, at, sizeof at);
        }
        for (int d = 0; d < c->p->nd && ++at[d] == w->n_div[d]; d++) {
            at[d] = 0;
        }
    }
    mp_level_heap(w, l, n);
}
