/* The reference cases with their loops in another order, and tensors passed by where they were kept: exact counts are those of the walk,
 * and for operands Timeloop's rules never move less, as it only forgets words that are still there. */
#include "base/rng.h"
#include "experiments/case.h"
#include "tests/check_case.h"
#include "tests/loop_walk.h"
#include "tests/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMES 4

struct tally {
    long mappings, walked, halo; /* halo: an operand moves less than by Timeloop's rules */
};

static void perturb(struct rng *r, const struct einsum *e, struct mapping *m)
{
    for (int l = 0; l < m->n_levels; l++) {
        struct mapping_level *ml = &m->level[l];
        for (int i = ml->n_temporal - 1; i > 0; i--) {
            int j = (int)rng_below(r, i + 1);
            struct loop swap = ml->temporal[i];
            ml->temporal[i] = ml->temporal[j];
            ml->temporal[j] = swap;
        }
        if (l < m->n_levels - 1 && rng_below(r, 4) == 0) {
            ml->keep &= ~(1u << rng_below(r, e->n_tensors));
        }
    }
}

static void same(const char *id, const struct einsum *e, const struct mapping *m, const struct counts *walked,
                 const struct counts *exact)
{
    ck_assert_int_eq(walked->compute_cycles, exact->compute_cycles);
    for (int l = 0; l < m->n_levels; l++) {
        for (int t = 0; t < e->n_tensors; t++) {
            const struct tensor_count *a = &walked->level[l].tensor[t], *b = &exact->level[l].tensor[t];
            ck_assert_msg(a->reads == b->reads && a->fills == b->fills && a->updates == b->updates &&
                              a->drains == b->drains && a->words == b->words && a->adds == b->adds,
                          "%s, level %d, '%s': walked %lld reads, %lld fills; counted %lld, %lld", id, l,
                          e->tensor[t].name, (long long)a->reads, (long long)a->fills, (long long)b->reads,
                          (long long)b->fills);
        }
    }
}

static void check_mapping(const struct case_problem *p, const struct mapping *m, struct tally *out)
{
    struct counts exact, theirs;
    struct err err = ERR_INIT;
    static struct counts walked, origin;
    const struct einsum *e = &p->einsum;
    bool less = false;
    ck_assert_msg(count_words(e, m, COUNT_ALL, ACCOUNTING_EXACT, &exact, &err) == 0, "%s: %s", p->id, err.text);
    ck_assert_msg(count_words(e, m, COUNT_ALL, ACCOUNTING_TIMELOOP, &theirs, &err) == 0, "%s: %s", p->id, err.text);
    out->mappings++;
    for (int l = 0; l < m->n_levels && exact.perfect; l++) {
        for (int t = 0; t < e->n_tensors; t++) {
            const struct tensor_count *a = &exact.level[l].tensor[t], *b = &theirs.level[l].tensor[t];
            ck_assert_msg(e->tensor[t].output || (a->reads <= b->reads && a->fills <= b->fills),
                          "%s, level %d, '%s': %lld reads, %lld fills; by Timeloop's rules %lld, %lld", p->id, l,
                          e->tensor[t].name, (long long)a->reads, (long long)a->fills, (long long)b->reads,
                          (long long)b->fills);
            less = less || a->reads < b->reads || a->fills < b->fills;
        }
    }
    out->halo += less;
    if (einsum_macs(e) <= 1500 && walk(e, m, 0, &walked, &origin, NULL) == 0) {
        same(p->id, e, m, &walked, &exact);
        out->walked++;
    }
}

START_TEST(perturbed_cases)
{
    struct tally n = {0, 0, 0};
    struct rng r;
    char *line = NULL;
    size_t cap = 0;
    FILE *f = fopen(case_files[_i], "r");
    ck_assert_msg(f != NULL, "cannot open %s: run the tests in the root", case_files[_i]);
    rng_init(&r, 11, (uint64_t)_i, RNG_TEST);
    for (ssize_t len; (len = getline(&line, &cap, f)) > 0;) {
        struct case_problem p;
        struct err err = ERR_INIT;
        ck_assert_msg(case_read(line, (size_t)len, &p, &err) == 0, "%s", err.text);
        for (int i = 0; i < TIMES; i++) {
            struct mapping m = p.mapping;
            perturb(&r, &p.einsum, &m);
            check_mapping(&p, &m, &n);
        }
    }
    free(line);
    fclose(f);
    printf("%s: %ld perturbed mappings, %ld walked, %ld with more words by Timeloop's rules\n", case_files[_i],
           n.mappings, n.walked, n.halo);
    fflush(stdout);
    ck_assert_int_gt(n.walked, n.mappings / 4);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("perturbed");
    TCase *tc = tcase_create("perturbed");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, perturbed_cases, 0, CASE_FILES);
    suite_add_tcase(s, tc);
    return run_suite(s, CK_FORK_GETENV);
}
