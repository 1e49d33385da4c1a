/* Extended einsums: the facts that follow from bounds and ranks, and the operators of
 * networks in this form.
 *
 *   conv:    outputs[n][g][k][p][q] += weights[g][k][c][r][s]
 *                * inputs[n][g][c][p * stride + r * dilation][q * stride + s *
 * dilation] matmul:  outputs[b][p][k] += weights[b][c][k] * inputs[b][p][c]
 *
 * Padding is not a part of it: the rows that an output needs are counted whether they
 * hold data or zeros, as Timeloop and SCALE-Sim do. Every function but einsum_check()
 * takes an einsum that passed it; products then cannot overflow. */
#include "sw/einsum.h"

#include "base/strbuf.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

int einsum_dim(const struct einsum *e, const char *name)
{
    for (int d = 0; d < e->n_dims; d++) {
        if (strcmp(e->dim[d], name) == 0) {
            return d;
        }
    }
    return -1;
}

int einsum_output(const struct einsum *e)
{
    int t = 0;
    while (t < e->n_tensors && !e->tensor[t].output) {
        t++;
    }
    assert(t < e->n_tensors);
    return t;
}

bool einsum_relevant(const struct einsum *e, int tensor, int dim)
{
    const struct einsum_tensor *t = &e->tensor[tensor];
    for (int r = 0; r < t->n_ranks; r++) {
        for (int i = 0; i < t->rank[r].n_terms; i++) {
            if (t->rank[r].term[i].dim == dim) {
                return true;
            }
        }
    }
    return false;
}

bool einsum_reduction(const struct einsum *e, int dim)
{
    return !einsum_relevant(e, einsum_output(e), dim);
}

int64_t einsum_macs(const struct einsum *e)
{
    int64_t macs = 1;
    for (int d = 0; d < e->n_dims; d++) {
        macs *= e->bound[d];
    }
    return macs;
}

int64_t einsum_volume(const struct einsum *e, int tensor, const int64_t *ext)
{
    const struct einsum_tensor *t = &e->tensor[tensor];
    int64_t volume = 1;
    for (int r = 0; r < t->n_ranks; r++) {
        int64_t extent = 1;
        for (int i = 0; i < t->rank[r].n_terms; i++) {
            extent += t->rank[r].term[i].coef * (ext[t->rank[r].term[i].dim] - 1);
        }
        volume *= extent;
    }
    return volume;
}

static int check_dims(const struct einsum *e, struct err *err)
{
    if (e->n_dims < 1 || e->n_dims > EINSUM_DIMS) {
        return err_set(err, ERR_DATA, "operator '%s' has %d dimensions; 1 to %d are possible", e->name, e->n_dims,
                       EINSUM_DIMS);
    }
    int64_t macs = 1;
    for (int d = 0; d < e->n_dims; d++) {
        if (e->dim[d][0] == '\0' || einsum_dim(e, e->dim[d]) != d) {
            return err_set(err, ERR_DATA, "operator '%s' names dimension '%s' twice or not at all", e->name, e->dim[d]);
        }
        if (e->bound[d] < 1) {
            return err_set(err, ERR_DATA, "operator '%s': the bound of '%s' must be at least 1, not %lld", e->name,
                           e->dim[d], (long long)e->bound[d]);
        }
        if (__builtin_mul_overflow(macs, e->bound[d], &macs)) {
            return err_set(err, ERR_DATA, "operator '%s' has more than 2^63 multiply-accumulates", e->name);
        }
    }
    return 0;
}

static int check_rank(const struct einsum *e, const struct einsum_tensor *t, const struct einsum_rank *rank,
                      int64_t *extent, struct err *err)
{
    if (rank->n_terms < 1 || rank->n_terms > EINSUM_TERMS) {
        return err_set(err, ERR_DATA, "operator '%s': a rank of '%s' has %d terms; 1 to %d are possible", e->name,
                       t->name, rank->n_terms, EINSUM_TERMS);
    }
    *extent = 1;
    for (int i = 0; i < rank->n_terms; i++) {
        int d = rank->term[i].dim;
        int64_t coef = rank->term[i].coef, reach;
        if (d < 0 || d >= e->n_dims || coef < 1) {
            return err_set(err, ERR_DATA, "operator '%s': a rank of '%s' has dimension %d with coefficient %lld",
                           e->name, t->name, d, (long long)coef);
        }
        if (__builtin_mul_overflow(coef, e->bound[d] - 1, &reach) || __builtin_add_overflow(*extent, reach, extent)) {
            return err_set(err, ERR_DATA, "operator '%s': '%s' has a rank of more than 2^63", e->name, t->name);
        }
    }
    return 0;
}

/* A dimension may stand only once in a tensor: a diagonal's volume is not the product
 * of its ranks. */
static int check_once(const struct einsum *e, const struct einsum_tensor *t, struct err *err)
{
    bool seen[EINSUM_DIMS] = {false};
    for (int r = 0; r < t->n_ranks; r++) {
        for (int i = 0; i < t->rank[r].n_terms; i++) {
            int d = t->rank[r].term[i].dim;
            if (seen[d]) {
                return err_set(err, ERR_DATA, "operator '%s': '%s' uses dimension '%s' twice", e->name, t->name,
                               e->dim[d]);
            }
            seen[d] = true;
        }
    }
    return 0;
}

static int check_tensor(const struct einsum *e, const struct einsum_tensor *t, struct err *err)
{
    if (t->n_ranks < 0 || t->n_ranks > EINSUM_RANKS) {
        return err_set(err, ERR_DATA, "operator '%s': '%s' has %d ranks; at most %d are possible", e->name, t->name,
                       t->n_ranks, EINSUM_RANKS);
    }
    if (t->bits < 1 || t->bits > 64 || t->partial_bits < 1 || t->partial_bits > 64) {
        return err_set(err, ERR_DATA,
                       "operator '%s': '%s' has %d bits and partial sums of %d; both "
                       "must lie in 1..64",
                       e->name, t->name, t->bits, t->partial_bits);
    }
    if (!t->output && t->partial_bits != t->bits) {
        return err_set(err, ERR_DATA, "operator '%s': only the output has partial sums, not '%s'", e->name, t->name);
    }
    if (!(t->density > 0.0 && t->density <= 1.0)) {
        return err_set(err, ERR_DATA, "operator '%s': the density of '%s' must lie in (0, 1], not %g", e->name, t->name,
                       t->density);
    }
    if (t->role < 0 || t->role >= TENSOR_ROLE_COUNT) {
        return err_set(err, ERR_DATA, "operator '%s': '%s' has no role", e->name, t->name);
    }
    int64_t all_bits = t->bits > t->partial_bits ? t->bits : t->partial_bits;
    for (int r = 0; r < t->n_ranks; r++) {
        int64_t extent = 0;
        if (check_rank(e, t, &t->rank[r], &extent, err)) {
            return -1;
        }
        if (__builtin_mul_overflow(all_bits, extent, &all_bits)) {
            return err_set(err, ERR_DATA, "operator '%s': '%s' has more than 2^63 bits", e->name, t->name);
        }
    }
    return check_once(e, t, err);
}

int einsum_check(const struct einsum *e, struct err *err)
{
    if (check_dims(e, err)) {
        return -1;
    }
    if (e->n_tensors < 1 || e->n_tensors > EINSUM_TENSORS) {
        return err_set(err, ERR_DATA, "operator '%s' has %d tensors; 1 to %d are possible", e->name, e->n_tensors,
                       EINSUM_TENSORS);
    }
    int outputs = 0;
    for (int t = 0; t < e->n_tensors; t++) {
        if (check_tensor(e, &e->tensor[t], err)) {
            return -1;
        }
        outputs += e->tensor[t].output;
    }
    if (outputs != 1) {
        return err_set(err, ERR_DATA, "operator '%s' has %d outputs; exactly one is possible", e->name, outputs);
    }
    return 0;
}

/* Terms in the order of the dimensions, whatever order the rank holds them in. */
static void canonical_rank(const struct einsum *e, const struct einsum_rank *rank, struct strbuf *out)
{
    const char *sep = "[";
    for (int d = 0; d < e->n_dims; d++) {
        for (int i = 0; i < rank->n_terms; i++) {
            if (rank->term[i].dim == d) {
                strbuf_addf(out, "%s%lld%s", sep, (long long)rank->term[i].coef, e->dim[d]);
                sep = "+";
            }
        }
    }
    strbuf_adds(out, "]");
}

void einsum_canonical(const struct einsum *e, struct strbuf *out)
{
    strbuf_adds(out, "einsum");
    for (int d = 0; d < e->n_dims; d++) {
        strbuf_addf(out, " %s=%lld", e->dim[d], (long long)e->bound[d]);
    }
    for (int i = 0; i < e->n_tensors; i++) {
        const struct einsum_tensor *t = &e->tensor[i];
        strbuf_addf(out, "; %s%s bits=%d", tensor_role_names[t->role], t->output ? " output" : "", t->bits);
        if (t->output) {
            strbuf_addf(out, " partial=%d", t->partial_bits);
        }
        if (t->operand_bits > 0) {
            strbuf_addf(out, " operand=%d", t->operand_bits);
        }
        strbuf_addf(out, " density=%.17g ", t->density);
        for (int r = 0; r < t->n_ranks; r++) {
            canonical_rank(e, &t->rank[r], out);
        }
    }
    strbuf_adds(out, "\n");
}

static int add_dim(struct einsum *e, const char *name, int64_t bound)
{
    int d = e->n_dims++;
    snprintf(e->dim[d], EINSUM_NAME, "%s", name);
    e->bound[d] = bound;
    return d;
}

static struct einsum_tensor *add_tensor(struct einsum *e, enum tensor_role role, int bits)
{
    struct einsum_tensor *t = &e->tensor[e->n_tensors++];
    snprintf(t->name, EINSUM_NAME, "%s", tensor_role_names[role]);
    t->role = role;
    t->bits = bits;
    t->partial_bits = bits;
    t->density = 1.0;
    return t;
}

/* A rank of one dimension; d = -1 (left out) adds nothing. */
static void add_rank(struct einsum_tensor *t, int d)
{
    if (d >= 0) {
        struct einsum_rank *r = &t->rank[t->n_ranks++];
        r->n_terms = 1;
        r->term[0].dim = d;
        r->term[0].coef = 1;
    }
}

/* A rank over which a window slides: out * stride + kernel * dilation. */
static void add_window(struct einsum_tensor *t, int out, int64_t stride, int kernel, int64_t dilation)
{
    struct einsum_rank *r = &t->rank[t->n_ranks++];
    r->n_terms = 2;
    r->term[0].dim = out;
    r->term[0].coef = stride;
    r->term[1].dim = kernel;
    r->term[1].coef = dilation;
}

const struct conv_shape conv_shape_unit = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

void einsum_conv(struct einsum *e, const char *name, const struct conv_shape *shape, int w_bits, int a_bits,
                 int acc_bits)
{
    memset(e, 0, sizeof *e);
    snprintf(e->name, sizeof e->name, "%s", name);
    int n = add_dim(e, "N", shape->n);
    int g = shape->g == 1 ? -1 : add_dim(e, "G", shape->g);
    int k = add_dim(e, "K", shape->k), c = add_dim(e, "C", shape->c);
    int p = add_dim(e, "P", shape->p), q = add_dim(e, "Q", shape->q);
    int r = add_dim(e, "R", shape->r), s = add_dim(e, "S", shape->s);

    struct einsum_tensor *w = add_tensor(e, TENSOR_WEIGHTS, w_bits);
    const int w_ranks[] = {g, k, c, r, s};
    for (int i = 0; i < 5; i++) {
        add_rank(w, w_ranks[i]);
    }
    struct einsum_tensor *in = add_tensor(e, TENSOR_INPUTS, a_bits);
    const int in_ranks[] = {n, g, c};
    for (int i = 0; i < 3; i++) {
        add_rank(in, in_ranks[i]);
    }
    add_window(in, p, shape->stride_h, r, shape->dilation_h);
    add_window(in, q, shape->stride_w, s, shape->dilation_w);
    struct einsum_tensor *out = add_tensor(e, TENSOR_OUTPUTS, a_bits);
    const int out_ranks[] = {n, g, k, p, q};
    for (int i = 0; i < 5; i++) {
        add_rank(out, out_ranks[i]);
    }
    out->output = true;
    out->partial_bits = acc_bits;
}

void einsum_matmul(struct einsum *e, const char *name, int64_t batch, int64_t m, int64_t n, int64_t k,
                   bool shared_weights, int w_bits, int a_bits, int acc_bits)
{
    struct conv_shape shape = conv_shape_unit;
    *(shared_weights ? &shape.n : &shape.g) = batch;
    shape.k = n;
    shape.c = k;
    shape.p = m;
    einsum_conv(e, name, &shape, w_bits, a_bits, acc_bits);
}
