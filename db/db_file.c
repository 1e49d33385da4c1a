/* The file as the operating system sees it: who writes it, and on what kind of disk it
 * lies.
 *
 * The writer holds an open-file-description lock on '<path>-lock'. It is not taken on
 * the database itself, because closing any descriptor of that file would drop SQLite's
 * own POSIX locks. The kernel drops the lock when the process dies, however it dies, so
 * a file left behind means nothing. The lock file says who holds it, for the message.
 */
#include "db/db_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* statfs(2) and linux/magic.h; Lustre, GPFS, BeeGFS from their sources. */
static const struct {
    unsigned long magic;
    const char *name;
} network[] = {
    {0x6969, "NFS"},      {0x517B, "SMB"},        {0xFF534D42, "CIFS"}, {0xFE534D42, "SMB2"}, {0x0BD00BD0, "Lustre"},
    {0x47504653, "GPFS"}, {0x19830326, "BeeGFS"}, {0x00C36400, "Ceph"}, {0x5346414F, "AFS"},  {0xAAD7AAEA, "PanFS"},
};

const char *db_network_name(unsigned long f_type)
{
    for (size_t i = 0; i < sizeof network / sizeof *network; i++) {
        if ((f_type & 0xFFFFFFFFUL) == network[i].magic) {
            return network[i].name;
        }
    }
    return NULL;
}

int db_check_file(const char *path, struct err *err)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode)
               ? err_set(err, ERR_USAGE, "'%s' is a folder; name a file (e.g. %s/study.db)", path, path)
               : 0;
}

int db_check_local(const char *path, struct err *err)
{
    if (db_check_file(path, err)) {
        return -1;
    }
    struct statfs fs;
    struct strbuf folder = STRBUF_INIT;
    int rc = statfs(path, &fs);
    if (rc && errno == ENOENT) {
        const char *slash = strrchr(path, '/');
        strbuf_add(&folder, path, slash ? (size_t)(slash - path) + 1 : 0);
        rc = statfs(slash ? folder.buf : ".", &fs);
    }
    strbuf_release(&folder);
    if (rc) {
        return err_set(err, ERR_IO, "cannot write '%s': %s", path, strerror(errno));
    }
    const char *name = db_network_name((unsigned long)fs.f_type);
    if (name) {
        return err_set(err, ERR_IO,
                       "'%s' lies on %s, a network file system whose locks SQLite cannot "
                       "trust; write to a local disk (e.g. -o \"$TMPDIR\"/study.db), one "
                       "file a process, and unite them with `dovetail merge`",
                       path, name);
    }
    return 0;
}

static int lock_set(int fd, int command, struct flock *lock)
{
    memset(lock, 0, sizeof *lock);
    lock->l_type = F_WRLCK;
    lock->l_whence = SEEK_SET;
    return fcntl(fd, command, lock);
}

/* The file locked may have been unlinked by the holder before us: then nobody else
 * would see our lock. */
static bool same_file(const char *name, int fd)
{
    struct stat a, b;
    return !fstat(fd, &a) && !stat(name, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int lock_refused(const char *path, int fd, struct err *err)
{
    char who[200];
    ssize_t n = pread(fd, who, sizeof who - 1, 0);
    who[n > 0 ? n : 0] = '\0';
    who[strcspn(who, "\n")] = '\0';
    return err_set(err, ERR_IO,
                   "'%s' is being written by another search (%s); wait for it or stop it "
                   "first, or give this one its own file",
                   path, *who ? who : "starting");
}

int db_lock(const char *path, int *fd, struct err *err)
{
    struct strbuf name = STRBUF_INIT;
    struct flock lock;
    int rc = -1;
    strbuf_addf(&name, "%s-lock", path);
    for (*fd = -1; *fd < 0;) {
        *fd = open(name.buf, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (*fd < 0) {
            err_set(err, ERR_IO, "cannot write '%s': %s", name.buf, strerror(errno));
            goto done;
        }
        if (lock_set(*fd, F_OFD_SETLK, &lock)) {
            lock_refused(path, *fd, err);
            close(*fd);
            *fd = -1;
            goto done;
        }
        if (!same_file(name.buf, *fd)) {
            close(*fd);
            *fd = -1;
        }
    }
    char host[100] = "", who[200];
    gethostname(host, sizeof host - 1);
    int n = snprintf(who, sizeof who, "process %ld on %s\n", (long)getpid(), host);
    /* Only for messages: that it cannot be written harms nobody. */
    bool told = ftruncate(*fd, 0) == 0 && pwrite(*fd, who, (size_t)n, 0) == n;
    (void)told;
    rc = 0;
done:
    strbuf_release(&name);
    return rc;
}

void db_unlock(const char *path, int fd)
{
    if (fd < 0) {
        return;
    }
    struct strbuf name = STRBUF_INIT;
    strbuf_addf(&name, "%s-lock", path);
    if (same_file(name.buf, fd)) {
        unlink(name.buf);
    }
    close(fd);
    strbuf_release(&name);
}

bool db_lock_held(const char *path)
{
    struct strbuf name = STRBUF_INIT;
    strbuf_addf(&name, "%s-lock", path);
    int fd = open(name.buf, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        fd = open(name.buf, O_RDONLY | O_CLOEXEC);
    }
    strbuf_release(&name);
    if (fd < 0) {
        return false;
    }
    struct flock lock;
    bool held = !lock_set(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
    close(fd);
    return held;
}
