/* Any bytes as a template file. It is either refused with located errors, or it builds with its defaults into a sound accelerator, or is
 * refused with a sentence. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "hw/template.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 keeps a buffer when it gives up inside of a quoted text. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml";
}

static void build(const struct template *t)
{
    int n;
    template_params(t, &n);
    double *values = mem_calloc((size_t)n, sizeof *values);
    struct accelerator a;
    struct err err = ERR_INIT;
    template_defaults(t, values);
    if (template_build(t, values, &a, &err) == 0) {
        if (accelerator_check(&a, NULL) < 0) {
            abort();
        }
    } else if (err.code != ERR_NO && err.code != ERR_DATA) {
        abort();
    }
    mem_free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diags d = DIAGS_INIT;
    struct template *t = template_read("fuzz.yaml", (const char *)data, size, &d);
    if ((t == NULL) != (d.n_errors > 0)) {
        abort();
    }
    if (t != NULL) {
        build(t);
    }
    struct strbuf text = STRBUF_INIT;
    diags_format(&d, false, &text);
    strbuf_release(&text);
    template_free(t);
    diags_release(&d);
    return 0;
}
