/* Random mappings on which the closed form must be the walk: every count of every level and tensor. */
#ifndef TESTS_CHECK_COUNT_H
#define TESTS_CHECK_COUNT_H

/* The first n mappings of a fixed sequence; prints how many of which kind were checked. 0, or -1 after the first that differs was printed. */
int check_count(long n);

#endif
