/* Philox4x32-10 streams (J. K. Salmon et al., "Parallel random numbers: as easy as 1,
 * 2, 3", SC'11, doi:10.1145/2063384.2063405; the rounds are Random123's). The n-th
 * block of a stream is philox(key, counter) with
 *
 *     key     = seed (64 bits)
 *     counter = block number (56 bits) | purpose (8 bits) | trial (64 bits)
 *
 * so different (seed, trial, purpose) never share a counter, and nothing but these and
 * n decides a number. */
#include "base/rng.h"

#include <Random123/philox.h>
#include <assert.h>

enum { PURPOSE_SHIFT = 24 }; /* the upper 8 bits of the counter's second word */
_Static_assert(RNG_PURPOSE_COUNT <= 256, "the purpose has 8 bits");

void rng_init(struct rng *r, uint64_t seed, uint64_t trial, enum rng_purpose purpose)
{
    assert(purpose < RNG_PURPOSE_COUNT);
    *r = (struct rng){
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .ctr = {0, (uint32_t)purpose << PURPOSE_SHIFT, (uint32_t)trial, (uint32_t)(trial >> 32)},
    };
}

static void next_block(struct rng *r)
{
    philox4x32_ctr_t ctr = {{r->ctr[0], r->ctr[1], r->ctr[2], r->ctr[3]}};
    philox4x32_key_t key = {{r->key[0], r->key[1]}};
    philox4x32_ctr_t out = philox4x32_R(10, ctr, key);
    for (int i = 0; i < 4; i++) {
        r->out[i] = out.v[i];
    }
    r->left = 4;
    if (++r->ctr[0] == 0) {
        r->ctr[1]++; /* 2^56 blocks: never reaches the purpose */
    }
}

uint32_t rng_u32(struct rng *r)
{
    if (r->left == 0) {
        next_block(r);
    }
    return r->out[4 - r->left--];
}

static uint64_t rng_u64(struct rng *r)
{
    uint64_t high = rng_u32(r);
    return high << 32 | rng_u32(r);
}

double rng_uniform(struct rng *r)
{
    return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

int64_t rng_below(struct rng *r, int64_t n)
{
    assert(n >= 1);
    uint64_t range = (uint64_t)n;
    if (range <= UINT32_MAX) { /* Lemire, "Fast random integer generation in an
                                  interval", doi:10.1145/3230636 */
        uint64_t product = rng_u32(r) * range;
        uint32_t threshold = (uint32_t)((0x100000000u - range) % range);
        while ((uint32_t)product < threshold) {
            product = rng_u32(r) * range;
        }
        return (int64_t)(product >> 32);
    }
    uint64_t limit = UINT64_MAX - UINT64_MAX % range; /* a multiple of range */
    uint64_t x = rng_u64(r);
    while (x >= limit) {
        x = rng_u64(r);
    }
    return (int64_t)(x % range);
}

static void philox_set(void *state, unsigned long seed)
{
    rng_init(state, seed, 0, RNG_INIT);
}

static unsigned long philox_get(void *state)
{
    return rng_u32(state);
}

static double philox_get_double(void *state)
{
    return rng_uniform(state);
}

static const gsl_rng_type philox_type = {
    .name = "philox4x32-10",
    .max = UINT32_MAX,
    .min = 0,
    .size = sizeof(struct rng),
    .set = philox_set,
    .get = philox_get,
    .get_double = philox_get_double,
};
const gsl_rng_type *const rng_philox = &philox_type;

gsl_rng *rng_gsl(uint64_t seed, uint64_t trial, enum rng_purpose purpose)
{
    gsl_rng *g = gsl_rng_alloc(rng_philox);
    assert(g);
    rng_init(g->state, seed, trial, purpose);
    return g;
}
