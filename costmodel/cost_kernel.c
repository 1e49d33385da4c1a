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
#include "costmodel/sparse.h"

#include <assert.h>
#include <math.h>
#include <string.h>

typedef double vec __attribute__((vector_size(8 * KERNEL_LANES)));
typedef int64_t mask __attribute__((vector_size(8 * KERNEL_LANES)));

#define SELECT(m, yes, no) ((vec)(((mask)(yes) & (m)) | ((mask)(no) & ~(m))))
#define MAX(x, y) SELECT((x) > (y), (x), (y))
#define MIN(x, y) SELECT((x) < (y), (x), (y))
#define ALL(x) ((vec){0} + (x))

/* Vector code for what the machine has; the sanitizers cannot start functions that are chosen at load time. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#endif
#if defined(__x86_64__) && defined(__linux__) && !defined(SANITIZED)
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif
#define INLINE static inline __attribute__((always_inline))

static struct kernel_width width_of(const struct level *l, int bits)
{
    struct packing p = packing_of(l, bits);
    return (struct kernel_width){.words = (double)p.words / (double)p.per_word,
                                 .port_bits = (double)l->word_bits * (double)p.words / (double)p.per_word,
                                 .wire_bits = bits};
}

static enum packed packed_of(const struct kernel_port *p)
{
    int n = (p->whole.words < 1) + (p->partial.words < 1);
    return n == 0 ? PACKED_NEVER : n == 1 ? PACKED_SOMETIMES : PACKED_ALWAYS;
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
    k->sparse = sparse_any(a, e);
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
            k->port[l][t].partial = width_of(&a->level[l], tensor->partial_bits);
            k->port[l][t].packed = packed_of(&k->port[l][t]);
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

/* What the loops of the mapping amount to, per level. */
struct lanes {
    vec bound[KERNEL_SLOTS], stride[KERNEL_SLOTS];
    vec steps[HW_LEVELS];                 /* product of the level's temporal bounds */
    vec moves[HW_LEVELS][EINSUM_TENSORS]; /* M over the level's temporal loops alone */
    vec fan[HW_LEVELS];                   /* product of the spatial bounds */
    vec delta[HW_LEVELS][EINSUM_TENSORS]; /* distinct places of the tensor below it */
    vec hops[HW_LEVELS][EINSUM_TENSORS];
    vec volume[HW_LEVELS][EINSUM_TENSORS];
    vec extent[HW_LEVELS][EINSUM_TENSORS][EINSUM_RANKS]; /* of ranks that are not plain */
    vec plain[HW_LEVELS][EINSUM_TENSORS];                /* product of the extents of plain ranks */
    vec reduce_steps[HW_LEVELS],
        reduce_fan[HW_LEVELS]; /* reduction bounds of this level and outwards, temporal and spatial */
    vec visits;                /* product of all temporal bounds that move the output */
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
                if (k->slot[s].temporal || k->slot[s].level != l || k->rank_of[t][d] != r || x->bound[s][lane] == 1) {
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
                double over = fmax(0, count[0] - step[1] / g) * fmax(0, count[1] - step[0] / g);
                x->delta[l][t][lane] *= 1 - over / (count[0] * count[1]);
                x->delta[l][t][lane] = round(x->delta[l][t][lane]);
            }
        }
    }
}

/* Hops of a word that same_x children along X and same_y along Y want: level_hops(). */
INLINE void hops_of(const struct level *level, uint32_t axes, const vec *same_x, const vec *same_y, vec *out)
{
    vec along_x = ALL(level->hops_x), along_y = ALL(level->hops_y);
    if (axes >> AXIS_X & 1) {
        along_x = SELECT(*same_x > 1.0, ALL((double)level->fanout_x), along_x);
    }
    if (axes >> AXIS_Y & 1) {
        along_y = SELECT(*same_y > 1.0, ALL((double)level->fanout_y), along_y);
    }
    *out = along_x + along_y;
    if (axes == (1u << AXIS_X | 1u << AXIS_Y)) {
        vec trunk_x = along_x + *same_x * along_y, trunk_y = along_y + *same_y * along_x;
        vec tree = MIN(trunk_x, trunk_y), fewer = MIN(*same_x, *same_y);
        *out = SELECT(fewer > 1.0, tree, *out);
    }
}

/* The spatial loops below one instance of level l. */
INLINE void shape_spatial(const struct cost_kernel *k, struct lanes *x, int l)
{
    const struct level *level = &k->a.level[l];
    vec fan = ALL(1.0), reduce = ALL(1.0);
    for (int s = k->first[l]; s < k->first_temporal[l]; s++) {
        fan *= x->bound[s];
        if (!(k->slot[s].moves >> k->output & 1)) {
            reduce *= x->bound[s];
        }
    }
    x->fan[l] = fan;
    x->reduce_fan[l] = reduce;
    for (int t = 0; t < k->e.n_tensors; t++) {
        vec delta = ALL(1.0), same_x = ALL(1.0), same_y = ALL(1.0);
        uint32_t axes = 0; /* of loops that do not move the tensor */
        for (int s = k->first[l]; s < k->first_temporal[l]; s++) {
            if (k->slot[s].moves >> t & 1) {
                delta *= x->bound[s];
                continue;
            }
            axes |= 1u << k->slot[s].axis;
            if (k->slot[s].axis == AXIS_X) {
                same_x *= x->bound[s];
            } else {
                same_y *= x->bound[s];
            }
        }
        x->delta[l][t] = delta;
        if (k->wired[l][t]) {
            hops_of(level, axes, &same_x, &same_y, &x->hops[l][t]);
        }
        if (k->diagonal[l][t]) {
            diagonal(k, x, l, t);
        }
    }
}

/* Takes in the bound of loop s of the mappings from `at` on; the dimension's extent grows by it. */
INLINE void take(const struct cost_kernel *k, struct lanes *x, const double *const *bound, int at, int s)
{
    vec *extent = &x->extent_all[k->slot[s].dim];
    memcpy(&x->bound[s], bound[k->slot[s].column] + at, sizeof x->bound[s]);
    if (k->slot[s].strided) {
        x->stride[s] = *extent;
    }
    *extent *= x->bound[s];
}

/* The temporal loops of level l. */
INLINE void shape_temporal(const struct cost_kernel *k, struct lanes *x, const double *const *bound, int at, int l)
{
    vec product[2] = {ALL(1.0), ALL(1.0)}; /* of reduction loops, of those that move the output */
    for (int s = k->first_temporal[l]; s < k->first[l + 1]; s++) {
        take(k, x, bound, at, s);
        if (k->slot[s].moves >> k->output & 1) {
            product[1] *= x->bound[s];
        } else {
            product[0] *= x->bound[s];
        }
    }
    x->steps[l] = product[0] * product[1];
    x->reduce_steps[l] = product[0];
    x->visits *= product[1];
    for (int t = 0; t < k->e.n_tensors && l > 0; t++) {
        vec m = ALL(1.0);
        for (int s = k->first_temporal[l]; s < k->first[l + 1] && !k->slides[t]; s++) {
            vec next = m * x->bound[s];
            m = k->slot[s].moves >> t & 1 ? next : SELECT(m > 1.0, next, m);
        }
        x->moves[l][t] = m;
    }
}

/* Walks the levels from the innermost outwards. */
INLINE void shape(const struct cost_kernel *k, struct lanes *x, const double *const *bound, int at)
{
    int levels = k->a.n_levels;
    vec *extent = x->extent_all;
    for (int d = 0; d < k->e.n_dims; d++) {
        extent[d] = ALL(1.0);
    }
    x->visits = ALL(1.0);
    for (int l = 0; l < levels; l++) {
        for (int s = k->first[l]; s < k->first_temporal[l]; s++) {
            take(k, x, bound, at, s);
        }
        shape_spatial(k, x, l);
        shape_temporal(k, x, bound, at, l);
        for (int t = 0; t < k->e.n_tensors && l < levels - 1; t++) {
            const struct einsum_tensor *tensor = &k->e.tensor[t];
            vec volume = ALL(1.0), plain = ALL(1.0);
            for (int r = 0; r < tensor->n_ranks; r++) {
                if (tensor->rank[r].n_terms == 1 && tensor->rank[r].term[0].coef == 1) {
                    plain *= extent[tensor->rank[r].term[0].dim];
                    continue;
                }
                vec e = ALL(1.0);
                for (int i = 0; i < tensor->rank[r].n_terms; i++) {
                    e += (double)tensor->rank[r].term[i].coef * (extent[tensor->rank[r].term[i].dim] - 1.0);
                }
                if (tensor->rank[r].n_terms > 1) {
                    x->extent[l][t][r] = e;
                    volume *= e;
                } else {
                    plain *= e;
                }
            }
            x->plain[l][t] = plain;
            x->volume[l][t] = plain * volume;
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
}

/* Words that a tile of a tensor with plain ranks takes in. */
INLINE void fetch_plain(const struct cost_kernel *k, const struct lanes *x, int t, int child, vec *out)
{
    vec m = ALL(1.0);
    for (int l = child + 1; l < k->a.n_levels; l++) {
        m = SELECT(m > 1.0, m * x->steps[l], x->moves[l][t]);
    }
    *out = m * x->volume[child][t];
}

/* Whether no bit is set in any lane. */
INLINE bool no_bits(const void *v)
{
    uint64_t b[KERNEL_LANES];
    memcpy(b, v, sizeof b);
    return ((b[0] | b[1]) | (b[2] | b[3]) | ((b[4] | b[5]) | (b[6] | b[7]))) == 0;
}
_Static_assert(KERNEL_LANES == 8, "no_bits() looks at eight lanes");

/* The same for one with sliding ranks: total_j = V + G_j = total_{j-1} n_j - (n_j - 1) overlap_j. `wrap`: how far the loops inside have moved
 * the tile along each sliding rank; `shared`: what of the rank's extent a return from there keeps; `plain`: extents of the plain
 * ranks, 0 once a loop inside has moved the tile along one of them, when nothing is shared any more. */
INLINE void fetch_sliding(const struct cost_kernel *k, const struct lanes *x, int t, int child, vec *out)
{
    const struct kernel_slide *slide = &k->slide[t];
    vec wrap[KERNEL_SLIDES], shared[KERNEL_SLIDES], extent[KERNEL_SLIDES];
    vec total = x->volume[child][t], overlap = total, plain = x->plain[child][t];
    for (int q = 0; q < KERNEL_SLIDES; q++) {
        wrap[q] = ALL(0.0);
        extent[q] = q < slide->n_ranks ? x->extent[child][t][slide->rank[q]] : ALL(1.0);
        shared[q] = extent[q];
    }
    for (int l = child + 1; l < k->a.n_levels; l++) {
        if (no_bits(&plain)) {
            total *= x->steps[l];
            continue;
        }
        for (int s = k->first_temporal[l]; s < k->first[l + 1]; s++) {
            vec b = x->bound[s];
            int q = slide->of_slot[s];
            if (q == SLIDE_NONE) {
                total = total * b - (b - 1.0) * overlap;
            } else if (q == SLIDE_PLAIN) {
                total *= b;
                plain = SELECT(b > 1.0, ALL(0.0), plain);
                overlap = SELECT(b > 1.0, ALL(0.0), overlap);
            } else {
                vec step = x->stride[s] * slide->coef[s];
                vec move = step - wrap[q];
                vec left = extent[q] - MAX(move, -move);
                vec others = plain * shared[1 - q];
                vec more = b - 1.0;
                total = total * b - more * others * MAX(left, ALL(0.0));
                wrap[q] += more * step;
                left = extent[q] - wrap[q];
                shared[q] = MAX(left, ALL(0.0));
                overlap = others * shared[q];
            }
        }
    }
    *out = total;
}

/* Accesses of physical words for n elements, in whole words where several elements share one. Rounds up by adding nearly a half and then
 * 2^52, which leaves no bits below 1; what is missing to the half is less than an element's share of a word and more than the error
 * of the product, up to 10^12 accesses. */
INLINE void accesses(const vec *n, const vec *words, enum packed packed, vec *out)
{
    *out = *n * *words;
    if (packed != PACKED_NEVER) {
        vec up = ((*out + (0.5 - 0x1p-13)) + 0x1p52) - 0x1p52;
        *out = packed == PACKED_ALWAYS ? up : SELECT(*words < 1.0, up, *out);
    }
}

/* An output's width where `more` reduction iterations are still to come. */
INLINE void width_at(const struct kernel_port *p, bool output, const vec *more, vec *words, vec *port_bits,
                     vec *wire_bits)
{
    *words = ALL(p->whole.words);
    *port_bits = ALL(p->whole.port_bits);
    *wire_bits = ALL(p->whole.wire_bits);
    if (output && p->partial.wire_bits != p->whole.wire_bits) {
        mask partial = *more > 1.0;
        *words = SELECT(partial, ALL(p->partial.words), *words);
        *port_bits = SELECT(partial, ALL(p->partial.port_bits), *port_bits);
        *wire_bits = SELECT(partial, ALL(p->partial.wire_bits), *wire_bits);
    }
}

INLINE void store(const struct level *level, const vec *words, enum packed packed, bool output, const vec *read,
                  const vec *sent, const vec *fill, const vec *update, vec *pj)
{
    vec r, d, f, u;
    accesses(read, words, packed, &r);
    accesses(fill, words, packed, &f);
    if (output) {
        accesses(sent, words, packed, &d);
        accesses(update, words, packed, &u);
        r += d;
        f += u;
    }
    *pj = r * level->read_pj + f * level->write_pj;
}

/* One tensor: all its traffic, priced. Counts are of one instance. */
INLINE void price_tensor(const struct cost_kernel *k, struct lanes *x, int t, bool output)
{
    vec energy = x->energy;
    int levels = k->a.n_levels, child = -1;
    vec asked = ALL(1.0);    /* by each child; a MAC asks for one word a step */
    vec visited = x->visits; /* words of the output that an instance ever holds */
    const vec none = ALL(0.0), one = ALL(1.0);
    for (int l = 0; l < levels; l++) {
        asked *= x->steps[l];
    }
    for (int l = 0; l < levels; l++) {
        const struct level *level = &k->a.level[l];
        vec words, port_bits, wire_bits;
        vec more = x->reduce_steps[child + 1] * (l + 1 < levels ? x->reduce_fan[l + 1] : one);
        width_at(&k->port[l][t], output, &more, &words, &port_bits, &wire_bits);
        vec adds = none;
        if (k->spatial[l]) {
            if (output) {
                adds = asked * (x->fan[l] - x->delta[l][t]);
                visited *= x->delta[l][t];
            }
            asked *= x->delta[l][t];
        }
        vec known = output ? asked - visited : none;
        vec network = none;
        if (k->wired[l][t]) {
            network = (asked + known) * wire_bits * level->hop_pj_per_bit * x->hops[l][t];
        }
        if (output && k->spatial[l]) {
            network += adds * (k->e.tensor[t].partial_bits * level->add_pj_per_bit);
        }
        energy += network * x->instances[l];
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
        store(level, &words, k->port[l][t].packed, output, &read, &sent, &fill, &update, &pj);
        energy += pj * x->instances[l];
        x->read[l] += (read + sent) * port_bits;
        x->write[l] += (fill + update) * port_bits;
        asked = taken;
        child = l;
    }
    x->energy = energy;
}

INLINE void finish(const struct cost_kernel *k, struct lanes *x, vec *energy, vec *cycles)
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
        wrong |= (mask)(x->extent_all[d] - (double)k->e.bound[d]);
    }
    return no_bits(&wrong);
}

/* False, and nothing priced, when a lane has imperfect factors. */
CLONES static bool price(const struct cost_kernel *k, struct lanes *x, const double *const *bound, int at,
                         double *energy_pj, double *cycles)
{
    shape(k, x, bound, at);
    if (!perfect(k, x)) {
        return false;
    }
    x->energy = ALL(0.0);
    for (int l = 0; l < k->a.n_levels; l++) {
        x->read[l] = x->write[l] = ALL(0.0);
    }
    for (int t = 0; t < k->e.n_tensors; t++) {
        if (t == k->output) {
            price_tensor(k, x, t, true);
        } else {
            price_tensor(k, x, t, false);
        }
    }
    vec energy, needed;
    finish(k, x, &energy, &needed);
    memcpy(energy_pj, &energy, sizeof energy);
    memcpy(cycles, &needed, sizeof needed);
    return true;
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

int cost_kernel_price(const struct cost_kernel *k, int n, const double *const *bound, double *energy_pj, double *cycles,
                      struct err *err)
{
    struct lanes x;
    int i = 0;
    for (; i + KERNEL_LANES <= n; i += KERNEL_LANES) {
        if (!k->sparse && price(k, &x, bound, i, &energy_pj[i], &cycles[i])) {
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
    if (!k->sparse && price(k, &x, column, 0, energy, needed)) {
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
