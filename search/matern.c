/* A model evaluates millions of these, and libm's exp() is one call each: so square root and exponential are written out in
 * operations that compilers turn into vector code. Each element goes through the same operations wherever it stands and
 * whatever the width of the machine's vectors, so the result does not depend on either.
 *
 * 1/sqrt: bit trick, then Newton (Lomont, 2003). exp: argument reduction by multiples of ln 2 in two parts, a Taylor polynomial
 * on [-ln2/2, ln2/2] (next term 5e-17), and the exponent put in as bits. */
#include "search/matern.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Vector code for what the machine has; the sanitizers cannot start functions that are chosen at load time. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#endif
#if defined(__x86_64__) && defined(__linux__) && !defined(SANITIZED)
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif

enum { LANES = 8 };
typedef double vec __attribute__((vector_size(8 * LANES)));
typedef uint64_t bits __attribute__((vector_size(8 * LANES)));

/* t and exp(-t) for t = sqrt(5 r2). */
static inline __attribute__((always_inline)) void root_and_exp(const vec *r2, vec *t, vec *e)
{
    const double ROUND = 6755399441055744.0; /* 1.5 * 2^52: adding it rounds to an integer in the low bits */
    const double LN2_HIGH = 6.93147180369123816490e-01, LN2_LOW = 1.90821492927058770002e-10;
    static const double factor[] = {1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800,
                                    1.0 / 362880,     1.0 / 40320,     1.0 / 5040,     1.0 / 720,
                                    1.0 / 120,        1.0 / 24,        1.0 / 6,        0.5};
    vec a = *r2 * 5.0, y, root, n, x, p;
    bits b;
    b = (bits)(a > 1e-280);
    a = (vec)((bits)a & b); /* negative and denormal: 0 */
    a = a + 1e-280;
    b = 0x5FE6EB50C7B537A9u - ((bits)a >> 1);
    y = (vec)b;
    for (int k = 0; k < 4; k++) {
        y = y * (1.5 - 0.5 * a * y * y);
    }
    root = a * y;
    b = (bits)(root < 700.0);
    root = (vec)(((bits)root & b) | ((bits)((vec){0} + 700.0) & ~b));
    x = -root;
    n = x * 1.44269504088896338700 + ROUND;
    b = (bits)n << 52; /* 2^n less its bias */
    n = n - ROUND;
    x = (x - n * LN2_HIGH) - n * LN2_LOW;
    p = (vec){0} + factor[0];
    for (size_t k = 1; k < sizeof factor / sizeof *factor; k++) {
        p = p * x + factor[k];
    }
    p = 1.0 + (x + x * x * p);
    *e = (vec)((bits)p + b);
    *t = root;
}

CLONES static void correlate(double *k, double *slope, int n)
{
    for (int i = 0; i < n; i += LANES) {
        vec r2 = {0}, t, e, value;
        size_t size = (size_t)(n - i < LANES ? n - i : LANES) * sizeof *k;
        memcpy(&r2, k + i, size);
        root_and_exp(&r2, &t, &e);
        value = (1.0 + t + t * t * (1.0 / 3)) * e;
        memcpy(k + i, &value, size);
        if (slope) {
            value = (5.0 / 3) * (1.0 + t) * e;
            memcpy(slope + i, &value, size);
        }
    }
}

void matern(double *k, double *slope, int n)
{
    correlate(k, slope, n);
}
