/* The reference cases of tests/fixtures/cases against brute force and against Timeloop. */
#ifndef TESTS_CHECK_CASE_H
#define TESTS_CHECK_CASE_H

#define CASE_FILES 3
extern const char *const case_files[CASE_FILES];

struct case_tally {
    int cases;
    int with_totals, walk_equal; /* that have brute-force totals; whose totals are ours */
    int equal, default_equal;    /* to Timeloop without extrapolation; to its default run */
    int explained;               /* different from Timeloop as check_case.c says */
    int unexpected;              /* anything else */
};

/* Runs every case of a file in the three accountings; prints what is unexpected. 0; -1 when it cannot be read. */
int check_case(const char *file, struct case_tally *out);

#endif
