/* Dimensions, and writing quantities: for people (3 digits in a unit of readable size)
 * and exactly (base units). */
#include "base/strbuf.h"
#include "base/units.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const base_symbol[] = {
    [Q_TIME] = "s",    [Q_ENERGY] = "J", [Q_LENGTH] = "m", [Q_DATA] = "bit",
    [Q_VOLTAGE] = "V", [Q_POINT] = "pp", [Q_MASS] = "g",   [Q_MONEY] = "USD",
};
_Static_assert(sizeof base_symbol / sizeof *base_symbol == Q_COUNT, "a symbol for each base quantity");

/* The dimensions that have a name. The ladder is what quantity_print() chooses from,
 * smallest first. */
static const struct named_dim {
    const struct dim *dim;
    const char *name;      /* with its article */
    const char *base;      /* the base unit's text */
    const char *units;     /* units that a person would write */
    const char *ladder[9]; /* ends with NULL */
} named[] = {
    {&DIM_ONE, "a plain number", "", "", {NULL}},
    {&DIM_TIME, "a time", "s", "s, ms, us, ns, min, h", {"ps", "ns", "us", "ms", "s"}},
    {&DIM_FREQUENCY, "a frequency", "Hz", "MHz, GHz", {"Hz", "kHz", "MHz", "GHz"}},
    {&DIM_ENERGY, "an energy", "J", "pJ, nJ, uJ, mJ, J", {"fJ", "pJ", "nJ", "uJ", "mJ", "J", "kJ", "MJ"}},
    {&DIM_POWER, "a power", "W", "mW, W", {"nW", "uW", "mW", "W", "kW", "MW"}},
    {&DIM_AREA, "an area", "m2", "mm2, um2", {"nm2", "um2", "mm2"}},
    {&DIM_LENGTH, "a length", "m", "nm, um, mm", {"nm", "um", "mm", "m"}},
    {&DIM_DATA, "a data size", "bit", "B, KiB, MiB, GiB, bit", {"bit", "B", "kB", "MB", "GB", "TB", "PB"}},
    {&DIM_BANDWIDTH,
     "a bandwidth",
     "bit/s",
     "GB/s, MB/s, Gbit/s",
     {"bit/s", "B/s", "kB/s", "MB/s", "GB/s", "TB/s", "PB/s"}},
    {&DIM_VOLTAGE, "a voltage", "V", "V, mV", {"mV", "V"}},
    {&DIM_POINT, "a number of percentage points", "pp", "pp", {"pp"}},
    {&DIM_ENERGY_PER_BIT, "an energy per bit", "J/bit", "pJ/bit, fJ/bit", {"fJ/bit", "pJ/bit", "nJ/bit", "J/bit"}},
    {&DIM_EDP, "an energy-delay product", "J*s", "J*s, mJ*ms", {"pJ*s", "nJ*s", "uJ*s", "mJ*s", "J*s"}},
    {&DIM_MASS, "a mass", "g", "gCO2e, kgCO2e", {"mg", "g", "kg", "t"}},
    {&DIM_MONEY, "an amount of money", "USD", "USD", {"USD"}},
};

static const struct named_dim *find_named(struct dim d)
{
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        if (dim_equal(d, *named[i].dim)) {
            return &named[i];
        }
    }
    return NULL;
}

bool dim_equal(struct dim a, struct dim b)
{
    return memcmp(a.e, b.e, sizeof a.e) == 0;
}

bool dim_is_one(struct dim d)
{
    return dim_equal(d, DIM_ONE);
}

static struct dim combine(struct dim a, struct dim b, int sign)
{
    struct dim d;
    for (int i = 0; i < Q_COUNT; i++) {
        int e = a.e[i] + sign * b.e[i];
        d.e[i] = (int8_t)(e > 127 ? 127 : e < -127 ? -127 : e);
    }
    return d;
}

struct dim dim_mul(struct dim a, struct dim b)
{
    return combine(a, b, 1);
}

struct dim dim_div(struct dim a, struct dim b)
{
    return combine(a, b, -1);
}

/* Factors of one sign, separated by `between`; returns how many. */
static int print_factors(struct dim d, int sign, bool keep_sign, const char *first, const char *between,
                         struct strbuf *out)
{
    int n = 0;
    for (int i = 0; i < Q_COUNT; i++) {
        int e = sign * d.e[i];
        if (e <= 0) {
            continue;
        }
        strbuf_addf(out, "%s%s", n ? between : first, base_symbol[i]);
        if (keep_sign || e > 1) {
            strbuf_addf(out, "^%d", keep_sign ? sign * e : e);
        }
        n++;
    }
    return n;
}

void dim_print(struct dim d, struct strbuf *out)
{
    const struct named_dim *known = find_named(d);
    if (known) {
        strbuf_adds(out, known->base);
    } else if (print_factors(d, 1, false, "", "*", out) > 0) {
        print_factors(d, -1, false, "/", "/", out);
    } else {
        print_factors(d, -1, true, "", "*", out);
    }
}

const char *dim_name(struct dim d, char *buf, int size)
{
    const struct named_dim *known = find_named(d);
    if (known) {
        snprintf(buf, (size_t)size, "%s", known->name);
    } else {
        struct strbuf unit = STRBUF_INIT;
        dim_print(d, &unit);
        snprintf(buf, (size_t)size, "a quantity in %s", strbuf_str(&unit));
        strbuf_release(&unit);
    }
    return buf;
}

const char *dim_units(struct dim d)
{
    const struct named_dim *known = find_named(d);
    return known ? known->units : "";
}

static double scale_of(const char *unit)
{
    char text[32];
    double value;
    struct dim dim;
    int at;
    snprintf(text, sizeof text, "1%s", unit);
    int n = quantity_scan(text, &value, &dim, &at);
    assert(n == (int)strlen(text));
    (void)n;
    return value;
}

/* 3 significant digits, never an exponent between 1e-3 and 1e15. */
static void format3(double x, char *buf, int size)
{
    if (fabs(x) >= 999.5 && fabs(x) < 1e15) {
        snprintf(buf, (size_t)size, "%.0f", x);
    } else {
        snprintf(buf, (size_t)size, "%.3g", x);
    }
}

static bool close_to(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fabs(b);
}

/* Writes value in `unit` when 3 digits tell it exactly, or anyhow when `force`. */
static bool print_in(double value, const char *unit, bool force, struct strbuf *out)
{
    char text[40];
    double x = value / scale_of(unit);
    format3(x, text, sizeof text);
    if (!force && !(fabs(x) < 1000 && close_to(strtod(text, NULL), x))) {
        return false;
    }
    strbuf_addf(out, "%s%s", text, unit);
    return true;
}

/* An integer from 1 to `most` of this unit. */
static bool print_integer_in(double value, const char *unit, double most, struct strbuf *out)
{
    double x = value / scale_of(unit);
    double whole = nearbyint(x);
    if (fabs(whole) < 1 || fabs(whole) > most || !close_to(whole, x)) {
        return false;
    }
    strbuf_addf(out, "%.0f%s", whole, unit);
    return true;
}

static bool print_binary(double value, bool per_second, bool whole, struct strbuf *out)
{
    static const char *const size[] = {"TiB", "GiB", "MiB", "KiB"};
    static const char *const rate[] = {"TiB/s", "GiB/s", "MiB/s", "KiB/s"};
    for (int i = 0; i < 4; i++) {
        const char *unit = per_second ? rate[i] : size[i];
        if (fabs(value) < scale_of(unit)) {
            continue;
        }
        if (whole ? print_integer_in(value, unit, 1023, out) : print_in(value, unit, false, out)) {
            return true;
        }
    }
    return false;
}

static bool print_long_time(double value, struct strbuf *out)
{
    if (fabs(value) < 60) {
        return false;
    }
    if (print_integer_in(value, "d", 1e6, out) || print_integer_in(value, "h", 999, out) ||
        print_integer_in(value, "min", 999, out) || print_integer_in(value, "s", 9999, out)) {
        return true;
    }
    return print_in(value, fabs(value) >= 2 * 86400.0 ? "d" : fabs(value) >= 7200 ? "h" : "s", true, out);
}

/* The largest unit in which the value, rounded to 3 digits, is at least 1. */
static int choose_unit(double value, const char *const *ladder)
{
    char text[40];
    int best = 0;
    for (int i = 0; ladder[i]; i++) {
        double least = strcmp(ladder[i], "mm2") == 0 ? 0.01 : 1; /* people read 0.05mm2 better than 50000um2 */
        snprintf(text, sizeof text, "%.2e", fabs(value) / scale_of(ladder[i]));
        if (strtod(text, NULL) >= least) {
            best = i;
        }
    }
    return best;
}

static void print_on_ladder(double value, const struct named_dim *known, struct strbuf *out)
{
    bool rate = known->dim == &DIM_BANDWIDTH;
    bool data = known->dim == &DIM_DATA || rate;
    int best = choose_unit(value, known->ladder);
    const char *unit = known->ladder[best];
    if (known->dim == &DIM_TIME && print_long_time(value, out)) {
        return;
    }
    if (data && (print_binary(value, rate, true, out) ||
                 (fmod(value, 8) != 0 && print_integer_in(value, known->ladder[0], 999, out)))) {
        return;
    }
    if (print_in(value, unit, false, out) || (data && print_binary(value, rate, false, out)) ||
        print_integer_in(value, unit, 9999, out) ||
        (best > 0 && print_integer_in(value, known->ladder[best - 1], 9999, out))) {
        return;
    }
    print_in(value, unit, true, out);
}

void quantity_print(double value, struct dim d, struct strbuf *out)
{
    const struct named_dim *known = find_named(d);
    char text[40];
    if (!isfinite(value)) {
        strbuf_adds(out, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
    } else if (known && known->ladder[0] && value != 0) {
        print_on_ladder(value, known, out);
    } else {
        format3(value, text, sizeof text);
        strbuf_adds(out, text);
        if (value == 0 && dim_equal(d, DIM_DATA)) { /* sizes are read in bytes */
            strbuf_adds(out, "B");
        } else {
            dim_print(d, out);
        }
    }
}

void quantity_print_exact(double value, struct dim d, struct strbuf *out)
{
    char text[40];
    if (!isfinite(value)) {
        strbuf_adds(out, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return;
    }
    if (fabs(value) < 1e6 && value == trunc(value)) {
        snprintf(text, sizeof text, "%.0f", value == 0 ? 0.0 : value);
    } else {
        for (int digits = 1; digits <= 17; digits++) {
            snprintf(text, sizeof text, "%.*g", digits, value);
            if (strtod(text, NULL) == value) {
                break;
            }
        }
        char *e = strchr(text, 'e');
        if (e) { /* e+08 -> e8, e-06 -> e-6 */
            snprintf(e + 1, sizeof text - (size_t)(e + 1 - text), "%d", (int)strtol(e + 1, NULL, 10));
        }
    }
    strbuf_adds(out, text);
    dim_print(d, out);
}
