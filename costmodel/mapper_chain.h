/* One search of the chains of tiles, in four files: mapper_scan.c bounds the tiles of a level, mapper_link.c knows what
 * transfers cost, mapper_chain.c walks, mapper_price.c prices complete chains. Internal to the mapper. */
#ifndef COSTMODEL_MAPPER_CHAIN_H
#define COSTMODEL_MAPPER_CHAIN_H

#include "costmodel/mapper_lattice.h"

/* What the walk carries from level to level: lower bounds. */
struct walk {
    double energy_pj;
    double read_bits[HW_LEVELS], write_bits[HW_LEVELS]; /* all instances */
};

struct chain {
    const struct mp_problem *p;
    const struct mp_spatial *s;
    const uint32_t *keep;
    struct mp_search *m;
    struct mapper_work *w;
    int top;                           /* n_levels - 1 */
    int parent[HW_LEVELS][MP_TENSORS]; /* next outer level that keeps the tensor */
    double pj[HW_LEVELS][MP_TENSORS];  /* of one word fetched into level l; output: of a partial sum, there and back */
    double shared[HW_LEVELS][MP_TENSORS]; /* multicast between level l and its parent */
    double first_pj[HW_LEVELS];           /* what first visits of the output and its finished sums save of that */
    bool held_wide[HW_LEVELS];            /* the level holds partial sums whatever loops run outside */
    double first[HW_LEVELS];              /* words of the output first visited, all instances */
    bool innermost[HW_LEVELS];            /* no level inside keeps the output */
    double done[HW_LEVELS];               /* sums that come finished; 0 where those are no narrower */
    uint32_t fixed[HW_LEVELS];            /* dimensions in which a tile need not be maximal */
    bool tables;                          /* mapper_inner.c has them; else rest_pj holds */
    int port[MP_PORTS], n_ports;          /* whose cycles the tables bound, as in mp_best */
    int64_t patience;               /* pairs to look at before another port is thought of; below 0: done with that */
    int dive;                       /* nodes to look at beyond the budget while no chain is complete */
    int votes[3 * HW_LEVELS];       /* walks that the cycles of a port ended */
    double pj_per_cycle;            /* weight of those cycles, leakage included */
    double outer_pj[HW_LEVELS + 1]; /* least energy of the levels l and further out */
    double rest_pj[HW_LEVELS + 1];  /* least energy of the levels below l */
    struct walk start;
    double mac_padding_pj;            /* of the MACs' accesses, which physical words add */
    double least_cycles;              /* of compute, and of ports when every word moves once */
    const uint8_t *at[HW_LEVELS];     /* the walk's nodes */
    struct mp_loops loops[HW_LEVELS]; /* of each level, once the node below is chosen */
    double outer[HW_LEVELS];          /* product of all temporal loops above the level */
};

/* mapper_link.c: costs of transfers for given spatial factors and keep masks. m may be NULL for floors. */
void chain_init(struct chain *c, struct mp_search *m, const struct mp_problem *p, const struct mp_spatial *s,
                const uint32_t *keep);
/* Every word once over every link, whatever the tiles are. outer_pj[l] (may be NULL): energy of the transfers into levels >= l. */
void chain_least_traffic(const struct chain *c, struct walk *w, double *outer_pj);
/* Does a reduction loop run outside of level l? */
bool chain_open(const struct chain *c, int l);
/* What n words of an operand (of the output) fetched into level l ask of ports; the output also: what first visits save. */
void chain_add_operand(const struct chain *c, int l, int t, double n, struct walk *w);
void chain_add_output(const struct chain *c, int l, double n, struct walk *w);
void chain_link_bits(const struct chain *c, int t, int l, double n, struct walk *w);
double chain_cycles(const struct chain *c, const struct walk *w);
/* Elements that fill up the last physical word of each instance: n elements of all instances of level l. */
double chain_padding(const struct chain *c, int l, const struct mp_width *w, double n);
/* Cycles that a port (3 * level + read, write, shared) needs, and the port that needs most. */
double chain_port_cycles(const struct chain *c, const struct walk *w, int port);
int chain_busiest_port(const struct chain *c, const struct walk *w);
/* What n words cost: pj * n - first_pj, and for each pad (ceil(x) - x) * pj with x = scale * n - offset. */
struct link_pad {
    double scale, offset, pj;
};
struct link_price {
    double pj, first_pj;
    int n_pads;
    struct link_pad pad[4];
};
void chain_link_price(const struct chain *c, int t, int l, struct link_price *out);
/* Energy of n words of tensor t taken into level l (perfect factors: with what fills up physical words). */
double chain_link_pj(const struct chain *c, int t, int l, double n);
/* Bounds that rule out any gain; leakage is added here. */
bool chain_hopeless(const struct chain *c, double energy_pj, double cycles);

/* mapper_scan.c: the tiles of level l that fit and may gain, into the heap of the level. */
void chain_collect(const struct chain *c, int l);
/* For every tile (dimension 0 runs fastest) and every tensor that level l keeps: words taken in when the loop right above moves the
 * tensor, and when the longest run of loops that do not stands there; which tiles fit. */
void chain_tabulate(const struct chain *c, int l, double *const *moved, double *const *stays, uint8_t *fits);
void chain_extent(const struct chain *c, int l, const uint8_t *at, double *x);
/* Which covers of a node fit too. */
uint32_t chain_covers(const struct chain *c, int l, struct mp_node *n);
/* mapper_slide.c: least mean share of a tile at level l that is new when a loop over rank k stands right above it, with no and with
 * endlessly many iterations of other loops: at_1, at_0[divisor of its first dimension * divisors of its second + divisor of that];
 * below 0: not known. False when nothing is known. */
bool chain_slide(const struct chain *c, int l, const struct mp_rank *k, double *at_0, double *at_1);
double chain_gcd(double a, double b);

/* mapper_chain.c: tensor t, kept at level l, seen from the loops of level u; loops that must stand inside the others. */
void chain_tick(const struct chain *c, int t, int l, int u, struct mp_tick *k);
uint32_t chain_inner_first(const struct chain *c, int u);

/* Are words counted by rules under which a sliding tile may fetch more than what is new? Then counts of ours are lower bounds. */
bool chain_other_counts(const struct chain *c);

/* mapper_price.c: all tiles are chosen. */
void chain_finish(struct chain *c);

#endif
