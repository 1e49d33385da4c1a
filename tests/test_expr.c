/* base/expr: values against an evaluator of our own, text that reads back, dimensions by brute force, messages with their place. */
#include "base/expr.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const dataflows[] = {"weight_stationary", "output_stationary", "row_stationary"};
static const char *const nodes[] = {"22nm", "7nm", "area"};

enum { S_ROWS, S_COLS, S_AREA, S_GLB, S_CLOCK, S_DATAFLOW, S_NODE, S_FAST, S_P99, S_COUNT };
static struct symbol symbols[S_COUNT];
static struct scope scope = {symbols, S_COUNT, "parameter"};

static void setup(void)
{
    symbols[S_ROWS] = (struct symbol){.name = "pe_rows", .kind = VALUE_NUMBER, .slot = S_ROWS, .sql = "pe_rows"};
    symbols[S_COLS] = (struct symbol){.name = "pe_cols", .kind = VALUE_NUMBER, .slot = S_COLS, .sql = "pe_cols"};
    symbols[S_AREA] =
        (struct symbol){.name = "area", .kind = VALUE_NUMBER, .dim = DIM_AREA, .slot = S_AREA, .sql = "area_m2"};
    symbols[S_GLB] = (struct symbol){.name = "glb", .kind = VALUE_NUMBER, .dim = DIM_DATA, .slot = S_GLB, .sql = "glb"};
    symbols[S_CLOCK] = (struct symbol){.name = "clock", .kind = VALUE_NUMBER, .dim = DIM_FREQUENCY, .slot = S_CLOCK};
    symbols[S_DATAFLOW] = (struct symbol){.name = "dataflow",
                                          .kind = VALUE_CHOICE,
                                          .labels = dataflows,
                                          .n_labels = 3,
                                          .slot = S_DATAFLOW,
                                          .sql = "dataflow"};
    symbols[S_NODE] = (struct symbol){
        .name = "node", .kind = VALUE_CHOICE, .labels = nodes, .n_labels = 3, .slot = S_NODE, .sql = "node"};
    symbols[S_FAST] = (struct symbol){.name = "fast", .kind = VALUE_BOOL, .slot = S_FAST, .sql = "fast"};
    symbols[S_P99] =
        (struct symbol){.name = "ttft.p99", .kind = VALUE_NUMBER, .dim = DIM_TIME, .slot = S_P99, .sql = "ttft_p99"};
}

static const double slots[S_COUNT] = {16, 64, 3.5e-6, 256 * 8192, 5e8, 2, 0, 1, 0.4};

static struct expr *parse(const char *text, struct diags *d)
{
    const struct source *s = diags_source(d, "--where", mem_strdup(text), strlen(text));
    return expr_parse(text, (struct mark){s, 1, 1, 1}, &scope, d);
}

static struct expr *must_parse(const char *text)
{
    struct diags d = DIAGS_INIT;
    struct expr *e = parse(text, &d);
    ck_assert_msg(e != NULL, "'%s': %s", text, d.n ? d.list[0].message : "no message");
    diags_release(&d);
    return e;
}

START_TEST(values)
{
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        {"1 + 2 * 3", 7},
        {"(1 + 2) * 3", 9},
        {"2 - 3 - 4", -5},
        {"2 - (3 - 4)", 3},
        {"16 / 4 / 2", 2},
        {"-2 * 3", -6},
        {"-pe_rows + 1", -15},
        {"20k", 20000},
        {"4mm2", 4e-6},
        {"50%", 0.5},
        {"pe_rows * pe_cols <= 2048", 1},
        {"pe_rows*pe_cols<1024", 0},
        {"area <= 4mm2", 1},
        {"area<=4mm2 and not glb>1MiB", 1},
        {"not area > 4mm2", 1},
        {"not not fast", 1},
        {"dataflow == row_stationary", 1},
        {"row_stationary == dataflow", 1},
        {"dataflow != row_stationary", 0},
        {"dataflow in [weight_stationary, row_stationary]", 1},
        {"dataflow in [weight_stationary]", 0},
        {"node == 22nm", 1},
        {"node == 7nm or node in [22nm,7nm]", 1},
        {"node == area", 0},
        {"pe_rows in [8, 16, 8 * 4]", 1},
        {"glb in [128KiB, 256KiB]", 1},
        {"fast", 1},
        {"fast == true", 1},
        {"fast and pe_rows == 8", 0},
        {"fast or pe_rows == 8 and false", 1},
        {"(fast or true) and false", 0},
        {"min(3, 2, 7)", 2},
        {"max(area, 1mm2) / 1mm2", 3.5},
        {"ceil(7 / 2)", 4},
        {"floor(7 / 2)", 3},
        {"log2(glb / 1B)", 18},
        {"sqrt(4mm2) / 1mm", 2},
        {"clock * 2ns", 1},
        {"ttft.p99 <= 500ms", 1},
        {"min(pe_rows)", 16},
        {"(((1)))", 1},
        {"true", 1},
        {"1 < 2 and 2 < 3 or false", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct expr *e = must_parse(cases[i].text);
        double got = expr_eval(e, slots);
        ck_assert_msg(fabs(got - cases[i].value) <= 1e-12 * fabs(cases[i].value), "'%s' is %.17g", cases[i].text, got);
        expr_free(e);
    }
    expr_free(NULL);
}
END_TEST

START_TEST(errors_have_their_place)
{
    static const struct {
        const char *text, *message, *help;
        int col, len;
    } cases[] = {
        {"area <= 4", "area needs a unit", "write '4mm2' (accepted: mm2, um2)", 9, 1},
        {"2 * area <= 4", "this number needs a unit", "write '4mm2' (accepted: mm2, um2)", 13, 1},
        {"4.50 >= area", "area needs a unit", "write '4.5mm2' (accepted: mm2, um2)", 1, 4},
        {"area * area <= 4", "this number needs a unit", "in units of m^4", 16, 1},
        {"area <= 4MHz", "cannot compare an area and a frequency", NULL, 9, 4},
        {"area + glb", "cannot add an area and a data size", NULL, 8, 3},
        {"area - 1", "area needs a unit", "write '1mm2' (accepted: mm2, um2)", 8, 1},
        {"min(area, glb)", "cannot mix an area and a data size", NULL, 11, 3},
        {"pe_rws * 2", "unknown parameter 'pe_rws'", "did you mean 'pe_rows'?", 1, 6},
        {"zebra", "unknown parameter 'zebra'",
         "known: pe_rows, pe_cols, area, glb, clock, dataflow, node, fast, ttft.p99", 1, 5},
        {"dataflow == weight_stationery", "'weight_stationery' is no value of 'dataflow'",
         "did you mean 'weight_stationary'?", 13, 17},
        {"weight_stationery == dataflow", "'weight_stationery' is no value of 'dataflow'",
         "did you mean 'weight_stationary'?", 1, 17},
        {"dataflow == 3", "cannot compare a choice and a plain number", NULL, 13, 1},
        {"dataflow < row_stationary", "a choice has no order", "use ==, != or in", 1, 8},
        {"dataflow == node", "cannot compare two choices that have different values", NULL, 13, 4},
        {"fast < true", "a condition has no order", "use ==, != or in", 1, 4},
        {"pe_rows and fast", "expected a condition, but this is a plain number",
         "compare it with something: <=, >=, <, >, ==, !=", 1, 7},
        {"fast + 1", "expected a number, but this is a condition", NULL, 1, 4},
        {"not pe_rows", "expected a condition, but this is a plain number",
         "compare it with something: <=, >=, <, >, ==, !=", 5, 7},
        {"log2(glb)", "'log2' wants a plain number, but this is a data size",
         "divide it by a quantity of the same kind", 6, 3},
        {"sqrt(clock)", "a frequency has no square root", NULL, 1, 11},
        {"1 < 2 < 3", "comparisons cannot be chained", "write 'a < b and b < c'", 7, 1},
        {"pe_rows = 4", "expected an operator or the end, not '='", "write '=='", 9, 1},
        {"fast && fast", "expected an operator or the end, not '&&'", "write 'and'", 6, 2},
        {"!fast", "expected a value, not '!'", "write 'not'", 1, 1},
        {"2 ** 3", "expected an operator or the end, not '**'", "write a product", 3, 2},
        {"pe_rows \xe2\x89\xa4 4", "expected an operator or the end, not '\xe2\x89\xa4'", "write '<='", 9, 1},
        {"(1 + 2", "the expression ends where ')' should be", NULL, 7, 1},
        {"min(1, 2", "the expression ends where ')' should be", NULL, 9, 1},
        {"pe_rows in [1, 2", "the expression ends where ',' or ']' should be", NULL, 17, 1},
        {"pe_rows in 4", "expected '[' after 'in', not '4'", NULL, 12, 1},
        {"", "the expression ends where a value should be", NULL, 1, 1},
        {"1 +", "the expression ends where a value should be", NULL, 4, 1},
        {"1 2", "expected an operator or the end, not '2'", NULL, 3, 1},
        {"and", "expected a value, not 'and'", NULL, 1, 3},
        {"--1", "expected a value, not '-'", NULL, 2, 1},
        {"cos(1)", "unknown function 'cos'", "known: min, max, ceil, floor, log2, sqrt", 1, 3},
        {"12mhz", "unknown unit 'mhz'", "did you mean 'MHz'?", 3, 3},
        {"area <= 1e999mm2", "this number is too large or too small", NULL, 9, 5},
        {"inf", "unknown parameter 'inf'", "known: pe_rows, pe_cols, area, glb, clock, dataflow, node, fast, ttft.p99",
         1, 3},
        {"row_stationary", "unknown parameter 'row_stationary'",
         "known: pe_rows, pe_cols, area, glb, clock, dataflow, node, fast, ttft.p99", 1, 14},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct diags d = DIAGS_INIT;
        struct expr *e = parse(cases[i].text, &d);
        ck_assert_msg(e == NULL, "accepted '%s'", cases[i].text);
        ck_assert_int_eq(d.n_errors, 1);
        ck_assert_str_eq(d.list[0].message, cases[i].message);
        ck_assert_pstr_eq(d.list[0].help, cases[i].help);
        ck_assert_msg(d.list[0].mark.col == cases[i].col && d.list[0].mark.len == cases[i].len,
                      "'%s': column %d, length %d", cases[i].text, d.list[0].mark.col, d.list[0].mark.len);
        diags_release(&d);
    }
}
END_TEST

START_TEST(hostile_text)
{
    struct strbuf sb = STRBUF_INIT;
    struct diags d = DIAGS_INIT;
    static const char *const open[] = {"(", "not ", "min(", "-(", "(1 < 2) == ("};
    for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
        strbuf_reset(&sb);
        while (sb.len < 4000) {
            strbuf_adds(&sb, open[i]);
        }
        ck_assert_ptr_null(parse(strbuf_str(&sb), &d));
        ck_assert_ptr_nonnull(strstr(d.list[d.n - 1].message, "nested more than 64 deep"));
    }
    strbuf_adds(&sb, "                                                                 "
                     "                                      ");
    ck_assert_ptr_null(parse(strbuf_str(&sb), &d));
    ck_assert_ptr_nonnull(strstr(d.list[d.n - 1].message, "4096 characters"));
    strbuf_reset(&sb);
    strbuf_adds(&sb, "area");
    for (int i = 0; i < 500; i++) {
        strbuf_adds(&sb, "*area");
    }
    ck_assert_ptr_null(parse(strbuf_str(&sb), &d));
    ck_assert_ptr_nonnull(strstr(d.list[d.n - 1].message, "exponent above"));
    strbuf_reset(&sb);
    strbuf_adds(&sb, "1");
    for (int i = 0; i < 2000; i++) {
        strbuf_adds(&sb, "+1");
    }
    struct expr *e = parse(strbuf_str(&sb), &d);
    ck_assert_ptr_nonnull(e);
    ck_assert_double_eq(expr_eval(e, slots), 2001);
    expr_free(e);
    diags_release(&d);
    strbuf_release(&sb);
}
END_TEST

START_TEST(canonical_text)
{
    static const char *const cases[][2] = {
        {"((pe_rows))*( pe_cols)<=2k", "pe_rows * pe_cols <= 2000"},
        {"area<=4mm2", "area <= 4e-6m2"},
        {"not(area>4mm2)", "not area > 4e-6m2"},
        {"not (fast and fast)", "not (fast and fast)"},
        {"not (not fast)", "not (not fast)"},
        {"1-(2-3)-(4*5)", "1 - (2 - 3) - 4 * 5"},
        {"1*(2*3)/(4+5)", "1 * (2 * 3) / (4 + 5)"},
        {"-(1+2)", "-(1 + 2)"},
        {"-(4)", "-4"},
        {"3 - -4", "3 - -4"},
        {"fast and (fast or fast) or fast", "fast and (fast or fast) or fast"},
        {"fast and (fast and fast)", "fast and fast and fast"},
        {"(fast==true)==(1<2)", "(fast == true) == (1 < 2)"},
        {"row_stationary == dataflow", "row_stationary == dataflow"},
        {"node in [22nm , 7nm]", "node in [22nm, 7nm]"},
        {"min( 1 ,max(2,pe_rows) )", "min(1, max(2, pe_rows))"},
        {"glb / 1B * 8GB/s", "glb / 8bit * 6.4e10bit/s"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct expr *e = must_parse(cases[i][0]);
        struct strbuf sb = STRBUF_INIT;
        expr_print(e, &sb);
        ck_assert_str_eq(strbuf_str(&sb), cases[i][1]);
        expr_free(e);
        strbuf_release(&sb);
    }
}
END_TEST

/* A random expression is written with random parentheses and blanks, and valued while it is written, by C's own operators. */
struct writer {
    struct rng r;
    struct strbuf text;
    const double *slots;
};

static void blank(struct writer *w)
{
    strbuf_adds(&w->text, rng_below(&w->r, 3) ? " " : "");
}

static double write_number(struct writer *w, int depth);

static double write_leaf(struct writer *w)
{
    int s = (int)rng_below(&w->r, 4);
    if (s < 2) {
        strbuf_adds(&w->text, symbols[s].name);
        return w->slots[s];
    }
    double x = s == 2 ? (double)rng_below(&w->r, 100) : rng_uniform(&w->r) * 1000;
    quantity_print_exact(x, DIM_ONE, &w->text);
    return x;
}

static double write_function(struct writer *w, int depth)
{
    static const char *const name[] = {"min", "max", "ceil", "floor", "sqrt"};
    int f = (int)rng_below(&w->r, 5);
    strbuf_addf(&w->text, "%s(", name[f]);
    double a = write_number(w, depth - 1);
    if (f < 2) {
        strbuf_adds(&w->text, ",");
        double b = write_number(w, depth - 1);
        a = isnan(a) || isnan(b) ? (double)NAN : f == 0 ? fmin(a, b) : fmax(a, b);
    } else {
        a = f == 2 ? ceil(a) : f == 3 ? floor(a) : sqrt(a);
    }
    strbuf_adds(&w->text, ")");
    return a;
}

static double write_number(struct writer *w, int depth)
{
    if (depth <= 0 || rng_below(&w->r, 4) == 0) {
        return write_leaf(w);
    }
    if (rng_below(&w->r, 5) == 0) {
        return write_function(w, depth);
    }
    static const char op[] = "+-*/";
    int o = (int)rng_below(&w->r, 5);
    if (o == 4) {
        strbuf_adds(&w->text, "-(");
        double a = write_number(w, depth - 1);
        strbuf_adds(&w->text, ")");
        return -a;
    }
    strbuf_adds(&w->text, "(");
    double a = write_number(w, depth - 1);
    blank(w);
    strbuf_addf(&w->text, "%c ", op[o]);
    double b = write_number(w, depth - 1);
    strbuf_adds(&w->text, ")");
    return o == 0 ? a + b : o == 1 ? a - b : o == 2 ? a * b : a / b;
}

static bool write_comparison(struct writer *w, int depth)
{
    static const char *const op[] = {"<", "<=", ">", ">=", "==", "!="};
    int o = (int)rng_below(&w->r, 6);
    double a = write_number(w, depth - 1);
    blank(w);
    strbuf_adds(&w->text, op[o]);
    blank(w);
    double b = write_number(w, depth - 1);
    bool nan = isnan(a) || isnan(b);
    return !nan && (o == 0 ? a < b : o == 1 ? a <= b : o == 2 ? a > b : o == 3 ? a >= b : o == 4 ? a == b : a != b);
}

static bool write_condition(struct writer *w, int depth)
{
    int o = depth <= 0 ? 3 : (int)rng_below(&w->r, 5);
    if (o == 0) {
        strbuf_adds(&w->text, "not (");
        bool a = write_condition(w, depth - 1);
        strbuf_adds(&w->text, ")");
        return !a;
    }
    if (o < 3) {
        strbuf_adds(&w->text, "(");
        bool a = write_condition(w, depth - 1);
        strbuf_adds(&w->text, o == 1 ? ") and (" : ") or (");
        bool b = write_condition(w, depth - 1);
        strbuf_adds(&w->text, ")");
        return o == 1 ? a && b : a || b;
    }
    if (o == 3) {
        int label = (int)rng_below(&w->r, 3);
        strbuf_addf(&w->text, "dataflow == %s", dataflows[label]);
        return w->slots[S_DATAFLOW] == label;
    }
    return write_comparison(w, depth);
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

START_TEST(random_expressions)
{
    double v[S_COUNT];
    memcpy(v, slots, sizeof v);
    struct writer w = {.text = STRBUF_INIT, .slots = v};
    struct strbuf printed = STRBUF_INIT, again = STRBUF_INIT;
    int checked = 0, violated = 0;
    rng_init(&w.r, 11, 0, RNG_TEST);
    for (int i = 0; i < 20000; i++) {
        v[S_ROWS] = rng_below(&w.r, 20) ? (double)rng_below(&w.r, 64) : (double)NAN;
        v[S_COLS] = (double)rng_below(&w.r, 64);
        v[S_DATAFLOW] = (double)rng_below(&w.r, 3);
        strbuf_reset(&w.text);
        bool boolean = rng_below(&w.r, 2);
        int depth = 1 + (int)rng_below(&w.r, 4);
        double want = boolean ? write_condition(&w, depth) : write_number(&w, depth);
        if (w.text.len > 4000) {
            continue;
        }
        struct expr *e = must_parse(strbuf_str(&w.text));
        double got = expr_eval(e, v);
        ck_assert_msg(same(got, want), "'%s' is %.17g, not %.17g", strbuf_str(&w.text), got, want);
        strbuf_reset(&printed);
        strbuf_reset(&again);
        expr_print(e, &printed);
        struct expr *back = must_parse(strbuf_str(&printed));
        expr_print(back, &again);
        ck_assert_str_eq(strbuf_str(&printed), strbuf_str(&again));
        ck_assert_msg(same(expr_eval(back, v), want), "'%s' reads back as another value", strbuf_str(&printed));
        if (boolean) {
            double x = expr_violation(e, v);
            ck_assert_msg((x == 0) == (want == 1) && x >= 0, "'%s' is %g, violated by %g", strbuf_str(&printed), want,
                          x);
            violated += x > 0;
        }
        expr_free(e);
        expr_free(back);
        checked++;
    }
    strbuf_release(&w.text);
    strbuf_release(&printed);
    strbuf_release(&again);
    ck_assert_int_gt(checked, 10000);
    printf("checked %d random expressions, %d violated\n", checked, violated);
}
END_TEST

static const struct dim *const dims[] = {&DIM_ONE,   &DIM_TIME,           &DIM_FREQUENCY, &DIM_ENERGY,    &DIM_POWER,
                                         &DIM_AREA,  &DIM_LENGTH,         &DIM_DATA,      &DIM_BANDWIDTH, &DIM_VOLTAGE,
                                         &DIM_POINT, &DIM_ENERGY_PER_BIT, &DIM_EDP,       &DIM_MASS};
enum { N_DIMS = sizeof dims / sizeof *dims };

START_TEST(dimensions_by_brute_force)
{
    static const char *const form[] = {"a + b",     "a - b",    "a < b", "a == b", "min(a, b)",
                                       "max(b, a)", "a in [b]", "a * b", "a / b"};
    int checked = 0;
    for (int i = 0; i < N_DIMS; i++) {
        for (int k = 0; k < N_DIMS; k++) {
            struct symbol ab[2] = {{.name = "a", .kind = VALUE_NUMBER, .dim = *dims[i], .slot = 0},
                                   {.name = "b", .kind = VALUE_NUMBER, .dim = *dims[k], .slot = 1}};
            struct scope two = {ab, 2, "name"};
            for (int f = 0; f < 9; f++, checked++) {
                struct diags d = DIAGS_INIT;
                struct expr *e = expr_parse(form[f], (struct mark){NULL, 0, 0, 0}, &two, &d);
                ck_assert_msg((e != NULL) == (i == k || f >= 7), "%s with dimensions %d, %d", form[f], i, k);
                for (int q = 0; e && q < Q_COUNT; q++) {
                    int sign = f == 7 ? 1 : f == 8 ? -1 : 0;
                    int want = dims[i]->e[q] + sign * dims[k]->e[q];
                    ck_assert_int_eq(expr_dim(e).e[q], expr_kind(e) == VALUE_NUMBER ? want : 0);
                }
                expr_free(e);
                diags_release(&d);
            }
        }
    }
    printf("checked %d pairs of dimensions\n", checked);
}
END_TEST

START_TEST(nan_decides_nothing)
{
    static const struct {
        const char *text;
        double value, violation;
    } cases[] = {
        {"area < 1mm2", 0, HUGE_VAL},    {"area != 1mm2", 0, HUGE_VAL}, {"not area < 1mm2", 1, 0},
        {"area in [1mm2]", 0, HUGE_VAL}, {"fast or area < 1mm2", 1, 0},
    };
    double v[S_COUNT];
    memcpy(v, slots, sizeof v);
    v[S_AREA] = (double)NAN;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct expr *e = must_parse(cases[i].text);
        ck_assert_double_eq(expr_eval(e, v), cases[i].value);
        ck_assert_msg(expr_violation(e, v) == cases[i].violation, "'%s': %g", cases[i].text, expr_violation(e, v));
        expr_free(e);
    }
}
END_TEST

START_TEST(violations)
{
    static const struct {
        const char *text;
        double violation;
    } cases[] = {
        {"area <= 4mm2", 0},
        {"area <= 2mm2", 0.75},
        {"area <= 2mm2 and pe_rows <= 8", 1.75},
        {"area <= 2mm2 or pe_rows <= 8", 0.75},
        {"not area > 2mm2", 0.75},
        {"not (area > 2mm2 or pe_rows > 8)", 1.75},
        {"pe_rows == 8", 1},
        {"pe_rows != 16", 1},
        {"pe_rows in [8, 20, 12]", 0.2},
        {"dataflow == weight_stationary", 1},
        {"not fast", 1},
        {"not pe_rows == 16", 1},
        {"not pe_rows != 8", 1},
        {"pe_rows < 16", 0},
        {"pe_rows <= 0", 16},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct expr *e = must_parse(cases[i].text);
        double x = expr_violation(e, slots);
        ck_assert_msg(fabs(x - cases[i].violation) < 1e-8, "'%s': %.17g", cases[i].text, x);
        ck_assert_msg((x == 0) == (expr_eval(e, slots) == 1), "'%s': %g", cases[i].text, x);
        expr_free(e);
    }
}
END_TEST

START_TEST(uses)
{
    struct expr *e = must_parse("pe_rows * pe_rows < pe_cols");
    ck_assert(expr_uses(e, S_ROWS) && expr_uses(e, S_COLS) && !expr_uses(e, S_AREA));
    ck_assert_int_eq(expr_kind(e), VALUE_BOOL);
    expr_free(e);
}
END_TEST

/* What SQLite answers is what expr_eval() answers. */
START_TEST(sql)
{
    static const char *const texts[] = {
        "pe_rows * pe_cols <= 2048",
        "pe_rows / 3 > 5.3",
        "area <= 3mm2",
        "dataflow == row_stationary",
        "row_stationary != dataflow",
        "dataflow in [weight_stationary, output_stationary]",
        "pe_rows in [8, 16]",
        "not (fast and area < 1mm2)",
        "not area < 1mm2",
        "min(pe_rows, pe_cols) == 16",
        "max(pe_rows) == 16",
        "ceil(pe_rows / 3) == 6",
        "sqrt(pe_cols) == 8",
        "log2(pe_rows) == 4",
        "floor(-pe_rows / 3) == -6",
        "ttft.p99 < 1s or false",
        "-(-pe_rows) - -1 == 17",
        "node == 22nm",
    };
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db,
                                  "create table t(pe_rows integer, pe_cols integer, area_m2 real, "
                                  "glb real, dataflow text, node text, fast integer, ttft_p99 real);"
                                  "insert into t values (16, 64, 3.5e-6, 2097152, 'row_stationary', "
                                  "'22nm', 1, 0.4)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct expr *e = must_parse(texts[i]);
        struct strbuf q = STRBUF_INIT;
        double params[8];
        strbuf_adds(&q, "select count(*) from t where ");
        int n = expr_to_sql(e, &scope, &q, params, 8);
        ck_assert_int_ge(n, 0);
        sqlite3_stmt *stmt;
        ck_assert_msg(sqlite3_prepare_v2(db, strbuf_str(&q), -1, &stmt, NULL) == SQLITE_OK, "%s: %s", strbuf_str(&q),
                      sqlite3_errmsg(db));
        for (int k = 0; k < n; k++) {
            sqlite3_bind_double(stmt, k + 1, params[k]);
        }
        ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
        ck_assert_msg(sqlite3_column_int(stmt, 0) == expr_eval(e, slots), "'%s' as %s", texts[i], strbuf_str(&q));
        sqlite3_finalize(stmt);
        expr_free(e);
        strbuf_release(&q);
    }
    sqlite3_close(db);
}
END_TEST

START_TEST(sql_refuses)
{
    struct strbuf q = STRBUF_INIT;
    double params[2];
    struct expr *e = must_parse("clock < 1GHz");
    ck_assert_int_eq(expr_to_sql(e, &scope, &q, params, 2), -1);
    expr_free(e);
    e = must_parse("pe_rows in [1, 2, 3]");
    ck_assert_int_eq(expr_to_sql(e, &scope, &q, params, 2), -1);
    expr_free(e);
    static const char *const odd[] = {"it's"};
    struct symbol s = {.name = "x", .kind = VALUE_CHOICE, .labels = odd, .n_labels = 1, .sql = "x"};
    struct scope one = {&s, 1, "name"};
    struct diags d = DIAGS_INIT;
    e = expr_parse("x == it's", (struct mark){NULL, 0, 0, 0}, &one, &d);
    ck_assert_ptr_nonnull(e);
    strbuf_reset(&q);
    ck_assert_int_eq(expr_to_sql(e, &one, &q, params, 2), 0);
    ck_assert_str_eq(strbuf_str(&q), "(x = 'it''s')");
    expr_free(e);
    strbuf_release(&q);
    diags_release(&d);
}
END_TEST

int main(void)
{
    setup();
    Suite *s = suite_create("expr");
    TCase *t = tcase_create("all");
    tcase_add_test(t, values);
    tcase_add_test(t, errors_have_their_place);
    tcase_add_test(t, hostile_text);
    tcase_add_test(t, canonical_text);
    tcase_add_test(t, random_expressions);
    tcase_add_test(t, dimensions_by_brute_force);
    tcase_add_test(t, nan_decides_nothing);
    tcase_add_test(t, violations);
    tcase_add_test(t, uses);
    tcase_add_test(t, sql);
    tcase_add_test(t, sql_refuses);
    suite_add_tcase(s, t);
    return run_suite(s, CK_FORK_GETENV);
}
