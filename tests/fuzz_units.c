/* Any text through the reader of quantities. What is read is finite, prints exactly as a text that reads back to the same bits, and
 * prints for people within half a unit of the third digit. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/units.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(double value, struct dim dim)
{
    struct strbuf sb = STRBUF_INIT;
    struct dim back_dim;
    double back;
    int at;
    char name[64];
    quantity_print_exact(value, dim, &sb);
    if (quantity_scan(strbuf_str(&sb), &back, &back_dim, &at) != (int)sb.len || back != value ||
        !dim_equal(dim, back_dim)) {
        abort();
    }
    strbuf_reset(&sb);
    quantity_print(value, dim, &sb);
    int used = quantity_scan(strbuf_str(&sb), &back, &back_dim, &at);
    if (used != QUANTITY_RANGE && (used != (int)sb.len || fabs(back - value) > 0.00501 * fabs(value))) {
        abort();
    }
    dim_name(dim, name, sizeof name);
    strbuf_release(&sb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_strndup((const char *)data, size);
    struct strbuf help = STRBUF_INIT;
    double value;
    struct dim dim;
    int at;
    int used = quantity_scan(text, &value, &dim, &at);
    if (!isfinite(value) || used > (int)strlen(text) || at > (int)strlen(text)) {
        abort();
    }
    if (used > 0) {
        check(value, dim);
    } else if (used == QUANTITY_BAD_UNIT) {
        unit_help(text + at, unit_length(text + at), &help);
    }
    strbuf_release(&help);
    mem_free(text);
    return 0;
}
