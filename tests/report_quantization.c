/* docs/validation.md, "quantization": the perplexity law against rows that it was fitted to, and against the others. */
#include "base/diag.h"
#include "base/strbuf.h"
#include "sw/accuracy.h"

#include <stdio.h>

int main(void)
{
    static const char *const llms[] = {"LLaMA-7B",    "LLaMA-13B",  "Llama-2-7B",
                                       "Llama-2-70B", "Llama-3-8B", "Llama-3-70B"};
    struct diags d = DIAGS_INIT;
    struct network *net = network_load("gpt2", NULL, 0, 1, &d);
    printf("| | perplexity of fp16 | c0 | c1 | rows fitted to | their rms in ln PPL | rms of the other rows |\n");
    printf("| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for (size_t i = 0; net != NULL && i < sizeof llms / sizeof *llms; i++) {
        const struct accuracy_request r = {.kind = ACCURACY_TABLE, .table = llms[i]};
        struct accuracy *acc = accuracy_open(&r, net, &d);
        struct accuracy_info info;
        if (acc == NULL) {
            break;
        }
        accuracy_info(acc, &info);
        printf("| %s | %.4f | %.2f | %.2f | %d | %.4f | %.4f |\n", info.proxy, info.baseline_percent, info.scale_pp,
               info.omega_scale, info.n_points, info.rmse_pp, info.loo_rmse_pp);
        accuracy_free(acc);
    }
    int failed = d.n_errors > 0;
    network_free(net);
    diags_release(&d);
    return failed;
}
