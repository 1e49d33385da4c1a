#include "tests/problems.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void problem_reals(struct space *s, int n, double lo, double hi)
{
    for (int i = 0; i < n; i++) {
        char name[16];
        snprintf(name, sizeof name, "x%d", s->n);
        struct variable *v = space_add(s, name, VARIABLE_REAL);
        v->lo = lo;
        v->hi = hi;
    }
}

struct variable *problem_levels(struct space *s, enum variable_kind kind, int n)
{
    char name[16];
    snprintf(name, sizeof name, "x%d", s->n);
    struct variable *v = space_add(s, name, kind);
    v->n = n;
    return v;
}

static double squares(const double *x, int from, int to, double centre)
{
    double sum = 0;
    for (int i = from; i < to; i++) {
        sum += (x[i] - centre) * (x[i] - centre);
    }
    return sum;
}

static double sum_of(const double *x, int from, int to)
{
    double sum = 0;
    for (int i = from; i < to; i++) {
        sum += x[i];
    }
    return sum;
}

double problem_shortfall(const double *q, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        sum += q[i] < 0 ? -q[i] : 0;
    }
    return sum;
}

/* ---- ZDT ---- */

static void unit30(struct space *s)
{
    problem_reals(s, 30, 0, 1);
}

static void unit10(struct space *s)
{
    problem_reals(s, 10, 0, 1);
}

static void zdt1(const double *x, double *f, double *g)
{
    (void)g;
    double h = 1 + 9 * sum_of(x, 1, 30) / 29;
    f[0] = x[0];
    f[1] = h * (1 - sqrt(f[0] / h));
}

static void zdt2(const double *x, double *f, double *g)
{
    (void)g;
    double h = 1 + 9 * sum_of(x, 1, 30) / 29;
    f[0] = x[0];
    f[1] = h * (1 - (f[0] / h) * (f[0] / h));
}

static void zdt3(const double *x, double *f, double *g)
{
    (void)g;
    double h = 1 + 9 * sum_of(x, 1, 30) / 29;
    f[0] = x[0];
    f[1] = h * (1 - sqrt(f[0] / h) - f[0] / h * sin(10 * M_PI * f[0]));
}

static void zdt4_space(struct space *s)
{
    problem_reals(s, 1, 0, 1);
    problem_reals(s, 9, -5, 5);
}

static void zdt4(const double *x, double *f, double *g)
{
    (void)g;
    double h = 1 + 10 * 9;
    for (int i = 1; i < 10; i++) {
        h += x[i] * x[i] - 10 * cos(4 * M_PI * x[i]);
    }
    f[0] = x[0];
    f[1] = h * (1 - sqrt(f[0] / h));
}

static void bits80(struct space *s)
{
    for (int i = 0; i < 80; i++) {
        problem_levels(s, VARIABLE_ORDERED, 2);
    }
}

/* Normalised to [0, 1]: f0 = u / 30 with u the ones of 30 bits; f1 from 10 blocks of 5 deceptive bits. */
static void zdt5(const double *x, double *f, double *g)
{
    (void)g;
    double u = sum_of(x, 0, 30), h = 0;
    for (int b = 0; b < 10; b++) {
        double ones = sum_of(x, 30 + 5 * b, 35 + 5 * b);
        h += ones < 5 ? 2 + ones : 1;
    }
    f[0] = u / 30;
    f[1] = (h / (1 + u) - 10.0 / 31) / (10 - 10.0 / 31);
}

static void zdt6(const double *x, double *f, double *g)
{
    (void)g;
    double h = 1 + 9 * pow(sum_of(x, 1, 10) / 9, 0.25);
    f[0] = 1 - exp(-4 * x[0]) * pow(sin(6 * M_PI * x[0]), 6);
    f[1] = h * (1 - (f[0] / h) * (f[0] / h));
}

/* ---- DTLZ and constrained ---- */

static void unit12(struct space *s)
{
    problem_reals(s, 12, 0, 1);
}

static void dtlz2(const double *x, double *f, double *g)
{
    (void)g;
    double h = 1 + squares(x, 2, 12, 0.5), a = x[0] * M_PI / 2, b = x[1] * M_PI / 2;
    f[0] = h * cos(a) * cos(b);
    f[1] = h * cos(a) * sin(b);
    f[2] = h * sin(a);
}

static void c2dtlz2(const double *x, double *f, double *g)
{
    const double r2 = 0.4 * 0.4;
    dtlz2(x, f, g);
    double all = f[0] * f[0] + f[1] * f[1] + f[2] * f[2], corner = HUGE_VAL, middle = -r2;
    for (int i = 0; i < 3; i++) {
        corner = fmin(corner, (f[i] - 1) * (f[i] - 1) + all - f[i] * f[i] - r2);
        middle += (f[i] - 1 / sqrt(3)) * (f[i] - 1 / sqrt(3));
    }
    g[0] = fmin(corner, middle);
}

static void unit22(struct space *s)
{
    problem_reals(s, 22, 0, 1);
}

static void dtlz7(const double *x, double *f, double *g)
{
    (void)g;
    double k = 1 + 9 * sum_of(x, 2, 22) / 20, h = 3;
    for (int i = 0; i < 2; i++) {
        h -= x[i] / (1 + k) * (1 + sin(3 * M_PI * x[i]));
    }
    f[0] = x[0];
    f[1] = x[1];
    f[2] = (1 + k) * h;
}

/* Five objectives, for tests of many. */
static void unit14(struct space *s)
{
    problem_reals(s, 14, 0, 1);
}

static void dtlz2_five(const double *x, double *f, double *g)
{
    (void)g;
    double h = 1 + squares(x, 4, 14, 0.5);
    for (int i = 0; i < 5; i++) {
        f[i] = h;
        for (int j = 0; j < 4 - i; j++) {
            f[i] *= cos(x[j] * M_PI / 2);
        }
        f[i] *= i > 0 ? sin(x[4 - i] * M_PI / 2) : 1;
    }
}

static void bnh_space(struct space *s)
{
    problem_reals(s, 1, 0, 5);
    problem_reals(s, 1, 0, 3);
}

static void bnh(const double *x, double *f, double *g)
{
    f[0] = 4 * (x[0] * x[0] + x[1] * x[1]);
    f[1] = squares(x, 0, 2, 5);
    g[0] = ((x[0] - 5) * (x[0] - 5) + x[1] * x[1] - 25) / 25;
    g[1] = -((x[0] - 8) * (x[0] - 8) + (x[1] + 3) * (x[1] + 3) - 7.7) / 7.7;
}

static void osy_space(struct space *s)
{
    problem_reals(s, 2, 0, 10);
    problem_reals(s, 1, 1, 5);
    problem_reals(s, 1, 0, 6);
    problem_reals(s, 1, 1, 5);
    problem_reals(s, 1, 0, 10);
}

static void osy(const double *x, double *f, double *g)
{
    f[0] = -(25 * (x[0] - 2) * (x[0] - 2) + (x[1] - 2) * (x[1] - 2) + (x[2] - 1) * (x[2] - 1) +
             (x[3] - 4) * (x[3] - 4) + (x[4] - 1) * (x[4] - 1));
    f[1] = squares(x, 0, 6, 0);
    g[0] = -(x[0] + x[1] - 2) / 2;
    g[1] = -(6 - x[0] - x[1]) / 6;
    g[2] = -(2 - x[1] + x[0]) / 2;
    g[3] = -(2 - x[0] + 3 * x[1]) / 2;
    g[4] = -(4 - (x[2] - 3) * (x[2] - 3) - x[3]) / 4;
    g[5] = -((x[4] - 3) * (x[4] - 3) + x[5] - 4) / 4;
}

static void tnk_space(struct space *s)
{
    problem_reals(s, 1, 0, M_PI);
    problem_reals(s, 1, 1e-30, M_PI);
}

static void tnk(const double *x, double *f, double *g)
{
    f[0] = x[0];
    f[1] = x[1];
    g[0] = -(x[0] * x[0] + x[1] * x[1] - 1 - 0.1 * cos(16 * atan2(x[0], x[1])));
    g[1] = 2 * squares(x, 0, 2, 0.5) - 1;
}

static void unit15(struct space *s)
{
    problem_reals(s, 15, 0, 1);
}

static void mw7(const double *x, double *f, double *g)
{
    double h = 1;
    for (int i = 1; i < 15; i++) {
        double d = x[i] + (x[i - 1] - 0.5) * (x[i - 1] - 0.5) - 1;
        h += 2 * d * d;
    }
    f[0] = h * x[0];
    double rest = 1 - (f[0] / h) * (f[0] / h);
    f[1] = h * sqrt(rest > 0 ? rest : 0);
    double angle = f[0] > 0 ? atan(f[1] / f[0]) : M_PI / 2, r2 = f[0] * f[0] + f[1] * f[1];
    double outer = 1.2 + 0.4 * pow(sin(4 * angle), 16), inner = 1.15 - 0.2 * pow(sin(4 * angle), 8);
    g[0] = r2 - outer * outer;
    g[1] = inner * inner - r2;
}

/* ---- RE: engineering problems of Tanabe and Ishibuchi ---- */

static void re21_space(struct space *s)
{
    problem_reals(s, 1, 1, 3);
    problem_reals(s, 2, sqrt(2), 3);
    problem_reals(s, 1, 1, 3);
}

static void re21(const double *x, double *f, double *g) /* four-bar truss */
{
    (void)g;
    f[0] = 200 * (2 * x[0] + sqrt(2) * x[1] + sqrt(x[2]) + x[3]);
    f[1] = 0.01 * (2 / x[0] + 2 * sqrt(2) / x[1] - 2 * sqrt(2) / x[2] + 2 / x[3]);
}

static const double steel_areas[76] = {0.20, 0.31, 0.40, 0.44,  0.60, 0.62,  0.79,  0.80, 0.88, 0.93, 1.0,  1.20, 1.24,
                                       1.32, 1.40, 1.55, 1.58,  1.60, 1.76,  1.80,  1.86, 2.0,  2.17, 2.20, 2.37, 2.40,
                                       2.48, 2.60, 2.64, 2.79,  2.80, 3.0,   3.08,  3.10, 3.16, 3.41, 3.52, 3.60, 3.72,
                                       3.95, 3.96, 4.0,  4.03,  4.20, 4.34,  4.40,  4.65, 4.74, 4.80, 4.84, 5.0,  5.28,
                                       5.40, 5.53, 5.72, 6.0,   6.16, 6.32,  6.60,  7.11, 7.20, 7.80, 7.90, 8.0,  8.40,
                                       8.69, 9.0,  9.48, 10.27, 11.0, 11.06, 11.85, 12.0, 13.0, 14.0, 15.0};

static void re22_space(struct space *s)
{
    problem_levels(s, VARIABLE_ORDERED, 76);
    problem_reals(s, 1, 0, 20);
    problem_reals(s, 1, 0, 40);
}

static void re22(const double *x, double *f, double *g) /* reinforced concrete beam */
{
    (void)g;
    double a = steel_areas[(int)x[0]], b = fmax(x[1], 1e-12), c = x[2];
    const double q[] = {a * c - 7.735 * a * a / b - 180, 4 - c / b};
    f[0] = 29.4 * a + 0.6 * b * c;
    f[1] = problem_shortfall(q, 2);
}

static void re23_space(struct space *s)
{
    problem_levels(s, VARIABLE_ORDERED, 100);
    problem_levels(s, VARIABLE_ORDERED, 100);
    problem_reals(s, 1, 10, 200);
    problem_reals(s, 1, 10, 240);
}

static void re23(const double *x, double *f, double *g) /* pressure vessel */
{
    (void)g;
    double a = 0.0625 * (x[0] + 1), b = 0.0625 * (x[1] + 1), c = x[2], d = x[3];
    const double q[] = {a - 0.0193 * c, b - 0.00954 * c, M_PI * c * c * d + 4.0 / 3 * M_PI * c * c * c - 1296000};
    f[0] = 0.6224 * a * c * d + 1.7781 * b * c * c + 3.1661 * a * a * d + 19.84 * a * a * c;
    f[1] = problem_shortfall(q, 3);
}

static const double wires[19] = {0.092, 0.105, 0.12,  0.135, 0.148, 0.162, 0.177, 0.192,  0.207, 0.225,
                                 0.244, 0.263, 0.283, 0.307, 0.331, 0.362, 0.394, 0.4375, 0.5};

static void re25_space(struct space *s)
{
    problem_levels(s, VARIABLE_ORDERED, 70);
    problem_reals(s, 1, 0.6, 3);
    problem_levels(s, VARIABLE_ORDERED, 19);
}

static void re25(const double *x, double *f, double *g) /* coil compression spring */
{
    (void)g;
    double coils = x[0] + 1, d = x[1], wire = wires[(int)x[2]];
    double cf = (4 * (d / wire) - 1) / (4 * (d / wire) - 4) + 0.615 * wire / d, load = 1000, preload = 300;
    double k = 11.5e6 * wire * wire * wire * wire / (8 * coils * d * d * d), lf = load / k + 1.05 * (coils + 2) * wire;
    double sp = preload / k;
    const double q[] = {-8 * cf * load * d / (M_PI * wire * wire * wire) + 189000,
                        -lf + 14,
                        -3 + d / wire,
                        -sp + 6,
                        -sp - (load - preload) / k - 1.05 * (coils + 2) * wire + lf,
                        1.25 - (load - preload) / k};
    f[0] = M_PI * M_PI * d * wire * wire * (coils + 2) / 4;
    f[1] = problem_shortfall(q, 6);
}

static void re33_space(struct space *s)
{
    problem_reals(s, 1, 55, 80);
    problem_reals(s, 1, 75, 110);
    problem_reals(s, 1, 1000, 3000);
    problem_reals(s, 1, 11, 20);
}

static void re33(const double *x, double *f, double *g) /* disc brake */
{
    (void)g;
    double a = x[0], b = x[1], c = x[2], d = x[3], s = b * b - a * a, t = b * b * b - a * a * a;
    const double q[] = {b - a - 20, 0.4 - c / (3.14 * s), 1 - 2.22e-3 * c * t / (s * s), 2.66e-2 * c * d * t / s - 900};
    f[0] = 4.9e-5 * s * (d - 1);
    f[1] = 9.82e6 * s / (c * d * t);
    f[2] = problem_shortfall(q, 4);
}

static void re36_space(struct space *s)
{
    for (int i = 0; i < 4; i++) {
        problem_levels(s, VARIABLE_ORDERED, 49); /* 12 to 60 teeth */
    }
}

static void re36(const double *x, double *f, double *g) /* gear train */
{
    (void)g;
    double a = x[0] + 12, b = x[1] + 12, c = x[2] + 12, d = x[3] + 12, off = fabs(6.931 - c / a * (d / b));
    double q = 0.5 - off / 6.931;
    f[0] = off;
    f[1] = fmax(fmax(a, b), fmax(c, d));
    f[2] = problem_shortfall(&q, 1);
}

static void unit4(struct space *s)
{
    problem_reals(s, 4, 0, 1);
}

static void re37(const double *x, double *f, double *g) /* rocket injector */
{
    (void)g;
    double a = x[0], h = x[1], o = x[2], p = x[3];
    f[0] = 0.692 + 0.477 * a - 0.687 * h - 0.080 * o - 0.0650 * p - 0.167 * a * a - 0.0129 * h * a + 0.0796 * h * h -
           0.0634 * o * a - 0.0257 * o * h + 0.0877 * o * o - 0.0521 * p * a + 0.00156 * p * h + 0.00198 * p * o +
           0.0184 * p * p;
    f[1] = 0.153 - 0.322 * a + 0.396 * h + 0.424 * o + 0.0226 * p + 0.175 * a * a + 0.0185 * h * a - 0.0701 * h * h -
           0.251 * o * a + 0.179 * o * h + 0.0150 * o * o + 0.0134 * p * a + 0.0296 * p * h + 0.0752 * p * o +
           0.0192 * p * p;
    f[2] = 0.370 - 0.205 * a + 0.0307 * h + 0.108 * o + 1.019 * p - 0.135 * a * a + 0.0141 * h * a + 0.0998 * h * h +
           0.208 * o * a - 0.0301 * o * h - 0.226 * o * o + 0.353 * p * a - 0.0497 * p * o - 0.423 * p * p +
           0.202 * h * a * a - 0.281 * o * a * a - 0.342 * h * h * a - 0.245 * h * h * o + 0.281 * o * o * h -
           0.184 * p * p * a - 0.281 * h * a * o;
}

void problem_car_space(struct space *s)
{
    problem_reals(s, 1, 0.5, 1.5);
    problem_reals(s, 1, 0.45, 1.35);
    problem_reals(s, 2, 0.5, 1.5);
    problem_reals(s, 1, 0.875, 2.625);
    problem_reals(s, 2, 0.4, 1.2);
}

void problem_car_impact(const double *x, double *f, double *q)
{
    double a = x[0], b = x[1], c = x[2], d = x[3], e = x[4], h = x[5], k = x[6];
    double vm = 10.58 - 0.674 * a * b - 0.67275 * b, vf = 16.45 - 0.489 * c * k - 0.843 * e * h;
    f[0] = 1.98 + 4.9 * a + 6.67 * b + 6.98 * c + 4.01 * d + 1.78 * e + 0.00001 * h + 2.73 * k;
    f[1] = 4.72 - 0.5 * d - 0.19 * b * c;
    f[2] = 0.5 * (vm + vf);
    q[0] = 1 - (1.16 - 0.3717 * b * d - 0.0092928 * c);
    q[1] = 0.32 - (0.261 - 0.0159 * a * b - 0.06486 * a - 0.019 * b * k + 0.0144 * c * e + 0.0154464 * h);
    q[2] = 0.32 - (0.214 + 0.00817 * e - 0.045195 * a - 0.0135168 * a + 0.03099 * b * h - 0.018 * b * k + 0.007176 * c +
                   0.023232 * c - 0.00364 * e * h - 0.018 * b * b);
    q[3] = 0.32 - (0.74 - 0.61 * b - 0.031296 * c - 0.031872 * k + 0.227 * b * b);
    q[4] = 32 - (28.98 + 3.818 * c - 4.2 * a * b + 1.27296 * h - 2.68065 * k);
    q[5] = 32 - (33.86 + 2.95 * c - 5.057 * a * b - 3.795 * b - 3.4431 * k + 1.45728);
    q[6] = 32 - (46.36 - 9.9 * b - 4.4505 * a);
    q[7] = 4 - f[1];
    q[8] = 9.9 - vm;
    q[9] = 15.7 - vf;
}

static void re41(const double *x, double *f, double *g) /* car side impact */
{
    (void)g;
    double q[10];
    problem_car_impact(x, f, q);
    f[3] = problem_shortfall(q, 10);
}

/* ---- HWX: a co-design problem with a closed form; see tests/fixtures/README.md for its definition ---- */

static const double pe_side[6] = {4, 8, 16, 32, 64, 128}, gbps[6] = {4, 8, 16, 32, 64, 128},
                    batch[6] = {1, 2, 4, 8, 16, 32};
static const double bits[5] = {2, 3, 4, 6, 8};

static bool hwx_active(const void *ctx, const double *x, int i)
{
    (void)ctx;
    bool row_stationary = x[5] >= 1.5;
    return i == 7 ? !row_stationary : i == 8 ? row_stationary : true;
}

static void hwx_space(struct space *s, bool mixed)
{
    static const int n[17] = {6, 6, 8, 6, 15, 3, 6, 6, 9, 5, 5, 5, 5, 5, 5, 5, 5};
    for (int i = 0; i < 17; i++) {
        if (mixed && (i == 4 || i == 8)) {
            problem_reals(s, 1, i == 4 ? 0.2 : 0.1, i == 4 ? 1.6 : 0.9);
            continue;
        }
        struct variable *v = problem_levels(s, i == 5 ? VARIABLE_CATEGORY : VARIABLE_ORDERED, n[i]);
        if (i <= 1) {
            v->group = 0; /* the array's two sides */
        } else if (i >= 9) {
            v->group = 1 + (i - 9) % 4; /* the bits of one layer group */
            v->family = (i - 9) / 4;    /* weight bits, activation bits */
        }
    }
    s->active = hwx_active;
}

static void hwxd_space(struct space *s)
{
    hwx_space(s, false);
}

static void hwxm_space(struct space *s)
{
    hwx_space(s, true);
}

struct hwx {
    double rows, cols, buffer_kb, dram_gbps, ghz, images, weight_share, volts, swing, area;
    int flow; /* 0 weight, 1 output, 2 row stationary */
};

static double lanes(double b)
{
    return b <= 2 ? 2 : b <= 4 ? 4 : 8;
}

/* Adds one layer group's time [s], energy [J] and accuracy loss. */
static void hwx_group(const struct hwx *h, int k, double wb, double ab, double *time, double *energy, double *loss)
{
    static const double layers[4] = {4, 6, 8, 4}, pixels[4] = {3136, 784, 196, 49}, height[4] = {56, 28, 14, 7};
    static const double outs[4] = {24, 40, 112, 320}, ins[4] = {16, 24, 40, 112};
    static const double sw[4] = {3, 1.5, 1, 2}, sa[4] = {4, 2.5, 1.2, 0.8}, sx[4] = {0.5, 0.4, 0.3, 0.6};
    static const double rf[3] = {0.06, 0.14, 0.07};
    double n = h->images, depth = 9 * ins[k], speedup = 64 / (lanes(wb) * lanes(ab));
    double d1 = h->flow == 0 ? depth : h->flow == 1 ? pixels[k] * n : height[k], d2 = outs[k];
    double d3 = h->flow == 0 ? pixels[k] * n : h->flow == 1 ? depth : n * height[k] * depth;
    double cycles = ceil(d1 / h->rows) * ceil(d2 / h->cols) * (d3 / speedup + h->rows + h->cols);
    double compute = layers[k] * cycles / (h->ghz * 1e9), buffer = h->buffer_kb * 1024;
    double weights = outs[k] * depth * wb / 8, acts = n * pixels[k] * (ins[k] + outs[k]) * ab / 8;
    double ra = ceil(weights / (h->weight_share * buffer)), rw = ceil(acts / ((1 - h->weight_share) * buffer));
    double traffic = h->flow == 0   ? weights + acts * ra
                     : h->flow == 1 ? weights * rw + acts
                                    : weights * sqrt(rw) + acts * sqrt(ra);
    double memory = layers[k] * traffic / (h->dram_gbps * 1e9);
    double t = fmax(compute, memory) + 0.1 * fmin(compute, memory);
    double macs = n * layers[k] * pixels[k] * outs[k] * depth, mac = 0.02 + 0.38 * wb * ab / 64;
    double ru = fmin(h->rows, d1), cu = fmin(h->cols, d2), sram = 0.6 * sqrt(h->buffer_kb / 64);
    double bytes = h->flow == 0   ? ab / 8 / cu + 2 / ru
                   : h->flow == 1 ? ab / 8 / cu + wb / 8 / ru
                                  : 0.2 * ab / 8 / cu + 0.2 * wb / 8 / ru + 0.25 / ru;
    *time += t;
    *energy +=
        macs * (mac + bytes * sram + rf[h->flow]) * h->swing * 1e-12 + layers[k] * traffic * 30e-12 +
        (0.04 * h->area * (h->volts / 0.8) + 0.01 * h->dram_gbps + 3e-4 * h->rows * h->cols * h->ghz * h->swing) * t;
    *loss += sw[k] * pow(4, 2 - wb) + sa[k] * pow(4, 2 - ab) + sx[k] * pow(2, 4 - wb - ab);
}

static void hwx(const double *x, bool mixed, double *f, double *g)
{
    static const double pe_area[3] = {0.0011, 0.001155, 0.001375};
    struct hwx h = {.rows = pe_side[(int)x[0]], .cols = pe_side[(int)x[1]], .buffer_kb = 16 * pow(2, x[2])};
    h.dram_gbps = gbps[(int)x[3]];
    h.ghz = mixed ? x[4] : 0.2 + 0.1 * x[4];
    h.flow = (int)x[5];
    h.images = batch[(int)x[6]];
    h.weight_share = h.flow != 2 ? (x[7] + 1) / 7 : mixed ? x[8] : 0.1 + 0.1 * x[8];
    h.volts = 0.55 + 0.25 * h.ghz;
    h.swing = (h.volts / 0.8) * (h.volts / 0.8);
    double pes = h.rows * h.cols, time = 0, energy = 0, loss = 0;
    h.area = 0.4 + pes * pe_area[h.flow] + 0.0018 * h.buffer_kb + 0.03 * h.dram_gbps;
    double peak = 0.1 + pes * h.ghz * h.swing * 0.00052 + 0.02 * h.dram_gbps + 0.0004 * h.buffer_kb * h.ghz * h.swing;
    for (int k = 0; k < 4; k++) {
        hwx_group(&h, k, bits[(int)x[9 + k]], bits[(int)x[13 + k]], &time, &energy, &loss);
    }
    f[0] = log10(time * 1e3);
    f[1] = log10(energy / h.images * 1e3);
    f[2] = 100 * (1 - exp(-0.1 * loss));
    g[0] = h.area / 6 - 1;
    g[1] = peak / 2 - 1;
    g[2] = time / h.images * 60 - 1;
    g[3] = f[2] / 30 - 1;
}

static void hwxd(const double *x, double *f, double *g)
{
    hwx(x, false, f, g);
}

static void hwxm(const double *x, double *f, double *g)
{
    hwx(x, true, f, g);
}

#define ZDT "Zitzler, Deb, Thiele, Evolutionary Computation 8(2), 2000"
#define DTLZ "Deb, Thiele, Laumanns, Zitzler, Scalable test problems, 2005"
#define RE                                                                                                             \
    "Tanabe, Ishibuchi, Applied Soft Computing 89, 2020, "                                                             \
    "doi:10.1016/j.asoc.2020.106078"
#define HWX "closed-form accelerator and quantization co-design, tests/fixtures/README.md"

const struct problem problems[] = {
    {"ZDT1", ZDT, 30, 2, 0, unit30, zdt1},
    {"ZDT2", ZDT, 30, 2, 0, unit30, zdt2},
    {"ZDT3", ZDT, 30, 2, 0, unit30, zdt3},
    {"ZDT4", ZDT, 10, 2, 0, zdt4_space, zdt4},
    {"ZDT5", ZDT, 80, 2, 0, bits80, zdt5},
    {"ZDT6", ZDT, 10, 2, 0, unit10, zdt6},
    {"DTLZ2", DTLZ, 12, 3, 0, unit12, dtlz2},
    {"DTLZ7", DTLZ, 22, 3, 0, unit22, dtlz7},
    {"C2DTLZ2", "Jain, Deb, IEEE TEC 18(4), 2014", 12, 3, 1, unit12, c2dtlz2},
    {"BNH", "Binh, Korn, MENDEL 1997", 2, 2, 2, bnh_space, bnh},
    {"OSY", "Osyczka, Kundu, Structural Optimization 10, 1995", 6, 2, 6, osy_space, osy},
    {"TNK", "Tanaka et al., IEEE SMC 1995", 2, 2, 2, tnk_space, tnk},
    {"MW7", "Ma, Wang, IEEE TEC 23(6), 2019", 15, 2, 2, unit15, mw7},
    {"RE21", RE, 4, 2, 0, re21_space, re21},
    {"RE22", RE, 3, 2, 0, re22_space, re22},
    {"RE23", RE, 4, 2, 0, re23_space, re23},
    {"RE25", RE, 3, 2, 0, re25_space, re25},
    {"RE33", RE, 4, 3, 0, re33_space, re33},
    {"RE36", RE, 4, 3, 0, re36_space, re36},
    {"RE37", RE, 4, 3, 0, unit4, re37},
    {"RE41", RE, 7, 4, 0, problem_car_space, re41},
    {"HWXD", HWX, 17, 3, 4, hwxd_space, hwxd},
    {"HWXM", HWX, 17, 3, 4, hwxm_space, hwxm},
    {"DTLZ2-5", DTLZ, 14, 5, 0, unit14, dtlz2_five},
    {NULL, NULL, 0, 0, 0, NULL, NULL},
};

const struct problem *problem_find(const char *name)
{
    for (const struct problem *p = problems; p->name; p++) {
        if (strcmp(p->name, name) == 0) {
            return p;
        }
    }
    return NULL;
}

void problem_space(const struct problem *p, struct space *s)
{
    space_init(s);
    p->shape(s);
}

struct search_problem problem_search(const struct problem *p, const struct space *space)
{
    return (struct search_problem){
        .space = space, .n_objectives = p->m, .n_constraints = p->c, .known_violation = p->known};
}

FILE *problem_fixture(const char *dir, const char *name, const char *suffix)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s%s", dir, name, suffix);
    FILE *f = fopen(path, "r");
    if (!f) {
        fprintf(stderr, "cannot open '%s'\n", path);
        exit(66);
    }
    return f;
}

struct problem_front problem_front_read(const char *dir, const struct problem *p)
{
    FILE *f = problem_fixture(dir, p->name, ".txt");
    struct problem_front r = {.at = mem_calloc(2000 * (size_t)p->m, sizeof(double))};
    bool good = fscanf(f, "volume %lf low", &r.volume) == 1;
    for (int j = 0; j < p->m; j++) {
        good = good && fscanf(f, "%lf", &r.low[j]) == 1;
    }
    good = good && fscanf(f, " high") == 0;
    for (int j = 0; j < p->m; j++) {
        good = good && fscanf(f, "%lf", &r.high[j]) == 1;
    }
    for (double v; good && fscanf(f, "%lf", &v) == 1; r.n++) {
        int j = r.n % p->m;
        r.at[r.n] = (v - r.low[j]) / (r.high[j] - r.low[j]);
    }
    r.n /= p->m;
    fclose(f);
    return r;
}

int64_t problem_run(const struct problem *p, struct search *s, int64_t want, double *x, double *f)
{
    int64_t room = 64, k = search_told(s);
    double *points = mem_calloc((size_t)room * (size_t)p->n, sizeof *points);
    while (search_stop(s) == SEARCH_RUNNING && search_moment(s) == 0) {
        int64_t asked = 0, askable = search_askable(s);
        askable = want > 0 && askable > want ? want : askable;
        askable = askable > room ? room : askable;
        while (asked < askable && search_ask(s, points + asked * p->n)) {
            asked++;
        }
        for (int64_t i = 0; i < asked; i++, k++) {
            double values[SEARCH_MAX_OBJECTIVES] = {0}, limits[SEARCH_MAX_CONSTRAINTS] = {0};
            p->eval(points + i * p->n, values, limits);
            search_tell(s, values, limits);
            if (x) {
                memcpy(x + k * p->n, points + i * p->n, (size_t)p->n * sizeof *x);
            }
            if (f) {
                memcpy(f + k * p->m, values, (size_t)p->m * sizeof *f);
            }
        }
    }
    mem_free(points);
    return k;
}
