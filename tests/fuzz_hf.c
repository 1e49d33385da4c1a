/* libFuzzer: Hugging Face configs. */
#include "tests/fuzz_network.h"

static struct network *read_text(const char *text, size_t size, struct diags *d)
{
    return import_hf("fuzz.json", text, size, NULL, 0, 1, d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_network(data, size, read_text);
}
