/* A tree from libfyaml's events, not from its documents: so every limit is ours and is checked before memory is taken, aliases cannot blow
 * up, and each key and value keeps its place. libfyaml stops silently at bytes that are not UTF-8, so these are looked for first. */
#include "base/doc.h"

#include "base/doc_node.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/utf8.h"

#include <libfyaml.h>
#include <string.h>

enum {
    MAX_TEXT = 16 << 20, /* bytes of a file */
    MAX_DEPTH = 64,      /* of nesting */
    MAX_NODES = 1000000, /* in a document */
    MAX_COPIED = 100000, /* nodes made by aliases */
    MAX_COPIED_TEXT = MAX_TEXT
};

struct anchor {
    char *name;
    struct node node; /* deep copy */
};

struct reader {
    struct diags *d;
    const struct source *source;
    struct fy_parser *parser;
    struct fy_diag *fy_diag;
    struct mark open[MAX_DEPTH + 1]; /* where the constructs around begin */
    const char *open_name[MAX_DEPTH + 1];
    int depth;
    struct mark last; /* of the last event with a place */
    int n_nodes, n_copied;
    size_t copied_text;
    struct anchor *anchors;
    int n_anchors, cap_anchors;
};

static struct mark mark_of(struct reader *r, const struct fy_mark *start, const struct fy_mark *end)
{
    if (!start || start->line < 0) {
        return r->last; /* an empty value has no place of its own */
    }
    int len = end && end->line == start->line ? end->column - start->column : 1;
    r->last = (struct mark){r->source, start->line + 1, start->column + 1, len > 1 ? len : 1};
    return r->last;
}

static struct mark event_mark(struct reader *r, struct fy_event *e)
{
    return mark_of(r, fy_event_start_mark(e), fy_event_end_mark(e));
}

/* libfyaml's first message, where it gave up, and where the construct around began. Returns false. */
static bool syntax_error(struct reader *r)
{
    void *iter = NULL;
    const struct fy_diag_error *e = fy_diag_errors_iterate(r->fy_diag, &iter);
    struct mark at = r->last;
    const char *message = "this is not YAML";
    if (e && e->msg && *e->msg) {
        message = e->msg;
        at = (struct mark){r->source, e->line > 0 ? e->line : 1, e->column > 0 ? e->column : 1, 1};
    }
    if (at.line == 0) {
        at = (struct mark){r->source, 1, 1, 1};
    }
    diags_error(r->d, at, NULL, "%s", message);
    if (r->depth > 0) {
        diags_note(r->d, r->open[r->depth - 1], NULL, "%s began here", r->open_name[r->depth - 1]);
    }
    return false;
}

/* The next event, to be freed with fy_parser_event_free(); NULL after an error was reported. */
static struct fy_event *next_event(struct reader *r)
{
    struct fy_event *e = fy_parser_parse(r->parser);
    if (!e) {
        syntax_error(r);
    }
    return e;
}

static char *token_text(struct fy_token *token, size_t *len)
{
    size_t n = 0;
    const char *text = token ? fy_token_get_text(token, &n) : NULL;
    *len = text ? n : 0;
    return text ? mem_strndup(text, n) : NULL;
}

static bool node_counted(struct reader *r, struct mark at)
{
    if (++r->n_nodes > MAX_NODES) {
        diags_error(r->d, at, NULL, "more than %d values in one file", MAX_NODES);
        return false;
    }
    return true;
}

static bool copy_node(struct reader *r, const struct node *from, int depth, struct mark at, struct node *to)
{
    r->copied_text += from->text ? strlen(from->text) : 0;
    if (depth > MAX_DEPTH || ++r->n_copied > MAX_COPIED || r->copied_text > MAX_COPIED_TEXT) {
        diags_error(r->d, at, NULL, "aliases make this document too large (limits: %d values, %d deep)", MAX_COPIED,
                    MAX_DEPTH);
        return false;
    }
    *to = *from;
    to->key = from->key ? mem_strdup(from->key) : NULL;
    to->text = from->text ? mem_strdup(from->text) : NULL;
    to->tag = from->tag ? mem_strdup(from->tag) : NULL;
    to->child = from->n_children ? mem_calloc((size_t)from->n_children, sizeof *to->child) : NULL;
    to->n_children = 0;
    for (int i = 0; i < from->n_children; i++) {
        to->n_children++;
        if (!copy_node(r, &from->child[i], depth + 1, at, &to->child[i])) {
            return false;
        }
    }
    return true;
}

static bool set_anchor(struct reader *r, struct fy_token *token, const struct node *node)
{
    struct anchor a = {NULL, {.kind = NODE_NULL}};
    size_t len;
    a.name = token_text(token, &len);
    bool good = a.name && copy_node(r, node, 0, node->mark, &a.node);
    MEM_GROW(r->anchors, r->n_anchors, r->cap_anchors);
    r->anchors[r->n_anchors++] = a;
    return good;
}

static bool read_alias(struct reader *r, struct fy_event *e, struct node *out)
{
    size_t len;
    struct mark at = event_mark(r, e);
    char *name = token_text(e->alias.anchor, &len);
    const struct anchor *found = NULL;
    for (int i = r->n_anchors - 1; i >= 0 && name && !found; i--) {
        found = strcmp(r->anchors[i].name, name) == 0 ? &r->anchors[i] : NULL;
    }
    if (!found) {
        diags_error(r->d, at, NULL, "no anchor '&%s' is complete before this alias", name ? name : "");
    }
    mem_free(name);
    return found && copy_node(r, &found->node, r->depth, at, out);
}

static char *event_tag(struct fy_event *e)
{
    struct fy_token *token = fy_event_get_tag_token(e);
    const char *handle = token ? fy_tag_token_handle0(token) : NULL;
    const char *suffix = token ? fy_tag_token_suffix0(token) : NULL;
    if (!handle || strcmp(handle, "!!") == 0 || strncmp(handle, "tag:", 4) == 0) {
        return NULL;
    }
    struct strbuf tag = STRBUF_INIT;
    strbuf_addf(&tag, "%s%s", handle, suffix ? suffix : "");
    if (tag.len == 1 && tag.buf[0] == '!') { /* '! text': no tag, says only that it is text */
        strbuf_release(&tag);
        return NULL;
    }
    return strbuf_detach(&tag);
}

static bool read_scalar(struct reader *r, struct fy_event *e, struct node *out)
{
    struct fy_token *token = e->scalar.value;
    enum fy_scalar_style style = token ? fy_token_scalar_style(token) : FYSS_PLAIN;
    size_t len;
    out->mark = event_mark(r, e);
    out->text = token_text(token, &len);
    out->quoted = style != FYSS_PLAIN;
    if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) {
        out->mark.col -= out->mark.col > 1; /* libfyaml's mark begins after the quote */
        out->mark.len += 2;
    }
    if (out->text && strlen(out->text) != len) {
        diags_error(r->d, out->mark, NULL, "a NUL character in a text");
        return false;
    }
    const char *text = out->text ? out->text : "";
    bool nothing = !out->quoted && (!*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
    out->kind = nothing ? NODE_NULL : NODE_SCALAR;
    if (nothing) {
        mem_free(out->text);
        out->text = NULL;
    }
    return true;
}

static bool read_value(struct reader *r, struct fy_event *e, struct node *out);

static bool read_sequence(struct reader *r, struct node *out)
{
    int cap = 0;
    for (;;) {
        struct fy_event *e = next_event(r);
        if (!e) {
            return false;
        }
        if (e->type == FYET_SEQUENCE_END) {
            fy_parser_event_free(r->parser, e);
            return true;
        }
        MEM_GROW(out->child, out->n_children, cap);
        struct node *item = &out->child[out->n_children++];
        *item = (struct node){.kind = NODE_NULL};
        if (!read_value(r, e, item)) {
            return false;
        }
    }
}

static bool read_key(struct reader *r, struct fy_event *e, struct node *out)
{
    struct node key = {.kind = NODE_NULL};
    struct mark at = event_mark(r, e);
    bool good = e->type == FYET_SCALAR && !fy_event_get_anchor_token(e) && read_scalar(r, e, &key);
    if (e->type != FYET_SCALAR || fy_event_get_anchor_token(e)) {
        diags_error(r->d, at, NULL, "a key must be plain text");
    } else if (good) {
        out->key = key.text ? key.text : mem_strdup(key.kind == NODE_NULL ? "null" : "");
        out->key_mark = key.mark;
        key.text = NULL;
    }
    node_release(&key);
    fy_parser_event_free(r->parser, e);
    return good;
}

static bool read_mapping(struct reader *r, struct node *out)
{
    int cap = 0;
    for (;;) {
        struct fy_event *e = next_event(r);
        if (!e) {
            return false;
        }
        if (e->type == FYET_MAPPING_END) {
            fy_parser_event_free(r->parser, e);
            return node_keys_are_unique(out, r->d) && node_merge(out, &cap, r->d);
        }
        struct node entry = {.kind = NODE_NULL};
        if (!read_key(r, e, &entry)) {
            return false;
        }
        MEM_GROW(out->child, out->n_children, cap);
        out->child[out->n_children++] = entry;
        e = next_event(r);
        if (!e || !read_value(r, e, &out->child[out->n_children - 1])) {
            return false;
        }
    }
}

static bool read_collection(struct reader *r, enum fy_event_type type, bool flow, struct node *out)
{
    if (r->depth >= MAX_DEPTH) {
        diags_error(r->d, out->mark, NULL, "nested more than %d deep", MAX_DEPTH);
        return false;
    }
    bool mapping = type == FYET_MAPPING_START;
    out->kind = mapping ? NODE_MAPPING : NODE_SEQUENCE;
    r->open[r->depth] = out->mark;
    r->open_name[r->depth] = mapping ? (flow ? "the '{'" : "the mapping") : (flow ? "the '['" : "the list");
    r->depth++;
    bool good = mapping ? read_mapping(r, out) : read_sequence(r, out);
    r->depth--;
    return good;
}

/* Frees e. Keeps the key that `out` may already have. */
static bool read_value(struct reader *r, struct fy_event *e, struct node *out)
{
    struct node value = {.kind = NODE_NULL};
    struct fy_token *anchor = e->type == FYET_ALIAS ? NULL : fy_event_get_anchor_token(e);
    enum fy_event_type type = e->type;
    bool good;
    if (out->key) {
        r->last = out->key_mark;
    }
    if (type == FYET_ALIAS) {
        good = read_alias(r, e, &value);
        mem_free(value.key);
    } else {
        value.mark = event_mark(r, e);
        value.tag = event_tag(e);
        good = node_counted(r, value.mark);
        if (good && type == FYET_SCALAR) {
            good = read_scalar(r, e, &value);
        } else if (good) {
            bool flow = fy_event_get_node_style(e) == FYNS_FLOW;
            good = read_collection(r, type, flow, &value);
        }
    }
    good = good && (!anchor || set_anchor(r, anchor, &value));
    fy_parser_event_free(r->parser, e);
    value.key = out->key;
    value.key_mark = out->key_mark;
    *out = value;
    return good;
}

/* Reads events up to the end of the stream. */
static bool read_stream(struct reader *r, struct node *root)
{
    int documents = 0;
    for (;;) {
        struct fy_event *e = next_event(r);
        if (!e) {
            return false;
        }
        enum fy_event_type type = e->type;
        bool good = true;
        if (type == FYET_DOCUMENT_START && ++documents > 1) {
            diags_error(r->d, event_mark(r, e), NULL, "a second document begins here: one file holds one document");
            good = false;
        }
        if (type == FYET_SCALAR || type == FYET_ALIAS || type == FYET_MAPPING_START || type == FYET_SEQUENCE_START) {
            good = read_value(r, e, root);
        } else {
            fy_parser_event_free(r->parser, e);
        }
        if (!good || type == FYET_STREAM_END) {
            return good;
        }
    }
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

static bool parse(struct reader *r, struct node *root)
{
    struct fy_diag_cfg diag_cfg;
    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL;
    r->fy_diag = fy_diag_create(&diag_cfg);
    fy_diag_set_collect_errors(r->fy_diag, true);
    bool json = ends_with(r->source->name, ".json");
    struct fy_parse_cfg cfg = {
        .diag = r->fy_diag,
        .flags =
            FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_DEFAULT_VERSION_1_2 | (json ? FYPCF_JSON_FORCE : FYPCF_JSON_NONE),
    };
    r->parser = fy_parser_create(&cfg);
    bool good = r->fy_diag && r->parser && fy_parser_set_string(r->parser, r->source->text, r->source->len) == 0;
    if (good) {
        good = read_stream(r, root);
    } else {
        diags_error(r->d, (struct mark){r->source, 0, 0, 0}, NULL, "the YAML reader cannot start");
    }
    fy_parser_destroy(r->parser);
    fy_diag_destroy(r->fy_diag);
    return good;
}

static bool is_text(struct diags *d, const struct source *source)
{
    const unsigned char *s = (const unsigned char *)source->text;
    struct mark at = {source, 1, 1, 1};
    for (size_t i = 0; i < source->len;) {
        size_t n = utf8_length(s + i, source->len - i);
        if (n == 0) {
            diags_error(d, at, NULL, "byte 0x%02x is not UTF-8 text", s[i]);
            return false;
        }
        at.line += s[i] == '\n';
        at.col = s[i] == '\n' ? 1 : at.col + 1;
        i += n;
    }
    return true;
}

static bool is_break(char c)
{
    return c == '\n' || c == '\r';
}

/* No line may begin with YAML's mark of a long key, '? ': nobody's file has one, and libfyaml 0.7.12 writes where it must not when a tab follows the
 * key (found by fuzzing: "? a:<tab>:b"). It is looked for behind blanks and other marks too ("- ? "). */
static bool has_plain_keys(struct diags *d, const struct source *source)
{
    const char *s = source->text;
    size_t start = source->len >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    int line = 1;
    for (size_t i = start; i < source->len; i++) {
        if (s[i] == '?' && (i + 1 == source->len || strchr(" \t\r\n", s[i + 1]) != NULL)) {
            diags_error(d, (struct mark){source, line, (int)(i - start) + 1, 1}, NULL,
                        "a key that is marked with '?' is not read here: write 'key: value'");
            return false;
        }
        if (strchr(" \t-:?", s[i]) == NULL) { /* text begins: the rest of the line is free */
            for (; i < source->len && !is_break(s[i]); i++) {
            }
        }
        if (i < source->len && is_break(s[i])) {
            line += s[i] == '\n';
            start = i + 1;
        }
    }
    return true;
}

static struct doc *read_source(const struct source *source, struct diags *d)
{
    if (!is_text(d, source) || !has_plain_keys(d, source)) {
        return NULL;
    }
    struct reader r = {.d = d, .source = source, .last = {source, 1, 1, 1}};
    struct doc *doc = mem_alloc(sizeof *doc);
    doc->root = (struct node){.kind = NODE_NULL, .mark = r.last};
    bool good = parse(&r, &doc->root);
    for (int i = 0; i < r.n_anchors; i++) {
        mem_free(r.anchors[i].name);
        node_release(&r.anchors[i].node);
    }
    mem_free(r.anchors);
    if (!good) {
        doc_free(doc);
        return NULL;
    }
    return doc;
}

struct doc *doc_read_text(const char *name, const char *text, size_t len, struct diags *d)
{
    if (len > MAX_TEXT) {
        diags_error(d, (struct mark){NULL, 0, 0, 0}, NULL, "'%s' is longer than %d bytes", name, MAX_TEXT);
        return NULL;
    }
    char *copy = mem_alloc(len + 1);
    memcpy(copy, text, len);
    return read_source(diags_source(d, name, copy, len), d);
}

const struct source *doc_source(const char *path, size_t most, struct diags *d)
{
    struct err err = ERR_INIT;
    size_t len;
    char *text = file_read(path, most, &len, &err);
    if (!text) {
        d->n_unreadable += err.code != ERR_DATA;
        diags_error(d, (struct mark){NULL, 0, 0, 0}, NULL, "%s", err.text);
        return NULL;
    }
    return diags_source(d, path, text, len);
}

struct doc *doc_read_file(const char *path, struct diags *d)
{
    const struct source *source = doc_source(path, MAX_TEXT, d);
    return source != NULL ? read_source(source, d) : NULL;
}
