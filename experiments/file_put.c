#include "experiments/file_put.h"

#include "base/mem.h"
#include "base/strbuf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void own_name(const char *path, struct strbuf *out)
{
    char host[100] = "";
    gethostname(host, sizeof host - 1);
    const char *slash = strrchr(path, '/');
    int folder = slash != NULL ? (int)(slash - path) + 1 : 0;
    strbuf_addf(out, "%.*s.%s.%s.%ld", folder, path, path + folder, host, (long)getpid());
}

static int write_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, data, n);
        if (done < 0 && errno != EINTR) {
            return -1;
        }
        data += done > 0 ? done : 0;
        n -= done > 0 ? (size_t)done : 0;
    }
    return 0;
}

/* All of `from` (a descriptor), or the n bytes of data when it is -1. */
static int fill(int to, int from, const char *data, size_t n)
{
    if (from < 0) {
        return write_all(to, data, n);
    }
    char *block = mem_alloc(1 << 20);
    ssize_t got;
    int bad = 0;
    while (!bad && (got = read(from, block, 1 << 20)) != 0) {
        bad = got < 0 ? errno != EINTR : write_all(to, block, (size_t)got);
    }
    mem_free(block);
    return bad ? -1 : 0;
}

/* Gives the file `own` the name `path`; `once`: unless somebody else has. link() is atomic where rename() replaces. */
static int give_name(const char *own, const char *path, bool once)
{
    if (!once) {
        return rename(own, path);
    }
    int bad = link(own, path) != 0 && errno != EEXIST, why = errno;
    unlink(own);
    errno = why;
    return bad ? -1 : 0;
}

static int put(const char *path, bool once, int from, const void *data, size_t n, struct err *err)
{
    struct strbuf name = STRBUF_INIT;
    own_name(path, &name);
    int fd = open(strbuf_str(&name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int bad = fd < 0 || fill(fd, from, data, n) < 0 || fsync(fd) != 0;
    int why = errno;
    if (fd >= 0 && close(fd) != 0 && !bad) { /* a network file system may say it only here */
        bad = 1;
        why = errno;
    }
    if (!bad && give_name(strbuf_str(&name), path, once) != 0) {
        bad = 1;
        why = errno;
    }
    if (bad) {
        unlink(strbuf_str(&name));
        err_set(err, ERR_IO, "cannot write '%s': %s", path, strerror(why));
    }
    strbuf_release(&name);
    return bad ? -1 : 0;
}

int file_put(const char *path, const void *data, size_t n, struct err *err)
{
    return put(path, false, -1, data, n, err);
}

int file_put_once(const char *path, const void *data, size_t n, struct err *err)
{
    return put(path, true, -1, data, n, err);
}

int file_copy(const char *from, const char *path, struct err *err)
{
    int fd = open(from, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_set(err, ERR_NOINPUT, "cannot open '%s': %s", from, strerror(errno));
    }
    int bad = put(path, false, fd, NULL, 0, err);
    close(fd);
    return bad;
}

void folder_remove(const char *dir)
{
    DIR *d = opendir(dir);
    for (const struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            struct strbuf path = STRBUF_INIT;
            struct stat st;
            strbuf_addf(&path, "%s/%s", dir, e->d_name);
            if (lstat(strbuf_str(&path), &st) == 0 && S_ISDIR(st.st_mode)) {
                folder_remove(strbuf_str(&path));
            } else {
                unlink(strbuf_str(&path));
            }
            strbuf_release(&path);
        }
    }
    if (d != NULL) {
        closedir(d);
    }
    rmdir(dir);
}
