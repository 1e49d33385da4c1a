/* libFuzzer: ONNX files. What is read must be counted without overflow and printed. */
#include "base/diag.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "sw/import.h"
#include "sw/quantizer.h"
#include "sw/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The weights that are there can be quantized. */
static void read_weights(const uint8_t *data, size_t size)
{
    struct diags d = DIAGS_INIT;
    struct weights *w = mem_alloc(sizeof *w);
    const struct quantizer q = {.per = QUANTIZER_CHANNEL};
    network_free(import_onnx_weights("fuzz.onnx", data, size, NULL, 0, 1, w, &d));
    for (int i = 0; i < w->n_ops; i++) {
        if (w->of[i].value && !(quantizer_noise(&q, 4, w->of[i].value, w->of[i].channels, w->of[i].per_channel) >= 0)) {
            __builtin_trap();
        }
    }
    weights_free(w);
    diags_release(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diags d = DIAGS_INIT;
    struct strbuf text_out = STRBUF_INIT;
    struct network *net = import_onnx("fuzz.onnx", data, size, NULL, 0, 1, false, NULL, &d);
    if (net) {
        struct network_totals t;
        network_totals(net, &t);
        network_canonical(net, &text_out);
    }
    diags_format(&d, false, &text_out);
    network_free(net);
    strbuf_release(&text_out);
    diags_release(&d);
    read_weights(data, size);
    return 0;
}
