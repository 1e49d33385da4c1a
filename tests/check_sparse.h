/* Expected values of costmodel/sparse.h against tensors drawn at random. */
#ifndef TESTS_CHECK_SPARSE_H
#define TESTS_CHECK_SPARSE_H

struct sparse_tally {
    int means, tiles; /* compared; of them words between two storage levels */
    int draws;        /* that each is a mean of */
    double worst;     /* distance of a mean from the expected value, in its standard errors */
};

/* Entries that encoders of bitmasks and run lengths need for random matrices. */
void check_sparse_formats(struct sparse_tally *out);
/* Share of words that pass in walks of n random mappings; prints those that are 5 standard errors off and more. */
void check_sparse_passing(int n, struct sparse_tally *out);

#endif
