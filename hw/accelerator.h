/* An accelerator as the cost model sees it: storage levels (0 innermost), the fan-out between them, the MAC, the vector unit, clock.
 * hw/template.c builds it from a template and parameter values; readers of foreign formats fill it directly. Plain data, copied with
 * '='; no names of technologies are left in it, only energies, areas and where they came from (`source`).
 *
 *   level[n-1] DRAM --fanout--> level[n-2] GLB of each core --fanout--> ... level[0] --fanout (vector lanes)--> MACs
 *
 * Several cores are nothing special: the fan-out below the level that they share. Splitting an operator over cores is a spatial loop there. */
#ifndef HW_ACCELERATOR_H
#define HW_ACCELERATOR_H

#include "base/err.h"
#include "base/tensor_role.h"

#include <stdbool.h>
#include <stdint.h>

struct strbuf;

#define HW_LEVELS 6
#define HW_NAME 32
#define HW_SOURCE 160

enum level_kind { LEVEL_DRAM, LEVEL_SRAM, LEVEL_REGFILE, LEVEL_KIND_COUNT };

enum keep { KEEP_FREE, KEEP_ALWAYS, KEEP_NEVER }; /* may the mapper choose whether the level holds the tensor? */

/* What a level does with the zeros of a tensor, in the words of Sparseloop (Wu et al., MICRO 2022); docs/model.md has the equations. All
 * zero: nothing, it stores and moves them like other elements. */
enum sparse_format {
    SPARSE_NONE,
    SPARSE_BITMASK, /* a bit for each element, then the others */
    SPARSE_RLC, /* with each element the length of the run of zeros before it; longer runs take entries of their own */
    SPARSE_COO, /* with each element all its coordinates */
    SPARSE_CSR, /* with each element its place in the last rank, and a pointer for each of those */
    SPARSE_FORMAT_COUNT
};
extern const char *const sparse_format_names[]; /* "none", "bitmask", "rlc", "coo", "csr", NULL */

struct level_sparse {
    enum sparse_format format;
    int field_bits; /* rlc: of a run, 1..32; coo, csr: of the coordinates of an element, 0: what the tensor's ranks need */
    bool expected; /* capacity holds the expected bits of a tile; else those of a tile without zeros */
    /* Bit r: what passes between the level and the next one inside waits for the operands of role r, and is left out when all that it would
     * meet of them is zero. Gating saves the energy, skipping the time too. */
    uint32_t gate, skip;
};

struct level {
    char name[HW_NAME];
    enum level_kind kind;
    int64_t capacity_bits; /* of one instance; INT64_MAX: unbounded */
    int buffering;         /* 1, or 2: double buffered, a tile may fill half of it */
    enum keep keep[TENSOR_ROLE_COUNT];
    int64_t instances;          /* in the whole chip */
    int64_t fanout_x, fanout_y; /* children (instances of the next inner level, or MACs) of one instance */
    int word_bits; /* physical word: one access moves word_bits / bits elements (floor, at least one; an element wider than
                                  the word takes ceil(bits / word_bits) accesses) */
    double read_pj, write_pj; /* per physical word; an update of a partial sum is a read and a write, counted as such */
    double read_bits_per_cycle, write_bits_per_cycle, shared_bits_per_cycle; /* of one instance; INFINITY: no limit */
    double hop_pj_per_bit; /* network from one instance to its children: per bit and hop */
    double hops_x,
        hops_y; /* mean hops of a unicast along each axis; a multicast along an axis pays its whole length once */
    bool links; /* children hand words on to their next neighbours along each axis (count_forward.h), one hop */
    struct level_sparse sparse[TENSOR_ROLE_COUNT];
    double add_pj_per_bit;          /* adders of a spatial reduction in that network, per bit of the partial sum */
    double leak_w;                  /* of one instance */
    double area_mm2;                /* of one instance, with its share of the network below */
    char source[HW_SOURCE];         /* of energy and area */
    char network_source[HW_SOURCE]; /* of hop_pj_per_bit */
};

enum mac_kind { MAC_FIXED, MAC_DECOMPOSABLE, MAC_BIT_SERIAL, MAC_FLOAT, MAC_KIND_COUNT };
extern const char *const mac_kind_names[]; /* "fixed", "decomposable", "bit_serial", "float", NULL */

struct mac {
    enum mac_kind kind;
    int64_t instances; /* MAC units = instances of level 0 (lanes of a decomposable unit come on top) */
    int w_bits,
        a_bits; /* widest operands; wider ones are refused, narrower ones are sign-extended (fixed) or open lanes (decomposable) */
    int acc_bits;            /* partial sum */
    double mul_pj;           /* one w_bits x a_bits product */
    double add_pj;           /* one accumulation at acc_bits */
    double shift_add_pj;     /* decomposable: recombining one full product from its parts; else 0 */
    double leak_w, area_mm2; /* of one unit */
    double max_hz;           /* highest clock at the supply voltage */
    uint32_t gate,
        skip; /* bit r: a product with a zero of role r costs no energy; and no time, nor the accesses for it */
    char source[HW_SOURCE];
};

struct vector_unit { /* what no array runs: pooling, softmax, norms, element-wise work; one a core */
    int64_t lanes;   /* operations a cycle and core */
    double op_pj;    /* one operation at acc_bits */
    double leak_w, area_mm2;
    char source[HW_SOURCE];
};

/* A dataflow: which dimensions may be unrolled over the axes of each level's fan-out, and which tensor stays in the innermost
 * level while the loops of that level's parent run (TENSOR_ROLE_COUNT: none). Names not present in an operator are ignored. */
#define DATAFLOW_DIMS 8
struct dataflow {
    char name[HW_NAME];
    struct {
        int n_x, n_y; /* -1: any dimension */
        char x[DATAFLOW_DIMS][8], y[DATAFLOW_DIMS][8];
    } spatial[HW_LEVELS];
    enum tensor_role stationary;
};

struct accelerator {
    char name[HW_NAME];
    int n_levels;
    struct level level[HW_LEVELS];
    struct mac mac;
    struct vector_unit vector;
    struct dataflow dataflow;
    int64_t cores;  /* instances below `core_level`'s fan-out */
    int core_level; /* the level whose fan-out are the cores; -1: one core */
    double clock_hz, voltage_v;
    double leak_w, area_mm2; /* whole chip, without DRAM devices */
    char source[HW_SOURCE];  /* of the technology: node, voltage, table */
};

/* Whether a tensor's words run over the network below a level. With one child that is a wire to a neighbour, as between the parts of one
 * PE: what the level does not keep comes from where it is kept straight to where it is needed. */
static inline bool level_wires(const struct level *l, bool kept)
{
    return kept || l->fanout_x * l->fanout_y > 1;
}

/* Hops of one word from a level's instance that `columns` children along x and `rows` along y take (products of the spatial bounds that do not
 * move the tensor), or that it is the sum of. Along an axis of several the whole length is driven, else the mean. For both axes a tree has a trunk
 * along one and ribs along the other, whichever way is shorter. */
static inline double level_hops(const struct level *l, double columns, double rows)
{
    double x = columns > 1 ? (double)l->fanout_x : l->hops_x, y = rows > 1 ? (double)l->fanout_y : l->hops_y;
    if (columns > 1 && rows > 1) {
        return x + columns * y < y + rows * x ? x + columns * y : y + rows * x;
    }
    return x + y;
}

/* How many w x a products one MAC unit forms in a cycle, and what one of them costs (pJ, product and accumulation). ERR_DATA when an
 * operand is wider than the unit.
 * Fixed: 1, at the cost of the full width.
 * Decomposable (Bit Fusion, Sharma et al., ISCA 2018): operands are cut into power-of-two widths down to 2 bits; lanes =
 *   (w_bits / pow2ceil(w)) * (a_bits / pow2ceil(a)); the unit's energy of a cycle is shared by its lanes, whose products its adders sum
 *   into one accumulator.
 * Floating point: one lane; narrower formats, and integers, cost the full width.
 * Bit-serial in the weights (Stripes, Judd et al., MICRO 2016): a unit is w_bits serial multipliers, each w cycles busy with a product of
 *   w weight bits: lanes = floor(w_bits / w); the product's energy is proportional to w. */
int mac_lanes(const struct mac *m, int w_bits, int a_bits, int64_t *lanes, double *pj_per_mac, struct err *err);

/* Invariants: instances multiply up, capacities and energies finite and not negative, at least one level. ERR_DATA with the reason. */
int accelerator_check(const struct accelerator *a, struct err *err);
/* Canonical text of everything that can change a cost (law 2). */
void accelerator_canonical(const struct accelerator *a, struct strbuf *out);

#endif
