/* libFuzzer: SCALE-Sim topologies. */
#include "tests/fuzz_network.h"

static struct network *read_text(const char *text, size_t size, struct diags *d)
{
    return import_scalesim("fuzz.csv", text, size, 1, d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_network(data, size, read_text);
}
