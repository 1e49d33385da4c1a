/* A binary tree of bounding boxes, in the manner of the ND-tree (Jaszkiewicz and Lust, IEEE TEC 22(5), 2018,
 * doi:10.1109/TEVC.2018.2799684). A box whose low corner is not below a point cannot hold a dominator, one whose high corner
 * is holds only dominators; so both questions end near the root for most points. Boxes grow when points enter and are not
 * shrunk when they leave, which keeps them right (they contain their points) and only a little loose.
 * Members are kept dense: the last one fills the hole of a removed one.
 *
 * With cells, the tree holds the members' cells and everything above is said of cells: Laumanns, Thiele, Deb, Zitzler, Evolutionary
 * Computation 10(3), 2002, doi:10.1162/106365602760234108. */
#include "search/archive.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { LEAF = 12 };

struct archive_node {
    int32_t child; /* first of two adjacent children, -1: a leaf */
    int32_t n;     /* members below */
    int32_t item[LEAF];
};

void archive_init(struct archive *a, int m, int n_vars)
{
    memset(a, 0, sizeof *a);
    a->m = m;
    a->n_vars = n_vars;
    a->free_nodes = -1;
}

void archive_init_cells(struct archive *a, int m, int n_vars, const double *epsilon)
{
    archive_init(a, m, n_vars);
    if (epsilon) {
        assert(m <= ARCHIVE_MAX_M);
        a->epsilon = mem_calloc((size_t)m, sizeof *a->epsilon);
        memcpy(a->epsilon, epsilon, (size_t)m * sizeof *epsilon);
    }
}

void archive_release(struct archive *a)
{
    if (a->epsilon) {
        mem_free(a->key);
    }
    mem_free(a->epsilon);
    mem_free(a->f);
    mem_free(a->x);
    mem_free(a->id);
    mem_free(a->leaf);
    mem_free(a->node);
    mem_free(a->box);
    archive_init(a, a->m, a->n_vars);
}

static double *low(const struct archive *a, int node)
{
    return a->box + (int64_t)node * 2 * a->m;
}

static double *high(const struct archive *a, int node)
{
    return low(a, node) + a->m;
}

static void node_clear(struct archive *a, int node)
{
    a->node[node].child = -1;
    a->node[node].n = 0;
    for (int j = 0; j < a->m; j++) {
        low(a, node)[j] = HUGE_VAL;
        high(a, node)[j] = -HUGE_VAL;
    }
}

/* Two adjacent empty leaves. */
static int node_pair(struct archive *a)
{
    int first = a->free_nodes;
    if (first >= 0) {
        a->free_nodes = a->node[first].child;
    } else {
        if (a->n_nodes + 2 > a->cap_nodes) {
            a->cap_nodes = a->cap_nodes ? 2 * a->cap_nodes : 64;
            a->node = mem_realloc(a->node, (size_t)a->cap_nodes, sizeof *a->node);
            a->box = mem_realloc(a->box, (size_t)a->cap_nodes * 2 * (size_t)a->m, sizeof *a->box);
        }
        first = a->n_nodes;
        a->n_nodes += 2;
    }
    node_clear(a, first);
    node_clear(a, first + 1);
    return first;
}

/* Gives the subtree's nodes back and makes `node` an empty leaf. */
static void node_prune(struct archive *a, int node)
{
    int child = a->node[node].child;
    if (child >= 0) {
        node_prune(a, child);
        node_prune(a, child + 1);
        a->node[child].child = a->free_nodes;
        a->free_nodes = child;
    }
    node_clear(a, node);
}

static void node_grow(struct archive *a, int node, const double *f)
{
    double *lo = low(a, node), *hi = high(a, node);
    for (int j = 0; j < a->m; j++) {
        lo[j] = f[j] < lo[j] ? f[j] : lo[j];
        hi[j] = f[j] > hi[j] ? f[j] : hi[j];
    }
}

static bool not_above(const double *p, const double *q, int m)
{
    for (int j = 0; j < m; j++) {
        if (p[j] > q[j]) {
            return false;
        }
    }
    return true;
}

static bool covers(const struct archive *a, int node, const double *f)
{
    const struct archive_node *t = &a->node[node];
    if (t->n == 0 || !not_above(low(a, node), f, a->m)) {
        return false;
    }
    if (not_above(high(a, node), f, a->m)) {
        return true;
    }
    if (t->child >= 0) {
        return covers(a, t->child, f) || covers(a, t->child + 1, f);
    }
    for (int k = 0; k < t->n; k++) {
        if (not_above(a->key + (int64_t)t->item[k] * a->m, f, a->m)) {
            return true;
        }
    }
    return false;
}

/* Takes member i out of the arrays; the last one gets its number, in its leaf too. */
static void member_drop(struct archive *a, int i)
{
    int last = --a->n;
    if (i == last) {
        return;
    }
    memcpy(a->f + (int64_t)i * a->m, a->f + (int64_t)last * a->m, (size_t)a->m * sizeof *a->f);
    if (a->epsilon) {
        memcpy(a->key + (int64_t)i * a->m, a->key + (int64_t)last * a->m, (size_t)a->m * sizeof *a->key);
    }
    if (a->n_vars > 0) {
        memcpy(a->x + (int64_t)i * a->n_vars, a->x + (int64_t)last * a->n_vars, (size_t)a->n_vars * sizeof *a->x);
    }
    a->id[i] = a->id[last];
    a->leaf[i] = a->leaf[last];
    struct archive_node *t = &a->node[a->leaf[i]];
    for (int k = 0; k < t->n; k++) {
        if (t->item[k] == last) {
            t->item[k] = i;
        }
    }
}

/* Removes what f is at least as good as; returns how many. */
static int drop_dominated(struct archive *a, int node, const double *f)
{
    struct archive_node *t = &a->node[node];
    if (t->n == 0 || !not_above(f, high(a, node), a->m)) {
        return 0;
    }
    int dropped = 0;
    if (t->child >= 0) {
        dropped = drop_dominated(a, t->child, f) + drop_dominated(a, t->child + 1, f);
        t->n -= dropped;
        if (t->n == 0) {
            node_prune(a, node);
        }
        return dropped;
    }
    for (int k = 0; k < t->n;) {
        int i = t->item[k];
        if (not_above(f, a->key + (int64_t)i * a->m, a->m)) {
            t->item[k] = t->item[--t->n];
            member_drop(a, i);
            dropped++;
        } else {
            k++;
        }
    }
    if (t->n == 0) {
        node_clear(a, node);
    }
    return dropped;
}

static void leaf_put(struct archive *a, int node, int i)
{
    struct archive_node *t = &a->node[node];
    t->item[t->n++] = i;
    a->leaf[i] = node;
    node_grow(a, node, a->key + (int64_t)i * a->m);
}

/* A full leaf becomes two halves along its longest side, in units of the root's box. */
static void leaf_split(struct archive *a, int node)
{
    int pair = node_pair(a), axis = 0;
    struct archive_node *t = &a->node[node];
    double longest = -1;
    for (int j = 0; j < a->m; j++) {
        double whole = high(a, 0)[j] - low(a, 0)[j];
        double side = whole > 0 ? (high(a, node)[j] - low(a, node)[j]) / whole : 0;
        if (side > longest) {
            longest = side;
            axis = j;
        }
    }
    for (int k = 1; k < t->n; k++) { /* by insertion, along the axis */
        int32_t i = t->item[k];
        int at = k;
        for (; at > 0 && a->key[(int64_t)t->item[at - 1] * a->m + axis] > a->key[(int64_t)i * a->m + axis]; at--) {
            t->item[at] = t->item[at - 1];
        }
        t->item[at] = i;
    }
    t->child = pair;
    for (int k = 0; k < t->n; k++) {
        leaf_put(a, pair + (k >= t->n / 2), t->item[k]);
    }
}

/* How much of the root's box, summed over its sides, the node's box would grow by f. */
static double stretch(const struct archive *a, int node, const double *f)
{
    double sum = 0;
    if (a->node[node].n == 0) {
        return 0;
    }
    for (int j = 0; j < a->m; j++) {
        double whole = high(a, 0)[j] - low(a, 0)[j];
        double out = fmax(low(a, node)[j] - f[j], f[j] - high(a, node)[j]);
        sum += out > 0 && whole > 0 ? out / whole : 0;
    }
    return sum;
}

static void tree_add(struct archive *a, int i)
{
    const double *f = a->key + (int64_t)i * a->m;
    int node = 0;
    for (;;) {
        struct archive_node *t = &a->node[node];
        if (t->child < 0) {
            if (t->n < LEAF) {
                break;
            }
            leaf_split(a, node);
            t = &a->node[node];
        }
        node_grow(a, node, f);
        t->n++;
        double s0 = stretch(a, t->child, f), s1 = stretch(a, t->child + 1, f);
        bool second = s1 < s0 || (s1 <= s0 && a->node[t->child + 1].n < a->node[t->child].n);
        node = t->child + second;
    }
    leaf_put(a, node, i);
}

static void member_set(struct archive *a, int i, int64_t id, const double *f, const double *x)
{
    memcpy(a->f + (int64_t)i * a->m, f, (size_t)a->m * sizeof *f);
    if (a->n_vars > 0) {
        memcpy(a->x + (int64_t)i * a->n_vars, x, (size_t)a->n_vars * sizeof *x);
    }
    a->id[i] = id;
    a->entered++;
}

/* Adds a row to every array and returns its number. */
static int member_new(struct archive *a)
{
    if (a->n == a->cap) {
        a->cap = a->cap ? 2 * a->cap : 64;
        a->f = mem_realloc(a->f, (size_t)a->cap * (size_t)a->m, sizeof *a->f);
        a->x = mem_realloc(a->x, (size_t)a->cap * (size_t)a->n_vars, sizeof *a->x);
        a->id = mem_realloc(a->id, (size_t)a->cap, sizeof *a->id);
        a->leaf = mem_realloc(a->leaf, (size_t)a->cap, sizeof *a->leaf);
        a->key = a->epsilon ? mem_realloc(a->key, (size_t)a->cap * (size_t)a->m, sizeof *a->key) : a->f;
    }
    return a->n++;
}

/* Squared distance to the low corner of its cell, in cells. */
static double from_corner(const struct archive *a, const double *f, const double *key)
{
    double sum = 0;
    for (int j = 0; j < a->m; j++) {
        double d = a->epsilon[j] > 0 ? f[j] / a->epsilon[j] - key[j] : 0;
        sum += d * d;
    }
    return sum;
}

/* The member that shares the cell `key`, -1: none. Where a member covers the key, only one of the same cell can, as any other
 * would dominate that one. */
static int same_cell(const struct archive *a, const double *key)
{
    int node = 0;
    while (a->node[node].child >= 0) {
        int child = a->node[node].child;
        node = covers(a, child, key) ? child : child + 1;
    }
    for (int k = 0; k < a->node[node].n; k++) {
        int i = a->node[node].item[k];
        if (not_above(a->key + (int64_t)i * a->m, key, a->m)) {
            return not_above(key, a->key + (int64_t)i * a->m, a->m) ? i : -1;
        }
    }
    return -1;
}

/* With cells: a better point of a taken cell takes the place of the one that is there. */
static bool replace(struct archive *a, int64_t id, const double *f, const double *x, const double *key)
{
    int i = same_cell(a, key);
    if (i < 0) {
        return false;
    }
    const double *there = a->f + (int64_t)i * a->m;
    bool better = not_above(f, there, a->m) && !not_above(there, f, a->m);
    if (better || (!not_above(there, f, a->m) && from_corner(a, f, key) < from_corner(a, there, key))) {
        member_set(a, i, id, f, x);
        return true;
    }
    return false;
}

bool archive_add(struct archive *a, int64_t id, const double *f, const double *x)
{
    double cell[ARCHIVE_MAX_M];
    const double *key = f;
    if (a->epsilon) {
        for (int j = 0; j < a->m; j++) {
            cell[j] = a->epsilon[j] > 0 ? floor(f[j] / a->epsilon[j]) : f[j];
        }
        key = cell;
    }
    if (a->n_nodes == 0) {
        node_pair(a); /* node 0 is the root, node 1 stays empty */
    }
    if (covers(a, 0, key)) {
        return a->epsilon ? replace(a, id, f, x, key) : false;
    }
    drop_dominated(a, 0, key);
    int i = member_new(a);
    member_set(a, i, id, f, x);
    if (a->epsilon) {
        memcpy(a->key + (int64_t)i * a->m, key, (size_t)a->m * sizeof *key);
    }
    tree_add(a, i);
    return true;
}

enum archive_gain archive_gain(const struct archive *a, struct archive_mark *mark)
{
    struct archive_mark before = *mark;
    *mark = (struct archive_mark){a->entered, a->n};
    return a->entered == before.entered ? GAIN_NONE : a->n > before.n ? GAIN_SPREAD : GAIN_BETTER;
}

double archive_worth(enum archive_gain gain)
{
    static const double worth[] = {[GAIN_NONE] = 0, [GAIN_SPREAD] = 0.2, [GAIN_BETTER] = 1};
    return worth[gain];
}
