/* The closed form of count_fetch.c for perfect factors, arranged for vector registers: a mapping in each lane of a variable
 * (cost_kernel_lanes.inc, for registers of two, four and eight numbers). All counts are those of one instance, so that they are products of bounds and nothing is divided:
 *
 *   fetched by a tile   G_j = G_{j-1} n_j + (n_j - 1) (V - overlap_j) over the temporal loops j above it, innermost first; F = V + G.
 *   a tensor whose ranks are plain dimensions: overlap is all or nothing, so F = V M with M_j = M_{j-1} n_j, but M_{j-1} while only
 *   loops that do not move it have run (M = 1).
 *   an instance further out sends F times the distinct places delta of its children, level by level of the spatial loops.
 *
 * See count_fetch.c for the meaning and cost.c for the prices; tests/test_cost.c holds the three together. */
#include "costmodel/cost_kernel.h"

#include "costmodel/count_forward.h"
#include "costmodel/packing.h"
#include "costmodel/sparse.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define SELECT(m, yes, no) ((vec)(((mask)(yes) & (m)) | ((mask)(no) & ~(m))))
#define MAX(x, y) SELECT((x) > (y), (x), (y))
#define MIN(x, y) SELECT((x) < (y), (x), (y))
#define ALL(x) ((vec){0} + (x))
#define INLINE static inline __attribute__((always_inline))

static struct kernel_width width_of(const struct level *l, int bits)
{
    struct packing p = packing_of(l, bits);
    return (struct kernel_width){.words = (double)p.words / (double)p.per_word,
                                 .port_bits = (double)l->word_bits * (double)p.words / (double)p.per_word,
                                 .wire_bits = bits};
}

static void init_slots(struct cost_kernel *k)
{
    const struct mapping *m = &k->skeleton;
    int first = 0; /* loop of the level, in the skeleton's order */
    for (int l = 0; l < m->n_levels; l++) {
        const struct mapping_level *ml = &m->level[l];
        int loops = ml->n_temporal + ml->n_spatial;
        k->first[l] = k->n_slots;
        k->first_temporal[l] = k->n_slots + ml->n_spatial;
        for (int i = loops - 1; i >= 0; i--) {
            int s = k->n_slots++;
            assert(s < KERNEL_SLOTS);
            bool temporal = i < ml->n_temporal;
            const struct spatial_loop *sp = temporal ? NULL : &ml->spatial[i - ml->n_temporal];
            k->slot[s].level = l;
            k->slot[s].temporal = temporal;
            k->slot[s].dim = temporal ? ml->temporal[i].dim : sp->dim;
            k->slot[s].axis = temporal ? AXIS_X : sp->axis;
            k->slot[s].moves = 0;
            for (int t = 0; t < k->e.n_tensors; t++) {
                k->slot[s].moves |= k->rank_of[t][k->slot[s].dim] >= 0 ? 1u << t : 0;
            }
            k->input_slot[first + i] = s;
            k->slot[s].column = first + i;
        }
        first += loops;
    }
    k->first[m->n_levels] = k->n_slots;
}

/* Sorts the ranks of tensor t into plain and sliding ones. */
static int init_slide(struct cost_kernel *k, int t, struct err *err)
{
    const struct einsum_tensor *tensor = &k->e.tensor[t];
    struct kernel_slide *slide = &k->slide[t];
    int q_of[EINSUM_RANKS];
    for (int r = 0; r < tensor->n_ranks; r++) {
        if (tensor->rank[r].n_terms == 1) {
            q_of[r] = SLIDE_PLAIN;
            continue;
        }
        if (slide->n_ranks == KERNEL_SLIDES) {
            return err_set(err, ERR_DATA, "'%s' has more than %d ranks of two dimensions", tensor->name, KERNEL_SLIDES);
        }
        q_of[r] = slide->n_ranks;
        slide->rank[slide->n_ranks++] = r;
    }
    for (int s = 0; s < k->n_slots; s++) {
        int d = k->slot[s].dim;
        slide->of_slot[s] = k->rank_of[t][d] < 0 ? SLIDE_NONE : q_of[k->rank_of[t][d]];
        slide->coef[s] = k->coef[t][d];
        k->slot[s].strided = k->slot[s].strided || slide->of_slot[s] >= 0;
    }
    return 0;
}

static void init_diagonals(struct cost_kernel *k)
{
    for (int i = 0; i < k->n_slots; i++) {
        for (int j = 0; j < i; j++) {
            for (int t = 0; t < k->e.n_tensors; t++) {
                int di = k->slot[i].dim, dj = k->slot[j].dim;
                if (!k->slot[i].temporal && !k->slot[j].temporal && di != dj && k->slot[i].level == k->slot[j].level &&
                    k->rank_of[t][di] >= 0 && k->rank_of[t][di] == k->rank_of[t][dj]) {
                    k->diagonal[k->slot[i].level][t] = true;
                    k->slot[i].strided = k->slot[j].strided = true;
                }
            }
        }
    }
}

int cost_kernel_init(struct cost_kernel *k, const struct accelerator *a, const struct einsum *e,
                     const struct mapping *skeleton, struct err *err)
{
    int w_bits, a_bits;
    int64_t lanes;
    double pj_per_mac;
    memset(k, 0, sizeof *k);
    k->a = *a;
    k->e = *e;
    k->skeleton = *skeleton;
    mapping_operand_bits(e, &w_bits, &a_bits);
    if (mac_lanes(&a->mac, w_bits, a_bits, &lanes, &pj_per_mac, err) != 0) {
        return -1;
    }
    k->mac_pj = (double)einsum_macs(e) * pj_per_mac;
    k->output = einsum_output(e);
    k->singly = sparse_any(a, e) || count_links(a) != 0;
    k->leak_pj_per_cycle = a->leak_w * 1e12 / a->clock_hz;
    memset(k->rank_of, -1, sizeof k->rank_of);
    for (int t = 0; t < e->n_tensors; t++) {
        const struct einsum_tensor *tensor = &e->tensor[t];
        for (int r = 0; r < tensor->n_ranks; r++) {
            for (int i = 0; i < tensor->rank[r].n_terms; i++) {
                k->rank_of[t][tensor->rank[r].term[i].dim] = r;
                k->coef[t][tensor->rank[r].term[i].dim] = (double)tensor->rank[r].term[i].coef;
            }
            k->slides[t] = k->slides[t] || tensor->rank[r].n_terms > 1;
        }
        if (tensor->output && k->slides[t]) {
            return err_set(err, ERR_DATA,
                           "operator '%s': a rank of the output '%s' is not one plain "
                           "dimension",
                           e->name, tensor->name);
        }
        for (int l = 0; l < a->n_levels; l++) {
            k->port[l][t].whole = width_of(&a->level[l], tensor->bits);
            k->port[l][t].partial = width_of(&a->level[l], tensor->output ? tensor->partial_bits : tensor->bits);
            k->port[l][t].two = tensor->output && tensor->partial_bits != tensor->bits;
        }
    }
    for (int l = 0; l < a->n_levels; l++) {
        k->inv_read[l] = 1 / a->level[l].read_bits_per_cycle;
        k->inv_write[l] = 1 / a->level[l].write_bits_per_cycle;
        k->inv_shared[l] = 1 / a->level[l].shared_bits_per_cycle;
    }
    init_slots(k);
    init_diagonals(k);
    for (int l = 0; l < a->n_levels; l++) {
        k->spatial[l] = k->first[l] < k->first_temporal[l];
        for (int t = 0; t < e->n_tensors; t++) {
            k->wired[l][t] = level_wires(&a->level[l], skeleton->level[l].keep >> t & 1);
        }
    }
    for (int t = 0; t < e->n_tensors; t++) {
        if (k->slides[t] && init_slide(k, t, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static double gcd(double a, double b)
{
    while (b > 0) {
        double t = fmod(a, b);
        a = b;
        b = t;
    }
    return a;
}

#define JOIN(name, lanes) name##_##lanes
#define WIDTH_OF(name, lanes) JOIN(name, lanes)
#define WIDTH(name) WIDTH_OF(name, LANES)

/* Registers of 128 bits are in every 64-bit machine; wider ones are asked for when the program runs. */
#define LANES 2
#define TARGET
#include "costmodel/cost_kernel_lanes.inc"
#ifdef __x86_64__
#define LANES 4
#define TARGET __attribute__((target("avx2")))
#include "costmodel/cost_kernel_lanes.inc"
#define LANES 8
#define TARGET __attribute__((target("avx512f")))
#include "costmodel/cost_kernel_lanes.inc"
#endif

/* Room for any width's numbers. */
union work {
    struct lanes_2 lanes_2;
#ifdef __x86_64__
    struct lanes_4 lanes_4;
    struct lanes_8 lanes_8;
#endif
};

/* How this machine prices: `lanes` mappings a call. */
struct way {
    bool (*price)(const struct cost_kernel *k, void *work, const double *const *bound, int at, double *energy_pj,
                  double *cycles);
    int lanes;
};

static struct way widest(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f")) {
        return (struct way){price_8, 8};
    }
    if (__builtin_cpu_supports("avx2")) {
        return (struct way){price_4, 4};
    }
#endif
    return (struct way){price_2, 2};
}

/* The slow way, for one mapping. */
static int price_one(const struct cost_kernel *k, int i, const double *const *bound, double *energy_pj, double *cycles,
                     struct err *err)
{
    const struct cost_options options = {ACCOUNTING_EXACT, FIDELITY_BANDWIDTH};
    struct mapping m = k->skeleton;
    struct cost c;
    int s = 0;
    for (int l = 0; l < m.n_levels; l++) {
        for (int j = 0; j < m.level[l].n_temporal; j++) {
            m.level[l].temporal[j].bound = (int64_t)bound[s++][i];
        }
        for (int j = 0; j < m.level[l].n_spatial; j++) {
            m.level[l].spatial[j].bound = (int64_t)bound[s++][i];
        }
    }
    if (cost_evaluate(&k->a, &k->e, &m, &options, &c, err) != 0) {
        return -1;
    }
    energy_pj[i] = c.energy_pj;
    cycles[i] = c.cycles;
    return 0;
}

/* KERNEL_LANES mappings from `at` on; false when one has imperfect factors, or the operator zeros. */
static bool price_batch(const struct cost_kernel *k, const struct way *way, union work *work,
                        const double *const *bound, int at, double *energy_pj, double *cycles)
{
    for (int i = 0; i < KERNEL_LANES; i += way->lanes) {
        if (k->singly || !way->price(k, work, bound, at + i, energy_pj + i, cycles + i)) {
            return false;
        }
    }
    return true;
}

int cost_kernel_price(const struct cost_kernel *k, int n, const double *const *bound, double *energy_pj, double *cycles,
                      struct err *err)
{
    const struct way way = widest();
    union work work;
    int i = 0;
    for (; i + KERNEL_LANES <= n; i += KERNEL_LANES) {
        if (price_batch(k, &way, &work, bound, i, &energy_pj[i], &cycles[i])) {
            continue;
        }
        for (int j = i; j < i + KERNEL_LANES; j++) {
            if (price_one(k, j, bound, energy_pj, cycles, err) != 0) {
                return -1;
            }
        }
    }
    if (i == n) {
        return 0;
    }
    /* The rest, filled up with copies of its first mapping. */
    double rest[KERNEL_SLOTS][KERNEL_LANES], energy[KERNEL_LANES], needed[KERNEL_LANES];
    const double *column[KERNEL_SLOTS];
    for (int s = 0; s < k->n_slots; s++) {
        column[s] = rest[s];
        for (int lane = 0; lane < KERNEL_LANES; lane++) {
            rest[s][lane] = bound[s][i + lane < n ? i + lane : i];
        }
    }
    if (price_batch(k, &way, &work, column, 0, energy, needed)) {
        memcpy(&energy_pj[i], energy, (size_t)(n - i) * sizeof *energy);
        memcpy(&cycles[i], needed, (size_t)(n - i) * sizeof *needed);
        return 0;
    }
    for (; i < n; i++) {
        if (price_one(k, i, bound, energy_pj, cycles, err) != 0) {
            return -1;
        }
    }
    return 0;
}
