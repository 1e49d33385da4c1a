/* Loading a file of Timeloop's: its one accepted include, its '<<<', and small helpers of the readers. An included text is put in front of the
 * rest before it is parsed, as Jinja2 would do it (its anchors must be known); marks are then put back where they belong. */
#include "base/file.h"
#include "base/mem.h"
#include "base/schema.h"
#include "base/strbuf.h"
#include "sw/timeloop_problem.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_TEXT = 4 << 20 };

struct include {
    const struct source *main, *other; /* other NULL: nothing was included */
    int at, lines;                     /* line of the directive, lines that took its place */
};

static void replace_mark(const struct include *inc, const struct source *whole, struct mark *m)
{
    if (m->source != whole) {
        return;
    }
    if (!inc->other || m->line < inc->at) {
        m->source = inc->main;
    } else if (m->line < inc->at + inc->lines) {
        m->source = inc->other;
        m->line -= inc->at - 1;
    } else {
        m->source = inc->main;
        m->line -= inc->lines - 1;
    }
}

static void replace_marks(const struct include *inc, const struct source *whole, struct node *node)
{
    replace_mark(inc, whole, &node->mark);
    replace_mark(inc, whole, &node->key_mark);
    for (int i = 0; i < node->n_children; i++) {
        replace_marks(inc, whole, &node->child[i]);
    }
}

/* Moves what `into` lacks out of `from`, mapping into mapping. */
static void merge_deep(struct node *into, struct node *from)
{
    for (int i = 0; i < from->n_children; i++) {
        struct node *theirs = &from->child[i];
        struct node *ours = NULL;
        for (int k = 0; k < into->n_children && !ours; k++) {
            ours = strcmp(into->child[k].key, theirs->key) == 0 ? &into->child[k] : NULL;
        }
        if (!ours) {
            into->child = mem_realloc(into->child, (size_t)into->n_children + 1, sizeof *into->child);
            into->child[into->n_children++] = *theirs;
            *theirs = (struct node){.kind = NODE_NULL, .key = mem_strdup("<<<")};
        } else if (ours->kind == NODE_MAPPING && theirs->kind == NODE_MAPPING) {
            merge_deep(ours, theirs);
        }
    }
}

/* '<<<' merges as deep as mappings go. Its emptied entry stays and is passed over. */
static void merge_all(struct node *node)
{
    for (int i = 0; i < node->n_children; i++) {
        merge_all(&node->child[i]);
    }
    for (int i = 0; i < node->n_children && node->kind == NODE_MAPPING; i++) {
        if (strcmp(node->child[i].key, "<<<") == 0 && node->child[i].kind == NODE_MAPPING) {
            struct node from = node->child[i];
            node->child[i].child = NULL;
            node->child[i].n_children = 0;
            node->child[i].kind = NODE_NULL;
            merge_deep(node, &from);
            struct node *emptied = NULL; /* the array may have moved */
            for (int k = 0; k < node->n_children && !emptied; k++) {
                emptied = strcmp(node->child[k].key, "<<<") == 0 ? &node->child[k] : NULL;
            }
            emptied->child = from.child;
            emptied->n_children = from.n_children;
        }
    }
}

/* The file name in a line that is {{include_text('FILE')}} and nothing else; caller frees; NULL for other lines. */
static char *include_name(const char *line, size_t len)
{
    char text[512], name[512];
    int end = 0;
    if (len >= sizeof text) {
        return NULL;
    }
    memcpy(text, line, len);
    text[len] = '\0';
    bool good = sscanf(text, " {{ include_text ( '%400[^']' ) }} %n", name, &end) == 1 && end > 0 && text[end] == '\0';
    if (!good) {
        end = 0;
        good =
            sscanf(text, " {{ include_text ( \"%400[^\"]\" ) }} %n", name, &end) == 1 && end > 0 && text[end] == '\0';
    }
    return good ? mem_strdup(name) : NULL;
}

static int count_lines(const char *s)
{
    int n = 1;
    for (; *s; s++) {
        n += *s == '\n';
    }
    return n;
}

/* Where the file says; when there is none, beside the file itself, where a copy of single files has it. Caller frees. */
static char *included_file(const char *main, const char *name)
{
    char *path = file_beside(main, name);
    const char *slash = strrchr(name, '/');
    struct stat st;
    if (slash && stat(path, &st) != 0) {
        char *near = file_beside(main, slash + 1);
        if (stat(near, &st) == 0) {
            mem_free(path);
            return near;
        }
        mem_free(near);
    }
    return path;
}

/* Writes the file's text into `whole`, its include in place. */
static int expand(struct include *inc, struct strbuf *whole, struct diags *d)
{
    const char *line = inc->main->text;
    for (int n = 1; *line; n++) {
        size_t len = strcspn(line, "\n");
        const char *comment = memchr(line, '#', len);
        size_t code = comment ? (size_t)(comment - line) : len;
        const char *jinja = memmem(line, code, "{{", 2);
        jinja = jinja ? jinja : memmem(line, code, "{%", 2);
        char *name = jinja && !inc->other ? include_name(line, len) : NULL;
        if (jinja && !name) {
            struct mark at = {inc->main, n, (int)(jinja - line) + 1, 2};
            diags_error(d, at, "expand it first, or write the values", "Jinja2 is not read");
            return -1;
        }
        if (name) {
            struct err err = ERR_INIT;
            size_t size;
            char *path = included_file(inc->main->name, name);
            struct stat st;
            bool special = stat(path, &st) == 0 && !S_ISREG(st.st_mode);
            char *text = special ? NULL : file_read(path, MAX_TEXT, &size, &err);
            if (!text) {
                diags_error(d, (struct mark){inc->main, n, 1, (int)len},
                            special ? NULL : "copy the file that it includes there, or beside it", "%s",
                            special ? "only plain files are included" : err.text);
            } else {
                inc->other = diags_source(d, path, text, size);
                inc->at = n;
                inc->lines = count_lines(text);
                strbuf_adds(whole, text);
            }
            mem_free(path);
            mem_free(name);
            if (!text) {
                return -1;
            }
        } else {
            strbuf_add(whole, line, len);
        }
        line += len;
        if (*line == '\n') {
            strbuf_adds(whole, "\n");
            line++;
        }
    }
    return 0;
}

struct doc *timeloop_load(const char *path, struct diags *d)
{
    struct include inc = {.main = doc_source(path, MAX_TEXT, d)};
    if (inc.main == NULL) {
        return NULL;
    }
    struct strbuf whole = STRBUF_INIT;
    struct doc *doc = NULL;
    if (expand(&inc, &whole, d) == 0) {
        int first = d->n;
        doc = doc_read_text(path, strbuf_str(&whole), whole.len, d);
        const struct source *joined = d->sources[d->n_sources - 1];
        for (int i = first; i < d->n; i++) {
            replace_mark(&inc, joined, &d->list[i].mark);
        }
        if (doc) {
            replace_marks(&inc, joined, &doc->root);
            merge_all(&doc->root);
        }
    }
    strbuf_release(&whole);
    return doc;
}

static bool same_key(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        if (*a != *b && !((*a == '-' || *a == '_') && (*b == '-' || *b == '_'))) {
            return false;
        }
    }
    return *a == *b;
}

const struct node *timeloop_get(const struct node *mapping, const char *key)
{
    for (int i = 0; mapping && mapping->kind == NODE_MAPPING && i < mapping->n_children; i++) {
        if (same_key(mapping->child[i].key, key)) {
            return &mapping->child[i];
        }
    }
    return NULL;
}

int timeloop_known(const struct node *mapping, const char *const *known, const char *what, struct diags *d)
{
    int n = 0, bad = 0;
    while (known[n]) {
        n++;
    }
    for (int i = 0; i < mapping->n_children; i++) {
        const struct node *entry = &mapping->child[i];
        int k = 0;
        while (k < n && !same_key(entry->key, known[k])) {
            k++;
        }
        if (k == n && strcmp(entry->key, "<<<") != 0) {
            struct strbuf help = STRBUF_INIT;
            suggest_help(entry->key, known, n, &help);
            diags_error(d, entry->key_mark, strbuf_str(&help), "'%s' of %s is not understood", entry->key, what);
            strbuf_release(&help);
            bad++;
        }
    }
    return bad ? -1 : 0;
}

int timeloop_int(const struct node *node, const char *what, int64_t least, int64_t *out, struct diags *d)
{
    if (schema_want(node, what, NODE_SCALAR, d)) {
        return -1;
    }
    if (strpbrk(node->text, "*/+()$") || (node->text[0] && strchr(node->text + 1, '-'))) {
        return diags_error(d, node->mark, "write the number", "'%s': arithmetic is not read", what);
    }
    struct node plain = *node;
    plain.quoted = false;
    return schema_read_int(&plain, what, least, INT64_MAX, out, d);
}

int timeloop_version(const struct node *node, struct diags *d)
{
    if (!node) {
        return 0;
    }
    if (node->kind != NODE_SCALAR || strcmp(node->text, "0.4") != 0) {
        return diags_error(d, node->mark, "only v0.4 is read", "Timeloop v%s is not read",
                           node->kind == NODE_SCALAR ? node->text : "?");
    }
    return 0;
}

int timeloop_name(const struct node *node, const char *what, char *out, size_t size, struct diags *d)
{
    const char *text = schema_read_text(node, what, d);
    if (!text) {
        return -1;
    }
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        if (!isalnum((unsigned char)text[i]) && !strchr("_-.", text[i])) {
            return diags_error(d, node->mark, NULL, "'%s' is no name that is read: letters, digits, '_', '-', '.' only",
                               text);
        }
    }
    if (n == 0 || n >= size) {
        return diags_error(d, node->mark, NULL, "the name '%s' must have 1 to %d characters", text, (int)size - 1);
    }
    memcpy(out, text, n + 1);
    return 0;
}

/* The next word of a text, from `at` on. */
static bool next_of_text(struct words *w, const char *text, struct diags *d)
{
    int begin = w->at + (int)strspn(text + w->at, " ,\t");
    int len = (int)strcspn(text + begin, " \t");
    const char *comma = memchr(text + begin, ',', (size_t)len);
    if (comma && !isdigit((unsigned char)comma[1])) { /* "P=16,10" is a factor with its residual */
        len = (int)(comma - text) - begin;
    }
    w->at = begin + len;
    if (len == 0) {
        return false;
    }
    w->mark = node_text_mark(w->node);
    w->mark.col += begin;
    w->mark.len = len;
    if (len >= (int)sizeof w->text) {
        diags_error(d, w->mark, NULL, "a word of more than %d characters", (int)sizeof w->text - 1);
        return false;
    }
    memcpy(w->text, text + begin, (size_t)len);
    w->text[len] = '\0';
    return true;
}

bool words_next(struct words *w, struct diags *d)
{
    if (!w->node || w->node->kind == NODE_NULL) {
        return false;
    }
    if (w->node->kind == NODE_SCALAR) {
        return next_of_text(w, w->node->text, d);
    }
    if (w->node->kind != NODE_SEQUENCE) {
        if (w->at++ == 0) {
            diags_error(d, w->node->mark, NULL, "this must be a list");
        }
        return false;
    }
    if (w->at >= w->node->n_children) {
        return false;
    }
    const struct node *item = &w->node->child[w->at++];
    w->mark = item->mark;
    if (item->kind != NODE_SCALAR || strlen(item->text) >= sizeof w->text) {
        diags_error(d, item->mark, NULL, "this must be a word of at most %d characters", (int)sizeof w->text - 1);
        return false;
    }
    memcpy(w->text, item->text, strlen(item->text) + 1);
    return true;
}
