/* Any text through the expression parser. What is accepted prints as a text that parses, prints the same again and has the same value; a condition is
 * violated exactly when it is false. */
#include "base/expr.h"
#include "base/mem.h"
#include "base/strbuf.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const labels[] = {"weight_stationary", "22nm", "area"};

static struct expr *parse(const char *text, const struct scope *scope, struct diags *d)
{
    const struct source *s = diags_source(d, "f", mem_strdup(text), strlen(text));
    return expr_parse(text, (struct mark){s, 1, 1, 1}, scope, d);
}

static void check(const struct expr *e, const struct scope *scope, struct diags *d)
{
    const double slots[] = {16, 3.5e-6, 1, 1, (double)NAN};
    struct strbuf first = STRBUF_INIT, second = STRBUF_INIT;
    double params[64];
    double value = expr_eval(e, slots);
    expr_print(e, &first);
    struct expr *back = parse(strbuf_str(&first), scope, d);
    if (back) {
        double again = expr_eval(back, slots);
        expr_print(back, &second);
        if (strcmp(strbuf_str(&first), strbuf_str(&second)) != 0 ||
            !(value == again || (isnan(value) && isnan(again)))) {
            abort();
        }
    } else if (first.len < 4096) { /* units in full may be longer than what was read */
        abort();
    }
    if (expr_kind(e) == VALUE_BOOL) {
        double x = expr_violation(e, slots);
        if ((x == 0) != (value == 1) || !(x >= 0)) {
            abort();
        }
    }
    expr_to_sql(e, scope, &first, params, 64);
    expr_free(back);
    strbuf_release(&first);
    strbuf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct symbol symbols[] = {
        {.name = "pe_rows", .kind = VALUE_NUMBER, .slot = 0, .sql = "pe_rows"},
        {.name = "area", .kind = VALUE_NUMBER, .dim = DIM_AREA, .slot = 1, .sql = "area"},
        {.name = "dataflow", .kind = VALUE_CHOICE, .labels = labels, .n_labels = 3, .slot = 2, .sql = "dataflow"},
        {.name = "fast", .kind = VALUE_BOOL, .slot = 3, .sql = "fast"},
        {.name = "ttft.p99", .kind = VALUE_NUMBER, .dim = DIM_TIME, .slot = 4, .sql = "ttft"},
    };
    const struct scope scope = {symbols, 5, "parameter"};
    struct diags d = DIAGS_INIT;
    struct strbuf sb = STRBUF_INIT;
    char *text = mem_strndup((const char *)data, size);
    struct expr *e = parse(text, &scope, &d);
    if ((e == NULL) != (d.n_errors > 0)) {
        abort();
    }
    if (e) {
        check(e, &scope, &d);
    }
    diags_format(&d, false, &sb);
    strbuf_release(&sb);
    expr_free(e);
    mem_free(text);
    diags_release(&d);
    return 0;
}
