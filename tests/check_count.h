/* Random mappings on which the closed form must be the walk: every count of every level and tensor. */
#ifndef TESTS_CHECK_COUNT_H
#define TESTS_CHECK_COUNT_H

#include "hw/accelerator.h"
#include "tests/random_mapping.h"

struct count_tally {
    long mappings, imperfect, bypassed, diagonal;      /* bypassed: levels; diagonal: imperfect ones */
    long finished, finished_imperfect, never_finished; /* levels to which finished sums come; to which none do */
    long of_kind[RANDOM_KIND_COUNT], of_levels[HW_LEVELS + 1];
};

/* The first n mappings of a fixed sequence. 0; -1 after the first that differs was printed. */
int check_count(long n, struct count_tally *out);

struct link_tally {
    long mappings, forwarding, diagonal; /* neighbours hand on words; with diagonals too */
};

/* The same for perfect mappings of convolutions on networks with links. */
int check_links(long n, struct link_tally *out);
void count_tally_print(const struct count_tally *c);

#endif
