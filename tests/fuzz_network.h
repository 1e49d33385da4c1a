/* What the fuzzers of readers of networks share: what is read must be counted without overflow and printed. One file includes this once. */
#ifndef TESTS_FUZZ_NETWORK_H
#define TESTS_FUZZ_NETWORK_H

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

static int fuzz_network(const uint8_t *data, size_t size,
                        struct network *(*read)(const char *text, size_t size, struct diags *d))
{
    struct diags d = DIAGS_INIT;
    struct strbuf out = STRBUF_INIT;
    char *text = mem_alloc(size + 1);
    if (size > 0) {
        memcpy(text, data, size);
    }
    struct network *net = read(text, size, &d);
    if (net != NULL) {
        struct network_totals t;
        network_totals(net, &t);
        network_canonical(net, &out);
    }
    diags_format(&d, false, &out);
    network_free(net);
    mem_free(text);
    strbuf_release(&out);
    diags_release(&d);
    return 0;
}

#endif
