#include "experiments/study_files.h"

#include "base/mem.h"
#include "base/strbuf.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void add(struct study_files *f, char *path)
{
    MEM_GROW(f->path, f->n, f->cap);
    f->path[f->n++] = path;
}

static bool is_database(const char *name)
{
    size_t n = strlen(name);
    return n > 3 && name[0] != '.' && strcmp(name + n - 3, ".db") == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return b && !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int add_folder(struct study_files *f, const char *folder, const char *except, struct err *err)
{
    DIR *dir = opendir(folder);
    int first = f->n;
    if (!dir) {
        return err_set(err, ERR_NOINPUT, "cannot read '%s': %s", folder, strerror(errno));
    }
    for (const struct dirent *e; (e = readdir(dir));) {
        struct strbuf path = STRBUF_INIT;
        bool here = strcmp(folder, ".") == 0;
        strbuf_addf(&path, "%s%s%s", here ? "" : folder, here ? "" : "/", e->d_name);
        if (is_database(e->d_name) && !same_file(path.buf, except)) {
            add(f, strbuf_detach(&path));
        }
        strbuf_release(&path);
    }
    closedir(dir);
    if (f->n == first) {
        return err_set(err, ERR_NOINPUT, "no database (.db) in '%s'", folder);
    }
    qsort(f->path + first, (size_t)(f->n - first), sizeof *f->path, by_name);
    return 0;
}

int study_files_add(struct study_files *f, const char *path, const char *except, struct err *err)
{
    struct stat st;
    if (stat(path, &st)) {
        return err_set(err, ERR_NOINPUT, "cannot open '%s': %s", path, strerror(errno));
    }
    if (S_ISDIR(st.st_mode)) {
        return add_folder(f, path, except, err);
    }
    add(f, mem_strdup(path));
    return 0;
}

void study_files_release(struct study_files *f)
{
    for (int i = 0; i < f->n; i++) {
        mem_free(f->path[i]);
    }
    mem_free(f->path);
    *f = (struct study_files){0};
}
