/* libFuzzer: SCALE-Sim architectures. */
#include "experiments/scalesim_config.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diags d = DIAGS_INIT;
    struct strbuf out = STRBUF_INIT, text = STRBUF_INIT;
    strbuf_add(&text, data, size);
    scalesim_config("fuzz.cfg", strbuf_str(&text), text.len, &out, &d);
    diags_format(&d, false, &out);
    strbuf_release(&out);
    strbuf_release(&text);
    diags_release(&d);
    return 0;
}
