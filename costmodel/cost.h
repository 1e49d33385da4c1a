/* What a mapping costs: exact movement of words, energy, cycles. Method: shared words of docs/model.md; the key formula is
 * METHODS-operator 4.1 (words fetched into a tile that moves through its tensor), generalised to imperfect factors.
 *
 * Counts are TOTALS over all instances of a level, in elements, and exact: equal to a walk of the loop nest in which each buffer holds
 * exactly its current tile (tests/loop_walk.h is that walk). */
#ifndef COSTMODEL_COST_H
#define COSTMODEL_COST_H

#include "costmodel/count.h"

enum fidelity {
    FIDELITY_BANDWIDTH, /* maximum of compute and every port's bandwidth */
    FIDELITY_STALLS,    /* and what ports stall, the first load and the last drain (stalls.c) */
    FIDELITY_SYSTOLIC, /* bandwidth, and the wave front that fills and drains a systolic array in every fold (systolic.c) */
    FIDELITY_CALIBRATED, /* fitted to the RTL of one accelerator (calibrated.h); cost_evaluate() does not know it */
    FIDELITY_COUNT
};
extern const char *const fidelity_names[];

struct tensor_cost {
    int64_t tile;     /* nominal words held by one instance; 0 when not kept */
    int64_t reads;    /* towards the inner side (and of partial sums for accumulation) */
    int64_t fills;    /* writes coming from the outer side */
    int64_t updates;  /* output: writes coming from the inner side */
    int64_t drains;   /* output: reads of partial or finished sums sent to the outer side; not in `reads` */
    int64_t forwards; /* operands: reads for a neighbour over a link (count_forward.h); not in `reads` */
    int64_t
        network_words; /* words that leave this level on its network towards the children (multicast counted once) */
    int64_t reduction_adds; /* output: additions in that network */
    double accesses;        /* physical words, all actions */
    double energy_pj;       /* storage accesses */
    double network_pj;      /* wires and adders of the network below */
    /* As expected with zeros gated, skipped and compressed away (sparse.h); the counts above are those of a dense machine. */
    double passing;        /* share of the words between this level and the next one inside that pass: 0..1 */
    double entries;        /* stored for an element */
    double tile_bits;      /* of a tile, metadata included */
    double tile_meta_bits; /* of the metadata */
    double moved;          /* elements read, filled, updated and drained: those that are stored and pass */
};

struct level_cost {
    int64_t instances_used;
    double cycles; /* that this level's ports need */
    struct tensor_cost tensor[EINSUM_TENSORS];
};

struct cost {
    int64_t macs;
    int64_t compute_cycles; /* lock step: the slowest spatial instance sets the pace; skipped ones taken off */
    double cycles;          /* by `fidelity` */
    double stall_cycles, load_cycles, drain_cycles; /* FIDELITY_STALLS; else 0 */
    double skew_cycles;                             /* FIDELITY_SYSTOLIC; else 0 */
    int binding;                                    /* level whose ports set `cycles`; -1: compute */
    double utilization;                             /* MACs that take a step / (all MAC lanes * cycles) */
    double working_macs;                            /* expected MACs that are neither gated nor skipped */
    double mac_pj, storage_pj, network_pj, leak_pj;
    double energy_pj; /* sum of the four */
    enum fidelity fidelity;
    struct level_cost level[HW_LEVELS];
};

struct cost_options {
    enum accounting accounting;
    enum fidelity fidelity;
};

/* Prices a legal mapping (mapping_check() passed). ERR_DATA when operands are wider than the MAC; ERR_BUG when an invariant fails: not
 * finite, negative, MACs lost, less traffic than compulsory. Allocates nothing. O(levels * tensors * loops * ranks). */
int cost_evaluate(const struct accelerator *a, const struct einsum *e, const struct mapping *m,
                  const struct cost_options *opt, struct cost *out, struct err *err);

#endif
