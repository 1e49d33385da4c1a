/* The closed form of count.c for perfect factors, arranged for vector registers: eight mappings in the eight lanes of each variable. All
 * counts are those of one instance, so that they are products of bounds and nothing is divided:
 *
 *   fetched by a tile   G_j = G_{j-1} n_j + (n_j - 1) (V - overlap_j) over the temporal loops j above it, innermost first; F = V + G.
 *   a tensor whose ranks are plain dimensions: overlap is all or nothing, so F = V M with M_j = M_{j-1} n_j, but M_{j-1} while only
 *   loops that do not move it have run (M = 1).
 *   an instance further out sends F times the distinct places delta of its children, level by level of the spatial loops.
 *
 * See count.c for the meaning and cost.c for the prices; tests/test_cost.c holds the three together. */
#include "costmodel/cost_kernel.h"

#include "costmodel/packing.h"

#include <assert.h>
#include <math.h>
#include <string.h>

typedef double vec __attribute__((vector_size(8 * KERNEL_LANES)));
typedef int64_t mask __attribute__((vector_size(8 * KERNEL_LANES)));

#define SELECT(m, yes, no) ((vec)(((mask)(yes) & (m)) | ((mask)(no) & ~(m))))
#define MAX(x, y) SELECT((x) > (y), (x), (y))
#define ALL(x) ((vec){0} + (x))

/* Vector code for what the machine has; the sanitizers cannot start functions that are chosen at load time. */
#if defined(__x86_64__) && defined(__linux__) && !defined(__SANITIZE_ADDRESS__) &&       \
    !defined(__SANITIZE_THREAD__)
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif
#define INLINE static inline __attribute__((always_inline))

static struct kernel_width width_of(const struct level *l, int bits)
{
    struct packing p = packing_of(l, bits);
    return (struct kernel_width){
        .words = (double)p.words / (double)p.per_word,
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
        for (int i = loops - 1; i >= 0; i--) {
            int s = k->n_slots++;
            assert(s < KERNEL_SLOTS);
            bool temporal = i < ml->n_temporal;
            const struct spatial_loop *sp =
                temporal ? NULL : &ml->spatial[i - ml->n_temporal];
            k->slot[s].level = l;
            k->slot[s].temporal = temporal;
            k->slot[s].dim = temporal ? ml->temporal[i].dim : sp->dim;
            k->slot[s].axis = temporal ? AXIS_X : sp->axis;
            k->slot[s].moves = 0;
            for (int t = 0; t < k->e.n_tensors; t++) {
                k->slot[s].moves |= k->rank_of[t][k->slot[s].dim] >= 0 ? 1u << t : 0;
            }
            k->input_slot[first + i] = s;
        }
        first += loops;
    }
}

static void init_diagonals(struct cost_kernel *k)
{
    for (int i = 0; i < k->n_slots; i++) {
        for (int j = 0; j < i; j++) {
            for (int t = 0; t < k->e.n_tensors; t++) {
                int di = k->slot[i].dim, dj = k->slot[j].dim;
                if (!k->slot[i].temporal && !k->slot[j].temporal && di != dj &&
                    k->slot[i].level == k->slot[j].level && k->rank_of[t][di] >= 0 &&
                    k->rank_of[t][di] == k->rank_of[t][dj]) {
                    k->diagonal[k->slot[i].level][t] = true;
                }
            }
        }
    }
}

int cost_kernel_init(struct cost_kernel *k, const struct accelerator *a,
                     const struct einsum *e, const struct mapping *skeleton,
                     struct err *err)
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
    k->leak_pj_per_cycle = a->leak_w * 1e12 / a->clock_hz;
    memset(k->rank_of, -1, sizeof k->rank_of);
    for (int t = 0; t < e->n_tensors; t++) {
        const struct einsum_tensor *tensor = &e->tensor[t];
        for (int r = 0; r < tensor->n_ranks; r++) {
            for (int i = 0; i < tensor->rank[r].n_terms; i++) {
                k->rank_of[t][tensor->rank[r].term[i].dim] = r;
                k->coef[t][tensor->rank[r].term[i].dim] =
                    (double)tensor->rank[r].term[i].coef;
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
            k->port[l][t].partial = width_of(&a->level[l], tensor->partial_bits);
        }
    }
    for (int l = 0; l < a->n_levels; l++) {
        k->inv_read[l] = 1 / a->level[l].read_bits_per_cycle;
        k->inv_write[l] = 1 / a->level[l].write_bits_per_cycle;
        k->inv_shared[l] = 1 / a->level[l].shared_bits_per_cycle;
    }
    init_slots(k);
    init_diagonals(k);
    return 0;
}

/* What the loops of the mapping amount to, per level. */
struct lanes {
    vec bound[KERNEL_SLOTS], stride[KERNEL_SLOTS];
    vec steps[HW_LEVELS];                 /* product of the level's temporal bounds */
    vec moves[HW_LEVELS][EINSUM_TENSORS]; /* M over the level's temporal loops alone */
    vec fan[HW_LEVELS];                   /* product of the spatial bounds */
    vec delta[HW_LEVELS][EINSUM_TENSORS]; /* distinct places of the tensor below it */
    vec hops[HW_LEVELS][EINSUM_TENSORS];
    vec volume[HW_LEVELS][EINSUM_TENSORS];
    vec extent[HW_LEVELS][EINSUM_TENSORS][EINSUM_RANKS]; /* of tensors that slide */
    vec reduce_steps[HW_LEVELS], reduce_fan[HW_LEVELS]; /* reduction bounds of this level and outwards, temporal and spatial */
    vec visits;        /* product of all temporal bounds that move the output */
    vec extent_all[EINSUM_DIMS];
    vec instances[HW_LEVELS];
    vec read[HW_LEVELS], write[HW_LEVELS]; /* bits of one instance */
    vec energy;
};

static double gcd(double a, double b)
{
    while (b > 0) {
        double t = fmod(a, b);
        a = b;
        b = t;
    }
    return a;
}

/* Distinct sums of two progressions: see distinct() in count.c. One lane at a time; only for skeletons that can have it. */
static void diagonal(const struct cost_kernel *k, struct lanes *x, int l, int t)
{
    for (int lane = 0; lane < KERNEL_LANES; lane++) {
        for (int r = 0; r < k->e.tensor[t].n_ranks; r++) {
            double count[EINSUM_DIMS], step[EINSUM_DIMS];
            int dim[EINSUM_DIMS], n = 0;
            for (int s = 0; s < k->n_slots; s++) { /* innermost first */
                int d = k->slot[s].dim;
                if (k->slot[s].temporal || k->slot[s].level != l ||
                    k->rank_of[t][d] != r || x->bound[s][lane] == 1) {
                    continue;
                }
                int i = 0;
                while (i < n && dim[i] != d) {
                    i++;
                }
                if (i == n) {
                    dim[n] = d;
                    count[n] = 1;
                    step[n++] = x->stride[s][lane] * k->coef[t][d];
                }
                count[i] *= x->bound[s][lane];
            }
            if (n == 2) {
                double g = gcd(step[0], step[1]);
                double over = fmax(0, count[0] - step[1] / g) *
                              fmax(0, count[1] - step[0] / g);
                x->delta[l][t][lane] *= 1 - over / (count[0] * count[1]);
                x->delta[l][t][lane] = round(x->delta[l][t][lane]);
            }
        }
    }
}

/* Walks the loops from the innermost outwards. */
INLINE void shape(const struct cost_kernel *k, struct lanes *x)
{
    int levels = k->a.n_levels, tensors = k->e.n_tensors, s = 0;
    vec extent[EINSUM_DIMS];
    for (int d = 0; d < EINSUM_DIMS; d++) {
        extent[d] = ALL(1.0);
    }
    x->visits = ALL(1.0);
    for (int l = 0; l < levels; l++) {
        vec spread[2][EINSUM_TENSORS]; /* spatial bounds along an axis that do not move the tensor */
        x->fan[l] = x->steps[l] = ALL(1.0);
        x->reduce_steps[l] = x->reduce_fan[l] = ALL(1.0);
        for (int t = 0; t < tensors; t++) {
            x->delta[l][t] = x->moves[l][t] = ALL(1.0);
            spread[0][t] = spread[1][t] = ALL(1.0);
        }
        for (; s < k->n_slots && k->slot[s].level == l; s++) {
            vec b = x->bound[s];
            int d = k->slot[s].dim;
            x->stride[s] = extent[d];
            extent[d] *= b;
            bool reduces = !(k->slot[s].moves >> k->output & 1);
            if (k->slot[s].temporal) {
                x->steps[l] *= b;
                *(reduces ? &x->reduce_steps[l] : &x->visits) *= b;
            } else {
                x->fan[l] *= b;
                x->reduce_fan[l] *= reduces ? b : ALL(1.0);
            }
            for (int t = 0; t < tensors; t++) {
                bool moves = k->slot[s].moves >> t & 1;
                vec m = x->moves[l][t];
                if (!k->slot[s].temporal) {
                    vec *to = moves ? &x->delta[l][t] : &spread[k->slot[s].axis][t];
                    *to *= b;
                } else if (moves) {
                    x->moves[l][t] = m * b;
                } else {
                    x->moves[l][t] = SELECT(m > 1.0, m * b, m);
                }
            }
        }
        const struct level *level = &k->a.level[l];
        for (int t = 0; t < tensors; t++) {
            const struct einsum_tensor *tensor = &k->e.tensor[t];
            vec volume = ALL(1.0);
            for (int r = 0; r < tensor->n_ranks; r++) {
                vec e = ALL(1.0);
                for (int i = 0; i < tensor->rank[r].n_terms; i++) {
                    e += (double)tensor->rank[r].term[i].coef *
                         (extent[tensor->rank[r].term[i].dim] - 1.0);
                }
                x->extent[l][t][r] = e;
                volume *= e;
            }
            x->volume[l][t] = volume;
            x->hops[l][t] = SELECT(spread[0][t] > 1.0, ALL((double)level->fanout_x),
                                   ALL(level->hops_x)) +
                            SELECT(spread[1][t] > 1.0, ALL((double)level->fanout_y),
                                   ALL(level->hops_y));
            if (k->diagonal[l][t]) {
                diagonal(k, x, l, t);
            }
        }
    }
    vec instances = ALL(1.0);
    for (int l = levels - 1; l >= 0; l--) {
        x->instances[l] = instances;
        instances *= x->fan[l];
        if (l < levels - 1) {
            x->reduce_steps[l] *= x->reduce_steps[l + 1];
            x->reduce_fan[l] *= x->reduce_fan[l + 1];
        }
    }
    memcpy(x->extent_all, extent, sizeof extent);
}

/* Words that a tile of a tensor with plain ranks takes in. */
INLINE void fetch_plain(const struct cost_kernel *k, const struct lanes *x, int t,
                        int child, vec *out)
{
    vec m = ALL(1.0);
    for (int l = child + 1; l < k->a.n_levels; l++) {
        m = SELECT(m > 1.0, m * x->steps[l], x->moves[l][t]);
    }
    *out = m * x->volume[child][t];
}

/* The same for one with sliding ranks. `wrap`: how far the loops inside have moved the tile along each rank. */
INLINE void fetch_sliding(const struct cost_kernel *k, const struct lanes *x, int t,
                          int child, vec *out)
{
    const struct einsum_tensor *tensor = &k->e.tensor[t];
    vec wrap[EINSUM_RANKS], shared[EINSUM_RANKS];
    vec plain = ALL(1.0); /* iterations of plain ranks' loops inside: above 1 nothing is shared */
    vec words = ALL(0.0), volume = x->volume[child][t];
    vec overlap = volume;
    for (int r = 0; r < tensor->n_ranks; r++) {
        wrap[r] = ALL(0.0);
        shared[r] = x->extent[child][t][r];
    }
    for (int s = 0; s < k->n_slots; s++) {
        if (k->slot[s].level <= child || !k->slot[s].temporal) {
            continue;
        }
        vec b = x->bound[s], fresh = volume;
        int d = k->slot[s].dim, r = k->rank_of[t][d];
        if (r < 0) {
            fresh = volume - SELECT(plain > 1.0, ALL(0.0), overlap);
        } else if (tensor->rank[r].n_terms > 1) {
            vec step = x->stride[s] * k->coef[t][d];
            vec move = step - wrap[r];
            vec left = x->extent[child][t][r] - MAX(move, -move);
            vec ticked = MAX(left, ALL(0.0));
            wrap[r] += (b - 1.0) * step;
            left = x->extent[child][t][r] - wrap[r];
            shared[r] = MAX(left, ALL(0.0));
            overlap = ALL(1.0);
            for (int i = 0; i < tensor->n_ranks; i++) {
                ticked *= i == r ? ALL(1.0) : shared[i];
                overlap *= shared[i];
            }
            fresh = volume - SELECT(plain > 1.0, ALL(0.0), ticked);
        } else {
            plain *= b;
        }
        words = words * b + (b - 1.0) * fresh;
    }
    *out = volume + words;
}

/* Accesses of physical words for n elements, in whole words where several elements share one. Rounds up by adding and
 * taking off 2^52; the tiny share taken off first keeps whole quotients whole. */
INLINE void accesses(const vec *n, const vec *words, vec *out)
{
    vec exact = *n * *words;
    vec x = exact - exact * 1e-15;
    vec near = (x + 0x1p52) - 0x1p52;
    vec up = SELECT(near < x, near + 1.0, near);
    *out = SELECT(*words < 1.0, up, exact);
}

/* An output's width where `more` reduction iterations are still to come. */
INLINE void width_at(const struct kernel_port *p, bool output, const vec *more,
                     vec *words, vec *port_bits, vec *wire_bits)
{
    *words = ALL(p->whole.words);
    *port_bits = ALL(p->whole.port_bits);
    *wire_bits = ALL(p->whole.wire_bits);
    if (output) {
        mask partial = *more > 1.0;
        *words = SELECT(partial, ALL(p->partial.words), *words);
        *port_bits = SELECT(partial, ALL(p->partial.port_bits), *port_bits);
        *wire_bits = SELECT(partial, ALL(p->partial.wire_bits), *wire_bits);
    }
}

INLINE void store(const struct level *level, const vec *words, const vec *read,
                  const vec *sent, const vec *fill, const vec *update, vec *pj)
{
    vec r, d, f, u;
    accesses(read, words, &r);
    accesses(sent, words, &d);
    accesses(fill, words, &f);
    accesses(update, words, &u);
    *pj = (r + d) * level->read_pj + (f + u) * level->write_pj;
}

/* One tensor: all its traffic, priced. Counts are of one instance. */
INLINE void price_tensor(const struct cost_kernel *k, struct lanes *x, int t)
{
    bool output = k->e.tensor[t].output;
    int levels = k->a.n_levels, child = -1;
    vec asked = ALL(1.0);        /* by each child; a MAC asks for one word a step */
    vec visited = x->visits;     /* words of the output that an instance ever holds */
    const vec none = ALL(0.0), one = ALL(1.0);
    for (int l = 0; l < levels; l++) {
        asked *= x->steps[l];
    }
    for (int l = 0; l < levels; l++) {
        const struct level *level = &k->a.level[l];
        vec words, port_bits, wire_bits;
        vec more = x->reduce_steps[child + 1] *
                   (l + 1 < levels ? x->reduce_fan[l + 1] : one);
        width_at(&k->port[l][t], output, &more, &words, &port_bits, &wire_bits);
        vec adds = asked * (x->fan[l] - x->delta[l][t]);
        asked *= x->delta[l][t];
        visited *= x->delta[l][t];
        vec known = output ? asked - visited : none;
        vec network = (asked + known) * wire_bits * level->hop_pj_per_bit * x->hops[l][t];
        if (output) {
            network += adds * (k->e.tensor[t].partial_bits * level->add_pj_per_bit);
        }
        x->energy += network * x->instances[l];
        if (!(k->skeleton.level[l].keep >> t & 1)) {
            continue;
        }
        vec read = output ? known : asked, update = output ? asked : none;
        vec fill = none, sent = none, taken = none, pj;
        if (l < levels - 1) {
            if (k->slides[t]) {
                fetch_sliding(k, x, t, l, &taken);
            } else {
                fetch_plain(k, x, t, l, &taken);
            }
            fill = output ? taken - visited : taken;
            sent = output ? taken : none;
        }
        store(level, &words, &read, &sent, &fill, &update, &pj);
        x->energy += pj * x->instances[l];
        x->read[l] += (read + sent) * port_bits;
        x->write[l] += (fill + update) * port_bits;
        asked = taken;
        child = l;
    }
}

INLINE void finish(const struct cost_kernel *k, struct lanes *x, vec *energy,
                   vec *cycles)
{
    vec most = ALL(1.0);
    for (int l = 0; l < k->a.n_levels; l++) {
        most *= x->steps[l];
    }
    for (int l = 0; l < k->a.n_levels; l++) {
        vec r = x->read[l] * k->inv_read[l], w = x->write[l] * k->inv_write[l];
        vec both = (x->read[l] + x->write[l]) * k->inv_shared[l];
        vec need = MAX(r, w);
        need = MAX(need, both) * (1 - 1e-12);
        vec near = (need + 0x1p52) - 0x1p52;
        need = SELECT(near < need, near + 1.0, near);
        most = MAX(most, need);
    }
    *cycles = most;
    *energy = x->energy + k->mac_pj + most * k->leak_pj_per_cycle;
}

/* Whether the bounds of each lane multiply to the operator's. */
INLINE bool perfect(const struct cost_kernel *k, const struct lanes *x)
{
    mask wrong = {0};
    for (int d = 0; d < k->e.n_dims; d++) {
        wrong |= x->extent_all[d] != ALL((double)k->e.bound[d]);
    }
    for (int i = 0; i < KERNEL_LANES; i++) {
        if (wrong[i]) {
            return false;
        }
    }
    return true;
}

/* False, and nothing priced, when a lane has imperfect factors. */
CLONES static bool price(const struct cost_kernel *k, struct lanes *x, vec *energy,
                         vec *cycles)
{
    shape(k, x);
    if (!perfect(k, x)) {
        return false;
    }
    x->energy = ALL(0.0);
    for (int l = 0; l < k->a.n_levels; l++) {
        x->read[l] = x->write[l] = ALL(0.0);
    }
    for (int t = 0; t < k->e.n_tensors; t++) {
        price_tensor(k, x, t);
    }
    finish(k, x, energy, cycles);
    return true;
}

/* The slow way, for one mapping. */
static int price_one(const struct cost_kernel *k, int i, const double *const *bound,
                     double *energy_pj, double *cycles, struct err *err)
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

int cost_kernel_price(const struct cost_kernel *k, int n, const double *const *bound,
                      double *energy_pj, double *cycles, struct err *err)
{
    struct lanes x;
    for (int i = 0; i < n; i += KERNEL_LANES) {
        int lanes = n - i < KERNEL_LANES ? n - i : KERNEL_LANES;
        for (int s = 0; s < k->n_slots; s++) {
            vec *to = &x.bound[k->input_slot[s]];
            if (lanes == KERNEL_LANES) {
                memcpy(to, &bound[s][i], sizeof *to);
                continue;
            }
            for (int lane = 0; lane < KERNEL_LANES; lane++) {
                (*to)[lane] = bound[s][i + (lane < lanes ? lane : 0)];
            }
        }
        vec energy, needed;
        if (price(k, &x, &energy, &needed)) {
            memcpy(&energy_pj[i], &energy, (size_t)lanes * sizeof *energy_pj);
            memcpy(&cycles[i], &needed, (size_t)lanes * sizeof *cycles);
            continue;
        }
        for (int j = i; j < i + lanes; j++) {
            if (price_one(k, j, bound, energy_pj, cycles, err) != 0) {
                return -1;
            }
        }
    }
    return 0;
}
