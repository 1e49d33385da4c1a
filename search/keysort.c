/* Below RADIX_FROM pairs: insertion-sorted runs of eight, merged bottom-up without branches on the data. Above: radix sort
 * on the bits of the double, 11 at a time, with the sign bit flipped so that unsigned order is numeric order. */
#include "search/keysort.h"

#include "base/mem.h"

#include <string.h>

enum { RUN = 8, RADIX_FROM = 512, DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, PASSES = 6 };

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

static uint64_t order_bits(double key)
{
    uint64_t bits;
    key += 0.0; /* negative zero sorts as zero */
    memcpy(&bits, &key, sizeof bits);
    return bits ^ ((bits >> 63) ? UINT64_MAX : UINT64_C(1) << 63);
}

static void radix_sort(struct keyed *a, struct keyed *spare, int n)
{
    uint32_t(*count)[DIGITS] = mem_calloc(PASSES, sizeof *count);
    for (int i = 0; i < n; i++) {
        uint64_t bits = order_bits(a[i].key);
        for (int p = 0; p < PASSES; p++) {
            count[p][(bits >> (p * DIGIT_BITS)) & (DIGITS - 1)]++;
        }
    }
    struct keyed *from = a, *to = spare;
    for (int p = 0; p < PASSES; p++) {
        int shift = p * DIGIT_BITS;
        if (count[p][(order_bits(from[0].key) >> shift) & (DIGITS - 1)] == (uint32_t)n) {
            continue; /* all alike in this digit */
        }
        uint32_t sum = 0;
        for (int d = 0; d < DIGITS; d++) {
            uint32_t c = count[p][d];
            count[p][d] = sum;
            sum += c;
        }
        for (int i = 0; i < n; i++) {
            to[count[p][(order_bits(from[i].key) >> shift) & (DIGITS - 1)]++] = from[i];
        }
        struct keyed *t = from;
        from = to;
        to = t;
    }
    if (from != a) {
        memcpy(a, from, (size_t)n * sizeof *a);
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
