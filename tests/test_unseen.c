/* The problems of unseen.c against what is known of them: points of the true front of DTLZ, C1DTLZ1, WFG, MW1, SRN, CONSTR; values by
 * hand; one program's values for both forms of a problem; and values of other programs at points without symmetry: RE and CRE of the
 * authors' reproblem.py (github.com/ryojitanabe/reproblems, 2884574; SHIP: its RE42 with the days at sea mended), the others of Python
 * programs written for this from pymoo's WFG, MW and Kursawe and from the comments of unseen_mixed.c. */
#include "base/mem.h"
#include "base/rng.h"
#include "tests/run_suite.h"
#include "tests/unseen.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct result {
    double f[SEARCH_MAX_OBJECTIVES], g[SEARCH_MAX_CONSTRAINTS];
};

static struct result evaluate(const char *name, const double *x)
{
    struct result r = {{0}, {0}};
    const struct problem *p = unseen_find(name);
    ck_assert_msg(p != NULL, "no problem %s", name);
    p->eval(x, r.f, r.g);
    return r;
}

/* Canonical point whose variable i is at fraction (shift + 0.17 i) mod 1 of its range. */
static void slanted(const struct problem *p, double shift, double *x)
{
    struct space s;
    problem_space(p, &s);
    for (int i = 0; i < p->n; i++) {
        x[i] = space_from_unit(&s.var[i], fmod(shift + 0.17 * i, 1));
    }
    space_canonical(&s, x);
    space_release(&s);
}

static void close_to(const char *what, const double *got, const double *want, int n)
{
    for (int j = 0; j < n; j++) {
        ck_assert_msg(fabs(got[j] - want[j]) <= 1e-10 * (1 + fabs(want[j])), "%s, value %d: %.13g, want %.13g", what, j,
                      got[j], want[j]);
    }
}

struct sample {
    const char *name;
    double shift, f[6], g[10];
};

static const struct sample samples[] = {
    {"WFG4", 0.3137, {0.5349873871903, 0.8342250369552, 6.313119119406}, {0}},
    {"WFG9", 0.3137, {0.5516054876555, 0.6358653886303, 6.472203359139}, {0}},
    {"RE31", 0.3137, {266.5001723286, 1.275932781487, 266.4001723286}, {0}},
    {"RE31", 0.0137, {42.3069500104, 37.18576009545, 42.2069500104}, {0}},
    {"RE32", 0.3137, {39.50609187139, 0.001868091141912, 0}, {0}},
    {"RE32", 0.0137, {7.464769209603, 0.01754527398552, 39558.41854503}, {0}},
    {"RE34", 0.3137, {1692.982395841, 10.69675295534, 0.100427616308}, {0}},
    {"SHIP", 0.3137, {10.81204037206, 8525.775478324, -495418.8178734, 3.333037316178}, {0}},
    {"RE61", 0.3137, {74770.95675542, 444.084, 1527547.541002, 2086171.629105, 10886.07499544, 0}, {0}},
    {"RE61", 0.0137, {69004.81677542, 48.084, 757110.920468, 4670567.711157, 84878.99218479, 2.395159687392}, {0}},
    {"CRE22",
     0.3137,
     {39.50609187139, 0.001868091141912},
     {-12167.66283767, -27181.43790514, -2.48625, -38888852.5936}},
    {"CRE22", 0.0137, {7.464769209603, 0.01754527398552}, {39558.41854503, -15491.72790051, -2.48625, -6355478.511297}},
    {"CRE31",
     0.3137,
     {31.7068257096, 3.86408300801, 12.20128216584},
     {-0.2863205413757, -0.0828218261411, -0.1125575028842, 0.0005098461003, -2.7528195706, -2.578569833197, 1.97386115,
      -0.13591699199, -0.401150653654, -0.796285014666}},
    {"MW1", 0.3137, {0.3137, 14.09148096795}, {13.40518096439}},
    {"VNT3", 0.3137, {1.581317673987, 15.08867741981, 0.1303469950519}, {0}},
    {"KUR", 0.3137, {-14.22050686908, 0.0084974648408}, {0}},
    {"KNAP", 0.3137, {-1451, -1686}, {-0.06747352496218}},
    {"CODES",
     0.3137,
     {0.7785110454668, -0.008208444572316, 78.32567501989},
     {-0.891059528421, 0.9581418754972, -0.9399502718763}},
};

START_TEST(test_samples)
{
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const struct sample *s = &samples[i];
        const struct problem *p = unseen_find(s->name);
        ck_assert(p != NULL);
        double x[PROBLEM_MAX_N];
        slanted(p, s->shift, x);
        struct result r = evaluate(s->name, x);
        close_to(s->name, r.f, s->f, p->m);
        close_to(s->name, r.g, s->g, p->c);
    }
}
END_TEST

/* x[from..to) to v, the rest drawn. */
static void draw(struct rng *r, double *x, int n, int from, int to, double v)
{
    for (int i = 0; i < n; i++) {
        x[i] = i >= from && i < to ? v : rng_uniform(r);
    }
}

static double weighted_squares(const double *f, int m, double step) /* of f[j] over 1 + j step */
{
    double sum = 0;
    for (int j = 0; j < m; j++) {
        sum += pow(f[j] / (1 + j * step), 2);
    }
    return sum;
}

/* DTLZ1: a plane; C1DTLZ1's constraint holds there, with equality where f2 = 0. DTLZ2, 4, 5: a sphere. */
START_TEST(test_dtlz)
{
    static const char *const round[] = {"DTLZ4", "DTLZ5", "DTLZ2-5", "DTLZ2-6"};
    struct rng r;
    rng_init(&r, 3, 0, RNG_TEST);
    for (int k = 0; k < 100; k++) {
        double x[PROBLEM_MAX_N];
        draw(&r, x, 7, 2, 7, 0.5);
        struct result p = evaluate("C1DTLZ1", x), q = evaluate("DTLZ1", x);
        ck_assert_double_eq_tol(q.f[0] + q.f[1] + q.f[2], 0.5, 1e-12);
        ck_assert(memcmp(p.f, q.f, sizeof p.f) == 0 && p.g[0] <= 1e-12);
        x[0] = 1;
        ck_assert_double_eq_tol(evaluate("C1DTLZ1", x).g[0], 0, 1e-12);
        draw(&r, x, 7, 2, 3, 0.45);
        p = evaluate("C1DTLZ1", x);
        ck_assert(p.g[0] > 0 && p.f[0] + p.f[1] + p.f[2] > 0.5 * (1 + 100 * 2.0025));
        for (int i = 0; i < 4; i++) {
            const struct problem *o = unseen_find(round[i]);
            draw(&r, x, o->n, o->m - 1, o->n, 0.5);
            struct result s = evaluate(o->name, x);
            ck_assert_double_eq_tol(weighted_squares(s.f, o->m, 0), 1, 1e-12);
            ck_assert(i != 1 || fabs(s.f[0] - s.f[1]) < 1e-12); /* DTLZ5: a curve */
            draw(&r, x, o->n, o->m - 1, o->n, 1);
            ck_assert_double_eq_tol(weighted_squares(evaluate(o->name, x).f, o->m, 0), 3.5 * 3.5, 1e-11);
        }
    }
}
END_TEST

/* The same by the other formula, of problems.c; and the direction of each angle, as the paper draws them. */
START_TEST(test_dtlz_again)
{
    struct rng r;
    rng_init(&r, 4, 0, RNG_TEST);
    const struct problem *p = problem_find("DTLZ2-5"), *q = problem_find("DTLZ2");
    ck_assert(p && q);
    for (int k = 0; k < 100; k++) {
        double x[PROBLEM_MAX_N], f[6];
        draw(&r, x, p->n, 0, 0, 0);
        p->eval(x, f, NULL);
        close_to(p->name, evaluate("DTLZ2-5", x).f, f, 5);
        q->eval(x, f, NULL);
        x[0] = pow(x[0], 0.01);
        x[1] = pow(x[1], 0.01);
        close_to("DTLZ4", evaluate("DTLZ4", x).f, f, 3);
    }
    double x[15] = {0};
    for (int i = 5; i < 15; i++) {
        x[i] = 0.5;
    }
    x[4] = 1; /* the last angle: f1 alone */
    close_to("DTLZ2-6", evaluate("DTLZ2-6", x).f, (const double[]){0, 1, 0, 0, 0, 0}, 6);
}
END_TEST

/* Huband et al., section VIII: optimal distance variables, whatever the others are, give a point of the ellipsoid. */
START_TEST(test_wfg)
{
    struct rng r;
    rng_init(&r, 5, 0, RNG_TEST);
    for (int k = 0; k < 200; k++) {
        double x[10], y[10];
        draw(&r, y, 10, 4, 10, 0.35);
        for (int i = 0; i < 10; i++) {
            x[i] = 2 * (i + 1) * y[i];
        }
        ck_assert_double_eq_tol(weighted_squares(evaluate("WFG4", x).f, 3, 1) / 4, 1, 1e-9);
        x[7] += 0.3;
        ck_assert(weighted_squares(evaluate("WFG4", x).f, 3, 1) / 4 > 1 + 1e-6);
        double sum = y[9] = 0.35;
        for (int i = 8; i >= 4; i--) {
            y[i] = pow(0.35, 1 / (0.02 + 1.96 * sum / (9 - i)));
            sum += y[i];
        }
        for (int i = 0; i < 10; i++) {
            x[i] = 2 * (i + 1) * y[i];
        }
        ck_assert_double_eq_tol(weighted_squares(evaluate("WFG9", x).f, 3, 1) / 4, 1, 1e-9);
        x[9] += 0.3;
        ck_assert(weighted_squares(evaluate("WFG9", x).f, 3, 1) / 4 > 1 + 1e-6);
    }
}
END_TEST

/* The unconstrained front is f1 = 1 - 0.85 f0; the constraint, with l = sqrt(2) (1 - 1.85 f0) there, leaves pieces of it. */
START_TEST(test_mw1)
{
    double x[15];
    for (int i = 1; i < 15; i++) {
        x[i] = pow(0.5 + i / 30.0, 1 / 13.0);
    }
    static const struct {
        double at, sign;
    } pieces[] = {{0, -1}, {1, -1}, {0.25, -1}, {0.5, 1}};
    for (int k = 0; k < 4; k++) {
        x[0] = pieces[k].at;
        struct result r = evaluate("MW1", x);
        ck_assert_double_eq_tol(r.f[1], 1 - 0.85 * x[0], 1e-12);
        ck_assert_msg(r.g[0] * pieces[k].sign > 0, "at %g: %g", x[0], r.g[0]);
    }
}
END_TEST

/* Points of the optimal sets (Deb, 2001, chapter 7), of their edges, and points outside. */
START_TEST(test_small_constrained)
{
    struct result r = evaluate("SRN", (const double[]){-2.5, 2.5});
    close_to("SRN", r.f, (const double[]){24.5, -24.75}, 2);
    close_to("SRN", r.g, (const double[]){-212.5, 0}, 2);
    r = evaluate("SRN", (const double[]){-2.5, sqrt(225 - 6.25)});
    ck_assert(fabs(r.g[0]) < 1e-12 && r.g[1] < 0);
    r = evaluate("SRN", (const double[]){12, -12});
    close_to("SRN", r.g, (const double[]){63, 58}, 2);
    r = evaluate("CONSTR", (const double[]){0.5, 1.5});
    close_to("CONSTR", r.f, (const double[]){0.5, 5}, 2);
    close_to("CONSTR", r.g, (const double[]){0, -2}, 2);
    r = evaluate("CONSTR", (const double[]){0.8, 0});
    close_to("CONSTR", r.f, (const double[]){0.8, 1.25}, 2);
    close_to("CONSTR", r.g, (const double[]){-1.2, -6.2}, 2);
    r = evaluate("CONSTR", (const double[]){0.1, 1});
    close_to("CONSTR", r.g, (const double[]){4.1, 1.1}, 2);
}
END_TEST

START_TEST(test_by_hand)
{
    close_to("VNT3", evaluate("VNT3", (const double[]){0, 0}).f, (const double[]){0, 17 + 1.0 / 27, -0.1}, 3);
    close_to("KUR", evaluate("KUR", (const double[]){0, 0, 0}).f, (const double[]){-20, 0}, 2);
    /* sqrt(16 + 9) = 5, sqrt(1 + 9) = sqrt(10); the first constraint never holds, its shortfall is f0 - 0.1 */
    close_to("RE31", evaluate("RE31", (const double[]){1, 1, 3}).f,
             (const double[]){5 + sqrt(10), 100 / 3.0, 4.9 + sqrt(10)}, 3);
    double x[60] = {0};
    struct result r = evaluate("KNAP", x);
    ck_assert(r.f[0] >= 0 && r.f[1] >= 0);
    ck_assert_double_eq_tol(r.g[0], -1, 1e-12);
    for (int i = 0; i < 60; i++) {
        x[i] = 1;
    }
    ck_assert_double_eq_tol(evaluate("KNAP", x).g[0], 1, 1e-12);
}
END_TEST

/* A sum of violations as an objective, and the same constraints one by one. */
START_TEST(test_two_forms)
{
    static const struct {
        const char *with, *without;
    } pairs[] = {{"CRE22", "RE32"}, {"CRE31", "RE41"}};
    struct rng r;
    rng_init(&r, 6, 0, RNG_TEST);
    for (int k = 0; k < 200; k++) {
        const struct problem *p = unseen_find(pairs[k % 2].with);
        const struct problem *q = k % 2 ? problem_find(pairs[1].without) : unseen_find(pairs[0].without);
        double x[PROBLEM_MAX_N], f[SEARCH_MAX_OBJECTIVES], sum = 0;
        slanted(p, rng_uniform(&r), x);
        struct result c = evaluate(p->name, x);
        q->eval(x, f, NULL);
        close_to(p->name, c.f, f, p->m);
        for (int j = 0; j < p->c; j++) {
            sum += c.g[j] > 0 ? c.g[j] : 0;
        }
        close_to(p->name, &sum, &f[p->m], 1);
    }
}
END_TEST

/* CODES with other hardware: its terms for no second-level buffer, dense and half-skipping arrays, and what is known before. */
START_TEST(test_codes)
{
    const struct problem *p = unseen_find("CODES");
    double x[PROBLEM_MAX_N];
    slanted(p, 0.3137, x);
    ck_assert_double_eq_tol(p->known(NULL, x), 0, 1e-12);
    x[4] = 1;
    x[5] = 4;
    x[6] = 1.4;
    x[8] = 2;
    struct result r = evaluate("CODES", x);
    close_to("CODES", r.f, (const double[]){0.3861039180659, -0.02221778492383, 78.32567501989}, 3);
    close_to("CODES", r.g, (const double[]){-0.7396323412106, 0.9581418754972, -0.9756721394306}, 3);
    ck_assert_double_eq_tol(p->known(NULL, x), 0.4815564506369, 1e-10);
    x[3] = x[4] = x[5] = x[8] = 0;
    r = evaluate("CODES", x);
    close_to("CODES", r.f, (const double[]){0.5118117680757, 0.1232922677511, 75.99527307894}, 3);
    close_to("CODES", r.g, (const double[]){-0.727485735073, 0.8998818269735, -0.9675053571429}, 3);
    for (int k = 0; k < 5;
         k++) { /* dense: nothing hangs on the density, nor on the size of the buffer that is not there */
        x[13 + 4 * k] = 0.7;
    }
    x[5] = 3;
    struct result again = evaluate("CODES", x);
    ck_assert(memcmp(&r, &again, sizeof r) == 0);
    x[8] = 1;
    x[6] = 0.5;
    r = evaluate("CODES", x);
    close_to("CODES", r.f, (const double[]){0.8883887251322, 0.09041262910664, 76.5145573853}, 3);
    close_to("CODES", r.g, (const double[]){-0.8938469089253, 0.9128639346326, -0.92266275}, 3);
}
END_TEST

/* Every row: a name of its own, as many variables as it says, finite results, a search that runs. */
START_TEST(test_table)
{
    for (const struct problem *p = unseen_problems; p->name; p++) {
        ck_assert_msg(unseen_find(p->name) == p && p->source, "%s twice, or without a source", p->name);
        ck_assert(p->n <= PROBLEM_MAX_N && p->m <= SEARCH_MAX_OBJECTIVES && p->c <= SEARCH_MAX_CONSTRAINTS);
        struct space space;
        problem_space(p, &space);
        ck_assert_int_eq(space.n, p->n);
        struct search_problem sp = problem_search(p, &space);
        struct err err = ERR_INIT;
        struct search *s = search_new(&sp, &(struct search_options){.algorithm = "random", .budget = 300}, &err);
        ck_assert_msg(s != NULL, "%s: %s", p->name, err.text);
        double *x = mem_calloc(300 * (size_t)p->n, sizeof *x), *f = mem_calloc(300 * (size_t)p->m, sizeof *f);
        int64_t n = problem_run(p, s, 0, x, f);
        ck_assert_int_eq(n, 300);
        for (int64_t i = 0; i < n * p->m; i++) {
            ck_assert_msg(isfinite(f[i]), "%s: objective %d", p->name, (int)(i % p->m));
        }
        for (int64_t i = 0; i < n && p->known; i++) {
            ck_assert(p->known(NULL, x + i * p->n) <= 0);
        }
        mem_free(x);
        mem_free(f);
        search_free(s);
        space_release(&space);
    }
    ck_assert(unseen_find("ZDT1") == NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("unseen");
    TCase *t = tcase_create("unseen");
    tcase_add_test(t, test_samples);
    tcase_add_test(t, test_dtlz);
    tcase_add_test(t, test_dtlz_again);
    tcase_add_test(t, test_wfg);
    tcase_add_test(t, test_mw1);
    tcase_add_test(t, test_small_constrained);
    tcase_add_test(t, test_by_hand);
    tcase_add_test(t, test_two_forms);
    tcase_add_test(t, test_codes);
    tcase_add_test(t, test_table);
    suite_add_tcase(s, t);
    return run_suite(s, CK_FORK_GETENV);
}
