/* Any text as a Timeloop file, beside a sound problem and architecture when it is a mapping. What is read is written again, and what is
 * written is read; a refusal has an error. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "experiments/case.h"
#include "experiments/timeloop.h"
#include "sw/import.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 keeps a buffer when it gives up inside of a nested flow collection. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml";
}

static bool same_mapping(const struct timeloop *t, const struct case_problem *p)
{
    struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
    mapping_write(&t->mapping, &t->accelerator, &t->einsum, &a);
    mapping_write(&p->mapping, &p->accelerator, &p->einsum, &b);
    bool same = strcmp(strbuf_str(&a), strbuf_str(&b)) == 0;
    strbuf_release(&a);
    strbuf_release(&b);
    return same;
}

static void write_all(const struct timeloop *t)
{
    static struct case_problem p;
    struct strbuf sb = STRBUF_INIT;
    struct err err = ERR_INIT;
    if (t->has_arch) {
        timeloop_template(&t->arch, t->has_problem ? &t->einsum : NULL, &sb, &err);
    }
    if (t->has_mapping) {
        timeloop_mapping(&t->mapping, &t->arch, &t->einsum, &sb, &err);
        strbuf_reset(&sb);
        timeloop_case(t, "fuzz", &sb);
        err = (struct err)ERR_INIT;
        if (case_read(strbuf_str(&sb), sb.len, &p, &err) != 0 || !same_mapping(t, &p)) {
            fprintf(stderr, "%s: %s\n", err.text, strbuf_str(&sb));
            abort();
        }
    }
    strbuf_release(&sb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[32]; /* of a file in memory alone */
    static int fd = -1;
    static struct timeloop t;
    if (fd < 0) {
        fd = memfd_create("fuzz_timeloop", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (fd < 0 || memmem(data, size, "include_text", 12)) {
        return 0;
    }
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size) {
        return 0;
    }
    const char *const paths[] = {path, "tests/fixtures/timeloop/problem.yaml", "tests/fixtures/timeloop/arch.yaml"};
    bool mapping = memmem(data, size, "mapping:", 8) && !memmem(data, size, "problem:", 8);
    struct diags d = DIAGS_INIT;
    struct strbuf sb = STRBUF_INIT;
    int rc = timeloop_read(paths, mapping ? 3 : 1, &t, &d);
    if ((rc != 0) != (d.n_errors > 0)) {
        abort();
    }
    if (rc == 0) {
        write_all(&t);
    }
    network_free(import_timeloop(path, 1, &d));
    diags_format(&d, false, &sb);
    strbuf_release(&sb);
    diags_release(&d);
    return 0;
}
