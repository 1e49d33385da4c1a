/* The closed form. Let j run over the temporal loops above a tile. When loop j ticks, the loops inside it wrap, so along each dimension the
 * tile moves by a known amount (tau in METHODS 4.1, docs/model.md): by stride_j less what the dimension's own inner loops ran,
 * and back by what the inner loops of other dimensions ran. The words to fetch are the new tile's volume less the
 * overlap of the two boxes. Summed over all positions of the loops outside j and of the spatial loops,
 *
 *     fetched = sum_first V + sum_j sum_positions (V - prod_rank overlap_rank)
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
#include "costmodel/count.h"

#include "costmodel/count_nest.h"

#include <assert.h>
#include <string.h>

const char *const accounting_names[] = {"exact", "timeloop", "timeloop_default", NULL};
_Static_assert(sizeof accounting_names / sizeof *accounting_names == ACCOUNTING_COUNT + 1,
               "a name for each accounting");

/* What is asked: the words of one tensor that the children ask of the instances of level v.merged. */
struct query {
    const struct nest *n;
    struct nest_view v;
    int tensor;
    enum accounting accounting;
    struct runs cur[EINSUM_DIMS]; /* per dimension, the temporal loops outside the current one being outer */
    /* Of them, kept while loops of other dimensions tick: */
    int rank_of[EINSUM_DIMS];                    /* -1: the dimension does not move the tensor */
    int64_t total[EINSUM_DIMS];                  /* positions of a dimension that does not */
    struct nest_sum sum[EINSUM_RANKS];           /* of ranks that are not enumerated */
    bool enumerated[EINSUM_RANKS];               /* children share its words diagonally, imperfect factors */
    int64_t of[EINSUM_RANKS], all[EINSUM_RANKS]; /* distinct children along the rank, and all */
};

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
static int64_t spatial_count(const struct query *q, int level, int dim, int64_t *step)
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
static int distinct(const struct query *q, int level, int rank, int64_t *of, int64_t *all, struct err *err)
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

/* The tick of loop `tick` along its own dimension: positions with the loop's index at least 1, all of one motion. */
static void tick_runs(const struct query *q, int tick, const struct runs *after, struct runs *out)
{
    const struct nest_loop *loop = &q->n->loop[tick];
    const struct runs *before = &q->cur[loop->dim];
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

/* Sums over the positions of one rank's dimensions: extents of the new tiles and overlaps with the old ones. */
static struct nest_sum rank_sum(const struct query *q, int rank, const struct runs *const runs[])
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
static int diagonal(const struct query *q, int rank, int64_t *of, int64_t *all, struct err *err)
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
static struct nest_sum shared_sum(const struct query *q, int rank, int own_dim, const struct runs *own)
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

/* Takes in new runs of a dimension. */
static void refresh(struct query *q, int dim)
{
    int rank = q->rank_of[dim];
    if (rank < 0) {
        q->total[dim] = runs_total(&q->cur[dim]);
    } else if (!q->enumerated[rank]) {
        q->sum[rank] = shared_sum(q, rank, -1, NULL);
    }
}

static int prepare(struct query *q, struct err *err)
{
    const struct einsum *e = q->n->e;
    const struct einsum_tensor *t = &e->tensor[q->tensor];
    for (int d = 0; d < e->n_dims; d++) {
        q->rank_of[d] = -1;
    }
    for (int r = 0; r < t->n_ranks; r++) {
        if (diagonal(q, r, &q->of[r], &q->all[r], err) != 0) {
            return -1;
        }
        q->enumerated[r] = q->of[r] < q->all[r] && !q->n->perfect;
        for (int i = 0; i < t->rank[r].n_terms; i++) {
            q->rank_of[t->rank[r].term[i].dim] = r;
        }
        if (!q->enumerated[r]) {
            q->sum[r] = shared_sum(q, r, -1, NULL);
        }
    }
    for (int d = 0; d < e->n_dims; d++) {
        if (q->rank_of[d] < 0) {
            q->total[d] = runs_total(&q->cur[d]);
        }
    }
    return 0;
}

/* Words of one tick (or of the first tiles, or of all steps of the MACs). `own`: the runs of the ticking loop's dimension, NULL: none. */
static int tick_words(const struct query *q, int tick, const struct runs *own, int64_t *words, struct err *err)
{
    const struct einsum *e = q->n->e;
    int own_dim = tick >= 0 ? q->n->loop[tick].dim : -1;
    int64_t fresh = 1, kept = 1;
    for (int d = 0; d < e->n_dims; d++) {
        if (q->rank_of[d] < 0) {
            int64_t total = d == own_dim ? runs_total(own) : q->total[d];
            fresh *= total;
            kept *= total;
        }
    }
    for (int r = 0; r < e->tensor[q->tensor].n_ranks; r++) {
        struct nest_sum sum;
        if (q->enumerated[r]) {
            if (nest_diagonal(q->n, &q->v, q->tensor, r, tick, &sum, err) != 0) {
                return -1;
            }
        } else {
            sum = own_dim >= 0 && q->rank_of[own_dim] == r ? shared_sum(q, r, own_dim, own) : q->sum[r];
        }
        fresh *= sum.fresh;
        kept *= sum.kept;
    }
    *words = tick >= 0 ? fresh - kept : fresh;
    return 0;
}

/* Words that the instances of level `merged` send to (or, the output, get from) the instances of level `child`; merged == child: what the
 * children take in, each for itself. */
static int fetched(struct query *q, int child, int merged, int64_t *out, struct err *err)
{
    const struct nest *n = q->n;
    q->v.child = child;
    q->v.merged = merged;
    int loops = n->above[child + 1];
    int cut = child == MAC_LEVEL ? n->n_loops : 0;
    for (int d = 0; d < n->e->n_dims; d++) {
        nest_runs(n, &q->v, d, cut, &q->cur[d]);
    }
    if (prepare(q, err) != 0) {
        return -1;
    }
    if (child == MAC_LEVEL) {
        return tick_words(q, TICK_MAC, NULL, out, err);
    }
    if (tick_words(q, TICK_FIRST, NULL, out, err) != 0) {
        return -1;
    }
    if (q->accounting != ACCOUNTING_EXACT && n->perfect) {
        bool extrapolate = q->accounting == ACCOUNTING_TIMELOOP_DEFAULT;
        int64_t volume = einsum_volume(n->e, q->tensor, n->extent[child + 1]);
        *out = *out / volume * nest_timeloop(n, q->tensor, child, extrapolate);
        return 0;
    }
    for (int j = 0; j < loops; j++) {
        if (!n->loop[j].temporal) {
            continue;
        }
        struct runs after, own;
        int64_t words;
        nest_runs(n, &q->v, n->loop[j].dim, j + 1, &after);
        tick_runs(q, j, &after, &own);
        if (tick_words(q, j, &own, &words, err) != 0) {
            return -1;
        }
        *out += words;
        struct runs *cur = &q->cur[n->loop[j].dim];
        cur->n = after.n;
        memcpy(cur->run, after.run, (size_t)after.n * sizeof *after.run);
        refresh(q, n->loop[j].dim);
    }
    return 0;
}

/* Pairs of an instance of `level` and a word of the output that it ever holds. */
static int64_t visited(struct query *q, int level)
{
    int64_t pairs = 1;
    q->v.child = q->v.merged = level;
    for (int d = 0; d < q->n->e->n_dims; d++) {
        struct runs r;
        bool moves = q->v.relevant >> d & 1;
        nest_runs(q->n, &q->v, d, moves ? q->n->above[level + 1] : 0, &r);
        int64_t sum = 0;
        for (int i = 0; i < r.n; i++) {
            sum += r.run[i].count * (moves ? r.run[i].first : 1);
        }
        pairs *= sum;
    }
    return pairs;
}

static bool has_spatial(const struct nest *n, int level)
{
    for (int i = n->above[level + 1]; i < n->above[level]; i++) {
        if (!n->loop[i].temporal) {
            return true;
        }
    }
    return false;
}

/* A spatial reduction outside of the level: no sum in it is complete. */
static bool reduced_above(const struct query *q, int level)
{
    for (int i = 0; i < q->n->above[level + 1]; i++) {
        const struct nest_loop *loop = &q->n->loop[i];
        if (!loop->temporal && !(q->v.relevant >> loop->dim & 1)) {
            return true;
        }
    }
    return false;
}

/* The traffic between one keeper of the tensor and the next one inside, `child`, over the networks between them. `asked`: what the children
 * take in, each for itself. Where a level has one child an instance, what was asked of that is asked of it. */
static int count_link(struct query *q, int child, int level, int64_t asked, enum count_scope scope, struct counts *out,
                      struct err *err)
{
    int t = q->tensor;
    bool output = q->n->e->tensor[t].output;
    for (int b = child + 1; b <= level; b++) {
        struct tensor_count *tc = &out->level[b].tensor[t];
        int64_t words = asked;
        q->v.origin = scope == COUNT_ALL ? q->n->n_levels : b;
        if (has_spatial(q->n, b) && fetched(q, child, b, &words, err) != 0) {
            return -1;
        }
        int64_t seen = output ? visited(q, b) : 0;
        int64_t known = output ? words - seen : 0; /* sums that exist already */
        /* The last time that a word comes it is complete; but what MACs add to a sum lies in it as wide as before. */
        tc->finished = !reduced_above(q, b) && (child != MAC_LEVEL || known == 0) ? seen : 0;
        tc->words = words + known;
        tc->adds = output && scope == COUNT_ALL ? asked - words : 0;
        if (b == level) {
            tc->reads = output ? known : words;
            tc->updates = output ? words : 0;
        }
        asked = words;
    }
    return 0;
}

static int count_tensor(struct query *q, const struct mapping *m, enum count_scope scope, struct counts *out,
                        struct err *err)
{
    const struct einsum *e = q->n->e;
    int t = q->tensor, child = MAC_LEVEL;
    bool output = e->tensor[t].output;
    int64_t taken; /* by the keepers inside, each for itself */
    q->v.origin = scope == COUNT_ALL ? q->n->n_levels : MAC_LEVEL;
    if (fetched(q, child, child, &taken, err) != 0) {
        return -1;
    }
    for (int l = 0; l < m->n_levels; l++) {
        if (!(m->level[l].keep >> t & 1)) {
            continue;
        }
        struct tensor_count *tc = &out->level[l].tensor[t];
        int64_t ext[EINSUM_DIMS];
        for (int d = 0; d < e->n_dims; d++) {
            int64_t x = q->n->extent[l + 1][d];
            ext[d] = x < e->bound[d] ? x : e->bound[d];
        }
        tc->tile = einsum_volume(e, t, ext);
        if (count_link(q, child, l, taken, scope, out, err) != 0) {
            return -1;
        }
        child = l;
        if (l == m->n_levels - 1) {
            break;
        }
        q->v.origin = scope == COUNT_ALL ? q->n->n_levels : l;
        if (fetched(q, l, l, &taken, err) != 0) {
            return -1;
        }
        tc->fills = output ? taken - visited(q, l) : taken;
        tc->drains = output && q->accounting == ACCOUNTING_EXACT ? taken : 0;
    }
    assert(child == m->n_levels - 1);
    return 0;
}

static int64_t product_of_totals(const struct nest *n, const struct nest_view *v, int cut)
{
    int64_t product = 1;
    for (int d = 0; d < n->e->n_dims; d++) {
        struct runs r;
        nest_runs(n, v, d, cut, &r);
        product *= runs_total(&r);
    }
    return product;
}

/* No count exceeds positions * volume, and a volume not the product of its extents and coefficients. */
static int check_range(const struct nest *n, struct err *err)
{
    const struct einsum *e = n->e;
    double steps = 1;
    for (int d = 0; d < e->n_dims; d++) {
        steps *= (double)n->extent[n->n_levels][d];
    }
    for (int t = 0; t < e->n_tensors; t++) {
        double words = steps;
        for (int r = 0; r < e->tensor[t].n_ranks; r++) {
            const struct einsum_rank *rank = &e->tensor[t].rank[r];
            double coefs = 0;
            for (int i = 0; i < rank->n_terms; i++) {
                coefs += (double)rank->term[i].coef;
            }
            words *= coefs;
            if (e->tensor[t].output && (rank->n_terms != 1 || coefs > 1)) {
                return err_set(err, ERR_DATA,
                               "operator '%s': a rank of the output '%s' is not one "
                               "plain dimension",
                               e->name, e->tensor[t].name);
            }
        }
        if (words > 0x1p60) {
            return err_set(err, ERR_DATA, "operator '%s' moves '%s' more than 2^60 times", e->name, e->tensor[t].name);
        }
    }
    return 0;
}

int count_words(const struct einsum *e, const struct mapping *m, enum count_scope scope, enum accounting accounting,
                struct counts *out, struct err *err)
{
    struct nest n;
    nest_init(&n, e, m);
    if (check_range(&n, err) != 0) {
        return -1;
    }
    memset(out, 0, sizeof *out);
    out->macs = einsum_macs(e);
    out->perfect = n.perfect;
    struct nest_view all = {.child = MAC_LEVEL, .merged = n.n_levels - 1, .origin = n.n_levels};
    out->compute_cycles = product_of_totals(&n, &all, n.n_loops);
    for (int l = 0; l < n.n_levels; l++) {
        struct nest_view v = {.child = l, .merged = l, .origin = n.n_levels};
        out->level[l].instances = product_of_totals(&n, &v, 0);
    }
    struct query q;
    q.n = &n;
    q.accounting = accounting;
    for (int t = 0; t < e->n_tensors; t++) {
        q.tensor = t;
        q.v.relevant = 0;
        for (int d = 0; d < e->n_dims; d++) {
            q.v.relevant |= einsum_relevant(e, t, d) ? 1u << d : 0;
        }
        if (count_tensor(&q, m, scope, out, err) != 0) {
            return -1;
        }
    }
    return 0;
}
