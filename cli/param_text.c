#include "cli/param_text.h"

#include "base/strbuf.h"

void param_text(const struct template_param *p, double value, struct strbuf *out)
{
    if (p->type == PARAM_CHOICE) {
        strbuf_adds(out, p->labels[(int)value]);
    } else if (p->type == PARAM_BOOL) {
        strbuf_adds(out, value != 0 ? "true" : "false");
    } else {
        quantity_print(value, p->dim, out);
    }
}
