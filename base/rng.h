/* Counter-based random numbers: Philox4x32-10 (Salmon et al., SC'11; Random123) wrapped
 * as a gsl_rng_type, so that all of GSL's distributions use it. A stream is named by
 * (seed, trial, purpose), never by a thread; its n-th number is a pure function of
 * these. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <gsl/gsl_rng.h>
#include <stdint.h>

enum rng_purpose {
    RNG_INIT,
    RNG_SELECT,
    RNG_CROSSOVER,
    RNG_MUTATE,
    RNG_REPAIR,
    RNG_MODEL,
    RNG_ACQUIRE,
    RNG_TEST,
    RNG_PURPOSE_COUNT
};

extern const gsl_rng_type *const rng_philox;

/* A plain struct for hot loops: no allocation, copied with '='. */
struct rng {
    uint32_t key[2], ctr[4], out[4];
    int left; /* numbers left in out, 0..4 */
};
void rng_init(struct rng *r, uint64_t seed, uint64_t trial, enum rng_purpose purpose);
uint32_t rng_u32(struct rng *r);
double rng_uniform(struct rng *r);           /* [0, 1), 53 bits */
int64_t rng_below(struct rng *r, int64_t n); /* 0..n-1, unbiased; n >= 1 */

/* The same stream behind GSL; caller frees with gsl_rng_free(). */
gsl_rng *rng_gsl(uint64_t seed, uint64_t trial, enum rng_purpose purpose);

#endif
