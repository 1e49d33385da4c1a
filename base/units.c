/* Reading quantities. A unit's scale is kept as (multiplier, power of ten), and the
 * power of ten is put into the decimal text before strtod() sees it: "12pJ" becomes
 * 12e-12, rounded once, where 12 * 1e-12 would be rounded twice and differ in the last
 * bit from what a constant in C says. The table below is all that is known: no prefix
 * is guessed. */
#include "base/units.h"

#include "base/strbuf.h"
#include "base/suggest.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const struct dim DIM_ONE = {{0}};
const struct dim DIM_TIME = {{[Q_TIME] = 1}};
const struct dim DIM_FREQUENCY = {{[Q_TIME] = -1}};
const struct dim DIM_ENERGY = {{[Q_ENERGY] = 1}};
const struct dim DIM_POWER = {{[Q_ENERGY] = 1, [Q_TIME] = -1}};
const struct dim DIM_AREA = {{[Q_LENGTH] = 2}};
const struct dim DIM_LENGTH = {{[Q_LENGTH] = 1}};
const struct dim DIM_DATA = {{[Q_DATA] = 1}};
const struct dim DIM_BANDWIDTH = {{[Q_DATA] = 1, [Q_TIME] = -1}};
const struct dim DIM_VOLTAGE = {{[Q_VOLTAGE] = 1}};
const struct dim DIM_POINT = {{[Q_POINT] = 1}};
const struct dim DIM_ENERGY_PER_BIT = {{[Q_ENERGY] = 1, [Q_DATA] = -1}};
const struct dim DIM_EDP = {{[Q_ENERGY] = 1, [Q_TIME] = 1}};
const struct dim DIM_MASS = {{[Q_MASS] = 1}};
const struct dim DIM_MONEY = {{[Q_MONEY] = 1}};

struct unit {
    const char *name;
    const struct dim *dim;
    double multiplier;
    int exp10; /* 1 unit = multiplier * 10^exp10 base units */
};

static const struct unit units[] = {
    {"s", &DIM_TIME, 1, 0},
    {"ms", &DIM_TIME, 1, -3},
    {"us", &DIM_TIME, 1, -6},
    {"ns", &DIM_TIME, 1, -9},
    {"ps", &DIM_TIME, 1, -12},
    {"min", &DIM_TIME, 60, 0},
    {"h", &DIM_TIME, 3600, 0},
    {"d", &DIM_TIME, 86400, 0},
    {"yr", &DIM_TIME, 31536000, 0}, /* 365 days */
    {"Hz", &DIM_FREQUENCY, 1, 0},
    {"kHz", &DIM_FREQUENCY, 1, 3},
    {"MHz", &DIM_FREQUENCY, 1, 6},
    {"GHz", &DIM_FREQUENCY, 1, 9},
    {"J", &DIM_ENERGY, 1, 0},
    {"aJ", &DIM_ENERGY, 1, -18},
    {"fJ", &DIM_ENERGY, 1, -15},
    {"pJ", &DIM_ENERGY, 1, -12},
    {"nJ", &DIM_ENERGY, 1, -9},
    {"uJ", &DIM_ENERGY, 1, -6},
    {"mJ", &DIM_ENERGY, 1, -3},
    {"kJ", &DIM_ENERGY, 1, 3},
    {"MJ", &DIM_ENERGY, 1, 6},
    {"GJ", &DIM_ENERGY, 1, 9},
    {"Wh", &DIM_ENERGY, 3600, 0},
    {"kWh", &DIM_ENERGY, 3600, 3},
    {"MWh", &DIM_ENERGY, 3600, 6},
    {"W", &DIM_POWER, 1, 0},
    {"pW", &DIM_POWER, 1, -12},
    {"nW", &DIM_POWER, 1, -9},
    {"uW", &DIM_POWER, 1, -6},
    {"mW", &DIM_POWER, 1, -3},
    {"kW", &DIM_POWER, 1, 3},
    {"MW", &DIM_POWER, 1, 6},
    {"m", &DIM_LENGTH, 1, 0},
    {"cm", &DIM_LENGTH, 1, -2},
    {"mm", &DIM_LENGTH, 1, -3},
    {"um", &DIM_LENGTH, 1, -6},
    {"nm", &DIM_LENGTH, 1, -9},
    {"bit", &DIM_DATA, 1, 0},
    {"kbit", &DIM_DATA, 1, 3},
    {"Mbit", &DIM_DATA, 1, 6},
    {"Gbit", &DIM_DATA, 1, 9},
    {"Tbit", &DIM_DATA, 1, 12},
    {"Kibit", &DIM_DATA, 1024, 0},
    {"Mibit", &DIM_DATA, 1048576, 0},
    {"Gibit", &DIM_DATA, 1073741824, 0},
    {"B", &DIM_DATA, 8, 0},
    {"kB", &DIM_DATA, 8, 3},
    {"MB", &DIM_DATA, 8, 6},
    {"GB", &DIM_DATA, 8, 9},
    {"TB", &DIM_DATA, 8, 12},
    {"PB", &DIM_DATA, 8, 15},
    {"KiB", &DIM_DATA, 8.0 * 1024, 0},
    {"MiB", &DIM_DATA, 8.0 * 1048576, 0},
    {"GiB", &DIM_DATA, 8.0 * 1073741824, 0},
    {"TiB", &DIM_DATA, 8.0 * 1099511627776, 0},
    {"V", &DIM_VOLTAGE, 1, 0},
    {"mV", &DIM_VOLTAGE, 1, -3},
    {"pp", &DIM_POINT, 1, 0},
    {"g", &DIM_MASS, 1, 0},
    {"mg", &DIM_MASS, 1, -3},
    {"kg", &DIM_MASS, 1, 3},
    {"t", &DIM_MASS, 1, 6},
    {"gCO2e", &DIM_MASS, 1, 0},
    {"kgCO2e", &DIM_MASS, 1, 3},
    {"tCO2e", &DIM_MASS, 1, 6},
    {"USD", &DIM_MONEY, 1, 0},
    {"$", &DIM_MONEY, 1, 0},
    {"%", &DIM_ONE, 1, -2},
    {"dB", &DIM_ONE, 1, 0}, /* a number already: a metric in dB is compared with 20 as with 20dB */
    {"k", &DIM_ONE, 1, 3},
    {"M", &DIM_ONE, 1, 6},
    {"G", &DIM_ONE, 1, 9},
};
enum { UNIT_COUNT = sizeof units / sizeof *units };

/* What people write and what it could mean. */
static const struct {
    const char *text, *help;
} ambiguous[] = {
    {"b", "'b' means bits to some and bytes to others: write 'bit' or 'B'"},
    {"Kb", "write 'kbit' or 'Kibit' for bits, 'kB' or 'KiB' for bytes"},
    {"kb", "write 'kbit' or 'Kibit' for bits, 'kB' or 'KiB' for bytes"},
    {"Mb", "write 'Mbit' or 'Mibit' for bits, 'MB' or 'MiB' for bytes"},
    {"mb", "write 'Mbit' or 'Mibit' for bits, 'MB' or 'MiB' for bytes"},
    {"Gb", "write 'Gbit' or 'Gibit' for bits, 'GB' or 'GiB' for bytes"},
    {"gb", "write 'Gbit' or 'Gibit' for bits, 'GB' or 'GiB' for bytes"},
    {"Kib", "write 'Kibit' for bits or 'KiB' for bytes"},
    {"Mib", "write 'Mibit' for bits or 'MiB' for bytes"},
    {"Gib", "write 'Gibit' for bits or 'GiB' for bytes"},
    {"KB", "write 'KiB' for 1024 bytes or 'kB' for 1000"},
    {"K", "write 'k' for 1000, or a unit"},
    {"bps", "write 'bit/s'"},
    {"Kbps", "write 'kbit/s'"},
    {"kbps", "write 'kbit/s'"},
    {"Mbps", "write 'Mbit/s' for bits or 'MB/s' for bytes"},
    {"Gbps", "write 'Gbit/s' for bits or 'GB/s' for bytes"},
    {"GBps", "write 'GB/s'"},
    {"MBps", "write 'MB/s'"},
    {"bits", "write 'bit'"},
    {"bytes", "write 'B'"},
    {"byte", "write 'B'"},
    {"sec", "write 's'"},
    {"hours", "write 'h'"},
    {"days", "write 'd'"},
    {"year", "write 'yr'"},
    {"years", "write 'yr'"},
    {"a", "write 'yr'"},
};

struct scale {
    struct dim dim;
    double num, den;
    int exp10;
};

static bool is_unit_start(const char *s)
{
    return isalpha((unsigned char)*s) || *s == '%' || *s == '$' || *s == '_' || strncmp(s, "\xc2\xb5", 2) == 0 ||
           strncmp(s, "\xce\xbc", 2) == 0;
}

/* Bytes of the symbol at s, with trailing digits. */
static int symbol_length(const char *s)
{
    if (*s == '%' || *s == '$') {
        return 1;
    }
    int n = 0;
    if (*s == '\xc2' || *s == '\xce') {
        n = 2; /* the micro sign */
    }
    while (isalnum((unsigned char)s[n]) || s[n] == '_') {
        n++;
    }
    return n;
}

int unit_length(const char *s)
{
    int n = 0;
    while (isalnum((unsigned char)s[n]) || s[n] == '_' || s[n] == '%' || s[n] == '$' || s[n] == '^' || (s[n] & 0x80)) {
        n++;
    }
    return n;
}

static const struct unit *find_unit(const char *s, int len)
{
    char name[16];
    if (len > 2 && (s[0] == '\xc2' || s[0] == '\xce')) { /* both micro signs read as 'u' */
        s += 1;
        len -= 1;
    }
    if (len <= 0 || len >= (int)sizeof name) {
        return NULL;
    }
    memcpy(name, s, (size_t)len);
    name[len] = '\0';
    if (name[0] == '\xb5' || name[0] == '\xbc') {
        name[0] = 'u';
    }
    for (int i = 0; i < UNIT_COUNT; i++) {
        if (strcmp(units[i].name, name) == 0) {
            return &units[i];
        }
    }
    return NULL;
}

/* One symbol with its exponent; returns the bytes used, 0 when it is not known. */
static int scan_factor(const char *s, const struct unit **unit, int *power)
{
    int len = symbol_length(s);
    int letters = len;
    *power = 1;
    *unit = find_unit(s, len);
    if (!*unit) {
        while (letters > 0 && isdigit((unsigned char)s[letters - 1])) {
            letters--;
        }
        if (len - letters != 1) {
            return 0;
        }
        *unit = find_unit(s, letters);
        *power = s[letters] - '0';
        return *unit && *power > 0 ? len : 0;
    }
    if (s[len] == '^') {
        int minus = s[len + 1] == '-';
        int digits = (int)strspn(s + len + 1 + minus, "0123456789");
        *power = digits > 2 ? 0 : (int)strtol(s + len + 1, NULL, 10);
        len += 1 + minus + digits;
        if (*power == 0 || abs(*power) > UNIT_MAX_EXPONENT || isalpha((unsigned char)s[len])) {
            return 0;
        }
    }
    return len;
}

static void apply(struct scale *scale, const struct unit *unit, int power)
{
    for (int i = 0; i < abs(power); i++) {
        if (power > 0) {
            scale->dim = dim_mul(scale->dim, *unit->dim);
            scale->num *= unit->multiplier;
        } else {
            scale->dim = dim_div(scale->dim, *unit->dim);
            scale->den *= unit->multiplier;
        }
    }
    scale->exp10 += power * unit->exp10;
}

/* The unit at s: bytes used, 0 when there is none, QUANTITY_BAD_UNIT when it is not
 * known. */
static int scan_unit(const char *s, struct scale *scale)
{
    enum { MAX_FACTORS = 8 }; /* keeps exponents and scales finite */
    const struct unit *unit;
    int power;
    *scale = (struct scale){.num = 1, .den = 1};
    if (!is_unit_start(s)) {
        return 0;
    }
    int n = scan_factor(s, &unit, &power);
    if (n == 0) {
        return QUANTITY_BAD_UNIT;
    }
    apply(scale, unit, power);
    for (int factors = 1; factors < MAX_FACTORS; factors++) {
        char op = s[n];
        if ((op != '/' && op != '*') || !is_unit_start(s + n + 1)) {
            break;
        }
        int len = scan_factor(s + n + 1, &unit, &power);
        if (len == 0) {
            break; /* a name of the expression around us */
        }
        apply(scale, unit, op == '/' ? -power : power);
        n += 1 + len;
    }
    for (int i = 0; i < Q_COUNT; i++) {
        if (abs(scale->dim.e[i]) > UNIT_MAX_EXPONENT) {
            return QUANTITY_BAD_UNIT;
        }
    }
    return n;
}

/* Splits the number at s into its mantissa's length and its exponent; returns the bytes
 * of both, 0 when there is no number. */
static int scan_number(const char *s, int *mantissa, int *exponent, bool *zero)
{
    int n = *s == '-' || *s == '+';
    int digits = 0;
    *zero = true;
    for (bool point = false;; n++) {
        if (isdigit((unsigned char)s[n])) {
            digits++;
            *zero = *zero && s[n] == '0';
        } else if (s[n] == '.' && !point) {
            point = true;
        } else {
            break;
        }
    }
    if (digits == 0) {
        return 0;
    }
    *mantissa = n;
    *exponent = 0;
    if (s[n] != 'e' && s[n] != 'E') {
        return n;
    }
    int sign = s[n + 1] == '-' || s[n + 1] == '+';
    if (!isdigit((unsigned char)s[n + 1 + sign])) {
        return n; /* a unit that begins with e */
    }
    bool negative = s[n + 1] == '-';
    for (n += 1 + sign; isdigit((unsigned char)s[n]); n++) {
        *exponent = *exponent > 9999 ? *exponent : *exponent * 10 + (s[n] - '0');
    }
    *exponent = negative ? -*exponent : *exponent;
    return n;
}

int quantity_scan(const char *s, double *value, struct dim *dim, int *unit_at)
{
    char text[96];
    int mantissa, exponent;
    bool zero;
    struct scale scale;
    int n = scan_number(s, &mantissa, &exponent, &zero);
    *value = 0;
    *dim = DIM_ONE;
    *unit_at = n;
    if (n == 0) {
        return QUANTITY_NONE;
    }
    if (mantissa > 60) {
        return QUANTITY_RANGE;
    }
    int unit = scan_unit(s + n, &scale);
    if (unit < 0) {
        scale = (struct scale){.num = 1, .den = 1};
    }
    snprintf(text, sizeof text, "%.*se%d", mantissa, s, exponent + scale.exp10);
    double v = strtod(text, NULL) * scale.num / scale.den;
    if (!isfinite(v) || (!zero && fabs(v) < 2.3e-308)) {
        return QUANTITY_RANGE;
    }
    *value = v;
    *dim = scale.dim;
    return unit < 0 ? QUANTITY_BAD_UNIT : n + unit;
}

void unit_help(const char *unit, int len, struct strbuf *out)
{
    char word[32];
    const char *names[UNIT_COUNT];
    int symbol = symbol_length(unit);
    len = len < symbol ? len : symbol;
    if (len <= 0 || len >= (int)sizeof word) {
        return;
    }
    memcpy(word, unit, (size_t)len);
    word[len] = '\0';
    for (size_t i = 0; i < sizeof ambiguous / sizeof *ambiguous; i++) {
        if (strcmp(word, ambiguous[i].text) == 0) {
            strbuf_adds(out, ambiguous[i].help);
            return;
        }
    }
    for (int i = 0; i < UNIT_COUNT; i++) {
        names[i] = units[i].name;
    }
    const char *near = suggest(word, names, UNIT_COUNT);
    if (near) {
        strbuf_addf(out, "did you mean '%s'?", near);
    }
}
