/* Port stalls (after Mei et al., "A uniform latency model for DNN accelerators with diverse architectures and dataflows", DATE 2022, as in
 * METHODS-operator 4.3). A tile of a level is replaced n times while the MACs run for T steps, so every T / n steps its words must come over
 * from the next keeper outside. How long they may take, the window:
 *
 *   two buffers   the whole T / n: one half fills while the other one works;
 *   one buffer    only the steps after the last use of what is overwritten. While loops that do not move the tensor run around the tile (the
 *                 ones just outside it and the outermost ones inside), all of it is used in each of their passes: only the last pass is free.
 *                 Unless no loop between the tile and the next keeper inside moves the tensor: that one has copied all of it in the first pass.
 *
 * A transfer takes bits / bandwidth of the slower one of its two ports; sums go up while others come down where reads and writes have ports
 * of their own. What exceeds the window stalls the MACs, n times; stalls of a port's
 * tensors add up, the ports of the chip wait in parallel. Before the first step the first tiles come down level by level, after the last
 * one the last sums go up. */
#include "costmodel/stalls.h"

#include "costmodel/packing.h"

#include <math.h>
#include <string.h>

/* Whether the next keeper inside of level l takes all of its tile at once. */
static bool copied(const struct einsum *e, const struct mapping *m, int l, int t)
{
    for (int v = l; v >= 0; v--) {
        if (v < l && (m->level[v].keep >> t & 1)) {
            return true;
        }
        for (int i = 0; i < m->level[v].n_temporal; i++) {
            if (m->level[v].temporal[i].bound > 1 && einsum_relevant(e, t, m->level[v].temporal[i].dim)) {
                return false;
            }
        }
    }
    return false;
}

/* Passes over the tile of level l that all use the same words of tensor t. */
static double passes(const struct einsum *e, const struct mapping *m, int l, int t)
{
    double n = 1;
    if (copied(e, m, l, t)) {
        return 1;
    }
    bool moved = false;
    for (int v = l + 1; v < m->n_levels && !moved; v++) { /* outside, innermost first */
        const struct mapping_level *ml = &m->level[v];
        for (int i = ml->n_temporal - 1; i >= 0 && !moved; i--) {
            moved = ml->temporal[i].bound > 1 && einsum_relevant(e, t, ml->temporal[i].dim);
            n *= moved ? 1 : (double)ml->temporal[i].bound;
        }
    }
    moved = false;
    for (int v = l; v >= 0 && !moved; v--) { /* inside, outermost first */
        const struct mapping_level *ml = &m->level[v];
        for (int i = 0; i < ml->n_temporal && !moved; i++) {
            moved = ml->temporal[i].bound > 1 && einsum_relevant(e, t, ml->temporal[i].dim);
            n *= moved ? 1 : (double)ml->temporal[i].bound;
        }
    }
    return n;
}

static double bits_of(const struct level *level, int bits)
{
    struct packing p = packing_of(level, bits);
    return (double)level->word_bits * (double)p.words / (double)p.per_word;
}

/* Of an element, of the output of a partial sum. */
static double port_bits(const struct accelerator *a, const struct einsum *e, int l, int t)
{
    return bits_of(&a->level[l], e->tensor[t].output ? e->tensor[t].partial_bits : e->tensor[t].bits);
}

/* Of the mean element that goes up: some sums are finished. */
static double port_bits_up(const struct accelerator *a, const struct einsum *e, int l, int t,
                           const struct tensor_count *c, int64_t n)
{
    double partial = port_bits(a, e, l, t);
    double done = n > 0 ? (double)c->finished / (double)n : 0;
    return partial + done * (bits_of(&a->level[l], e->tensor[t].bits) - partial);
}

static double slower(double bits, double bandwidth, double shared)
{
    return bits / fmin(bandwidth, shared);
}

/* One tensor between two keepers: what moves of it, how long it takes, how long it may. */
struct link {
    int child, parent;
    double tile;                    /* elements of the child's tile */
    double down, up;                /* elements an instance of the child takes in and sends out, all in all */
    double words_down, words_up;    /* that an instance of the parent sends and takes for its children */
    double bits_up, parent_bits_up; /* of an element that goes up, at the ports of each */
};

static double down_time(const struct accelerator *a, const struct einsum *e, const struct link *k, int t,
                        double child_words, double parent_words)
{
    const struct level *c = &a->level[k->child], *p = &a->level[k->parent];
    double in = slower(child_words * port_bits(a, e, k->child, t), c->write_bits_per_cycle, c->shared_bits_per_cycle);
    double out = slower(parent_words * port_bits(a, e, k->parent, t), p->read_bits_per_cycle, p->shared_bits_per_cycle);
    return fmax(in, out);
}

static double up_time(const struct accelerator *a, const struct link *k, double child_words, double parent_words)
{
    const struct level *c = &a->level[k->child], *p = &a->level[k->parent];
    double out = slower(child_words * k->bits_up, c->read_bits_per_cycle, c->shared_bits_per_cycle);
    double in = slower(parent_words * k->parent_bits_up, p->write_bits_per_cycle, p->shared_bits_per_cycle);
    return fmax(in, out);
}

/* What ports that read and write by turns need for both directions of one tile. */
static double shared_time(const struct accelerator *a, const struct einsum *e, const struct link *k, int t,
                          double tiles)
{
    double inner = k->down * port_bits(a, e, k->child, t) + k->up * k->bits_up;
    double outer = k->words_down * port_bits(a, e, k->parent, t) + k->words_up * k->parent_bits_up;
    inner /= a->level[k->child].shared_bits_per_cycle;
    outer /= a->level[k->parent].shared_bits_per_cycle;
    return fmax(inner, outer) / tiles;
}

static void add_link(const struct accelerator *a, const struct einsum *e, const struct mapping *m, double steps,
                     const struct link *k, int t, struct stalls *out)
{
    bool output = e->tensor[t].output;
    double moved = fmax(k->down, k->up);
    if (moved <= 0) {
        return;
    }
    double tiles = fmax(1, moved / k->tile);
    double window = steps / tiles;
    if (a->level[k->child].buffering < 2) {
        window /= passes(e, m, k->child, t);
    }
    double down = down_time(a, e, k, t, k->down / tiles, k->words_down / tiles);
    double up = output ? up_time(a, k, k->up / tiles, k->words_up / tiles) : 0;
    double shared = up > 0 ? shared_time(a, e, k, t, tiles) : 0;
    double stall = (tiles - 1) * fmax(0, fmax(shared, fmax(down, up)) - window);
    out->stall[k->child] += stall;
    out->stall[k->parent] += stall;
    if (output) {
        out->drain += up;
    }
}

/* The first tile of an operand, level by level; operands of one level share its ports. */
static double first_load(const struct accelerator *a, const struct einsum *e, const struct link *k, int t)
{
    double share = k->down > 0 ? k->tile / k->down : 0;
    return down_time(a, e, k, t, k->tile, k->words_down * share);
}

void stalls_of(const struct accelerator *a, const struct einsum *e, const struct mapping *m, const struct counts *one,
               const double *instances, struct stalls *out)
{
    double load[HW_LEVELS] = {0};
    memset(out, 0, sizeof *out);
    for (int t = 0; t < e->n_tensors; t++) {
        bool output = e->tensor[t].output;
        int child = -1;
        for (int l = 0; l < m->n_levels; l++) {
            if (!(m->level[l].keep >> t & 1)) {
                continue;
            }
            if (child >= 0) {
                const struct tensor_count *c = &one->level[child].tensor[t];
                const struct tensor_count *p = &one->level[l].tensor[t];
                struct link k = {.child = child,
                                 .parent = l,
                                 .tile = (double)c->tile,
                                 .down = (double)c->fills / instances[child],
                                 .up = (double)c->drains / instances[child],
                                 .words_down = (double)p->reads / instances[l],
                                 .words_up = (double)p->updates / instances[l],
                                 .bits_up = port_bits_up(a, e, child, t, c, c->drains),
                                 .parent_bits_up = port_bits_up(a, e, l, t, p, p->updates)};
                add_link(a, e, m, (double)one->compute_cycles, &k, t, out);
                load[child] += output ? 0 : first_load(a, e, &k, t);
            }
            child = l;
        }
    }
    for (int l = 0; l < m->n_levels; l++) {
        out->load += load[l];
    }
}
