/* The formulas, by families. Constraints q >= 0 of the RE problems become one more objective there, and g = -q in the CRE problems; both
 * agree with the authors' programs, but for SHIP. Dimensions are the papers' usual ones: DTLZ with 10 distance variables (DTLZ1: 5), MW
 * with 15 variables. */
#include "tests/unseen.h"

#include <math.h>
#include <string.h>

static void negate(const double *q, int n, double *g)
{
    for (int i = 0; i < n; i++) {
        g[i] = -q[i];
    }
}

/* ---- DTLZ ---- */

static void unit7(struct space *s)
{
    problem_reals(s, 7, 0, 1);
}

static void unit12(struct space *s)
{
    problem_reals(s, 12, 0, 1);
}

static void unit14(struct space *s)
{
    problem_reals(s, 14, 0, 1);
}

static void unit15(struct space *s)
{
    problem_reals(s, 15, 0, 1);
}

/* Squared distance of x[from..to) to the middle of its range. */
static double sphere(const double *x, int from, int to)
{
    double sum = 0;
    for (int i = from; i < to; i++) {
        sum += (x[i] - 0.5) * (x[i] - 0.5);
    }
    return sum;
}

static double rastrigin(const double *x, int from, int to)
{
    double sum = to - from + sphere(x, from, to);
    for (int i = from; i < to; i++) {
        sum -= cos(20 * M_PI * (x[i] - 0.5));
    }
    return 100 * sum;
}

/* A point at distance 1 + h, in the direction of m - 1 angles of t * pi / 2. */
static void on_sphere(const double *t, int m, double h, double *f)
{
    for (int j = 0; j < m; j++) {
        f[j] = 1 + h;
        for (int i = 0; i < m - 1 - j; i++) {
            f[j] *= cos(t[i] * M_PI / 2);
        }
        f[j] *= j > 0 ? sin(t[m - 1 - j] * M_PI / 2) : 1;
    }
}

static void dtlz1(const double *x, double *f, double *g)
{
    (void)g;
    double h = 1 + rastrigin(x, 2, 7);
    f[0] = 0.5 * x[0] * x[1] * h;
    f[1] = 0.5 * x[0] * (1 - x[1]) * h;
    f[2] = 0.5 * (1 - x[0]) * h;
}

static void dtlz2_5(const double *x, double *f, double *g)
{
    (void)g;
    on_sphere(x, 5, sphere(x, 4, 14), f);
}

static void dtlz2_6(const double *x, double *f, double *g)
{
    (void)g;
    on_sphere(x, 6, sphere(x, 5, 15), f);
}

static void dtlz4(const double *x, double *f, double *g)
{
    (void)g;
    const double t[] = {pow(x[0], 100), pow(x[1], 100)};
    on_sphere(t, 3, sphere(x, 2, 12), f);
}

static void dtlz5(const double *x, double *f, double *g)
{
    (void)g;
    double h = sphere(x, 2, 12);
    const double t[] = {x[0], (1 + 2 * h * x[1]) / (2 * (1 + h))};
    on_sphere(t, 3, h, f);
}

static void c1dtlz1(const double *x, double *f, double *g)
{
    dtlz1(x, f, g);
    g[0] = f[2] / 0.6 + f[0] / 0.5 + f[1] / 0.5 - 1;
}

/* ---- WFG: three objectives, 4 position and 6 distance variables; the toolkit's names of its transformations ---- */

enum { WFG_K = 4, WFG_L = 6, WFG_N = WFG_K + WFG_L };

static void wfg_space(struct space *s)
{
    for (int i = 1; i <= WFG_N; i++) {
        problem_reals(s, 1, 0, 2 * i);
    }
}

static double s_multi(double y, double a, double b, double c)
{
    double t = fabs(y - c) / (2 * (floor(c - y) + c));
    return (1 + cos((4 * a + 2) * M_PI * (0.5 - t)) + 4 * b * t * t) / (b + 2);
}

static double s_decept(double y, double a, double b, double c)
{
    double low = floor(y - a + b) * (1 - c + (a - b) / b) / (a - b);
    double high = floor(a + b - y) * (1 - c + (1 - a - b) / b) / (1 - a - b);
    return 1 + (fabs(y - a) - b) * (low + high + 1 / b);
}

static double b_param(double y, double u, double a, double b, double c)
{
    double v = a - (1 - 2 * u) * fabs(floor(0.5 - u) + a);
    return pow(y, b + (c - b) * v);
}

static double r_sum(const double *y, int n) /* all weights 1 */
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        sum += y[i];
    }
    return sum / n;
}

static double r_nonsep(const double *y, int n) /* of degree n */
{
    double sum = 0, half = ceil(n / 2.0);
    for (int j = 0; j < n; j++) {
        sum += y[j];
        for (int k = 1; k < n; k++) {
            sum += fabs(y[j] - y[(j + k) % n]);
        }
    }
    return sum / (half * (1 + 2 * n - 2 * half));
}

/* Concave, with half axes 2, 4, 6. */
static void wfg_shape(const double *t, double *f)
{
    double far = fmax(t[2], 1), a = (far * (t[0] - 0.5) + 0.5) * M_PI / 2, b = (far * (t[1] - 0.5) + 0.5) * M_PI / 2;
    f[0] = t[2] + 2 * sin(a) * sin(b);
    f[1] = t[2] + 4 * sin(a) * cos(b);
    f[2] = t[2] + 6 * cos(a);
}

static void wfg4(const double *x, double *f, double *g)
{
    (void)g;
    double y[WFG_N];
    for (int i = 0; i < WFG_N; i++) {
        y[i] = s_multi(x[i] / (2 * (i + 1)), 30, 10, 0.35);
    }
    const double t[] = {r_sum(y, 2), r_sum(y + 2, 2), r_sum(y + WFG_K, WFG_L)};
    wfg_shape(t, f);
}

static void wfg9(const double *x, double *f, double *g)
{
    (void)g;
    double y[WFG_N];
    for (int i = 0; i < WFG_N; i++) {
        y[i] = x[i] / (2 * (i + 1));
    }
    for (int i = 0; i < WFG_N; i++) {
        /* y[i + 1 ..] are not transformed yet */
        double z = i < WFG_N - 1 ? b_param(y[i], r_sum(y + i + 1, WFG_N - 1 - i), 0.98 / 49.98, 0.02, 50) : y[i];
        y[i] = i < WFG_K ? s_decept(z, 0.35, 0.001, 0.05) : s_multi(z, 30, 95, 0.35);
    }
    const double t[] = {r_nonsep(y, 2), r_nonsep(y + 2, 2), r_nonsep(y + WFG_K, WFG_L)};
    wfg_shape(t, f);
}

/* ---- RE and CRE: engineering problems of Tanabe and Ishibuchi; q >= 0 are their constraints ---- */

static void re31_space(struct space *s)
{
    problem_reals(s, 2, 1e-5, 100);
    problem_reals(s, 1, 1, 3);
}

static void re31(const double *x, double *f, double *g) /* two-bar truss */
{
    (void)g;
    double far = sqrt(16 + x[2] * x[2]), near = sqrt(1 + x[2] * x[2]);
    f[0] = x[0] * far + x[1] * near;
    f[1] = 20 * far / (x[0] * x[2]);
    const double q[] = {0.1 - f[0], 1e5 - f[1], 1e5 - 80 * near / (x[2] * x[1])};
    f[2] = problem_shortfall(q, 3);
}

static void welded_space(struct space *s)
{
    problem_reals(s, 1, 0.125, 5);
    problem_reals(s, 2, 0.1, 10);
    problem_reals(s, 1, 0.125, 5);
}

static void welded(const double *x, double *f, double *q) /* welded beam; q[4] */
{
    const double load = 6000, length = 14, young = 30e6, shear = 12e6;
    double half = (x[0] + x[2]) / 2, arm = sqrt(x[1] * x[1] / 4 + half * half);
    double polar = 2 * sqrt(2) * x[0] * x[1] * (x[1] * x[1] / 12 + half * half);
    double bend = load * (length + x[1] / 2) * arm / polar, pull = load / (sqrt(2) * x[0] * x[1]);
    double buckling = 4.013 * young * x[2] * x[3] * x[3] * x[3] / (6 * length * length) *
                      (1 - x[2] / (2 * length) * sqrt(young / (4 * shear)));
    f[0] = 1.10471 * x[0] * x[0] * x[1] + 0.04811 * x[2] * x[3] * (length + x[1]);
    f[1] = 4 * load * length * length * length / (young * x[3] * x[2] * x[2] * x[2]);
    q[0] = 13600 - sqrt(pull * pull + pull * bend * x[1] / arm + bend * bend);
    q[1] = 30000 - 6 * load * length / (x[3] * x[2] * x[2]);
    q[2] = x[3] - x[0];
    q[3] = buckling - load;
}

static void re32(const double *x, double *f, double *g)
{
    (void)g;
    double q[4];
    welded(x, f, q);
    f[2] = problem_shortfall(q, 4);
}

static void cre22(const double *x, double *f, double *g)
{
    double q[4];
    welded(x, f, q);
    negate(q, 4, g);
}

static void re34_space(struct space *s)
{
    problem_reals(s, 5, 1, 3);
}

static void re34(const double *x, double *f, double *g) /* vehicle crashworthiness */
{
    (void)g;
    double a = x[0], b = x[1], c = x[2], d = x[3], e = x[4];
    f[0] = 1640.2823 + 2.3573285 * a + 2.3220035 * b + 4.5688768 * c + 7.7213633 * d + 4.4559504 * e;
    f[1] = 6.5856 + 1.15 * a - 1.0427 * b + 0.9738 * c + 0.8364 * d - 0.3695 * a * d + 0.0861 * a * e + 0.3628 * b * d -
           0.1106 * a * a - 0.3437 * c * c + 0.1764 * d * d;
    f[2] = -0.0551 + 0.0181 * a + 0.1024 * b + 0.0421 * c - 0.0073 * a * b + 0.024 * b * c - 0.0118 * b * d -
           0.0204 * c * d - 0.008 * c * e - 0.0241 * b * b + 0.0109 * d * d;
}

static void ship_space(struct space *s)
{
    problem_reals(s, 1, 150, 274.32);
    problem_reals(s, 1, 20, 32.31);
    problem_reals(s, 1, 13, 25);
    problem_reals(s, 1, 10, 11.71);
    problem_reals(s, 1, 14, 18);
    problem_reals(s, 1, 0.63, 0.75);
}

/* Costs of a year and cargo of a year of a ship with dwt tonnes to carry, at so many knots and kW. */
static void ship_year(double dwt, double knots, double power, double *cost, double *cargo)
{
    double days = 5000 / (24 * knots), daily = 0.19 * power * 24 / 1000 + 0.2;
    double load = dwt - daily * (days + 5) - 2 * sqrt(dwt), port_days = 2 * (load / 8000 + 0.5);
    double trips = 350 / (days + port_days), fuel = 1.05 * daily * days * 100, port = 6.3 * pow(dwt, 0.8);
    *cost = 40000 * pow(dwt, 0.3) + (fuel + port) * trips;
    *cargo = load * trips;
}

/* Bulk carrier: RE42, but for the days at sea, which are miles over 24 h and knots; the authors' programs multiply by the knots, so that no
 * ship can carry its fuel and the cost of a tonne is divided by a cargo below 0. */
static void ship(const double *x, double *f, double *g)
{
    (void)g;
    double l = x[0], b = x[1], d = x[2], t = x[3], knots = x[4], cb = x[5];
    double froude = 0.5144 * knots / sqrt(9.8065 * l), displacement = 1.025 * l * b * t * cb;
    double drag = 4977.06 * cb * cb - 8105.61 * cb + 4456.51 + (-10847.2 * cb * cb + 12817 * cb - 6960.32) * froude;
    double power = pow(displacement, 2.0 / 3) * knots * knots * knots / drag;
    double outfit = pow(l, 0.8) * pow(b, 0.6) * pow(d, 0.3) * pow(cb, 0.1);
    double steel = 0.034 * pow(l, 1.7) * pow(b, 0.7) * pow(d, 0.4) * sqrt(cb);
    double light = steel + outfit + 0.17 * pow(power, 0.9), dwt = displacement - light, cost, cargo;
    double capital = 0.2 * 1.3 * (2000 * pow(steel, 0.85) + 3500 * outfit + 2400 * pow(power, 0.8));
    ship_year(dwt, knots, power, &cost, &cargo);
    f[0] = (capital + cost) / cargo;
    f[1] = light;
    f[2] = -cargo;
    double centre = 0.53 * t + (0.085 * cb - 0.002) * b * b / (t * cb) - (1 + 0.52 * d);
    const double q[] = {l / b - 6,    15 - l / d,   19 - l / t,    0.45 * pow(dwt, 0.31) - t, 0.7 * d + 0.7 - t,
                        500000 - dwt, dwt - 3000.0, 0.32 - froude, centre - 0.07 * b};
    f[3] = problem_shortfall(q, 9);
}

static void re61_space(struct space *s)
{
    problem_reals(s, 1, 0.01, 0.45);
    problem_reals(s, 2, 0.01, 0.10);
}

static void re61(const double *x, double *f, double *g) /* water resources */
{
    (void)g;
    double b = x[1], c = x[2], i = 1 / (x[0] * b);
    f[0] = 106780.37 * (b + c) + 61704.67;
    f[1] = 3000 * x[0];
    f[2] = 305700 * 2289 * b / pow(0.06 * 2289, 0.65);
    f[3] = 250 * 2289 * exp(-39.75 * b + 9.9 * c + 2.74);
    f[4] = 25 * (1.39 * i + 4940 * c - 80);
    const double q[] = {1 - (0.00139 * i + 4.94 * c - 0.08),           1 - (0.000306 * i + 1.082 * c - 0.0986),
                        50000 - (12.307 * i + 49408.24 * c + 4051.02), 16000 - (2.098 * i + 8046.33 * c - 696.71),
                        10000 - (2.138 * i + 7883.39 * c - 705.04),    2000 - (0.417 / i + 1721.26 * c - 136.54),
                        550 - (0.164 * i + 631.13 * c - 54.48)};
    f[5] = problem_shortfall(q, 7);
}

static void cre31(const double *x, double *f, double *g)
{
    double q[10];
    problem_car_impact(x, f, q);
    negate(q, 10, g);
}

/* ---- small ones, and MW ---- */

static void srn_space(struct space *s)
{
    problem_reals(s, 2, -20, 20);
}

static void srn(const double *x, double *f, double *g)
{
    f[0] = 2 + (x[0] - 2) * (x[0] - 2) + (x[1] - 1) * (x[1] - 1);
    f[1] = 9 * x[0] - (x[1] - 1) * (x[1] - 1);
    g[0] = x[0] * x[0] + x[1] * x[1] - 225;
    g[1] = x[0] - 3 * x[1] + 10;
}

static void constr_space(struct space *s)
{
    problem_reals(s, 1, 0.1, 1);
    problem_reals(s, 1, 0, 5);
}

static void constr(const double *x, double *f, double *g)
{
    f[0] = x[0];
    f[1] = (1 + x[1]) / x[0];
    g[0] = 6 - x[1] - 9 * x[0];
    g[1] = 1 + x[1] - 9 * x[0];
}

static void mw1(const double *x, double *f, double *g)
{
    double h = 1;
    for (int i = 1; i < 15; i++) {
        double d = pow(x[i], 13) - 0.5 - i / 30.0;
        h += 1 - exp(-10 * d * d);
    }
    f[0] = x[0];
    f[1] = h * (1 - 0.85 * f[0] / h);
    g[0] = f[0] + f[1] - 1 - 0.5 * pow(sin(2 * M_PI * sqrt(2) * (f[1] - f[0])), 8);
}

static void viennet_space(struct space *s)
{
    problem_reals(s, 2, -3, 3);
}

static void viennet3(const double *x, double *f, double *g)
{
    (void)g;
    double r = x[0] * x[0] + x[1] * x[1], a = 3 * x[0] - 2 * x[1] + 4, b = x[0] - x[1] + 1;
    f[0] = 0.5 * r + sin(r);
    f[1] = a * a / 8 + b * b / 27 + 15;
    f[2] = 1 / (r + 1) - 1.1 * exp(-r);
}

static void kursawe_space(struct space *s)
{
    problem_reals(s, 3, -5, 5);
}

static void kursawe(const double *x, double *f, double *g)
{
    (void)g;
    f[0] = f[1] = 0;
    for (int i = 0; i < 3; i++) {
        f[0] += i < 2 ? -10 * exp(-0.2 * sqrt(x[i] * x[i] + x[i + 1] * x[i + 1])) : 0;
        f[1] += pow(fabs(x[i]), 0.8) + 5 * sin(x[i] * x[i] * x[i]);
    }
}

#define DTLZ "Deb, Thiele, Laumanns, Zitzler, Scalable test problems, 2005"
#define WFG "Huband, Hingston, Barone, While, IEEE TEC 10(5), 2006, doi:10.1109/TEVC.2005.861417"
#define RE "Tanabe, Ishibuchi, Applied Soft Computing 89, 2020, doi:10.1016/j.asoc.2020.106078"

const struct problem unseen_problems[] = {
    {"DTLZ1", DTLZ, 7, 3, 0, unit7, dtlz1},
    {"DTLZ4", DTLZ, 12, 3, 0, unit12, dtlz4},
    {"DTLZ5", DTLZ, 12, 3, 0, unit12, dtlz5},
    {"DTLZ2-5", DTLZ, 14, 5, 0, unit14, dtlz2_5},
    {"DTLZ2-6", DTLZ, 15, 6, 0, unit15, dtlz2_6},
    {"C1DTLZ1", "Jain, Deb, IEEE TEC 18(4), 2014, doi:10.1109/TEVC.2013.2281534", 7, 3, 1, unit7, c1dtlz1},
    {"WFG4", WFG, 10, 3, 0, wfg_space, wfg4},
    {"WFG9", WFG, 10, 3, 0, wfg_space, wfg9},
    {"RE31", RE, 3, 3, 0, re31_space, re31},
    {"RE32", RE, 4, 3, 0, welded_space, re32},
    {"RE34", RE, 5, 3, 0, re34_space, re34},
    {"SHIP", "RE42 corrected; Parsons, Scott, Journal of Ship Research 48(1), 2004", 6, 4, 0, ship_space, ship},
    {"RE61", RE, 3, 6, 0, re61_space, re61},
    {"CRE22", RE, 4, 2, 4, welded_space, cre22},
    {"CRE31", RE, 7, 3, 10, problem_car_space, cre31},
    {"SRN", "Srinivas, Deb, Evolutionary Computation 2(3), 1994", 2, 2, 2, srn_space, srn},
    {"CONSTR", "Deb, Multi-objective optimization using evolutionary algorithms, 2001", 2, 2, 2, constr_space, constr},
    {"MW1", "Ma, Wang, IEEE TEC 23(6), 2019, doi:10.1109/TEVC.2019.2896967", 15, 2, 1, unit15, mw1},
    {"VNT3", "Viennet, Fonteix, Marc, Int. J. Systems Science 27(2), 1996", 2, 3, 0, viennet_space, viennet3},
    {"KUR", "Kursawe, PPSN I, LNCS 496, 1991", 3, 2, 0, kursawe_space, kursawe},
    {"KNAP", "unseen_mixed.c", 60, 2, 1, unseen_knapsack_space, unseen_knapsack},
    {"CODES", "unseen_mixed.c", 30, 3, 3, unseen_codes_space, unseen_codes, unseen_codes_known},
    {NULL, NULL, 0, 0, 0, NULL, NULL},
};

const struct problem *unseen_find(const char *name)
{
    for (const struct problem *p = unseen_problems; p->name; p++) {
        if (strcmp(p->name, name) == 0) {
            return p;
        }
    }
    return NULL;
}
