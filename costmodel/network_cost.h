/* Totals of a network on an accelerator: tensor operators by the mapper's best mapping, vector work on the vector units, and the
 * partition: which core runs an operator alone, or along which dimension all cores share it. Equations: docs/model.md, "Networks". */
#ifndef COSTMODEL_NETWORK_COST_H
#define COSTMODEL_NETWORK_COST_H

#include "costmodel/mapper_family.h"
#include "costmodel/memo.h"
#include "sw/network.h"

struct op_place {
    int split; /* enum split: all cores share the operator; PLACE_CORE: `core` runs it alone */
    int core;  /* 0..cores-1 */
};
#define PLACE_CORE (-1)

struct network_options {
    enum goal goal; /* of the mapper, for each operator */
    int64_t budget; /* of the mapper; 0: its default */
    enum mapper_effort effort;
    bool roofline; /* no mapper: each tensor operator by roofline.h, for guesses */
    struct memo *
        families; /* with MAPPER_EXACT and a goal other than latency: the best mappings for all bandwidths of the outermost
                              level, values NETWORK_FAMILY_VALUE; borrowed, NULL: none */
};

/* A memo for network_options.families. A design that differs from a known one in that bandwidth only costs a re-pricing. Where the
 * outermost level sets the pace, cycles may then be above those without it by one (mapper_family.h). */
#define NETWORK_FAMILY_VALUE sizeof(struct mapper_family)

struct op_cost { /* plain: this is what a memo holds (before hop distances) */
    double cycles;
    double compute_cycles; /* of the array or the vector units */
    int binding;           /* level whose ports set `cycles`; -1: compute */
    int cores;             /* that work on it */
    int64_t macs;
    double mac_slots; /* MACs that all lanes, as wide as the operator's bits open them, could do in `cycles` */
    double mac_pj, vector_pj;
    double storage_pj[HW_LEVELS][TENSOR_ROLE_COUNT];
    double network_pj[HW_LEVELS][TENSOR_ROLE_COUNT];
    double storage_bits[HW_LEVELS][TENSOR_ROLE_COUNT]; /* read and written there, in physical words */
    double hop_pj
        [TENSOR_ROLE_COUNT]; /* on one core: energy of one hop of all its traffic with the level that cores share */
    double dram_bits;        /* to and from the outermost level */
    double level_cycles[HW_LEVELS]; /* that each level's ports are busy */
    int fits;                       /* 0: no mapping exists, everything else is 0 */
};

struct network_cost {
    int n_ops;
    struct op_cost *op; /* [n_ops], in the network's order; views are zero */
    double cycles;      /* one inference at a time: sum over operators */
    double latency_s;
    double busiest_cycles; /* of the busiest core or shared level, for inferences back to back */
    int busiest_level;     /* shared level that it is; -1: core `busiest_core` */
    int busiest_core;
    double throughput_hz; /* inferences (batches) a second back to back */
    double energy_pj;     /* of one inference, with leakage over its latency */
    double mac_pj, vector_pj, leak_pj;
    double storage_pj[HW_LEVELS][TENSOR_ROLE_COUNT];
    double network_pj[HW_LEVELS][TENSOR_ROLE_COUNT];
    double dram_bits;             /* to and from the outermost level */
    double mac_slots;             /* MACs that all lanes could have done */
    double utilization;           /* macs / mac_slots, 0..1 */
    double power_w, peak_power_w; /* mean over the latency; of the hottest operator; leakage included */
    int64_t macs;
    int unsplit_ops; /* asked to be split along a dimension that they do not have: run by core 0 alone */
};

struct network_cost *network_cost_new(int n_ops);
void network_cost_free(struct network_cost *c); /* NULL is fine */

/* A memo for network_cost_evaluate(): its values are struct op_cost. */
#define NETWORK_MEMO_VALUE sizeof(struct op_cost)

/* place[n_ops]; memo and work may be NULL. Thread-safe with a `work` a thread. 0; -1 with ERR_NO when an operator has no mapping (named, with
 * the capacity and by how much), ERR_DATA when operands are too wide or a core is out of range, ERR_BUG when an invariant fails.
 * The same numbers with or without memo. */
int network_cost_evaluate(const struct accelerator *a, const struct network *net, const struct op_place *place,
                          const struct network_options *opt, struct memo *memo, struct mapper_work *work,
                          struct network_cost *out, struct err *err);

#endif
