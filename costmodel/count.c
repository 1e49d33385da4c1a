/* Which questions are asked of count_fetch.c: what each keeper takes in, what it is asked for from inside, over which networks, and which of an
 * output's words are there already or are finished. */
#include "costmodel/count.h"

#include "costmodel/count_fetch.h"

#include <assert.h>
#include <string.h>

const char *const accounting_names[] = {"exact", "timeloop", "timeloop_default", NULL};
_Static_assert(sizeof accounting_names / sizeof *accounting_names == ACCOUNTING_COUNT + 1,
               "a name for each accounting");

/* Pairs of an instance of `level` and a word of the output that it ever holds. */
static int64_t visited(struct count_query *q, int level)
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

/* May the instances of `level` be asked for something else than the children of the level ask for, all together? */
static bool merges(const struct count_query *q, int level, enum count_scope scope)
{
    bool any = false;
    for (int d = 0; d < q->n->e->n_dims; d++) {
        bool spatial = q->n->spatial[d] >> level & 1;
        int rank = q->rank_of[d];
        bool alone = rank >= 0 && q->n->e->tensor[q->tensor].rank[rank].n_terms == 1;
        any = any || (spatial && (scope == COUNT_ORIGIN || !alone));
    }
    return any;
}

/* A spatial reduction outside of the level: no sum in it is complete. */
static bool reduced_above(const struct count_query *q, int level)
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
static int count_link(struct count_query *q, int child, int level, int64_t asked, enum count_scope scope,
                      struct counts *out, struct err *err)
{
    int t = q->tensor;
    bool output = q->n->e->tensor[t].output;
    for (int b = child + 1; b <= level; b++) {
        struct tensor_count *tc = &out->level[b].tensor[t];
        int64_t words = asked;
        q->v.origin = scope == COUNT_ALL ? q->n->n_levels : b;
        if (merges(q, b, scope) && count_fetched(q, child, b, &words, err) != 0) {
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

static int count_tensor(struct count_query *q, const struct mapping *m, enum count_scope scope, struct counts *out,
                        struct err *err)
{
    const struct einsum *e = q->n->e;
    int t = q->tensor, child = MAC_LEVEL;
    bool output = e->tensor[t].output;
    int64_t taken; /* by the keepers inside, each for itself */
    q->v.origin = scope == COUNT_ALL ? q->n->n_levels : MAC_LEVEL;
    if (count_fetched(q, child, child, &taken, err) != 0) {
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
        if (count_fetched(q, l, l, &taken, err) != 0) {
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
    out->even = true;
    for (int d = 0; d < e->n_dims; d++) {
        out->even = out->even && (n.spatial[d] == 0 || n.extent[n.n_levels][d] == e->bound[d]);
    }
    struct nest_view all = {.child = MAC_LEVEL, .merged = n.n_levels - 1, .origin = n.n_levels};
    out->compute_cycles = product_of_totals(&n, &all, n.n_loops);
    for (int l = 0; l < n.n_levels; l++) {
        struct nest_view v = {.child = l, .merged = l, .origin = n.n_levels};
        out->level[l].instances = product_of_totals(&n, &v, 0);
    }
    struct count_query q;
    q.n = &n;
    q.accounting = accounting;
    for (int t = 0; t < e->n_tensors; t++) {
        q.tensor = t;
        q.v.relevant = 0;
        memset(q.rank_of, -1, sizeof q.rank_of);
        for (int r = 0; r < e->tensor[t].n_ranks; r++) {
            for (int i = 0; i < e->tensor[t].rank[r].n_terms; i++) {
                q.rank_of[e->tensor[t].rank[r].term[i].dim] = r;
                q.v.relevant |= 1u << e->tensor[t].rank[r].term[i].dim;
            }
        }
        if (count_tensor(&q, m, scope, out, err) != 0) {
            return -1;
        }
    }
    return 0;
}
