/* "Did you mean": the nearest of a list of words. */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

struct strbuf;

/* The candidate nearest to `word` by Damerau-Levenshtein distance (at most max(1,
 * len/3)), upper and lower case being almost equal; or, with a unit suffix dropped
 * ('glb_kib' -> 'glb'), equal to it; NULL when none is near. Ties: the first. O(n *
 * len^2). */
const char *suggest(const char *word, const char *const *candidates, int n);

/* Appends "did you mean 'x'?", or, when nothing is near, "one of: a, b, c" (the first 20), or nothing when there are no candidates. */
void suggest_help(const char *word, const char *const *candidates, int n, struct strbuf *out);

/* suggest() over a callback's words, for lists that are not arrays of strings: name(i,
 * data) may be NULL to skip i. Returns i or -1. */
int suggest_index(const char *word, int n, const char *(*name)(int i, const void *data), const void *data);

#endif
