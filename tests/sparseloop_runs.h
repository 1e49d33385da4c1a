/* Sparseloop's published reference outputs beside our expected values. */
#ifndef TESTS_SPARSELOOP_RUNS_H
#define TESTS_SPARSELOOP_RUNS_H

#define SPARSELOOP_ROWS 28
struct sparseloop_row {
    const char *run, *what;
    double published, ours;
};

/* Returns SPARSELOOP_ROWS; prints and returns -1 when a run cannot be priced. */
int sparseloop_rows(struct sparseloop_row out[SPARSELOOP_ROWS]);

#endif
