/* Finding a model by its name or path, and the reader for it by the file's ending. */
#include "base/diag.h"
#include "base/embed.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "sw/import.h"

#include <string.h>
#include <sys/stat.h>

#define MAX_FILE ((size_t)1 << 31)

static const struct mark nowhere = {NULL, 0, 0, 0};

static const char models_dir[] = "sw/models/";

/* The models shipped, without folder and ending, for "did you mean". */
static int unknown_model(const char *model, struct diags *d)
{
    int n, count = 0;
    const struct embed *files = embed_list(&n);
    char **names = mem_calloc((size_t)n + 1, sizeof *names);
    for (int i = 0; i < n; i++) {
        if (strncmp(files[i].path, models_dir, sizeof models_dir - 1) == 0) {
            const char *base = files[i].path + sizeof models_dir - 1;
            names[count++] = mem_strndup(base, strlen(base) - strlen(".yaml"));
        }
    }
    struct strbuf help = STRBUF_INIT;
    const char *near = suggest(model, (const char *const *)names, count);
    if (near != NULL) {
        strbuf_addf(&help, "did you mean '%s'?", near);
    } else {
        strbuf_adds(&help, "a name of these, or a path with a '/':");
        for (int i = 0; i < count; i++) {
            strbuf_addf(&help, " %s", names[i]);
        }
    }
    diags_error(d, nowhere, strbuf_str(&help), "unknown model '%s'", model);
    strbuf_release(&help);
    for (int i = 0; i < count; i++) {
        mem_free(names[i]);
    }
    mem_free(names);
    return -1;
}

/* What a reader is given. */
struct request {
    const char *name, *text;
    size_t len;
    const struct network_arg *args;
    int n_args;
    int64_t batch;
    struct diags *d;
};

static struct network *read_timeloop(const struct request *r)
{
    if (r->n_args > 0) {
        diags_error(r->d, nowhere, NULL, "'%s' has no parameter '%s': Timeloop's problems have none", r->name,
                    r->args[0].name);
        return NULL;
    }
    return import_timeloop(r->name, r->batch, r->d);
}

static struct network *read_model(const struct request *r)
{
    const char *part = import_timeloop_part(r->text); /* a model file has none of them */
    if (part && strcmp(part, "problem") == 0) {
        return read_timeloop(r);
    }
    if (part) {
        diags_error(r->d, nowhere, "`dovetail import timeloop FILE..` reads architectures and mappings of v0.4",
                    "'%s' is no workload: it holds Timeloop's '%s'", r->name, part);
        return NULL;
    }
    return network_load_text(r->name, r->text, r->len, r->args, r->n_args, r->batch, r->d);
}

static struct network *read_scalesim(const struct request *r)
{
    if (r->n_args > 0) {
        diags_error(r->d, nowhere, NULL, "'%s' has no parameter '%s': a topology file has none", r->name,
                    r->args[0].name);
        return NULL;
    }
    return import_scalesim(r->name, r->text, r->len, r->batch, r->d);
}

static struct network *read_hf(const struct request *r)
{
    return import_hf(r->name, r->text, r->len, r->args, r->n_args, r->batch, r->d);
}

static struct network *read_onnx(const struct request *r)
{
    return import_onnx(r->name, r->text, r->len, r->args, r->n_args, r->batch, false, NULL, r->d);
}

static const struct {
    const char *ending;
    struct network *(*read)(const struct request *r);
} formats[] = {
    {".yaml", read_model}, {".yml", read_model}, {".csv", read_scalesim}, {".json", read_hf}, {".onnx", read_onnx},
};
enum { FORMATS = sizeof formats / sizeof *formats };

/* Index of the format, -1 for none. */
static int format_of(const char *path)
{
    size_t n = strlen(path);
    for (int i = 0; i < FORMATS; i++) {
        size_t e = strlen(formats[i].ending);
        if (n > e && strcmp(path + n - e, formats[i].ending) == 0) {
            return i;
        }
    }
    return -1;
}

bool import_is_pointer(const char *name, const char *text, size_t len, struct diags *d)
{
    static const char start[] = "version https://git-lfs";
    if (len < sizeof start - 1 || memcmp(text, start, sizeof start - 1) != 0) {
        return false;
    }
    diags_error(d, nowhere, "fetch the file with 'git lfs pull'", "'%s' is a Git LFS pointer, not the file", name);
    return true;
}

static struct network *load_file(int format, struct request *r)
{
    struct err err = ERR_INIT;
    char *text = file_read(r->name, MAX_FILE, &r->len, &err);
    if (text == NULL) {
        r->d->n_unreadable += err.code != ERR_DATA;
        diags_error(r->d, nowhere, NULL, "%s", err.text);
        return NULL;
    }
    r->text = text;
    struct network *net = import_is_pointer(r->name, text, r->len, r->d) ? NULL : formats[format].read(r);
    mem_free(text);
    return net;
}

struct network *network_load(const char *model, const struct network_arg *args, int n_args, int64_t batch,
                             struct diags *d)
{
    struct request r = {model, NULL, 0, args, n_args, batch, d};
    if (batch < 1) {
        diags_error(d, nowhere, NULL, "the batch must be at least 1, not %lld", (long long)batch);
        return NULL;
    }
    int format = format_of(model);
    if (format >= 0) {
        return load_file(format, &r);
    }
    struct stat st;
    if (strchr(model, '/') && stat(model, &st) == 0 && S_ISDIR(st.st_mode)) {
        return read_timeloop(&r);
    }
    struct strbuf path = STRBUF_INIT;
    strbuf_addf(&path, "%s%s.yaml", models_dir, model);
    const struct embed *file = embed_find(strbuf_str(&path));
    struct network *net = NULL;
    if (file != NULL) {
        net = network_load_text(file->path, file->data, file->len, args, n_args, batch, d);
    } else if (strchr(model, '/') != NULL) {
        diags_error(d, nowhere,
                    "a model file ends in .yaml, a SCALE-Sim topology in .csv, a "
                    "Hugging Face config in .json",
                    "'%s' has no ending that tells its format", model);
    } else {
        unknown_model(model, d);
    }
    strbuf_release(&path);
    return net;
}
