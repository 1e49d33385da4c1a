/* See shell.h. Standard error goes through a file, since popen() gives one pipe. */
#include "tests/shell.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void read_all(FILE *f, struct strbuf *out)
{
    char part[4096];
    size_t n;
    while ((n = fread(part, 1, sizeof part, f)) > 0) {
        strbuf_add(out, part, n);
    }
}

void shell_run(struct shell *sh, const char *fmt, ...)
{
    strbuf_reset(&sh->out);
    strbuf_reset(&sh->err);
    char path[] = "/tmp/dovetail_test_XXXXXX";
    int fd = mkstemp(path);
    const char *program = getenv("DOVETAIL");
    struct strbuf command = STRBUF_INIT;
    strbuf_addf(&command, "dovetail() { %s \"$@\"; }; exec 2>%s; ", program ? program : "build/release/dovetail", path);
    va_list ap;
    va_start(ap, fmt);
    strbuf_vaddf(&command, fmt, ap);
    va_end(ap);
    FILE *pipe = popen(strbuf_str(&command), "r");
    read_all(pipe, &sh->out);
    int status = pclose(pipe);
    sh->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    FILE *err = fdopen(fd, "r");
    read_all(err, &sh->err);
    fclose(err);
    unlink(path);
    strbuf_release(&command);
}

void shell_release(struct shell *sh)
{
    strbuf_release(&sh->out);
    strbuf_release(&sh->err);
}
