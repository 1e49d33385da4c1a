/* The folder of a sweep: written beside its place and renamed, so that it is there whole or not at all; read back from sweep.json. */
#include "experiments/sweep.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "experiments/file_put.h"
#include "experiments/sweep_axis.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST_MAX ((size_t)256 << 20)

int sweep_digits(const struct sweep *s)
{
    int digits = 3;
    for (int n = 1000; n < s->n_tasks; n *= 10) {
        digits++;
    }
    return digits;
}

void sweep_label(const struct sweep *s, int task, struct strbuf *out)
{
    const struct sweep_task *t = &s->task[task];
    for (int a = 0; a < s->n_axes; a++) {
        strbuf_addf(out, "%s=%s ", s->axis[a].name, s->axis[a].value[t->value[a]]);
    }
    strbuf_addf(out, "seed=%llu", (unsigned long long)t->seed);
}

/* Axes along which the tasks of the group all agree say what it is. */
void sweep_group_label(const struct sweep *s, int group, struct strbuf *out)
{
    for (int a = 0; a < s->n_axes && s->n_groups > 1; a++) {
        int value = -1;
        bool same = true;
        for (int i = 0; i < s->n_tasks; i++) {
            if (s->task[i].group == group) {
                same = same && (value < 0 || value == s->task[i].value[a]);
                value = s->task[i].value[a];
            }
        }
        if (same && value >= 0 && s->axis[a].n > 1) {
            strbuf_addf(out, "%s%s=%s", out->len > 0 ? " " : "", s->axis[a].name, s->axis[a].value[value]);
        }
    }
}

void sweep_study_path(const struct sweep *s, int task, struct strbuf *out)
{
    strbuf_addf(out, "%s/studies/%0*d.yaml", s->dir, sweep_digits(s), task);
}

/* ---- writing ---- */

static json_t *manifest(const struct sweep *s)
{
    json_t *over = json_array(), *tasks = json_array();
    for (int a = 0; a < s->n_axes; a++) {
        json_t *values = json_array();
        for (int i = 0; i < s->axis[a].n; i++) {
            json_array_append_new(values, json_string(s->axis[a].value[i]));
        }
        json_array_append_new(
            over, json_pack("{s:s, s:s, s:o}", "name", s->axis[a].name, "path", s->axis[a].path, "values", values));
    }
    for (int i = 0; i < s->n_tasks; i++) {
        const struct sweep_task *t = &s->task[i];
        json_t *values = json_array();
        for (int a = 0; a < s->n_axes; a++) {
            json_array_append_new(values, json_string(s->axis[a].value[t->value[a]]));
        }
        json_array_append_new(tasks,
                              json_pack("{s:i, s:I, s:o, s:I, s:i}", "task", i, "seed", (json_int_t)t->seed, "values",
                                        values, "evaluations", (json_int_t)t->evaluations, "group", t->group));
    }
    const struct sweep_islands *i = &s->islands;
    json_t *islands = i->every > 0 ? json_pack("{s:I, s:b, s:f, s:s}", "every", (json_int_t)i->every, "strict",
                                               i->strict, "wait_s", i->wait_s, "id", i->id)
                                   : NULL;
    return json_pack("{s:i, s:s, s:s, s:f, s:o*, s:o, s:o}", "sweep", 1, "name", s->name, "command", s->command,
                     "checkpoint_s", s->checkpoint_s, "islands", islands, "over", over, "tasks", tasks);
}

/* One task a line, for readers and for diff. */
static int put_manifest(const struct sweep *s, const char *dir, struct err *err)
{
    struct strbuf path = STRBUF_INIT, text = STRBUF_INIT;
    json_t *doc = manifest(s);
    const char *key;
    json_t *value;
    json_object_foreach(doc, key, value)
    {
        strbuf_addf(&text, "%s\"%s\": ", text.len > 0 ? ",\n " : "{", key);
        size_t n = json_is_array(value) ? json_array_size(value) : 0;
        for (size_t i = 0; i < n || i == 0; i++) {
            char *line = json_dumps(n > 0 ? json_array_get(value, i) : value, JSON_ENCODE_ANY);
            strbuf_addf(&text, "%s%s", n == 0 ? "" : i == 0 ? "[\n  " : ",\n  ", line);
            free(line); /* jansson's own */
        }
        strbuf_adds(&text, n > 0 ? "]" : "");
    }
    strbuf_adds(&text, "}\n");
    strbuf_addf(&path, "%s/sweep.json", dir);
    int bad = file_put(strbuf_str(&path), text.buf, text.len, err);
    json_decref(doc);
    strbuf_release(&path);
    strbuf_release(&text);
    return bad;
}

static int make_folder(const char *dir, const char *name, struct err *err)
{
    struct strbuf path = STRBUF_INIT;
    strbuf_addf(&path, "%s%s%s", dir, name != NULL ? "/" : "", name != NULL ? name : "");
    int bad = mkdir(strbuf_str(&path), 0777);
    if (bad) {
        err_set(err, ERR_IO, "cannot make '%s': %s", strbuf_str(&path), strerror(errno));
    }
    strbuf_release(&path);
    return bad;
}

/* The folders above `path`, those that are missing. */
static int make_parents(const char *path, struct err *err)
{
    char *copy = mem_strdup(path);
    int bad = 0;
    for (char *p = strchr(copy + 1, '/'); p != NULL && !bad; p = strchr(p + 1, '/')) {
        struct stat st;
        *p = '\0';
        if (stat(copy, &st) != 0 && mkdir(copy, 0777) != 0 && errno != EEXIST) { /* EEXIST: another sweep made it now */
            bad = err_set(err, ERR_IO, "cannot make '%s': %s", copy, strerror(errno));
        }
        *p = '/';
    }
    mem_free(copy);
    return bad;
}

static int fill(const struct sweep *s, const char *dir, const char *script_name, const char *script, struct err *err)
{
    static const char *const folders[] = {"studies", "files", "shards", "state", "log", "islands"};
    struct strbuf path = STRBUF_INIT;
    int bad = 0;
    for (size_t i = 0; i < sizeof folders / sizeof *folders && !bad; i++) {
        bad = make_folder(dir, folders[i], err);
    }
    for (int i = 0; i < s->n_files && !bad; i++) {
        strbuf_reset(&path);
        strbuf_addf(&path, "%s/files/%s", dir, s->file[i].name);
        bad = file_copy(s->file[i].from, strbuf_str(&path), err);
    }
    for (int i = 0; i < s->n_tasks && !bad; i++) {
        strbuf_reset(&path);
        strbuf_addf(&path, "%s/studies/%0*d.yaml", dir, sweep_digits(s), i);
        bad = file_put(strbuf_str(&path), s->task[i].yaml, strlen(s->task[i].yaml), err);
    }
    if (!bad && script != NULL) {
        strbuf_reset(&path);
        strbuf_addf(&path, "%s/%s", dir, script_name);
        bad = file_put(strbuf_str(&path), script, strlen(script), err) || chmod(strbuf_str(&path), 0777 & ~022);
    }
    strbuf_release(&path);
    return bad || put_manifest(s, dir, err) ? -1 : 0;
}

int sweep_write(const struct sweep *s, const char *script_name, const char *script, struct err *err)
{
    struct stat st;
    if (stat(s->dir, &st) == 0) {
        return err_set(err, ERR_IO,
                       "'%s' is there already; go on with it (dovetail sweep %s), or give --out another name", s->dir,
                       s->dir);
    }
    if (make_parents(s->dir, err) < 0) {
        return -1;
    }
    struct strbuf made = STRBUF_INIT;
    strbuf_addf(&made, "%s.new%ld", s->dir, (long)getpid());
    int bad = make_folder(strbuf_str(&made), NULL, err) || fill(s, strbuf_str(&made), script_name, script, err);
    if (!bad && rename(strbuf_str(&made), s->dir)) {
        bad = err_set(err, ERR_IO, "cannot make '%s': %s", s->dir, strerror(errno));
    }
    if (bad) {
        folder_remove(strbuf_str(&made));
    }
    strbuf_release(&made);
    return bad ? -1 : 0;
}

/* ---- reading ---- */

bool sweep_is(const char *dir)
{
    struct strbuf path = STRBUF_INIT;
    strbuf_addf(&path, "%s/sweep.json", dir);
    bool is = access(strbuf_str(&path), R_OK) == 0;
    strbuf_release(&path);
    return is;
}

static int find_value(const struct sweep_axis *axis, const char *value)
{
    for (int i = 0; i < axis->n; i++) {
        if (strcmp(axis->value[i], value) == 0) {
            return i;
        }
    }
    return -1;
}

static int read_axis(struct sweep_axis *axis, const json_t *doc)
{
    const char *name, *path;
    json_t *values;
    if (json_unpack((json_t *)(uintptr_t)doc, "{s:s, s:s, s:o}", "name", &name, "path", &path, "values", &values)) {
        return -1;
    }
    axis->name = mem_strdup(name);
    axis->path = mem_strdup(path);
    int cap = 0;
    for (size_t i = 0; i < json_array_size(values); i++) {
        const char *text = json_string_value(json_array_get(values, i));
        if (text == NULL) {
            return -1;
        }
        MEM_GROW(axis->value, axis->n, cap);
        axis->value[axis->n++] = mem_strdup(text);
    }
    return 0;
}

static int read_task(struct sweep *s, struct sweep_task *t, json_t *doc)
{
    json_int_t seed, evaluations;
    json_t *values;
    if (json_unpack(doc, "{s:I, s:o, s:I, s:i}", "seed", &seed, "values", &values, "evaluations", &evaluations, "group",
                    &t->group) ||
        t->group < 0 || json_array_size(values) != (size_t)s->n_axes) {
        return -1;
    }
    t->seed = (uint64_t)seed;
    t->evaluations = evaluations;
    s->n_groups = t->group >= s->n_groups ? t->group + 1 : s->n_groups;
    for (int a = 0; a < s->n_axes; a++) {
        const char *text = json_string_value(json_array_get(values, (size_t)a));
        t->value[a] = text != NULL ? find_value(&s->axis[a], text) : -1;
        if (t->value[a] < 0) {
            return -1;
        }
    }
    return 0;
}

/* NULL: a sweep without. */
static int read_islands(struct sweep_islands *out, json_t *doc)
{
    json_int_t every;
    const char *id;
    int strict;
    if (doc == NULL) {
        return 0;
    }
    if (json_unpack(doc, "{s:I, s:b, s:F, s:s}", "every", &every, "strict", &strict, "wait_s", &out->wait_s, "id",
                    &id) ||
        every < 1 || strlen(id) >= sizeof out->id) {
        return -1;
    }
    out->every = every;
    out->strict = strict;
    snprintf(out->id, sizeof out->id, "%s", id);
    return 0;
}

static int read_manifest(struct sweep *s, json_t *doc)
{
    const char *name, *command;
    json_t *over, *tasks;
    int version;
    if (json_unpack(doc, "{s:i, s:s, s:s, s:F, s:o, s:o}", "sweep", &version, "name", &name, "command", &command,
                    "checkpoint_s", &s->checkpoint_s, "over", &over, "tasks", &tasks) ||
        version != 1 || json_array_size(over) > SWEEP_AXES || json_array_size(tasks) > SWEEP_TASKS) {
        return -1;
    }
    s->name = mem_strdup(name);
    s->command = mem_strdup(command);
    int bad = read_islands(&s->islands, json_object_get(doc, "islands"));
    for (size_t a = 0; a < json_array_size(over) && !bad; a++) {
        bad = read_axis(&s->axis[s->n_axes++], json_array_get(over, a));
    }
    s->task = mem_calloc(json_array_size(tasks) + 1, sizeof *s->task);
    for (size_t i = 0; i < json_array_size(tasks) && !bad; i++) {
        bad = read_task(s, &s->task[s->n_tasks++], json_array_get(tasks, i));
    }
    return bad || s->n_tasks == 0 ? -1 : 0;
}

int sweep_open(struct sweep *s, const char *dir, struct err *err)
{
    *s = (struct sweep){.dir = NULL};
    char *whole = realpath(dir, NULL);
    if (whole == NULL) {
        return err_set(err, ERR_NOINPUT, "cannot open '%s': %s", dir, strerror(errno));
    }
    s->dir = mem_strdup(whole);
    free(whole); /* the C library's */
    struct strbuf path = STRBUF_INIT;
    strbuf_addf(&path, "%s/sweep.json", s->dir);
    size_t len;
    char *text = file_read(strbuf_str(&path), MANIFEST_MAX, &len, err);
    json_error_t where = {.text = ""};
    json_t *doc = text != NULL ? json_loadb(text, len, 0, &where) : NULL;
    int bad = text == NULL || doc == NULL || read_manifest(s, doc);
    if (text != NULL && bad) {
        err_set(err, ERR_DATA, "'%s' is no list of a sweep's tasks%s%s", strbuf_str(&path), where.text[0] ? ": " : "",
                where.text);
    }
    json_decref(doc);
    mem_free(text);
    strbuf_release(&path);
    if (bad) {
        sweep_release(s);
    }
    return bad ? -1 : 0;
}

void sweep_release(struct sweep *s)
{
    for (int a = 0; a < s->n_axes; a++) {
        sweep_axis_release(&s->axis[a]);
    }
    for (int i = 0; i < s->n_tasks; i++) {
        mem_free(s->task[i].yaml);
    }
    for (int i = 0; i < s->n_files; i++) {
        mem_free(s->file[i].from);
        mem_free(s->file[i].name);
    }
    mem_free(s->task);
    mem_free(s->file);
    mem_free(s->dir);
    mem_free(s->name);
    mem_free(s->command);
    *s = (struct sweep){.dir = NULL};
}
