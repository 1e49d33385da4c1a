/* dovetail doctor: what this program was built with and finds here; the first thing to ask for in a bug report. Status 1
 * when something would keep a study from running well. */
#include "base/embed.h"
#include "base/strbuf.h"
#include "base/version.h"
#include "cli/cli.h"

#include <errno.h>
#include <gsl/gsl_version.h>
#include <libfyaml.h>
#include <nlopt.h>
#include <omp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <xxhash.h>

char *openblas_get_config(void); /* openblas_config.h lies in a folder of its own on each system */

enum { SQLITE_NEEDED = 3037000 }; /* STRICT tables */

/* statfs(2) magic numbers; `network`: no WAL and no locks to rely on (sqlite.org/wal.html, section 1). */
static const struct {
    unsigned long magic;
    const char *name;
    bool network;
} file_systems[] = {{0xEF53, "ext4", false},      {0x58465342, "xfs", false},       {0x9123683E, "btrfs", false},
                    {0x01021994, "tmpfs", false}, {0x794c7630, "overlayfs", false}, {0x2FC12FC1, "zfs", false},
                    {0x6969, "nfs", true},        {0x0BD00BD0, "lustre", true},     {0x47504653, "gpfs", true},
                    {0xFF534D42, "cifs", true},   {0xFE534D42, "smb2", true},       {0x00C36400, "ceph", true},
                    {0x19830326, "beegfs", true}, {0x65735546, "fuse", true},       {0x01021997, "9p", true}};

struct report {
    const struct cli *cli;
    json_t *rows;
    int problems;
};

static void row(struct report *r, const char *name, const char *value, const char *problem)
{
    r->problems += problem != NULL;
    if (r->cli->json) {
        json_array_append_new(r->rows, json_pack("{s:s, s:s, s:s*}", "name", name, "value", value, "problem", problem));
        return;
    }
    const char *mark = problem ? (r->cli->color_out ? "\033[31m!\033[0m" : "!") : " ";
    printf("%s %-16s %s\n", mark, name, value);
    if (problem) {
        printf("  %-16s %s\n", "", problem);
    }
}

static void check_build(struct report *r)
{
    char text[256];
    const char *commit = dovetail_commit();
    snprintf(text, sizeof text, "%s%s%s%s", dovetail_version(), *commit ? " (" : "", commit, *commit ? ")" : "");
    row(r, "dovetail", text, NULL);
    row(r, "compiler", __VERSION__, NULL);
    int n;
    embed_list(&n);
    snprintf(text, sizeof text, "%d built in", n);
    row(r, "data files", text, n ? NULL : "the program was built without its templates and models");
}

static void check_libraries(struct report *r)
{
    char text[256];
    row(r, "SQLite", sqlite3_libversion(),
        sqlite3_libversion_number() < SQLITE_NEEDED ? "3.37 or newer is needed" : NULL);
    row(r, "libfyaml", fy_library_version(), NULL);
    row(r, "jansson", jansson_version_str(), NULL);
    row(r, "GSL", gsl_version, NULL);
    char *config = openblas_get_config();
    row(r, "OpenBLAS", config, NULL);
    int major, minor, bugfix;
    nlopt_version(&major, &minor, &bugfix);
    snprintf(text, sizeof text, "%d.%d.%d", major, minor, bugfix);
    row(r, "NLopt", text, NULL);
    unsigned xxh = XXH_versionNumber();
    snprintf(text, sizeof text, "%u.%u.%u", xxh / 10000, xxh / 100 % 100, xxh % 100);
    row(r, "xxHash", text, NULL);
}

static void check_machine(struct report *r)
{
    char text[256];
    snprintf(text, sizeof text, "%d on %d processors (OpenMP %d)", omp_get_max_threads(), omp_get_num_procs(), _OPENMP);
    row(r, "threads", text,
        omp_get_max_threads() > omp_get_num_procs() ? "OMP_NUM_THREADS is above the processors" : NULL);
    long pages = sysconf(_SC_PHYS_PAGES);
    long page = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page > 0) {
        snprintf(text, sizeof text, "%.1f GiB", (double)pages * (double)page / 1073741824.0);
        row(r, "memory", text, NULL);
    }
}

/* Where a study's database would be made. */
static void check_here(struct report *r)
{
    char text[4200];
    char *cwd = getcwd(NULL, 0);
    row(r, "here", cwd ? cwd : "?", access(".", W_OK) ? "not writable: a study cannot keep its results here" : NULL);
    free(cwd);
    struct statfs fs;
    struct statvfs space;
    if (statfs(".", &fs) || statvfs(".", &space)) {
        row(r, "file system", "unknown", strerror(errno));
        return;
    }
    const char *name = NULL;
    bool network = false;
    for (size_t i = 0; i < sizeof file_systems / sizeof file_systems[0]; i++) {
        if (file_systems[i].magic == (unsigned long)fs.f_type) {
            name = file_systems[i].name;
            network = file_systems[i].network;
        }
    }
    double free_bytes = (double)space.f_bavail * (double)space.f_frsize;
    if (name) {
        snprintf(text, sizeof text, "%s, %.1f GiB free", name, free_bytes / 1073741824.0);
    } else {
        snprintf(text, sizeof text, "type 0x%lx, %.1f GiB free", (unsigned long)fs.f_type, free_bytes / 1073741824.0);
    }
    const char *problem = network ? "a network file system: let one process only write "
                                    "to a study's database here"
                                  : NULL;
    row(r, "file system", text, free_bytes < 100e6 ? "less than 100 MB free" : problem);
}

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    (void)values, (void)n_args, (void)args;
    struct report r = {cli, json_array(), 0};
    check_build(&r);
    check_libraries(&r);
    check_machine(&r);
    check_here(&r);
    if (cli->json) {
        cli_json(json_pack("{s:b, s:o}", "ok", r.problems == 0, "findings", r.rows));
    } else {
        json_decref(r.rows);
        printf("%s\n", r.problems ? "see the lines with !" : "all is well");
    }
    return r.problems ? ERR_NO : 0;
}

const struct verb verb_doctor = {.name = "doctor",
                                 .args = "",
                                 .help = "show what is built in and found here, and what is wrong with it",
                                 .run = run};
