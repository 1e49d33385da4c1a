/* Notation of docs/model.md, "Zeros": d the density, q = 1 - d.
 *
 * A tensor is encoded once, as a stream or as fibres of its last rank; a tile is a piece of it. So what an element takes does not hang on
 * the mapping, and the mapper's sums stay linear. */
#include "costmodel/sparse.h"

#include "costmodel/packing.h"

#include <math.h>

static int bits_for(double values)
{
    return values > 1 ? (int)ceil(log2(values)) : 0;
}

static double rank_extent(const struct einsum *e, int tensor, int r)
{
    const struct einsum_rank *rank = &e->tensor[tensor].rank[r];
    double extent = 1;
    for (int i = 0; i < rank->n_terms; i++) {
        extent += (double)rank->term[i].coef * (double)(e->bound[rank->term[i].dim] - 1);
    }
    return extent;
}

/* Entries of zero that B zeros in a row cost, in a stream of n elements: such an entry ends at an element when the zeros before it since the
 * last entry of another value, or since the start, are j B:  sum over j = 1 .. n/B of q^(jB) (1 + d (n - jB)). */
static double filler_entries(double d, double n, double run)
{
    double log_q = log1p(-d), sum = 0;
    for (double j = 1; j * run <= n; j++) {
        double term = exp(j * run * log_q) * (1 + d * (n - j * run));
        sum += term;
        if (term < 1e-16 * sum) {
            break;
        }
    }
    return sum;
}

/* Metadata of an element with `entries` stored for it. */
static double metadata(const struct level_sparse *s, const struct einsum *e, int tensor, double elements,
                       double entries)
{
    const struct einsum_tensor *t = &e->tensor[tensor];
    double last = t->n_ranks > 0 ? rank_extent(e, tensor, t->n_ranks - 1) : 1;
    int coordinates = 0;
    switch (s->format) {
    case SPARSE_BITMASK:
        return 1;
    case SPARSE_RLC:
        return entries * s->field_bits;
    case SPARSE_COO:
        for (int r = 0; r < t->n_ranks; r++) {
            coordinates += bits_for(rank_extent(e, tensor, r));
        }
        return entries * (s->field_bits > 0 ? s->field_bits : coordinates);
    case SPARSE_CSR:
        coordinates = s->field_bits > 0 ? s->field_bits : bits_for(last);
        return entries * coordinates + bits_for(elements + 1) / last;
    default:
        return 0;
    }
}

bool sparse_element(const struct level *level, const struct einsum *e, int tensor, int bits, struct sparse_element *out)
{
    const struct einsum_tensor *t = &e->tensor[tensor];
    const struct level_sparse *s = &level->sparse[t->role];
    if (s->format == SPARSE_NONE || !(t->density < 1)) {
        return false;
    }
    double d = t->density, n = 1;
    for (int r = 0; r < t->n_ranks; r++) {
        n *= rank_extent(e, tensor, r);
    }
    out->entries = d;
    if (s->format == SPARSE_RLC) {
        out->entries += filler_entries(d, n, exp2(s->field_bits)) / n;
    }
    struct packing p = packing_of(level, bits);
    double words = (double)p.words / (double)p.per_word;
    out->meta_bits = metadata(s, e, tensor, n, out->entries);
    out->words = out->entries * words + out->meta_bits / level->word_bits;
    out->port_bits = out->words * level->word_bits;
    out->wire_bits = out->entries * bits + out->meta_bits;
    out->hold_bits = s->expected ? out->port_bits : words * level->word_bits + metadata(s, e, tensor, n, 1);
    return true;
}

static int64_t gcd(int64_t a, int64_t b)
{
    return b == 0 ? a : gcd(b, a % b);
}

/* Elements of tensor u that the iterations of a box of loops meet: distinct sums in each rank, without the holes of strides and dilations. A
 * rank of two terms a i + b j, i < n, j < m, a and b coprime, has n m - (n - b)+ (m - a)+ of them; of more terms its box is taken. */
static double met_elements(const struct einsum *e, int u, const int64_t *ext)
{
    double n = 1;
    for (int r = 0; r < e->tensor[u].n_ranks; r++) {
        const struct einsum_rank *k = &e->tensor[u].rank[r];
        double distinct = 1;
        for (int i = 0; i < k->n_terms; i++) {
            distinct += (double)(k->n_terms == 1 ? 1 : k->term[i].coef) * (double)(ext[k->term[i].dim] - 1);
        }
        if (k->n_terms == 2) {
            int64_t g = gcd(k->term[0].coef, k->term[1].coef);
            double x = (double)ext[k->term[0].dim], y = (double)ext[k->term[1].dim];
            double a = (double)(k->term[0].coef / g), b = (double)(k->term[1].coef / g);
            distinct = x * y - fmax(0, x - b) * fmax(0, y - a);
        }
        n *= distinct;
    }
    return n;
}

/* Operands of some roles, all of which must have something but zeros where a box of loops meets them. */
static double meets(const struct einsum *e, uint32_t roles, int follower, const int64_t *ext)
{
    double share = 1;
    for (int u = 0; u < e->n_tensors; u++) {
        const struct einsum_tensor *t = &e->tensor[u];
        if (!t->output && u != follower && (roles >> t->role & 1) && t->density < 1) {
            share *= -expm1(met_elements(e, u, ext) * log1p(-t->density));
        }
    }
    return share;
}

static struct sparse_share share_of(const struct einsum *e, uint32_t gate, uint32_t skip, int follower,
                                    const int64_t *ext)
{
    return (struct sparse_share){meets(e, gate | skip, follower, ext), meets(e, skip, follower, ext)};
}

struct sparse_share sparse_macs(const struct accelerator *a, const struct einsum *e)
{
    int64_t one[EINSUM_DIMS];
    for (int d = 0; d < e->n_dims; d++) {
        one[d] = 1;
    }
    return share_of(e, a->mac.gate, a->mac.skip, -1, one);
}

/* Roles that the words of a tensor wait for on their way between `level` and the next one inside. A MAC that is skipped asks for nothing. */
static void conditions(const struct accelerator *a, const struct einsum *e, int level, int tensor, bool to_mac,
                       uint32_t *gate, uint32_t *skip)
{
    enum tensor_role role = e->tensor[tensor].role;
    const struct level_sparse *s = &a->level[level].sparse[role];
    *gate = s->gate;
    *skip = s->skip | (to_mac ? a->mac.skip & ~(1u << role) : 0);
}

static void widen(const struct einsum *e, int64_t *ext, int d, int64_t bound)
{
    int64_t x;
    bool large = __builtin_mul_overflow(ext[d], bound, &x);
    ext[d] = large || x > e->bound[d] ? e->bound[d] : x;
}

/* Extents of all that runs at and below `child`, of the copies side by side below `level`, and of the loops that a tile stays through. */
static void staying_box(const struct einsum *e, const struct mapping *m, int level, int child, int tensor, int64_t *ext)
{
    for (int d = 0; d < e->n_dims; d++) {
        ext[d] = 1;
    }
    for (int l = 0; l <= level; l++) {
        const struct mapping_level *ml = &m->level[l];
        for (int i = 0; i < ml->n_temporal && l <= child; i++) {
            widen(e, ext, ml->temporal[i].dim, ml->temporal[i].bound);
        }
        for (int i = 0; i < ml->n_spatial; i++) {
            if (l <= child || !einsum_relevant(e, tensor, ml->spatial[i].dim)) {
                widen(e, ext, ml->spatial[i].dim, ml->spatial[i].bound);
            }
        }
    }
    for (int l = child + 1; l < m->n_levels && child >= 0; l++) { /* innermost first */
        const struct mapping_level *ml = &m->level[l];
        for (int i = ml->n_temporal - 1; i >= 0; i--) {
            if (ml->temporal[i].bound > 1 && einsum_relevant(e, tensor, ml->temporal[i].dim)) {
                return;
            }
            widen(e, ext, ml->temporal[i].dim, ml->temporal[i].bound);
        }
    }
}

struct sparse_share sparse_passing(const struct accelerator *a, const struct einsum *e, const struct mapping *m,
                                   int level, int tensor)
{
    uint32_t gate, skip;
    int64_t ext[EINSUM_DIMS];
    int child = level - 1;
    while (child >= 0 && !(m->level[child].keep >> tensor & 1)) {
        child--;
    }
    conditions(a, e, level, tensor, child < 0, &gate, &skip);
    if ((gate | skip) == 0) {
        return (struct sparse_share){1, 1};
    }
    staying_box(e, m, level, child, tensor, ext);
    return share_of(e, gate, skip, tensor, ext);
}

struct sparse_share sparse_passing_least(const struct accelerator *a, const struct einsum *e, int level, int tensor)
{
    uint32_t gate, skip;
    int64_t one[EINSUM_DIMS];
    for (int d = 0; d < e->n_dims; d++) {
        one[d] = 1;
    }
    conditions(a, e, level, tensor, true, &gate, &skip);
    return share_of(e, gate, skip, tensor, one);
}

bool sparse_passing_fixed(const struct accelerator *a, const struct einsum *e)
{
    for (int t = 0; t < e->n_tensors; t++) {
        enum tensor_role role = e->tensor[t].role;
        bool inner = false; /* may a level inside keep the tensor? */
        for (int l = 0; l < a->n_levels; l++) {
            const struct level_sparse *s = &a->level[l].sparse[role];
            if (inner && (s->gate | s->skip) != 0) {
                return false;
            }
            inner = inner || a->level[l].keep[role] != KEEP_NEVER;
        }
    }
    return true;
}

/* Roles of which an operand has zeros. */
static uint32_t with_zeros(const struct einsum *e)
{
    uint32_t roles = 0;
    for (int t = 0; t < e->n_tensors; t++) {
        roles |= !e->tensor[t].output && e->tensor[t].density < 1 ? 1u << e->tensor[t].role : 0;
    }
    return roles;
}

bool sparse_any(const struct accelerator *a, const struct einsum *e)
{
    uint32_t zeros = with_zeros(e);
    bool any = ((a->mac.gate | a->mac.skip) & zeros) != 0;
    for (int l = 0; l < a->n_levels; l++) {
        for (int t = 0; t < e->n_tensors; t++) {
            const struct level_sparse *s = &a->level[l].sparse[e->tensor[t].role];
            any = any || (s->format != SPARSE_NONE && e->tensor[t].density < 1) || ((s->gate | s->skip) & zeros) != 0;
        }
    }
    return any;
}
