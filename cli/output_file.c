#include "cli/output_file.h"

#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

FILE *output_open(const struct cli *cli, const char *path, bool force, int *status)
{
    *status = 0;
    if (path == NULL || strcmp(path, "-") == 0) {
        return stdout;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL), 0666);
    if (fd < 0) {
        *status = errno == EEXIST ? cli_fail(cli, ERR_USAGE, "'%s' exists; --force overwrites it", path)
                                  : cli_fail(cli, ERR_IO, "cannot make '%s': %s", path, strerror(errno));
        return NULL;
    }
    return fdopen(fd, "w");
}

int output_close(const struct cli *cli, FILE *f, const char *path)
{
    if (f == stdout) { /* cli_main() looks after it */
        return 0;
    }
    bool bad = ferror(f) != 0;
    bad = fclose(f) != 0 || bad;
    return bad ? cli_fail(cli, ERR_IO, "cannot write '%s': %s", path, strerror(errno)) : 0;
}

int output_text(const struct cli *cli, const char *path, bool force, const struct strbuf *text)
{
    int status;
    FILE *f = output_open(cli, path, force, &status);
    if (f == NULL) {
        return status;
    }
    fwrite(strbuf_str(text), 1, text->len, f);
    status = output_close(cli, f, path);
    if (status == 0 && f != stdout) {
        cli_say(cli, "wrote %s (%zu bytes)", path, text->len);
    }
    return status;
}
