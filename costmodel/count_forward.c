/* With perfect factors all children of a level move alike: at a tick of loop j each tile goes on by tau_j, and a neighbour's tile lies delta away,
 * the difference of their places among the spatial loops. What a tile lacks lies in a box [lo, hi) of the new tile [0, E), all of
 * it, or a slab of it when it moves along one rank by less than E. The neighbour held [delta - tau, delta - tau + E), so it serves when
 *
 *     hi - E + tau <= delta <= lo + tau     along every rank.
 *
 * Timeloop asks for equal boxes, so for one delta. Places along X and Y are sums x + y of what an index along each axis adds. A child has
 * such a neighbour along X whatever its y is, so where places are pairs of an x and a y, those that are not served are pairs too, and nothing is
 * enumerated but the axes. Where dimensions of one rank stand on both axes (diagonals) the children are gone through. */
#include "costmodel/count_forward.h"

#include "costmodel/count_nest.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ALONG 1024               /* most children along an axis */
#define CHILDREN 4096            /* most children with diagonals */
#define STEPS ((int64_t)1 << 22) /* most steps of Timeloop's walk */

struct box {
    int64_t lo[EINSUM_RANKS], hi[EINSUM_RANKS]; /* hi == lo in the first rank: empty */
};

struct axis_places {
    int n;
    int64_t place[ALONG][EINSUM_RANKS];
    int64_t key[ALONG]; /* of the place */
    bool linked[ALONG];
};

/* The children of one instance of a level, and what one tensor's tiles there do. */
struct mesh {
    const struct nest *n;
    int tensor, level, n_ranks;
    struct axis_places along[2];
    bool diagonal;
    int64_t extent[EINSUM_RANKS], volume;
};

struct served {
    int64_t places;   /* that are not served from outside */
    int64_t children; /* at those places */
    int64_t linked;   /* with a neighbour that can serve them, at any place */
};

uint32_t count_links(const struct accelerator *a)
{
    uint32_t links = 0;
    for (int l = 1; l < a->n_levels; l++) {
        links |= a->level[l].links ? 1u << l : 0;
    }
    return links;
}

static bool slides(const struct einsum *e, int t)
{
    for (int r = 0; r < e->tensor[t].n_ranks; r++) {
        if (e->tensor[t].rank[r].n_terms > 1) {
            return true;
        }
    }
    return false;
}

/* How an index of a spatial loop moves the tensor along rank r. */
static int64_t step_of(const struct nest *n, int tensor, const struct spatial_loop *s, int64_t stride, int r)
{
    const struct einsum_rank *rank = &n->e->tensor[tensor].rank[r];
    for (int i = 0; i < rank->n_terms; i++) {
        if (rank->term[i].dim == s->dim) {
            return rank->term[i].coef * stride;
        }
    }
    return 0;
}

/* Positions of a dimension that the loops inside the i-th spatial loop of the level span. */
static int64_t stride_of(const struct nest *n, const struct mapping_level *ml, int level, int i)
{
    int64_t stride = n->extent[level][ml->spatial[i].dim];
    for (int j = i + 1; j < ml->n_spatial; j++) {
        stride *= ml->spatial[j].dim == ml->spatial[i].dim ? ml->spatial[j].bound : 1;
    }
    return stride;
}

static int lay_out(struct mesh *h, const struct mapping_level *ml, struct err *err)
{
    uint32_t dims[2][EINSUM_RANKS] = {{0}};
    memset(h->along, 0, sizeof h->along);
    h->along[0].n = h->along[1].n = 1;
    for (int i = ml->n_spatial - 1; i >= 0; i--) { /* innermost first: its index steps to the next neighbour */
        const struct spatial_loop *s = &ml->spatial[i];
        struct axis_places *a = &h->along[s->axis == AXIS_Y];
        if (a->n * s->bound > ALONG) {
            return err_set(err, ERR_DATA, "links between more than %d children along an axis", ALONG);
        }
        for (int r = 0; r < h->n_ranks; r++) {
            int64_t step = step_of(h->n, h->tensor, s, stride_of(h->n, ml, h->level, i), r);
            dims[s->axis == AXIS_Y][r] |= step > 0 && s->bound > 1 ? 1u << s->dim : 0;
            for (int x = 0; x < a->n * (int)s->bound; x++) {
                a->place[x][r] = a->place[x % a->n][r] + x / a->n * step;
            }
        }
        a->n *= (int)s->bound;
    }
    h->diagonal = false;
    int64_t spread = 1;
    for (int r = 0; r < h->n_ranks; r++) {
        uint32_t both = dims[0][r] | dims[1][r];
        h->diagonal = h->diagonal || (dims[0][r] != 0 && dims[1][r] != 0 && (both & (both - 1)) != 0);
        for (int k = 0; k < 2; k++) {
            for (int x = 0; x < h->along[k].n; x++) {
                h->along[k].key[x] += spread * h->along[k].place[x][r];
            }
        }
        spread *= 1 + h->along[0].place[h->along[0].n - 1][r] + h->along[1].place[h->along[1].n - 1][r];
    }
    if (h->diagonal && h->along[0].n * h->along[1].n > CHILDREN) {
        return err_set(err, ERR_DATA, "links between more than %d children that share '%s' diagonally", CHILDREN,
                       h->n->e->tensor[h->tensor].name);
    }
    return 0;
}

struct child {
    int64_t key;
    bool linked;
};

static int by_key(const void *a, const void *b)
{
    const struct child *x = a, *y = b;
    return x->key != y->key ? (x->key < y->key ? -1 : 1) : (int)x->linked - (int)y->linked;
}

/* Of n children those at places some child of which has no neighbour to ask, and those places. */
static void left_over(struct child *c, int n, int64_t *places, int64_t *children)
{
    qsort(c, (size_t)n, sizeof *c, by_key); /* in a place those that are not linked come first */
    *places = *children = 0;
    for (int i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && c[j].key == c[i].key; j++) {
        }
        *places += !c[i].linked;
        *children += c[i].linked ? 0 : j - i;
    }
}

static int distinct(const struct mesh *h, int axis)
{
    struct child c[ALONG];
    int64_t places, children;
    for (int x = 0; x < h->along[axis].n; x++) {
        c[x] = (struct child){h->along[axis].key[x], false};
    }
    left_over(c, h->along[axis].n, &places, &children);
    return (int)places;
}

/* Which indices along an axis have a neighbour at a distance between lo and hi along every rank. */
static int64_t link_axis(const struct mesh *h, struct axis_places *a, const struct box *delta)
{
    int64_t n = 0;
    for (int x = 0; x < a->n; x++) {
        a->linked[x] = false;
        for (int y = x - 1; y <= x + 1; y += 2) {
            bool fits = y >= 0 && y < a->n;
            for (int r = 0; fits && r < h->n_ranks; r++) {
                int64_t d = a->place[y][r] - a->place[x][r];
                fits = delta->lo[r] <= d && d <= delta->hi[r];
            }
            a->linked[x] = a->linked[x] || fits;
        }
        n += !a->linked[x];
    }
    return n;
}

static void serve(struct mesh *h, const struct box *delta, struct served *out)
{
    struct axis_places *x = &h->along[0], *y = &h->along[1];
    int64_t all = (int64_t)x->n * y->n, places[2], children[2];
    out->linked = all - link_axis(h, x, delta) * link_axis(h, y, delta);
    if (out->linked == 0) {
        out->places = out->children = 0;
        return;
    }
    if (h->diagonal) {
        struct child c[CHILDREN];
        for (int i = 0; i < all; i++) {
            int u = i % x->n, v = i / x->n;
            c[i] = (struct child){x->key[u] + y->key[v], x->linked[u] || y->linked[v]};
        }
        left_over(c, (int)all, &places[0], &children[0]);
        out->children = all - children[0];
        for (int i = 0; i < all; i++) {
            c[i].linked = false;
        }
        left_over(c, (int)all, &places[1], &children[1]);
        out->places = places[1] - places[0];
        return;
    }
    for (int k = 0; k < 2; k++) {
        struct child c[ALONG];
        for (int i = 0; i < h->along[k].n; i++) {
            c[i] = (struct child){h->along[k].key[i], h->along[k].linked[i]};
        }
        left_over(c, h->along[k].n, &places[k], &children[k]);
    }
    out->places = (int64_t)distinct(h, 0) * distinct(h, 1) - places[0] * places[1];
    out->children = all - children[0] * children[1];
}

/* The box of what a tile lacks that has moved by `move`, and its words. */
static int64_t lacks(const struct mesh *h, const int64_t *move, struct box *out)
{
    int moved = 0, along = 0;
    int64_t kept = 1;
    for (int r = 0; r < h->n_ranks; r++) {
        int64_t left = h->extent[r] - llabs(move[r]);
        out->lo[r] = 0;
        out->hi[r] = h->extent[r];
        kept *= left > 0 ? left : 0;
        if (move[r] != 0) {
            moved++;
            along = r;
        }
    }
    if (moved == 1 && kept > 0) {
        out->lo[along] = move[along] > 0 ? h->extent[along] - move[along] : 0;
        out->hi[along] = move[along] > 0 ? h->extent[along] : -move[along];
    }
    return h->volume - kept;
}

/* Words that one instance of the level need not send, and that its children hand on. */
struct saving {
    int64_t sent, handed;
};

static struct saving exact(struct mesh *h)
{
    struct saving sum = {0, 0};
    int64_t outer = 1; /* positions of the temporal loops outside */
    for (int j = 0; j < h->n->above[h->level]; j++) {
        const struct nest_loop *loop = &h->n->loop[j];
        if (!loop->temporal) {
            continue;
        }
        int64_t move[EINSUM_RANKS];
        struct box box, delta;
        struct served s;
        nest_move(h->n, h->tensor, j, h->level - 1, false, move);
        int64_t words = lacks(h, move, &box) * (loop->bound - 1) * outer;
        for (int r = 0; r < h->n_ranks; r++) {
            delta.lo[r] = box.hi[r] - h->extent[r] + move[r];
            delta.hi[r] = box.lo[r] + move[r];
        }
        if (words > 0) {
            serve(h, &delta, &s);
            sum.sent += words * s.places;
            sum.handed += words * s.children;
        }
        outer *= loop->bound;
    }
    return sum;
}

/* A tile that moves by Timeloop's rules. */
struct timeloop_tile {
    bool remembers;
    int64_t last[EINSUM_RANKS]; /* its last move */
    struct box taken;           /* in the last step, of the tile then */
    bool took;
};

static void timeloop_step(struct mesh *h, const int64_t *move, struct timeloop_tile *t, struct saving *out)
{
    struct box box, delta;
    struct served s = {0, 0, 0};
    int moved = 0;
    int64_t words = lacks(h, move, &box);
    for (int r = 0; r < h->n_ranks; r++) {
        moved += move[r] != 0;
    }
    *out = (struct saving){0, 0};
    if (moved == 0) {
        t->took = false;
        return;
    }
    bool same = moved == 1 && (!t->remembers || memcmp(t->last, move, sizeof t->last) == 0);
    for (int r = 0; r < h->n_ranks && !same; r++) {
        box.lo[r] = 0;
        box.hi[r] = h->extent[r];
        words = h->volume;
    }
    bool equal = t->took;
    for (int r = 0; r < h->n_ranks; r++) {
        equal = equal && box.hi[r] - box.lo[r] == t->taken.hi[r] - t->taken.lo[r];
        delta.lo[r] = delta.hi[r] = move[r] + box.lo[r] - t->taken.lo[r];
    }
    if (equal) {
        serve(h, &delta, &s);
    }
    if (s.places > 0) {
        *out = (struct saving){words * s.places, words * s.linked};
    }
    t->remembers = same;
    memcpy(t->last, move, sizeof t->last);
    t->taken = box;
    t->took = true;
}

/* Goes through the steps of the temporal loops; when it extrapolates through the first two iterations of each, of which the second stands for
 * all that follow. */
static int by_timeloop(struct mesh *h, bool extrapolate, struct saving *sum, struct err *err)
{
    int loop[NEST_LOOPS], n = 0;
    int64_t at[NEST_LOOPS] = {0}, move[NEST_LOOPS][EINSUM_RANKS], steps = 1;
    struct timeloop_tile tile = {.took = true};
    memset(move, 0, sizeof move);
    *sum = (struct saving){0, 0};
    for (int j = h->n->above[h->level] - 1; j >= 0; j--) {
        if (h->n->loop[j].temporal) {
            nest_move(h->n, h->tensor, j, h->level - 1, extrapolate, move[n]);
            loop[n++] = j;
            int64_t bound = extrapolate ? 2 : h->n->loop[j].bound;
            steps = steps > STEPS / bound ? STEPS + 1 : steps * bound;
        }
    }
    if (steps > STEPS) {
        return err_set(err, ERR_DATA, "link transfers by Timeloop's rules: more than %lld steps", (long long)STEPS);
    }
    memcpy(tile.taken.hi, h->extent, sizeof h->extent);
    for (;;) {
        int k = 0;
        while (k < n && at[k] + 1 == (extrapolate ? 2 : h->n->loop[loop[k]].bound)) {
            at[k++] = 0;
        }
        if (k == n) {
            return 0;
        }
        at[k]++;
        int64_t weight = 1;
        for (int i = 0; i < n && extrapolate; i++) {
            weight *= at[i] == 1 ? h->n->loop[loop[i]].bound - 1 : 1;
        }
        struct saving s;
        timeloop_step(h, move[k], &tile, &s);
        sum->sent += weight * s.sent;
        sum->handed += weight * s.handed;
    }
}

static void mesh_init(struct mesh *h, const struct nest *n, int tensor, int level)
{
    const struct einsum_tensor *t = &n->e->tensor[tensor];
    h->n = n;
    h->tensor = tensor;
    h->level = level;
    h->n_ranks = t->n_ranks;
    h->volume = 1;
    memset(h->extent, 0, sizeof h->extent);
    for (int r = 0; r < t->n_ranks; r++) {
        h->extent[r] = 1;
        for (int i = 0; i < t->rank[r].n_terms; i++) {
            h->extent[r] += t->rank[r].term[i].coef * (n->extent[level][t->rank[r].term[i].dim] - 1);
        }
        h->volume *= h->extent[r];
    }
}

/* Takes what an instance of level b saves off what it sends, and off what the levels up to the keeper send for it. */
static void take_off(const struct mapping *m, int t, int b, const struct saving *s, enum accounting accounting,
                     struct counts *io)
{
    struct level_count *v = &io->level[b], *child = &io->level[b - 1];
    int64_t each = v->tensor[t].words / v->instances, handed = s->handed * v->instances;
    for (int l = b; l < m->n_levels; l++) {
        struct level_count *up = &io->level[l];
        /* One word sent by level b is `words each / each` words of level l: the distinct places in between. */
        int64_t sent = up->tensor[t].words / up->instances / each * s->sent * up->instances;
        up->tensor[t].words -= sent;
        if (m->level[l].keep >> t & 1) {
            up->tensor[t].reads -= sent;
            break;
        }
    }
    if (accounting == ACCOUNTING_EXACT) {
        child->tensor[t].forwards = handed;
    } else {
        child->tensor[t].reads += (2 * handed + child->instances) / (2 * child->instances) * child->instances;
    }
}

int count_forward(const struct einsum *e, const struct mapping *m, uint32_t links, enum accounting accounting,
                  struct counts *io, struct err *err)
{
    struct nest n;
    nest_init(&n, e, m);
    if (!n.perfect) {
        return 0;
    }
    for (int t = 0; t < e->n_tensors; t++) {
        for (int b = 1; b < m->n_levels && slides(e, t) && !e->tensor[t].output; b++) {
            struct mesh h;
            struct saving s;
            if (!(links >> b & 1) || !(m->level[b - 1].keep >> t & 1)) {
                continue;
            }
            mesh_init(&h, &n, t, b);
            if (lay_out(&h, &m->level[b], err) != 0) {
                return -1;
            }
            if (h.along[0].n * h.along[1].n == 1) {
                continue;
            }
            if (accounting == ACCOUNTING_EXACT) {
                s = exact(&h);
            } else if (by_timeloop(&h, accounting == ACCOUNTING_TIMELOOP_DEFAULT, &s, err) != 0) {
                return -1;
            }
            take_off(m, t, b, &s, accounting, io);
        }
    }
    return 0;
}
