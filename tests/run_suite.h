/* The end of every test's main. */
#ifndef TESTS_RUN_SUITE_H
#define TESTS_RUN_SUITE_H

#include <check.h>

/* Runs and frees the suite; what main returns. CK_NOFORK for tests that touch OpenMP, else CK_FORK_GETENV (a process a test). */
int run_suite(Suite *s, enum fork_status forks);

#endif
