/* The words of a sweep's command line: `--over NAME=V1,V2`, `--seeds 1..8,11`, and lists of tasks as schedulers write them. */
#include "experiments/sweep_axis.h"

#include "base/mem.h"
#include "base/strbuf.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- values ---- */

/* Bytes up to the next comma that stands in no bracket or quote. */
static size_t value_length(const char *text)
{
    int depth = 0;
    char quote = '\0';
    size_t i = 0;
    for (; text[i] != '\0' && !(text[i] == ',' && depth == 0 && quote == '\0'); i++) {
        char c = text[i];
        if (quote != '\0') {
            quote = c == quote ? '\0' : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else {
            depth += (c == '[' || c == '{') - (c == ']' || c == '}');
        }
    }
    return i;
}

static int split_values(struct sweep_axis *axis, const char *text, struct diags *d)
{
    int cap = 0;
    for (const char *at = text;; at++) {
        size_t len = value_length(at);
        char *value = mem_strndup(at, len);
        for (int i = 0; i < axis->n; i++) {
            if (strcmp(axis->value[i], value) == 0) {
                int bad = diags_error(d, (struct mark){0}, NULL, "--over %s: '%s' stands twice", axis->name, value);
                mem_free(value);
                return bad;
            }
        }
        MEM_GROW(axis->value, axis->n, cap);
        axis->value[axis->n++] = value;
        if (len == 0) {
            return diags_error(d, (struct mark){0}, NULL, "--over %s: a value is empty", axis->name);
        }
        at += len;
        if (*at == '\0') {
            return 0;
        }
    }
}

/* ---- names ---- */

static bool is_family(const struct study *s, const char *name)
{
    for (int i = 0; i < s->n_families; i++) {
        if (strcmp(s->family[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Dotted names of a study's keys, for the short ones of them and for "did you mean". */
static const char *const study_paths[] = {
    "search.algorithm", "search.population", "search.budget.evaluations", "search.budget.stall", "workload.model",
    "workload.batch",   "workload.bits",     "workload.accuracy.proxy",   "mapping.goal",        "mapping.budget",
};
enum { N_PATHS = sizeof study_paths / sizeof *study_paths };

static int unknown_name(const struct study *s, const char *name, struct diags *d)
{
    int n_params;
    const struct template_param *param = template_params(s->hardware, &n_params);
    const char **known = mem_calloc((size_t)(2 * N_PATHS + s->n_families + n_params), sizeof *known);
    int n = 0;
    for (int i = 0; i < s->n_families; i++) {
        known[n++] = s->family[i].name;
    }
    for (int i = 0; i < n_params; i++) {
        known[n++] = param[i].name;
    }
    for (int i = 0; i < N_PATHS; i++) {
        known[n++] = study_paths[i];
        known[n++] = strrchr(study_paths[i], '.') + 1;
    }
    const char *near = suggest(name, known, n);
    struct strbuf help = STRBUF_INIT;
    strbuf_addf(
        &help,
        near != NULL
            ? "did you mean '%s'?"
            : "name a variable of the space, a parameter of template '%s', or a study's key such as search.algorithm",
        near != NULL ? near : template_name(s->hardware));
    diags_error(d, (struct mark){0}, strbuf_str(&help), "--over %s: no such variable, parameter or key", name);
    strbuf_release(&help);
    mem_free(known);
    return -1;
}

/* Where `name` stands in a study. NULL after an error. */
static char *find_path(const struct study *s, const char *name, struct diags *d)
{
    struct strbuf path = STRBUF_INIT;
    const char *fixed = strncmp(name, "hardware.", 9) == 0 ? name + 9 : NULL;
    if (strcmp(name, "search.seed") == 0 || strcmp(name, "seed") == 0) {
        diags_error(d, (struct mark){0}, "write --seeds 1..8", "--over %s: seeds have an option of their own", name);
        return NULL;
    }
    if (fixed != NULL && is_family(s, fixed)) {
        diags_error(d, (struct mark){0}, NULL, "--over %s: '%s' varies in the space; --over %s=.. fixes it there", name,
                    fixed, fixed);
        return NULL;
    }
    if (strchr(name, '.') != NULL) {
        strbuf_adds(&path, name);
    } else if (is_family(s, name)) {
        strbuf_addf(&path, "space.%s", name);
    } else if (template_param(s->hardware, name) >= 0) {
        strbuf_addf(&path, "hardware.%s", name);
    }
    for (int i = 0; i < N_PATHS && path.len == 0; i++) {
        if (strcmp(strrchr(study_paths[i], '.') + 1, name) == 0) {
            strbuf_adds(&path, study_paths[i]);
        }
    }
    if (path.len == 0) {
        unknown_name(s, name, d);
        return NULL;
    }
    return strbuf_detach(&path);
}

int sweep_axis_read(struct sweep_axis *axis, const char *text, const struct study *s, struct diags *d)
{
    const char *equal = strchr(text, '=');
    if (equal == NULL || equal == text) {
        return diags_error(d, (struct mark){0}, NULL, "--over needs NAME=VALUE,VALUE, not '%s'", text);
    }
    axis->name = mem_strndup(text, (size_t)(equal - text));
    axis->path = find_path(s, axis->name, d);
    if (split_values(axis, equal + 1, d) < 0) {
        mem_free(axis->path);
        axis->path = NULL;
    }
    return axis->path != NULL ? 0 : -1;
}

void sweep_axis_value(const struct sweep_axis *axis, int i, struct strbuf *out)
{
    const char *value = axis->value[i];
    bool domain = strchr("[{", value[0]) != NULL || strncmp(axis->path, "space.", 6) != 0;
    strbuf_addf(out, domain ? "%s" : "[%s]", value);
}

void sweep_axis_release(struct sweep_axis *axis)
{
    for (int i = 0; i < axis->n; i++) {
        mem_free(axis->value[i]);
    }
    mem_free(axis->value);
    mem_free(axis->name);
    mem_free(axis->path);
}

/* ---- numbers ---- */

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* "7" or "1..8" at *text. */
static int read_range(const char **text, uint64_t range[2])
{
    for (int i = 0; i < 2; i++) {
        char *end;
        errno = 0;
        if (!isdigit((unsigned char)**text)) {
            return -1;
        }
        range[i] = strtoull(*text, &end, 10);
        if (errno == ERANGE || range[i] > (uint64_t)INT64_MAX) {
            return -1;
        }
        *text = end;
        if (i == 0 && strncmp(*text, "..", 2) != 0) {
            range[1] = range[0];
            return 0;
        }
        *text += i == 0 ? 2 : 0;
    }
    return range[0] <= range[1] ? 0 : -1;
}

int sweep_numbers(const char *text, int64_t most, uint64_t **list, struct err *err)
{
    int n = 0, cap = 0;
    *list = NULL;
    for (const char *at = text;; at++) {
        uint64_t range[2];
        if (read_range(&at, range) < 0 || (*at != ',' && *at != '\0')) {
            mem_free(*list);
            *list = NULL;
            return err_set(err, ERR_USAGE, "'%s' is no list of numbers: write 1..8 or 1,3,7..9", text);
        }
        if (range[1] - range[0] >= (uint64_t)(most - n)) {
            mem_free(*list);
            *list = NULL;
            return err_set(err, ERR_USAGE, "'%s' are more than %lld numbers", text, (long long)most);
        }
        for (uint64_t v = range[0]; v <= range[1]; v++) {
            MEM_GROW(*list, n, cap);
            (*list)[n++] = v;
        }
        if (*at == '\0') {
            break;
        }
    }
    qsort(*list, (size_t)n, sizeof **list, by_number);
    int kept = 0;
    for (int i = 0; i < n; i++) {
        if (i == 0 || (*list)[i] != (*list)[i - 1]) {
            (*list)[kept++] = (*list)[i];
        }
    }
    return kept;
}

void sweep_spec(const bool *pick, int n, struct strbuf *out)
{
    for (int i = 0; i < n; i++) {
        int first = i;
        while (i < n && pick[i]) {
            i++;
        }
        if (i > first) {
            strbuf_addf(out, "%s%d", out->len > 0 ? "," : "", first);
            if (i - first > 1) {
                strbuf_addf(out, "-%d", i - 1);
            }
        }
    }
}
