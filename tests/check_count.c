/* The closed form against the walk, mapping by mapping. */
#include "tests/check_count.h"

#include "costmodel/count_forward.h"
#include "tests/loop_walk.h"
#include "tests/random_mapping.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void explain(const struct einsum *e, const struct mapping *m)
{
    printf("operator:");
    for (int d = 0; d < e->n_dims; d++) {
        printf(" %s%lld", e->dim[d], (long long)e->bound[d]);
    }
    for (int l = m->n_levels - 1; l >= 0; l--) {
        const struct mapping_level *ml = &m->level[l];
        printf("\n L%d keep %x:", l, ml->keep);
        for (int i = 0; i < ml->n_temporal; i++) {
            if (ml->temporal[i].bound > 1) {
                printf(" %s%lld", e->dim[ml->temporal[i].dim], (long long)ml->temporal[i].bound);
            }
        }
        for (int i = 0; i < ml->n_spatial; i++) {
            if (ml->spatial[i].bound > 1) {
                printf(" %c:%s%lld", ml->spatial[i].axis == AXIS_X ? 'X' : 'Y', e->dim[ml->spatial[i].dim],
                       (long long)ml->spatial[i].bound);
            }
        }
    }
    printf("\n");
    fflush(stdout);
}

/* Two dimensions of one rank spatial in one level. */
static bool has_diagonal(const struct einsum *e, const struct mapping *m)
{
    int p = einsum_dim(e, "P"), r = einsum_dim(e, "R");
    for (int l = 0; p >= 0 && r >= 0 && l < m->n_levels; l++) {
        bool found[2] = {false, false};
        for (int i = 0; i < m->level[l].n_spatial; i++) {
            const struct spatial_loop *s = &m->level[l].spatial[i];
            found[0] = found[0] || (s->dim == p && s->bound > 1);
            found[1] = found[1] || (s->dim == r && s->bound > 1);
        }
        if (found[0] && found[1]) {
            return true;
        }
    }
    return false;
}

static bool same(const char *what, int level, const char *tensor, int64_t walk, int64_t closed)
{
    if (walk != closed) {
        printf("L%d %s %s: walked %lld, closed form %lld\n", level, tensor, what, (long long)walk, (long long)closed);
    }
    return walk == closed;
}

static bool equal(const struct einsum *e, const struct mapping *m, const struct counts *w, const struct counts *c,
                  bool all)
{
    bool ok = true;
    if (all) {
        ok = same("macs", -1, "", w->macs, c->macs) && same("cycles", -1, "", w->compute_cycles, c->compute_cycles);
    }
    for (int l = 0; l < m->n_levels; l++) {
        ok = ok && (!all || same("instances", l, "", w->level[l].instances, c->level[l].instances));
        for (int t = 0; t < e->n_tensors; t++) {
            const struct tensor_count *x = &w->level[l].tensor[t];
            const struct tensor_count *y = &c->level[l].tensor[t];
            const char *n = e->tensor[t].name;
            ok = ok && same("reads", l, n, x->reads, y->reads) && same("fills", l, n, x->fills, y->fills) &&
                 same("updates", l, n, x->updates, y->updates) && same("drains", l, n, x->drains, y->drains) &&
                 (!all || same("forwards", l, n, x->forwards, y->forwards)) &&
                 same("words", l, n, x->words, y->words) && (!all || same("adds", l, n, x->adds, y->adds));
        }
    }
    return ok;
}

/* Finished sums: as many come to a level, and leave it, as the walk saw done. But what MACs add to a sum lies in it as wide as before, so where they
 * add to what their keeper holds, none there counts as finished. */
static bool equal_sums(const struct einsum *e, const struct mapping *m, const struct walk_sum *w,
                       const struct counts *c, long *done)
{
    int t = einsum_output(e);
    bool ok = true, from_macs = true;
    for (int l = 0; l < m->n_levels; l++) {
        const struct tensor_count *y = &c->level[l].tensor[t];
        bool kept = m->level[l].keep >> t & 1, added = from_macs && w[l].came > w[l].words;
        ok = ok && same("finished", l, e->tensor[t].name, added ? 0 : w[l].came_done, y->finished) &&
             same("words", l, e->tensor[t].name, 2 * w[l].came - w[l].words, y->words);
        if (kept) {
            ok = ok && same("drains", l, e->tensor[t].name, w[l].left, y->drains) &&
                 (added || y->drains == 0 || same("finished drains", l, "", w[l].left_done, y->finished));
            from_macs = false;
        }
        *done += y->finished > 0;
    }
    return ok;
}

/* A level keeps room for finished sums, or stores them compressed, only where no others come. */
static bool room_is_right(const struct einsum *e, const struct mapping *m, const struct walk_sum *w)
{
    int t = einsum_output(e);
    const struct einsum_tensor *out = &e->tensor[t];
    for (int l = 0; l < m->n_levels; l++) {
        bool kept = m->level[l].keep >> t & 1, whole = w[l].came_done == w[l].came;
        bool narrow = out->bits < out->partial_bits && mapping_bits(m, e, l, t) == out->bits;
        if (kept && !whole && (narrow || mapping_finished(m, e, l, t))) {
            printf("L%d: partial sums come where there is room for finished ones\n", l);
            return false;
        }
    }
    return true;
}

/* Where all instances of a level are said to do the same, the first one's counts are the totals divided by the instances. */
static bool is_even(const struct mapping *m, const struct einsum *e, const struct counts *all,
                    const struct counts *origin)
{
    bool same = true;
    for (int l = 0; l < m->n_levels && all->even; l++) {
        int64_t n = all->level[l].instances;
        for (int t = 0; t < e->n_tensors; t++) {
            const struct tensor_count *x = &all->level[l].tensor[t], *y = &origin->level[l].tensor[t];
            same = same && x->reads == n * y->reads && x->fills == n * y->fills && x->updates == n * y->updates &&
                   x->drains == n * y->drains && x->finished == n * y->finished;
        }
    }
    return same;
}

int check_count(long n, struct count_tally *out)
{
    memset(out, 0, sizeof *out);
    for (long i = 0; i < n; i++) {
        struct rng r;
        rng_init(&r, 3, (uint64_t)i, RNG_TEST);
        enum random_kind kind = (enum random_kind)(i % RANDOM_KIND_COUNT);
        int levels = (int)(2 + rng_below(&r, 4));
        struct einsum e;
        struct mapping m;
        struct err err = ERR_INIT;
        struct counts walked, first, closed, origin;
        struct walk_sums sums;
        random_einsum(&r, kind, 300, &e);
        random_mapping(&r, &e, levels, 24, rng_below(&r, 2) == 0, &m);
        if (walk(&e, &m, 0, &walked, &first, &sums) != 0) {
            return -1;
        }
        if (count_words(&e, &m, COUNT_ALL, ACCOUNTING_EXACT, &closed, &err) != 0 ||
            count_words(&e, &m, COUNT_ORIGIN, ACCOUNTING_EXACT, &origin, &err) != 0) {
            printf("%s\n", err.text);
            return -1;
        }
        if (!equal(&e, &m, &walked, &closed, true) || !equal(&e, &m, &first, &origin, false)) {
            explain(&e, &m);
            printf("mapping %ld (%s)\n", i, random_kind_names[kind]);
            fflush(stdout);
            return -1;
        }
        long with_done = 0, of_origin = 0;
        if (!equal_sums(&e, &m, sums.all, &closed, &with_done) ||
            !equal_sums(&e, &m, sums.origin, &origin, &of_origin) || !room_is_right(&e, &m, sums.all)) {
            explain(&e, &m);
            printf("mapping %ld (%s): sums\n", i, random_kind_names[kind]);
            return -1;
        }
        out->finished += with_done;
        out->finished_imperfect += closed.perfect ? 0 : with_done;
        out->never_finished += levels - with_done;
        if (!is_even(&m, &e, &closed, &origin)) {
            explain(&e, &m);
            printf("mapping %ld (%s): instances differ\n", i, random_kind_names[kind]);
            return -1;
        }
        out->mappings++;
        out->of_kind[kind]++;
        out->of_levels[levels]++;
        out->imperfect += !closed.perfect;
        for (int l = 0; l < levels; l++) {
            out->bypassed += m.level[l].keep != (1u << e.n_tensors) - 1;
        }
        out->diagonal += !closed.perfect && has_diagonal(&e, &m);
    }
    return 0;
}

int check_links(long n, struct link_tally *out)
{
    memset(out, 0, sizeof *out);
    for (long i = 0; i < n; i++) {
        struct rng r;
        rng_init(&r, 4, (uint64_t)i, RNG_TEST);
        int levels = (int)(2 + rng_below(&r, 4));
        struct einsum e;
        struct mapping m;
        struct err err = ERR_INIT;
        struct counts walked, first, closed;
        random_einsum(&r, (enum random_kind)(i % RANDOM_MATMUL), 300, &e);
        random_mapping(&r, &e, levels, 24, false, &m);
        uint32_t links = (uint32_t)(2 + 2 * rng_below(&r, 1 << (levels - 1)));
        if (walk(&e, &m, links, &walked, &first, NULL) != 0) {
            return -1;
        }
        if (count_words(&e, &m, COUNT_ALL, ACCOUNTING_EXACT, &closed, &err) != 0 ||
            count_forward(&e, &m, links, ACCOUNTING_EXACT, &closed, &err) != 0) {
            printf("%s\n", err.text);
            return -1;
        }
        if (!equal(&e, &m, &walked, &closed, true)) {
            explain(&e, &m);
            printf("mapping %ld, links %x\n", i, links);
            fflush(stdout);
            return -1;
        }
        int64_t forwards = 0;
        for (int l = 0; l < levels; l++) {
            for (int t = 0; t < e.n_tensors; t++) {
                forwards += closed.level[l].tensor[t].forwards;
            }
        }
        out->mappings++;
        out->forwarding += forwards > 0;
        out->diagonal += forwards > 0 && has_diagonal(&e, &m);
    }
    return 0;
}

void count_tally_print(const struct count_tally *c)
{
    printf("walk = closed form on %ld mappings, %ld of them imperfect, %ld bypassed "
           "levels, %ld imperfect diagonals:\n",
           c->mappings, c->imperfect, c->bypassed, c->diagonal);
    printf("finished sums come to %ld levels (%ld of them in imperfect mappings), none to %ld\n", c->finished,
           c->finished_imperfect, c->never_finished);
    for (int k = 0; k < RANDOM_KIND_COUNT; k++) {
        printf("  %-32s %ld\n", random_kind_names[k], c->of_kind[k]);
    }
    for (int l = 2; l <= 5; l++) {
        printf("  %d levels %*s %ld\n", l, 22, "", c->of_levels[l]);
    }
    fflush(stdout);
}
