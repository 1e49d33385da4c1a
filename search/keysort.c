/* Below RADIX_FROM pairs: insertion-sorted runs of eight, merged bottom-up without branches on the data. Above: radix sort
 * on the first 32 or 33 bits of the double (sign, exponent, 20 of the mantissa), 8 or 11 at a time; the few that those bits
 * do not tell apart are merged. */
#include "search/keysort.h"

#include "base/mem.h"

#include <stdbool.h>
#include <string.h>

enum { RUN = 8, RADIX_FROM = 100, WIDE_FROM = 4096 };

static void insertion(struct keyed *a, int n)
{
    for (int i = 1; i < n; i++) {
        struct keyed x = a[i];
        int j = i;
        for (; j > 0 && x.key < a[j - 1].key; j--) {
            a[j] = a[j - 1];
        }
        a[j] = x;
    }
}

static void merge(const struct keyed *a, int na, const struct keyed *b, int nb, struct keyed *out)
{
    const struct keyed *end_a = a + na, *end_b = b + nb;
    while (a < end_a && b < end_b) {
        int second = b->key < a->key;
        *out++ = second ? *b : *a;
        b += second;
        a += !second;
    }
    memcpy(out, a, (size_t)(end_a - a) * sizeof *a);
    memcpy(out + (end_a - a), b, (size_t)(end_b - b) * sizeof *b);
}

static void merge_sort(struct keyed *a, struct keyed *spare, int n)
{
    for (int i = 0; i < n; i += RUN) {
        insertion(a + i, n - i < RUN ? n - i : RUN);
    }
    struct keyed *from = a, *to = spare;
    for (int width = RUN; width < n; width *= 2) {
        for (int i = 0; i < n; i += 2 * width) {
            int na = n - i < width ? n - i : width;
            int nb = n - i - na < width ? n - i - na : width;
            merge(from + i, na, from + i + na, nb, to + i);
        }
        struct keyed *t = from;
        from = to;
        to = t;
    }
    if (from != a) {
        memcpy(a, from, (size_t)n * sizeof *a);
    }
}

/* Unsigned integers in the order of the doubles; the key of a pair holds them while it is sorted. */
static uint64_t order_bits(double key)
{
    uint64_t bits;
    key += 0.0; /* negative zero sorts as zero */
    memcpy(&bits, &key, sizeof bits);
    return bits ^ ((bits >> 63) ? UINT64_MAX : UINT64_C(1) << 63);
}

static double key_of(uint64_t bits)
{
    double key;
    bits ^= (bits >> 63) ? UINT64_C(1) << 63 : UINT64_MAX;
    memcpy(&key, &bits, sizeof key);
    return key;
}

static uint64_t bits_of(const struct keyed *a)
{
    uint64_t bits;
    memcpy(&bits, &a->key, sizeof bits);
    return bits;
}

/* One stable pass by the `width` bits at `shift`; false: all alike there, nothing moved. */
static bool radix_pass(const struct keyed *from, struct keyed *to, int n, int shift, int width, uint32_t *count)
{
    uint64_t digits = UINT64_C(1) << width;
    if (count[(bits_of(&from[0]) >> shift) & (digits - 1)] == (uint32_t)n) {
        return false;
    }
    uint32_t sum = 0;
    for (uint64_t d = 0; d < digits; d++) {
        uint32_t c = count[d];
        count[d] = sum;
        sum += c;
    }
    for (int i = 0; i < n; i++) {
        to[count[(bits_of(&from[i]) >> shift) & (digits - 1)]++] = from[i];
    }
    return true;
}

static void radix_sort(struct keyed *a, struct keyed *spare, int n)
{
    int width = n < WIDE_FROM ? 8 : 11, passes = n < WIDE_FROM ? 4 : 3, low = 64 - passes * width;
    size_t digits = (size_t)1 << width;
    uint32_t *count = mem_calloc((size_t)passes * digits, sizeof *count);
    struct keyed *from = a, *to = spare;
    for (int i = 0; i < n; i++) {
        uint64_t bits = order_bits(a[i].key);
        memcpy(&a[i].key, &bits, sizeof bits);
        for (int p = 0; p < passes; p++) {
            count[(size_t)p * digits + ((bits >> (low + p * width)) & (digits - 1))]++;
        }
    }
    for (int p = 0; p < passes; p++) {
        if (radix_pass(from, to, n, low + p * width, width, count + (size_t)p * digits)) {
            struct keyed *t = from;
            from = to;
            to = t;
        }
    }
    for (int i = 0, run = 0; i < n; i++) {
        bool last = i + 1 == n || bits_of(&from[i + 1]) >> low != bits_of(&from[i]) >> low;
        a[i] = (struct keyed){key_of(bits_of(&from[i])), from[i].i};
        if (last && i > run) {
            merge_sort(a + run, spare + run, i + 1 - run); /* those of `spare` have been read */
        }
        run = last ? i + 1 : run;
    }
    mem_free(count);
}

void keysort(struct keyed *a, struct keyed *spare, int n)
{
    if (n <= RUN) {
        insertion(a, n);
    } else if (n < RADIX_FROM) {
        merge_sort(a, spare, n);
    } else {
        radix_sort(a, spare, n);
    }
}

/* Sorts a[0..n) by column j and every run of equal keys by the columns after it. */
static void sort_columns(struct keyed *a, struct keyed *spare, int n, const double *f, int m, int j)
{
    for (int i = 0; i < n; i++) {
        a[i].key = f[(int64_t)a[i].i * m + j];
    }
    keysort(a, spare, n);
    if (j + 1 == m) {
        return;
    }
    for (int i = 0; i < n;) {
        int end = i + 1;
        double key = a[i].key;
        while (end < n && a[end].key <= key) {
            end++;
        }
        if (end - i > 1) {
            sort_columns(a + i, spare, end - i, f, m, j + 1);
        }
        i = end;
    }
}

void keysort_rows(const double *f, int n, int m, int32_t *order)
{
    struct keyed *a = mem_calloc(2 * (size_t)n + 1, sizeof *a);
    for (int i = 0; i < n; i++) {
        a[i].i = i;
    }
    sort_columns(a, a + n, n, f, m, 0);
    for (int i = 0; i < n; i++) {
        order[i] = a[i].i;
    }
    mem_free(a);
}
