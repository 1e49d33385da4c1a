/* What transfers between levels cost under given spatial factors and keep masks: energy and port bits of a word, multicast,
 * widths of sums, first visits; the constant part; and the floor under everything (docs/mapper.md). */
#include "costmodel/mapper_chain.h"

#include <math.h>
#include <string.h>

/* Bounds that rule out any gain. */
bool chain_hopeless(const struct chain *c, double energy_pj, double cycles)
{
    return mp_hopeless(c->m, energy_pj + c->p->leak_pj_per_cycle * cycles, cycles);
}

/* Does a reduction loop run outside of level l? */
bool chain_open(const struct chain *c, int l)
{
    for (int d = 0; d < c->p->nd; d++) {
        if ((c->p->reduction >> d & 1) && c->at[l][d] != c->at[c->top][d]) {
            return true;
        }
    }
    return false;
}

/* Adds what n words of tensor t taken into level l ask of ports; an output's first visits are not taken in, and what is finished goes up
 * narrow. */
void chain_link_bits(const struct chain *c, int t, int l, double n, struct walk *w)
{
    const struct mp_problem *p = c->p;
    int up = c->parent[l][t];
    double up_n = n / c->shared[l][t];
    const struct mp_width *a = &p->width[l][t][MP_WIDE], *b = &p->width[up][t][MP_WIDE];
    if (t != p->out) {
        w->write_bits[l] += n * a->port_bits;
        w->read_bits[up] += up_n * b->port_bits;
        return;
    }
    double saved = a->port_bits - p->width[l][t][MP_NARROW].port_bits;
    double up_saved = b->port_bits - p->width[up][t][MP_NARROW].port_bits;
    w->read_bits[l] += p->drains ? n * a->port_bits - c->done[l] * saved : 0;
    w->write_bits[l] += (n - c->first[l]) * a->port_bits;
    w->write_bits[up] += up_n * b->port_bits - c->done[up] * up_saved;
    w->read_bits[up] += (up_n - c->first[up]) * b->port_bits;
}

void chain_add_operand(const struct chain *c, int l, int t, double n, struct walk *w)
{
    chain_link_bits(c, t, l, n, w);
}

/* Drains and refills of level l, updates of its parent; and what first visits and finished sums save of the energy. */
void chain_add_output(const struct chain *c, int l, double n, struct walk *w)
{
    w->energy_pj -= c->first_pj[l];
    chain_link_bits(c, c->p->out, l, n, w);
}

double chain_port_cycles(const struct chain *c, const struct walk *w, int port)
{
    int l = port / 3, kind = port % 3;
    const struct level *v = &c->p->a->level[l];
    double bits = (kind != 1 ? w->read_bits[l] : 0) + (kind != 0 ? w->write_bits[l] : 0);
    double width = kind == 0 ? v->read_bits_per_cycle : kind == 1 ? v->write_bits_per_cycle : v->shared_bits_per_cycle;
    return bits / c->s->instances[l] / width;
}

int chain_busiest_port(const struct chain *c, const struct walk *w)
{
    int busiest = 0;
    for (int i = 1; i < 3 * (c->top + 1); i++) {
        busiest = chain_port_cycles(c, w, i) > chain_port_cycles(c, w, busiest) ? i : busiest;
    }
    return busiest;
}

double chain_cycles(const struct chain *c, const struct walk *w)
{
    double cycles = c->least_cycles;
    for (int l = 0; l <= c->top; l++) {
        const struct level *v = &c->p->a->level[l];
        double r = w->read_bits[l] / c->s->instances[l];
        double q = w->write_bits[l] / c->s->instances[l];
        double need = r / v->read_bits_per_cycle;
        need = fmax(need, q / v->write_bits_per_cycle);
        need = fmax(need, (r + q) / v->shared_bits_per_cycle);
        cycles = need > cycles ? need : cycles;
    }
    return ceil(cycles * (1 - 1e-12));
}

/* Network energy of one bit of tensor t that leaves level l. */
static double hop_pj(const struct chain *c, int l, int t)
{
    return level_wires(&c->p->a->level[l], c->keep[l] >> t & 1) ? c->s->hop_pj[l][t] : 0;
}

static void init_operand(struct chain *c, int t, int l)
{
    const struct mp_problem *p = c->p;
    double share = 1, pj = p->width[l][t][MP_NARROW].write_pj;
    int up = l;
    do {
        up++;
        share *= c->s->share[up][t];
        pj += hop_pj(c, up, t) / share * p->width[up][t][MP_NARROW].bits;
    } while (!(c->keep[up] >> t & 1));
    c->parent[l][t] = up;
    c->shared[l][t] = share;
    c->pj[l][t] = pj + p->width[up][t][MP_NARROW].read_pj / share;
}

/* Elements that fill up the last physical word of each instance: `n` elements of all instances of level l. */
double chain_padding(const struct chain *c, int l, const struct mp_width *w, double n)
{
    if (c->p->sparse) {
        return 0; /* a bound: expected values fill no whole words */
    }
    double whole = c->p->a->level[l].word_bits / w->port_bits * c->s->instances[l]; /* elements of a word each */
    return whole > c->s->instances[l] ? ceil(n / whole * (1 - 1e-12)) * whole - n : 0;
}

/* The same for the finished sums that come to a level, or leave it. */
static double done_padding(const struct chain *c, int l, const struct mp_width *narrow)
{
    return c->s->padded_macs > c->p->macs ? 0 : chain_padding(c, l, narrow, c->done[l]);
}

/* Every sum as a partial one; what first visits save, and finished sums, comes off as a whole. */
static void init_output(struct chain *c, int l)
{
    const struct mp_problem *p = c->p;
    int t = p->out, up = l;
    const struct mp_width *a = &p->width[l][t][MP_WIDE], *narrow = &p->width[l][t][MP_NARROW], *b = a;
    double share = 1, pj = a->write_pj + (p->drains ? a->read_pj : 0), saved = c->first[l] * a->write_pj;
    if (p->drains) {
        saved += c->done[l] * (a->read_pj - narrow->read_pj) - done_padding(c, l, narrow) * narrow->read_pj;
    }
    do {
        up++;
        double before = share, done = c->s->partial_above[up] ? 0 : c->first[up];
        share *= c->s->share[up][t];
        b = &p->width[up][t][MP_WIDE];
        narrow = &p->width[up][t][MP_NARROW];
        pj += hop_pj(c, up, t) / share * 2 * b->bits;
        saved += hop_pj(c, up, t) * (c->first[up] * b->bits + done * (b->bits - narrow->bits));
        pj += (1 / before - 1 / share) * b->bits * p->a->level[up].add_pj_per_bit;
    } while (!(c->keep[up] >> t & 1));
    saved += c->first[up] * b->read_pj + c->done[up] * (b->write_pj - narrow->write_pj);
    saved -= done_padding(c, up, narrow) * narrow->write_pj;
    c->pj[l][t] = pj + (b->read_pj + b->write_pj) / share;
    c->first_pj[l] = saved;
    c->parent[l][t] = up;
    c->shared[l][t] = share;
}

/* Dimensions of ranks of several terms of which one is spatial: with a larger tile the
 * instances hold other words, and what neighbours share changes. */
static uint32_t spread(const struct chain *c, int t)
{
    uint32_t set = 0;
    for (int r = 0; r < c->p->tensor[t].n_ranks; r++) {
        const struct mp_rank *k = &c->p->tensor[t].rank[r];
        uint32_t dims = 0;
        bool spatial = false;
        for (int i = 0; i < k->n_terms; i++) {
            spatial = spatial || c->s->inner[c->top][k->dim[i]] > 1;
            dims |= 1u << k->dim[i];
        }
        set |= spatial && k->n_terms > 1 ? dims : 0;
    }
    return set;
}

bool chain_other_counts(const struct chain *c)
{
    bool slides = false;
    for (int t = 0; t < c->p->nt; t++) {
        slides = slides || c->p->tensor[t].sliding;
    }
    return slides && c->m && c->m->accounting != ACCOUNTING_EXACT;
}

/* How many sums come finished to each level; those that MACs add up are as wide as partial ones. */
static void init_done(struct chain *c)
{
    const struct mp_problem *p = c->p;
    const struct einsum_tensor *out = &p->e->tensor[p->out];
    bool below = false;
    for (int l = 0; l <= c->top; l++) {
        bool partial = c->s->partial_above[l] || (!below && c->s->partial) || out->bits == out->partial_bits;
        c->done[l] = partial ? 0 : c->first[l];
        c->innermost[l] = !below;
        c->held_wide[l] = c->s->partial_above[l] || (!below && c->s->partial);
        below = below || (c->keep[l] >> p->out & 1);
    }
}

static void init_transfers(struct chain *c)
{
    const struct mp_problem *p = c->p;
    double copies = 1;
    for (int l = c->top; l >= 0; l--) {
        c->first[l] = p->volume_out * copies;
        copies *= c->s->share[l][p->out];
    }
    init_done(c);
    for (int t = 0; t < p->nt; t++) {
        bool below = false;
        for (int l = 0; l < c->top; l++) {
            if (!(c->keep[l] >> t & 1)) {
                c->fixed[l] |= below ? p->tensor[t].relevant : 0;
                c->fixed[l] |= spread(c, t);
                continue;
            }
            c->fixed[l] |= spread(c, t);
            if (t == p->out) {
                init_output(c, l);
            } else {
                init_operand(c, t, l);
            }
            below = true;
        }
        for (int l = 0; l < c->top && chain_other_counts(c); l++) {
            c->fixed[l] |= p->tensor[t].sliding;
        }
    }
}

/* Energy of the accesses that physical words add to n words of tensor t taken into level l. */
static double padding_pj(const struct chain *c, int t, int l, double n)
{
    const struct mp_problem *p = c->p;
    int up = c->parent[l][t];
    double out = n / c->shared[l][t];
    const struct mp_width *a = &p->width[l][t][MP_WIDE], *b = &p->width[up][t][MP_WIDE];
    if (t != p->out) {
        return chain_padding(c, l, a, n) * a->write_pj + chain_padding(c, up, b, out) * b->read_pj;
    }
    double pj = chain_padding(c, l, a, n - c->first[l]) * a->write_pj;
    pj += chain_padding(c, up, b, out - c->done[up]) * b->write_pj;
    pj += chain_padding(c, up, b, out - c->first[up]) * b->read_pj;
    return pj + (p->drains ? chain_padding(c, l, a, n - c->done[l]) * a->read_pj : 0);
}

static void add_pad(const struct chain *c, int l, const struct mp_width *w, double scale, double offset, double pj,
                    struct link_price *out)
{
    double whole = c->p->a->level[l].word_bits / w->port_bits * c->s->instances[l];
    if (whole > c->s->instances[l] && !c->p->sparse && !(c->s->padded_macs > c->p->macs)) {
        out->pad[out->n_pads++] = (struct link_pad){scale / whole, offset / whole, whole * pj};
    }
}

void chain_link_price(const struct chain *c, int t, int l, struct link_price *out)
{
    const struct mp_problem *p = c->p;
    int up = c->parent[l][t];
    double share = 1 / c->shared[l][t];
    const struct mp_width *a = &p->width[l][t][MP_WIDE], *b = &p->width[up][t][MP_WIDE];
    memset(out, 0, sizeof *out);
    out->pj = c->pj[l][t];
    if (t != p->out) {
        add_pad(c, l, a, 1, 0, a->write_pj, out);
        add_pad(c, up, b, share, 0, b->read_pj, out);
        return;
    }
    out->first_pj = c->first_pj[l];
    add_pad(c, l, a, 1, c->first[l], a->write_pj, out);
    add_pad(c, up, b, share, c->done[up], b->write_pj, out);
    add_pad(c, up, b, share, c->first[up], b->read_pj, out);
    if (p->drains) {
        add_pad(c, l, a, 1, c->done[l], a->read_pj, out);
    }
}

double chain_link_pj(const struct chain *c, int t, int l, double n)
{
    double pj = n * c->pj[l][t];
    return pj + (c->s->padded_macs > c->p->macs ? 0 : padding_pj(c, t, l, n));
}

/* MACs, and their operand reads and updates at the innermost level that keeps each. */
static void init_constants(struct chain *c)
{
    const struct mp_problem *p = c->p;
    struct walk *w = &c->start;
    w->energy_pj = p->macs * p->mac_pj;
    for (int t = 0; t < p->nt; t++) {
        bool output = t == p->out;
        double n = c->s->padded_macs;
        for (int l = 0;; l++) {
            double asked = n;
            n /= c->s->share[l][t];
            int wide = output && (c->s->partial || c->s->partial_above[l]);
            const struct mp_width *a = &p->width[l][t][wide];
            double known = output ? n - c->first[l] : 0;
            w->energy_pj += (n + known) * a->bits * hop_pj(c, l, t);
            if (output) {
                w->energy_pj += (asked - n) * p->width[l][t][MP_WIDE].bits * p->a->level[l].add_pj_per_bit;
            }
            if (!(c->keep[l] >> t & 1)) {
                continue;
            }
            double reads = output ? known : n, writes = output ? n : 0;
            w->energy_pj += reads * a->read_pj + writes * a->write_pj;
            c->mac_padding_pj +=
                chain_padding(c, l, a, reads) * a->read_pj + chain_padding(c, l, a, writes) * a->write_pj;
            w->read_bits[l] += reads * a->port_bits;
            w->write_bits[l] += writes * a->port_bits;
            break;
        }
    }
}

void chain_init(struct chain *c, struct mp_search *m, const struct mp_problem *p, const struct mp_spatial *s,
                const uint32_t *keep)
{
    memset(c, 0, sizeof *c);
    c->p = p;
    c->s = s;
    c->keep = keep;
    c->m = m;
    c->w = m ? m->work : NULL;
    c->top = p->n_levels - 1;
    c->least_cycles = s->cycles * p->step_share;
    init_transfers(c);
    init_constants(c);
}

/* Words of tensor t that some MAC touches: distinct values of a rank of two terms a*i + b*j,
 * i < n, j < m, a and b coprime, are n*m - (n-b)+ (m-a)+. */
static double touched(const struct mp_problem *p, int t)
{
    double words = 1;
    for (int r = 0; r < p->tensor[t].n_ranks; r++) {
        const struct mp_rank *k = &p->tensor[t].rank[r];
        double n = (double)p->bound[k->dim[0]], least = n;
        for (int i = 1; i < k->n_terms; i++) {
            least += (double)p->bound[k->dim[i]] - 1;
        }
        if (k->n_terms == 2) {
            double m = (double)p->bound[k->dim[1]], g = chain_gcd(k->coef[0], k->coef[1]);
            double a = k->coef[0] / g, b = k->coef[1] / g;
            least = n * m - fmax(0, n - b) * fmax(0, m - a);
        }
        words *= least;
    }
    return words;
}

/* Every word once over every link, whatever the tiles are. */
void chain_least_traffic(const struct chain *c, struct walk *w, double *outer_pj)
{
    const struct mp_problem *p = c->p;
    *w = c->start;
    for (int l = 0; l <= c->top && outer_pj; l++) {
        outer_pj[l] = 0;
    }
    for (int t = 0; t < p->nt; t++) {
        double words = touched(p, t);
        for (int l = c->top - 1; l >= 0; l--) {
            for (int d = 0; d < p->nd; d++) {
                bool copied = !(p->tensor[t].relevant >> d & 1);
                words *= copied ? (double)c->s->s[l + 1][d] : 1;
            }
            if (!(c->keep[l] >> t & 1)) {
                continue;
            }
            int up = c->parent[l][t];
            double in = words * p->width[l][t][MP_NARROW].port_bits;
            double out = words / c->shared[l][t] * p->width[up][t][MP_NARROW].port_bits;
            double pj = words * c->pj[l][t] - (t == p->out ? c->first_pj[l] : 0);
            for (int k = 0; k <= l && outer_pj; k++) {
                outer_pj[k] += pj;
            }
            w->energy_pj += words * c->pj[l][t];
            if (t != p->out) {
                w->write_bits[l] += in;
                w->read_bits[up] += out;
                continue;
            }
            w->energy_pj -= c->first_pj[l];
            w->read_bits[l] += p->drains ? in : 0;
            w->write_bits[up] += out;
        }
    }
}

void mp_floor(const struct mp_problem *p, const struct mp_spatial *s, const uint32_t *keep, double *energy_pj,
              double *cycles)
{
    struct chain c;
    struct walk w;
    chain_init(&c, NULL, p, s, keep);
    chain_least_traffic(&c, &w, NULL);
    *cycles = chain_cycles(&c, &w);
    *energy_pj = w.energy_pj + p->leak_pj_per_cycle * *cycles;
}
