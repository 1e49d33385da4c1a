/* Any text as a case, under each accounting: one line comes back, an error's too, and what was priced has no negative number. */
#include "base/strbuf.h"
#include "experiments/case.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int a = 0; a < ACCOUNTING_COUNT; a++) {
        struct strbuf out = STRBUF_INIT;
        int rc = case_run((const char *)data, size, (enum accounting)a, &out);
        const char *text = strbuf_str(&out);
        bool says = strstr(text, "\"error\":") != NULL;
        if (out.len == 0 || text[out.len - 1] != '\n' || (rc != 0 && !says) ||
            (rc == 0 && strstr(text, ":-") != NULL)) {
            fprintf(stderr, "%s", text);
            abort();
        }
        strbuf_release(&out);
    }
    return 0;
}
