/* Optimal string alignment distance (Damerau 1964, Levenshtein 1966): insertions,
 * deletions, substitutions and swaps of neighbours, each 1. Distances are counted
 * twice, plus 1 for letters that differ only in case, so that 'mhz' finds 'MHz' and
 * case still breaks ties. */
#include "base/suggest.h"

#include "base/strbuf.h"

#include <ctype.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORD = 64, CASE_COST = 1, EDIT_COST = 2, WITH_UNIT_COST = EDIT_COST + CASE_COST };

static int letter_cost(char a, char b)
{
    if (a == b) {
        return 0;
    }
    return tolower((unsigned char)a) == tolower((unsigned char)b) ? CASE_COST : EDIT_COST;
}

static int min2(int a, int b)
{
    return a < b ? a : b;
}

/* Both words have at most MAX_WORD letters. */
static int distance(const char *a, int na, const char *b, int nb)
{
    int row[3][MAX_WORD + 1];
    for (int j = 0; j <= nb; j++) {
        row[0][j] = EDIT_COST * j;
    }
    for (int i = 1; i <= na; i++) {
        int *now = row[i % 3];
        const int *last = row[(i + 2) % 3];
        const int *before = row[(i + 1) % 3];
        now[0] = EDIT_COST * i;
        for (int j = 1; j <= nb; j++) {
            int d = last[j - 1] + letter_cost(a[i - 1], b[j - 1]);
            d = min2(d, min2(last[j], now[j - 1]) + EDIT_COST);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                d = min2(d, before[j - 2] + EDIT_COST);
            }
            now[j] = d;
        }
    }
    return row[na % 3][nb];
}

/* Is `word` the candidate and a unit, as in 'glb_kib' or 'clock-mhz'? */
static int is_with_unit(const char *word, const char *candidate)
{
    static const char *const suffix[] = {
        "b",  "kb", "mb", "gb",  "kib", "mib", "gib", "bit", "bits", "byte", "bytes", "hz",   "khz",  "mhz", "ghz",
        "s",  "ms", "us", "ns",  "ps",  "j",   "mj",  "uj",  "nj",   "pj",   "fj",    "w",    "mw",   "uw",  "m",
        "mm", "um", "nm", "mm2", "um2", "pct", "pp",  "v",   "mv",   "usd",  "bps",   "gbps", "words"};
    size_t n = strlen(candidate);
    if (strncmp(word, candidate, n) != 0 || (word[n] != '_' && word[n] != '-')) {
        return 0;
    }
    for (size_t i = 0; i < sizeof suffix / sizeof *suffix; i++) {
        if (strcmp(word + n + 1, suffix[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

int suggest_index(const char *word, int n, const char *(*name)(int i, const void *data), const void *data)
{
    size_t len = strlen(word);
    int best = -1;
    if (len == 0 || len > MAX_WORD) {
        return -1;
    }
    int most = len / 3 > 1 ? EDIT_COST * (int)(len / 3) : WITH_UNIT_COST;
    int limit = most + 1;
    for (int i = 0; i < n; i++) {
        const char *candidate = name(i, data);
        size_t length = candidate ? strlen(candidate) : 0;
        if (length == 0 || length > MAX_WORD) {
            continue;
        }
        int d = is_with_unit(word, candidate) ? WITH_UNIT_COST : limit;
        if (abs((int)length - (int)len) * EDIT_COST <= most) {
            d = min2(d, distance(word, (int)len, candidate, (int)length));
        }
        if (d < limit) {
            limit = d;
            best = i;
        }
    }
    return best;
}

static const char *array_name(int i, const void *data)
{
    const char *const *list = data;
    return list[i];
}

const char *suggest(const char *word, const char *const *candidates, int n)
{
    int i = suggest_index(word, n, array_name, candidates);
    return i < 0 ? NULL : candidates[i];
}

void suggest_help(const char *word, const char *const *candidates, int n, struct strbuf *out)
{
    enum { MAX_LISTED = 20 };
    const char *near = suggest(word, candidates, n);
    if (near) {
        strbuf_addf(out, "did you mean '%s'?", near);
        return;
    }
    for (int i = 0; i < n && i < MAX_LISTED; i++) {
        strbuf_addf(out, "%s%s", i ? ", " : "one of: ", candidates[i]);
    }
    strbuf_adds(out, n > MAX_LISTED ? ", ..." : "");
}
