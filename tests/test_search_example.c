/* The worked example of docs/search.md: libdovetail as a plain multi-objective optimizer. The test runs it and checks that the
 * document shows exactly these lines. */
#include "tests/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* example begins */
#include "search/search.h"

/* A beam of width w [mm] and one of five plates: mass against deflection, stress limited. */
static void beam(const double *x, const struct space *space, double f[2], double g[1])
{
    double w = x[0], h = space->var[1].values[(int)x[1]];
    f[0] = w * h * 7.85e-3;             /* kg per m */
    f[1] = 2e7 / (w * h * h * h);       /* mm */
    g[0] = 6e5 / (w * h * h) / 250 - 1; /* stress over 250 MPa: <= 0 is satisfied */
}

static int64_t optimize_beam(double best[][2], int64_t room)
{
    static const double plates[] = {5, 8, 10, 12, 20};
    struct space space;
    space_init(&space);
    struct variable *w = space_add(&space, "width", VARIABLE_REAL);
    w->lo = 10;
    w->hi = 200;
    struct variable *h = space_add(&space, "plate", VARIABLE_ORDERED);
    h->n = 5;
    h->values = malloc(sizeof plates); /* the space frees it */
    memcpy(h->values, plates, sizeof plates);

    struct search_problem problem = {.space = &space, .n_objectives = 2, .n_constraints = 1};
    struct search_options options = {.algorithm = "sms_emoa", .budget = 2000, .seed = 1};
    struct err err = ERR_INIT;
    struct search *s = search_new(&problem, &options, &err);
    if (!s) {
        fprintf(stderr, "%s\n", err.text);
        space_release(&space);
        return -1;
    }
    double(*seen)[2] = malloc(2000 * sizeof *seen), x[2], g[1];
    while (search_stop(s) == SEARCH_RUNNING &&
           search_ask(s, x)) { /* one at a time; search_askable() says how many could be */
        double *f = seen[search_told(s)];
        beam(x, &space, f, g);
        search_tell(s, f, g);
    }
    int64_t n;
    const int64_t *front = search_front(s, &n);
    for (int64_t k = 0; k < n && k < room; k++) {
        memcpy(best[k], seen[front[k]], sizeof best[k]);
    }
    search_free(s);
    free(seen);
    space_release(&space);
    return n;
}
/* example ends */

START_TEST(example_runs)
{
    static double best[2000][2];
    int64_t n = optimize_beam(best, 2000);
    ck_assert(n > 100);
    for (int64_t k = 0; k < n; k++) { /* the thickest plate is best: deflection follows from mass */
        ck_assert_double_eq_tol(best[k][1] * best[k][0], 2e7 / (20 * 20) * 7.85e-3, 1e-6 * best[k][1] * best[k][0]);
    }
    printf("test_search_example: a front of %lld beams\n", (long long)n);
}
END_TEST

static char *read_all(const char *path)
{
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "cannot open '%s'", path);
    char *text = calloc(1 << 18, 1);
    size_t n = fread(text, 1, (1 << 18) - 1, f);
    fclose(f);
    ck_assert(n > 0);
    return text;
}

START_TEST(document_shows_it)
{
    char *code = read_all("tests/test_search_example.c"), *doc = read_all("docs/search.md");
    char *begin = strstr(code, "/* example begins */\n") + strlen("/* example begins */\n");
    *strstr(begin, "/* example ends */") = '\0';
    ck_assert_msg(strstr(doc, begin) != NULL, "docs/search.md shows another example");
    free(code);
    free(doc);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("search_example");
    TCase *c = tcase_create("all");
    tcase_add_test(c, example_runs);
    tcase_add_test(c, document_shows_it);
    suite_add_tcase(s, c);
    return run_suite(s, CK_NOFORK);
}
