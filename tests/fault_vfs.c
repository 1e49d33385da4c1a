#include "tests/fault_vfs.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>

const char *const fault_names[FAULT_KIND_COUNT] = {"open", "read", "write", "sync", "truncate", "share"};

/* A test's own state: several threads write. */
static _Atomic int kind_wanted, countdown, hits, code_given;
static _Atomic bool stays;
static sqlite3_vfs *real;

struct fault_file {
    sqlite3_file base;
    sqlite3_file *real; /* right behind this struct */
};

void fault_set(enum fault_kind kind, int n, int code, bool stay)
{
    countdown = 0;
    hits = 0;
    kind_wanted = (int)kind;
    code_given = code;
    stays = stay;
    countdown = n;
}

int fault_hits(void)
{
    return hits;
}

/* SQLITE_OK, or the code with which this operation is to fail. */
static int fault(enum fault_kind kind)
{
    if ((int)kind != kind_wanted || countdown <= 0) {
        return SQLITE_OK;
    }
    if (countdown > 1) {
        countdown--;
        return SQLITE_OK;
    }
    hits++;
    if (!stays) {
        countdown = 0;
    }
    return code_given;
}

static sqlite3_file *inner(sqlite3_file *f)
{
    return ((struct fault_file *)(void *)f)->real;
}

#define TRY(kind)                                                                                                      \
    do {                                                                                                               \
        int rc_ = fault(kind);                                                                                         \
        if (rc_ != SQLITE_OK) {                                                                                        \
            return rc_;                                                                                                \
        }                                                                                                              \
    } while (0)

static int x_close(sqlite3_file *f)
{
    return inner(f)->pMethods ? inner(f)->pMethods->xClose(inner(f)) : SQLITE_OK;
}

static int x_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    TRY(FAULT_READ);
    return inner(f)->pMethods->xRead(inner(f), p, n, at);
}

static int x_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    int rc = fault(FAULT_WRITE);
    if (rc != SQLITE_OK) { /* half of it reaches the disk */
        inner(f)->pMethods->xWrite(inner(f), p, n / 2, at);
        return rc;
    }
    return inner(f)->pMethods->xWrite(inner(f), p, n, at);
}

static int x_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    TRY(FAULT_TRUNCATE);
    return inner(f)->pMethods->xTruncate(inner(f), size);
}

static int x_sync(sqlite3_file *f, int flags)
{
    TRY(FAULT_SYNC);
    return inner(f)->pMethods->xSync(inner(f), flags);
}

static int x_file_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return inner(f)->pMethods->xFileSize(inner(f), size);
}

static int x_lock(sqlite3_file *f, int level)
{
    return inner(f)->pMethods->xLock(inner(f), level);
}

static int x_unlock(sqlite3_file *f, int level)
{
    return inner(f)->pMethods->xUnlock(inner(f), level);
}

static int x_check_lock(sqlite3_file *f, int *out)
{
    return inner(f)->pMethods->xCheckReservedLock(inner(f), out);
}

static int x_control(sqlite3_file *f, int op, void *arg)
{
    return inner(f)->pMethods->xFileControl(inner(f), op, arg);
}

static int x_sector(sqlite3_file *f)
{
    return inner(f)->pMethods->xSectorSize(inner(f));
}

static int x_device(sqlite3_file *f)
{
    return inner(f)->pMethods->xDeviceCharacteristics(inner(f));
}

static int x_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **p)
{
    TRY(FAULT_SHARE);
    return inner(f)->pMethods->xShmMap(inner(f), page, size, extend, p);
}

static int x_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return inner(f)->pMethods->xShmLock(inner(f), offset, n, flags);
}

static void x_shm_barrier(sqlite3_file *f)
{
    inner(f)->pMethods->xShmBarrier(inner(f));
}

static int x_shm_unmap(sqlite3_file *f, int remove)
{
    return inner(f)->pMethods->xShmUnmap(inner(f), remove);
}

/* Version 2: no memory mapping, so that every read comes through here. */
static const sqlite3_io_methods methods = {
    2,         x_close,  x_read,   x_write,   x_truncate, x_sync,        x_file_size, x_lock, x_unlock, x_check_lock,
    x_control, x_sector, x_device, x_shm_map, x_shm_lock, x_shm_barrier, x_shm_unmap, NULL,   NULL};

static int x_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f, int flags, int *out)
{
    struct fault_file *ff = (struct fault_file *)(void *)f;
    (void)vfs;
    f->pMethods = NULL;
    TRY(FAULT_OPEN);
    ff->real = (sqlite3_file *)(void *)(ff + 1);
    memset(ff->real, 0, (size_t)real->szOsFile);
    int rc = real->xOpen(real, name, ff->real, flags, out);
    if (ff->real->pMethods) {
        f->pMethods = &methods;
    }
    return rc;
}

void fault_install(void)
{
    static sqlite3_vfs vfs;
    if (real) {
        return;
    }
    real = sqlite3_vfs_find(NULL);
    vfs = *real;
    vfs.zName = "fault";
    vfs.szOsFile = (int)sizeof(struct fault_file) + real->szOsFile;
    vfs.xOpen = x_open;
    sqlite3_vfs_register(&vfs, 1);
}
