/* libFuzzer: model files. What is read must be counted without overflow and printed. */
#include "base/diag.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "sw/import.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 keeps a buffer when it gives up inside of a nested flow collection. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diags d = DIAGS_INIT;
    struct strbuf text_out = STRBUF_INIT;
    char *text = mem_alloc(size + 1);
    if (size > 0) {
        memcpy(text, data, size);
    }
    struct network *net = network_load_text("fuzz.yaml", text, size, NULL, 0, 1, &d);
    if (net) {
        struct network_totals t;
        network_totals(net, &t);
        network_canonical(net, &text_out);
    }
    diags_format(&d, false, &text_out);
    network_free(net);
    mem_free(text);
    strbuf_release(&text_out);
    diags_release(&d);
    return 0;
}
