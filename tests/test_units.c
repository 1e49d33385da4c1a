/* base/units and base/suggest: every unit, refusals, printing for people, exact round trips. */
#include "base/rng.h"
#include "base/strbuf.h"
#include "base/suggest.h"
#include "base/units.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <string.h>

START_TEST(reads)
{
    static const struct {
        const char *text;
        double value;
        const struct dim *dim;
        int used; /* 0: all of it */
    } cases[] = {
        {"256KiB", 256 * 8192.0, &DIM_DATA, 0},
        {"500MHz", 500e6, &DIM_FREQUENCY, 0},
        {"4mm2", 4e-6, &DIM_AREA, 0},
        {"12pJ", 12e-12, &DIM_ENERGY, 0},
        {"8GB/s", 64e9, &DIM_BANDWIDTH, 0},
        {"4pJ/bit", 4e-12, &DIM_ENERGY_PER_BIT, 0},
        {"1.0pp", 1, &DIM_POINT, 0},
        {"10min", 600, &DIM_TIME, 0},
        {"2h", 7200, &DIM_TIME, 0},
        {"1d", 86400, &DIM_TIME, 0},
        {"300mW", 0.3, &DIM_POWER, 0},
        {"0.8V", 0.8, &DIM_VOLTAGE, 0},
        {"22nm", 22e-9, &DIM_LENGTH, 0},
        {"1GiB/s", 8589934592.0, &DIM_BANDWIDTH, 0},
        {"16bit", 16, &DIM_DATA, 0},
        {"4Kibit", 4096, &DIM_DATA, 0},
        {"64B", 512, &DIM_DATA, 0},
        {"30gCO2e", 30, &DIM_MASS, 0},
        {"1.5kgCO2e", 1500, &DIM_MASS, 0},
        {"25000USD", 25000, &DIM_MONEY, 0},
        {"3$", 3, &DIM_MONEY, 0},
        {"1%", 0.01, &DIM_ONE, 0},
        {"20dB", 20, &DIM_ONE, 0},
        {"20k", 20000, &DIM_ONE, 0},
        {"3M", 3e6, &DIM_ONE, 0},
        {"1G", 1e9, &DIM_ONE, 0},
        {"1e9", 1e9, &DIM_ONE, 0},
        {"1E-3", 1e-3, &DIM_ONE, 0},
        {"-2.5", -2.5, &DIM_ONE, 0},
        {"+7", 7, &DIM_ONE, 0},
        {".5", 0.5, &DIM_ONE, 0},
        {"5.", 5, &DIM_ONE, 0},
        {"1kWh", 3.6e6, &DIM_ENERGY, 0},
        {"2m^2", 2, &DIM_AREA, 0},
        {"3J*s", 3, &DIM_EDP, 0},
        {"3s*J", 3, &DIM_EDP, 0},
        {"5s^-1", 5, &DIM_FREQUENCY, 0},
        {"1e3J/s", 1000, &DIM_POWER, 0},
        {"7\xc2\xb5J", 7e-6, &DIM_ENERGY, 0},
        {"7\xce\xbcs", 7e-6, &DIM_TIME, 0},
        {"4mm2/2", 4e-6, &DIM_AREA, 4},
        {"8GB/glb", 64e9, &DIM_DATA, 3},
        {"4MHz*glb", 4e6, &DIM_FREQUENCY, 4},
        {"2*m", 2, &DIM_ONE, 1},
        {"3 mm", 3, &DIM_ONE, 1},
        {"4mm2-2mm2", 4e-6, &DIM_AREA, 4},
        {"0e9999", 0, &DIM_ONE, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double value;
        struct dim dim;
        int at;
        int used = quantity_scan(cases[i].text, &value, &dim, &at);
        int want = cases[i].used ? cases[i].used : (int)strlen(cases[i].text);
        ck_assert_msg(used == want, "'%s': used %d", cases[i].text, used);
        ck_assert_msg(value == cases[i].value, "'%s' is %.17g", cases[i].text, value);
        ck_assert_msg(dim_equal(dim, *cases[i].dim), "'%s': dimension", cases[i].text);
    }
    double value;
    struct dim dim;
    int at;
    ck_assert_int_eq(quantity_scan("400gCO2e/kWh", &value, &dim, &at), 12);
    ck_assert_double_eq(value, 400 / 3.6e6);
    ck_assert(dim_equal(dim, dim_div(DIM_MASS, DIM_ENERGY)));
}
END_TEST

START_TEST(refuses)
{
    static const struct {
        const char *text;
        int result;
        int unit_at;
    } cases[] = {
        {"", QUANTITY_NONE, 0},
        {"mm2", QUANTITY_NONE, 0},
        {"inf", QUANTITY_NONE, 0},
        {"nan", QUANTITY_NONE, 0},
        {"-", QUANTITY_NONE, 0},
        {".", QUANTITY_NONE, 0},
        {"-.e5", QUANTITY_NONE, 0},
        {"0x10", QUANTITY_BAD_UNIT, 1},
        {"4Kb", QUANTITY_BAD_UNIT, 1},
        {"4b", QUANTITY_BAD_UNIT, 1},
        {"4KB", QUANTITY_BAD_UNIT, 1},
        {"12mhz", QUANTITY_BAD_UNIT, 2},
        {"5mm0", QUANTITY_BAD_UNIT, 1},
        {"5mm22", QUANTITY_BAD_UNIT, 1},
        {"5s^", QUANTITY_BAD_UNIT, 1},
        {"1e999", QUANTITY_RANGE, 5},
        {"-1e999", QUANTITY_RANGE, 6},
        {"1e-999", QUANTITY_RANGE, 6},
        {"1e305PB", QUANTITY_RANGE, 5},
        {"1e-300aJ", QUANTITY_RANGE, 6},
        {"1m^31", QUANTITY_BAD_UNIT, 1},
        {"1m^30*m", QUANTITY_BAD_UNIT, 1},
        {"1e99999999999999", QUANTITY_RANGE, 16},
        {"1111111111111111111111111111111111111111111111111111111111111", QUANTITY_RANGE, 61},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double value;
        struct dim dim;
        int at;
        int result = quantity_scan(cases[i].text, &value, &dim, &at);
        ck_assert_msg(result == cases[i].result, "'%s': %d", cases[i].text, result);
        ck_assert_msg(at == cases[i].unit_at, "'%s': unit at %d", cases[i].text, at);
    }
}
END_TEST

START_TEST(helps_with_units)
{
    static const char *const cases[][2] = {
        {"mhz", "did you mean 'MHz'?"},
        {"Mhz", "did you mean 'MHz'?"},
        {"kib", "did you mean 'KiB'?"},
        {"PJ/bit", "did you mean 'pJ'?"},
        {"Kb", "write 'kbit' or 'Kibit' for bits, 'kB' or 'KiB' for bytes"},
        {"KB/s", "write 'KiB' for 1024 bytes or 'kB' for 1000"},
        {"furlongs", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct strbuf sb = STRBUF_INIT;
        unit_help(cases[i][0], unit_length(cases[i][0]), &sb);
        ck_assert_str_eq(strbuf_str(&sb), cases[i][1]);
        strbuf_release(&sb);
    }
}
END_TEST

START_TEST(prints_for_people)
{
    static const struct {
        double value;
        const struct dim *dim;
        const char *text;
    } cases[] = {
        {256 * 8192.0, &DIM_DATA, "256KiB"},
        {1.5 * 8192, &DIM_DATA, "1.5KiB"},
        {5.2e6 * 8, &DIM_DATA, "5.2MB"},
        {512, &DIM_DATA, "64B"},
        {12, &DIM_DATA, "12bit"},
        {8000, &DIM_DATA, "1kB"},
        {0, &DIM_DATA, "0B"},
        {1.7312e-3, &DIM_ENERGY, "1.73mJ"},
        {2.3249e-3, &DIM_TIME, "2.32ms"},
        {3.441e-6, &DIM_AREA, "3.44mm2"},
        {3.441e-9, &DIM_AREA, "3441um2"},
        {3.4412e-9, &DIM_AREA, "3441um2"},
        {858e-6, &DIM_AREA, "858mm2"},
        {500e6, &DIM_FREQUENCY, "500MHz"},
        {1050e6, &DIM_FREQUENCY, "1.05GHz"},
        {1025e6, &DIM_FREQUENCY, "1025MHz"},
        {12e-12, &DIM_ENERGY, "12pJ"},
        {999.9e-12, &DIM_ENERGY, "1nJ"},
        {64e9, &DIM_BANDWIDTH, "8GB/s"},
        {8589934592.0 * 100, &DIM_BANDWIDTH, "100GiB/s"},
        {25.6e9 * 8, &DIM_BANDWIDTH, "25.6GB/s"},
        {4e-12, &DIM_ENERGY_PER_BIT, "4pJ/bit"},
        {0.75, &DIM_POINT, "0.75pp"},
        {600, &DIM_TIME, "10min"},
        {90, &DIM_TIME, "90s"},
        {7200, &DIM_TIME, "2h"},
        {86400, &DIM_TIME, "1d"},
        {0, &DIM_ENERGY, "0J"},
        {0.8, &DIM_VOLTAGE, "800mV"},
        {1.1, &DIM_VOLTAGE, "1.1V"},
        {20000, &DIM_ONE, "20000"},
        {0.123456, &DIM_ONE, "0.123"},
        {1234567.8, &DIM_ONE, "1234568"},
        {1.2e-6, &DIM_EDP, "1.2uJ*s"},
        {-3e-3, &DIM_ENERGY, "-3mJ"},
        {400, &DIM_MASS, "400g"},
        {25000, &DIM_MONEY, "25000USD"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct strbuf sb = STRBUF_INIT;
        quantity_print(cases[i].value, *cases[i].dim, &sb);
        ck_assert_str_eq(strbuf_str(&sb), cases[i].text);
        strbuf_release(&sb);
    }
}
END_TEST

START_TEST(names_dimensions)
{
    char buf[64];
    ck_assert_str_eq(dim_name(DIM_AREA, buf, sizeof buf), "an area");
    ck_assert_str_eq(dim_name(dim_mul(DIM_EDP, DIM_TIME), buf, sizeof buf), "a quantity in s^2*J");
    ck_assert_str_eq(dim_name(DIM_ONE, buf, sizeof buf), "a plain number");
    ck_assert_str_eq(dim_units(DIM_AREA), "mm2, um2");
    ck_assert_str_eq(dim_units(DIM_ONE), "");
    ck_assert_str_eq(dim_units(dim_mul(DIM_EDP, DIM_TIME)), "");
}
END_TEST

static struct dim random_dim(struct rng *r)
{
    static const struct dim *const named[] = {&DIM_ONE,       &DIM_TIME,    &DIM_FREQUENCY, &DIM_ENERGY,
                                              &DIM_POWER,     &DIM_AREA,    &DIM_LENGTH,    &DIM_DATA,
                                              &DIM_BANDWIDTH, &DIM_VOLTAGE, &DIM_POINT,     &DIM_EDP};
    struct dim d = *named[rng_below(r, 12)];
    if (rng_below(r, 3) == 0) {
        for (int i = 0; i < 3; i++) {
            d.e[rng_below(r, Q_COUNT)] = (int8_t)(rng_below(r, 9) - 4);
        }
    }
    return d;
}

START_TEST(exact_text_reads_back)
{
    struct rng r;
    rng_init(&r, 1, 0, RNG_TEST);
    struct strbuf sb = STRBUF_INIT;
    int checked = 0;
    for (; checked < 20000; checked++) {
        double x = rng_below(&r, 2) ? (double)rng_below(&r, 1000000000)
                                    : ldexp(rng_uniform(&r) - 0.5, (int)rng_below(&r, 200) - 100);
        struct dim d = random_dim(&r);
        double back;
        struct dim dim;
        int at;
        strbuf_reset(&sb);
        quantity_print_exact(x, d, &sb);
        int used = quantity_scan(strbuf_str(&sb), &back, &dim, &at);
        ck_assert_msg(used == (int)sb.len && back == x && dim_equal(d, dim), "%.17g printed as '%s' reads as %.17g", x,
                      strbuf_str(&sb), back);
        /* For people: within half a unit of the third digit. */
        strbuf_reset(&sb);
        quantity_print(x, d, &sb);
        used = quantity_scan(strbuf_str(&sb), &back, &dim, &at);
        ck_assert_msg(used == (int)sb.len && dim_equal(d, dim), "'%s' does not read", strbuf_str(&sb));
        ck_assert_msg(fabs(back - x) <= 0.00501 * fabs(x), "%.17g shown as '%s'", x, strbuf_str(&sb));
    }
    strbuf_release(&sb);
    printf("checked %d quantities\n", checked);
}
END_TEST

START_TEST(exact_text_is_short)
{
    struct strbuf sb = STRBUF_INIT;
    quantity_print_exact(2097152, DIM_DATA, &sb);
    strbuf_adds(&sb, " ");
    quantity_print_exact(5e8, DIM_FREQUENCY, &sb);
    strbuf_adds(&sb, " ");
    quantity_print_exact(4e-6, DIM_AREA, &sb);
    strbuf_adds(&sb, " ");
    quantity_print_exact(-0.0, DIM_ONE, &sb);
    strbuf_adds(&sb, " ");
    quantity_print_exact(20000, DIM_ONE, &sb);
    ck_assert_str_eq(strbuf_str(&sb), "2097152bit 5e8Hz 4e-6m2 0 20000");
    strbuf_release(&sb);
}
END_TEST

START_TEST(suggests)
{
    static const char *const keys[] = {"objectives", "space", "seed", "glb", "x", "w_bits", "w", "latency", "clock"};
    static const char *const cases[][2] = {
        {"objectve", "objectives"},
        {"sapce", "space"},
        {"sed", "seed"},
        {"glb_kib", "glb"},
        {"z", "x"},
        {"w_bit", "w_bits"},
        {"Clock", "clock"},
        {"latncy", "latency"},
        {"clock_mhz", "clock"},
        {"banana", NULL},
        {"", NULL},
        {"seeeed", "seed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = suggest(cases[i][0], keys, sizeof keys / sizeof *keys);
        ck_assert_pstr_eq(got, cases[i][1]);
    }
    char longword[200];
    memset(longword, 'a', sizeof longword - 1);
    longword[sizeof longword - 1] = '\0';
    ck_assert_ptr_null(suggest(longword, keys, 9));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("units");
    TCase *t = tcase_create("all");
    tcase_add_test(t, reads);
    tcase_add_test(t, refuses);
    tcase_add_test(t, helps_with_units);
    tcase_add_test(t, prints_for_people);
    tcase_add_test(t, names_dimensions);
    tcase_add_test(t, exact_text_reads_back);
    tcase_add_test(t, exact_text_is_short);
    tcase_add_test(t, suggests);
    suite_add_tcase(s, t);
    return run_suite(s, CK_FORK_GETENV);
}
