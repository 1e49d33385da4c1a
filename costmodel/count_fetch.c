/* The closed form. Let j run over the temporal loops above a tile. When loop j ticks, the loops inside it wrap, so along each dimension the
 * tile moves by a known amount (tau in METHODS 4.1, docs/model.md): by stride_j less what the dimension's own inner loops ran,
 * and back by what the inner loops of other dimensions ran. The words to fetch are the new tile's volume less the
 * overlap of the two boxes. Summed over all positions of the loops outside j and of the spatial loops,
 *
 *     fetched = sum_first V + sum_j sum_positions (V - prod_rank overlap_rank)
 *             = sum_all V - sum_j sum_positions prod_rank overlap_rank
 *
 * where the first sum is over all tiles, as those of the ticks and the first ones are all that there are; and from the innermost j outwards the
 * overlaps soon end, for good once the tensor has moved along a rank of one dimension (all_moved()).
 *
 * Positions are a product of positions along dimensions, and a dimension stands in one rank of a tensor only, so the inner sum is a
 * product over ranks of sums over that rank's dimensions (and a factor for each dimension that does not move the tensor); along a
 * dimension there are few kinds of positions (count_nest.c). With perfect factors every sum has one term and this is the formula of
 * METHODS 4.1.
 *
 * What an instance further out sends for its children is the same sum with the spatial loops in between that do not move the tensor held at
 * their first iteration: the child there works whenever one of its group does, and they all ask for the same words. Two dimensions
 * of one rank, both spatial below one instance (kernel rows and output rows: diagonals of equal input rows), need their distinct
 * sums instead: a closed form when the factors are perfect, count_diagonal.c otherwise. */
#include "costmodel/count_fetch.h"

#include <assert.h>
#include <string.h>

static int64_t gcd(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t t = a % b;
        a = b;
        b = t;
    }
    return a;
}

/* Positions of dimension `dim` among the spatial loops of `level`: one progression, as the loops of a level nest without gaps. */
static int64_t spatial_count(const struct count_query *q, int level, int dim, int64_t *step)
{
    int64_t count = 1;
    for (int i = 0; i < q->n->n_loops; i++) {
        const struct nest_loop *loop = &q->n->loop[i];
        if (loop->level == level && loop->dim == dim && !loop->temporal && nest_runs_loop(&q->v, loop)) {
            count *= loop->bound;
            *step = loop->stride;
        }
    }
    return count;
}

/* Distinct values of the sum of the rank's spatial positions below one instance of `level`, and all of them. Two progressions a*i + b*j with
 * i < n, j < m and a, b coprime have n*m - (n-b)+ (m-a)+ distinct sums: (i+b, j-a) is the same as (i, j). */
static int distinct(const struct count_query *q, int level, int rank, int64_t *of, int64_t *all, struct err *err)
{
    const struct einsum_rank *r = &q->n->e->tensor[q->tensor].rank[rank];
    int64_t count[2] = {1, 1}, step[2] = {1, 1};
    int k = 0;
    for (int i = 0; i < r->n_terms; i++) {
        int64_t s = 1;
        int64_t c = spatial_count(q, level, r->term[i].dim, &s);
        if (c == 1) {
            continue;
        }
        if (k == 2) {
            return err_set(err, ERR_DATA, "three dimensions of one rank of '%s' are spatial in one level",
                           q->n->e->tensor[q->tensor].name);
        }
        count[k] = c;
        step[k++] = s * r->term[i].coef;
    }
    *all = *of = count[0] * count[1];
    if (k == 2) {
        int64_t g = gcd(step[0], step[1]);
        int64_t a = step[0] / g, b = step[1] / g;
        if (count[0] > b && count[1] > a) {
            *of -= (count[0] - b) * (count[1] - a);
        }
    }
    return 0;
}

/* The tick of loop `tick` along its own dimension: positions with the loop's index at least 1, all of one motion. `before`, `after`: those when
 * it is an inner loop, an outer one. */
static void tick_runs(const struct count_query *q, int tick, const struct runs *before, const struct runs *after,
                      struct runs *out)
{
    const struct nest_loop *loop = &q->n->loop[tick];
    int64_t inner = 0;
    for (int i = q->n->n_of[loop->dim] - 1; i >= 0 && q->n->of[loop->dim][i] > tick; i--) {
        const struct nest_loop *in = &q->n->loop[q->n->of[loop->dim][i]];
        if (in->temporal && q->n->of[loop->dim][i] < q->n->above[q->v.child + 1]) {
            inner += (in->bound - 1) * in->stride;
        }
    }
    int64_t tile = q->n->extent[q->v.child + 1][loop->dim];
    out->n = 0;
    for (int pass = 0; pass < 2; pass++) {
        const struct runs *r = pass == 0 ? after : before;
        for (int i = 0; i < r->n; i++) {
            int k = 0;
            while (k < out->n && out->run[k].first != r->run[i].first) {
                k++;
            }
            if (k == out->n) {
                out->run[out->n++] = (struct run){0, inner - loop->stride, r->run[i].first, tile};
            }
            out->run[k].count += pass == 0 ? r->run[i].count : -r->run[i].count;
        }
    }
}

/* The same for a rank of one dimension, whose tiles do not overlap: what stays is what did not move. */
static struct nest_sum plain_sum(int64_t coef, const struct runs *runs)
{
    struct nest_sum sum = {0, 0};
    for (int i = 0; i < runs->n; i++) {
        const struct run *run = &runs->run[i];
        int64_t extent = run->count * (1 + coef * (run->first - 1));
        sum.fresh += extent;
        sum.kept += run->shift == 0 ? extent : 0;
    }
    return sum;
}

/* Sums over the positions of one rank's dimensions: extents of the new tiles and overlaps with the old ones. */
static struct nest_sum rank_sum(const struct count_query *q, int rank, const struct runs *const runs[])
{
    const struct einsum_rank *r = &q->n->e->tensor[q->tensor].rank[rank];
    int at[EINSUM_TERMS] = {0};
    struct nest_sum sum = {0, 0};
    for (;;) {
        int64_t count = 1, first = 1, last = 1, back = 0;
        for (int i = 0; i < r->n_terms; i++) {
            if (runs[i]->n == 0) {
                return sum;
            }
            const struct run *run = &runs[i]->run[at[i]];
            int64_t coef = r->term[i].coef;
            count *= run->count;
            first += coef * (run->first - 1);
            last += coef * (run->last - 1);
            back += coef * run->shift;
        }
        /* The old tile lies at [back, back + last), the new one at [0, first). */
        int64_t lo = back > 0 ? back : 0;
        int64_t hi = back + last < first ? back + last : first;
        sum.fresh += count * first;
        sum.kept += hi > lo ? count * (hi - lo) : 0;
        int i = 0;
        while (i < r->n_terms && ++at[i] == runs[i]->n) {
            at[i++] = 0;
        }
        if (i == r->n_terms) {
            return sum;
        }
    }
}

/* Whether the rank's children share words diagonally below some level that is looked at, and their distinct share when factors are perfect. */
static int diagonal(const struct count_query *q, int rank, int64_t *of, int64_t *all, struct err *err)
{
    *of = *all = 1;
    if (q->n->e->tensor[q->tensor].rank[rank].n_terms == 1) {
        return 0;
    }
    for (int l = q->v.child + 1; l <= q->v.merged; l++) {
        int64_t level_of = 1, level_all = 1;
        if (distinct(q, l, rank, &level_of, &level_all, err) != 0) {
            return -1;
        }
        *of *= level_of;
        *all *= level_all;
    }
    return 0;
}

/* The sum of a rank, with `own` for the runs of dimension own_dim (-1: none). */
static struct nest_sum shared_sum(const struct count_query *q, int rank, int own_dim, const struct runs *own)
{
    const struct einsum_rank *r = &q->n->e->tensor[q->tensor].rank[rank];
    const struct runs *runs[EINSUM_TERMS];
    for (int i = 0; i < r->n_terms; i++) {
        int d = r->term[i].dim;
        runs[i] = d == own_dim ? own : &q->cur[d];
    }
    struct nest_sum sum = rank_sum(q, rank, runs);
    if (q->of[rank] < q->all[rank]) {
        sum.fresh = sum.fresh / q->all[rank] * q->of[rank];
        sum.kept = sum.kept / q->all[rank] * q->of[rank];
    }
    return sum;
}

/* Takes in a dimension's positions with the temporal loops before loop[cut] being outer ones. */
static void take(struct count_query *q, int dim, int cut)
{
    int rank = q->rank_of[dim];
    struct runs runs;
    if (rank >= 0 && q->n->e->tensor[q->tensor].rank[rank].n_terms > 1) {
        nest_runs(q->n, &q->v, dim, cut, &q->cur[dim]);
        return;
    }
    int64_t tiles = q->n->tiles[q->v.child + 1][dim];
    bool all = nest_all_run(q->n, &q->v, dim, cut);
    if (!all) {
        nest_runs(q->n, &q->v, dim, cut, &runs);
    }
    if (rank < 0) {
        q->total[dim] = all ? tiles : runs_total(&runs);
        return;
    }
    int64_t coef = q->n->e->tensor[q->tensor].rank[rank].term[0].coef;
    int64_t words = tiles + coef * (q->n->e->bound[dim] - tiles);
    q->sum[rank] = all ? (struct nest_sum){words, words} : plain_sum(coef, &runs);
}

static int prepare(struct count_query *q, int cut, struct err *err)
{
    const struct einsum *e = q->n->e;
    const struct einsum_tensor *t = &e->tensor[q->tensor];
    for (int d = 0; d < e->n_dims; d++) {
        take(q, d, cut);
    }
    for (int r = 0; r < t->n_ranks; r++) {
        q->enumerated[r] = false;
        if (t->rank[r].n_terms == 1) {
            continue;
        }
        if (diagonal(q, r, &q->of[r], &q->all[r], err) != 0) {
            return -1;
        }
        q->enumerated[r] = q->of[r] < q->all[r] && !q->n->perfect;
        if (!q->enumerated[r]) {
            q->sum[r] = shared_sum(q, r, -1, NULL);
        }
    }
    return 0;
}

/* Words of all tiles at the positions of the outer loops. */
static int fresh_words(const struct count_query *q, int tick, int64_t *words, struct err *err)
{
    const struct einsum *e = q->n->e;
    *words = 1;
    for (int d = 0; d < e->n_dims; d++) {
        *words *= q->rank_of[d] < 0 ? q->total[d] : 1;
    }
    for (int r = 0; r < e->tensor[q->tensor].n_ranks; r++) {
        struct nest_sum sum = q->sum[r];
        if (q->enumerated[r] && nest_diagonal(q->n, &q->v, q->tensor, r, tick, &sum, err) != 0) {
            return -1;
        }
        *words *= sum.fresh;
    }
    return 0;
}

/* What the tiles before held of the new tiles at a tick. `own`: the runs of its dimension if that shares its rank, else how many. */
static int kept_words(const struct count_query *q, int tick, const struct runs *own, int64_t ticks, int64_t *words,
                      struct err *err)
{
    const struct einsum *e = q->n->e;
    int own_dim = q->n->loop[tick].dim;
    *words = 1;
    for (int d = 0; d < e->n_dims; d++) {
        if (q->rank_of[d] < 0) {
            *words *= d == own_dim ? ticks : q->total[d];
        }
    }
    for (int r = 0; r < e->tensor[q->tensor].n_ranks; r++) {
        struct nest_sum sum = q->sum[r];
        if (q->enumerated[r]) {
            if (nest_diagonal(q->n, &q->v, q->tensor, r, tick, &sum, err) != 0) {
                return -1;
            }
        } else if (own != NULL && q->rank_of[own_dim] == r) {
            sum = shared_sum(q, r, own_dim, own);
        }
        *words *= sum.kept;
        if (*words == 0) {
            break;
        }
    }
    return 0;
}

/* Along a rank of one dimension tiles do not overlap: once the loops inside have moved the tensor along it at every position, no
 * loop further out finds anything. */
static bool all_moved(const struct count_query *q)
{
    const struct einsum_tensor *t = &q->n->e->tensor[q->tensor];
    for (int r = 0; r < t->n_ranks; r++) {
        if (t->rank[r].n_terms == 1 && q->sum[r].kept == 0) {
            return true;
        }
    }
    return false;
}

/* By Timeloop's rules, for perfect factors. */
static int fetched_timeloop(struct count_query *q, int64_t *out, struct err *err)
{
    const struct nest *n = q->n;
    bool extrapolate = q->accounting == ACCOUNTING_TIMELOOP_DEFAULT;
    if (fresh_words(q, TICK_FIRST, out, err) != 0) {
        return -1;
    }
    *out = *out / einsum_volume(n->e, q->tensor, n->extent[q->v.child + 1]) *
           nest_timeloop(n, q->tensor, q->v.child, extrapolate);
    return 0;
}

/* Makes loop j, the innermost outer one, an inner one; *kept: what its ticks found. */
static int tick(struct count_query *q, int j, int64_t *kept, struct err *err)
{
    int dim = q->n->loop[j].dim, rank = q->rank_of[dim];
    if (rank < 0) {
        int64_t all = q->total[dim];
        take(q, dim, j);
        return kept_words(q, j, NULL, all - q->total[dim], kept, err);
    }
    if (q->n->e->tensor[q->tensor].rank[rank].n_terms == 1) {
        take(q, dim, j);
        return 0;
    }
    struct runs before, own, *cur = &q->cur[dim];
    nest_runs(q->n, &q->v, dim, j, &before);
    tick_runs(q, j, &before, cur, &own);
    int rc = kept_words(q, j, &own, 0, kept, err);
    cur->n = before.n;
    memcpy(cur->run, before.run, (size_t)before.n * sizeof *before.run);
    if (!q->enumerated[rank]) {
        q->sum[rank] = shared_sum(q, rank, -1, NULL);
    }
    return rc;
}

/* All tiles at all positions, less what each found when it came; loops tick from the innermost outwards. */
int count_fetched(struct count_query *q, int child, int merged, int64_t *out, struct err *err)
{
    const struct nest *n = q->n;
    q->v.child = child;
    q->v.merged = merged;
    bool timeloop = q->accounting != ACCOUNTING_EXACT && n->perfect && child != MAC_LEVEL;
    if (prepare(q, timeloop ? 0 : n->n_loops, err) != 0) {
        return -1;
    }
    if (timeloop) {
        return fetched_timeloop(q, out, err);
    }
    if (fresh_words(q, TICK_MAC, out, err) != 0) {
        return -1;
    }
    for (int j = n->above[child + 1] - 1; j >= 0 && child != MAC_LEVEL && !all_moved(q); j--) {
        int64_t kept = 0;
        if (n->loop[j].temporal && tick(q, j, &kept, err) != 0) {
            return -1;
        }
        *out -= kept;
    }
    return 0;
}
