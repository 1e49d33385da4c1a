/* Collecting messages, and writing them as compilers do. The excerpt is made of what the terminal can show: control characters (an input file may
 * hold escape sequences) become '?', tabs keep their width under the caret by being repeated there. */
#include "base/diag.h"

#include "base/mem.h"
#include "base/strbuf.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_KEPT = 200, MAX_MESSAGE = 600, MAX_SHOWN = 160, BEFORE_CARET = 60 };

static const char *const level_name[] = {[DIAG_ERROR] = "error", [DIAG_WARNING] = "warning", [DIAG_NOTE] = "note"};
static const char *const level_color[] = {
    [DIAG_ERROR] = "\033[1;31m", [DIAG_WARNING] = "\033[1;35m", [DIAG_NOTE] = "\033[1;36m"};

void diags_release(struct diags *d)
{
    for (int i = 0; i < d->n; i++) {
        mem_free(d->list[i].message);
        mem_free(d->list[i].help);
    }
    for (int i = 0; i < d->n_sources; i++) {
        mem_free(d->sources[i]->name);
        mem_free(d->sources[i]->text);
        mem_free(d->sources[i]);
    }
    mem_free(d->list);
    mem_free(d->sources);
    *d = (struct diags)DIAGS_INIT;
}

const struct source *diags_source(struct diags *d, const char *name, char *text, size_t len)
{
    struct source *s = mem_alloc(sizeof *s);
    s->name = mem_strdup(name);
    s->text = text ? text : mem_strdup("");
    s->len = text ? len : 0;
    MEM_GROW(d->sources, d->n_sources, d->cap_sources);
    d->sources[d->n_sources++] = s;
    return s;
}

/* A hostile file's key of a megabyte does not get into the message whole. */
static void cut(struct strbuf *message)
{
    if (message->len > MAX_MESSAGE) {
        size_t n = MAX_MESSAGE;
        while (n > 0 && ((unsigned char)message->buf[n] & 0xc0) == 0x80) {
            n--;
        }
        message->len = n;
        strbuf_adds(message, "...");
    }
}

__attribute__((format(printf, 5, 0))) static void add(struct diags *d, enum diag_level level, struct mark at,
                                                      const char *help, const char *fmt, va_list ap)
{
    d->n_errors += level == DIAG_ERROR;
    d->n_warnings += level == DIAG_WARNING;
    if (d->n >= MAX_KEPT) {
        return;
    }
    struct strbuf message = STRBUF_INIT;
    strbuf_vaddf(&message, fmt, ap);
    cut(&message);
    MEM_GROW(d->list, d->n, d->cap);
    d->list[d->n++] = (struct diag){level, at, strbuf_detach(&message), help && *help ? mem_strdup(help) : NULL};
}

int(diags_error)(struct diags *d, struct mark at, const char *help, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(d, DIAG_ERROR, at, help, fmt, ap);
    va_end(ap);
    return -1;
}

int diags_warning(struct diags *d, struct mark at, const char *help, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(d, DIAG_WARNING, at, help, fmt, ap);
    va_end(ap);
    return 0;
}

int diags_note(struct diags *d, struct mark at, const char *help, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(d, DIAG_NOTE, at, help, fmt, ap);
    va_end(ap);
    return 0;
}

struct place {
    int source, line, col; /* of the message, or of the message that a note belongs to */
    int index;
};

static int compare_places(const void *pa, const void *pb)
{
    const struct place *a = pa, *b = pb;
    if (a->source != b->source) {
        return a->source < b->source ? -1 : 1;
    }
    if (a->line != b->line) {
        return a->line < b->line ? -1 : 1;
    }
    if (a->col != b->col) {
        return a->col < b->col ? -1 : 1;
    }
    return a->index < b->index ? -1 : 1;
}

/* The order to show the messages in: files as they were read, messages without a file last. Caller frees. */
static struct place *sorted(const struct diags *d)
{
    struct place *order = mem_calloc((size_t)d->n, sizeof *order);
    for (int i = 0; i < d->n; i++) {
        const struct mark *m = &d->list[i].mark;
        if (d->list[i].level == DIAG_NOTE && i > 0) {
            order[i] = order[i - 1];
        } else {
            int s = 0;
            while (s < d->n_sources && d->sources[s] != m->source) {
                s++;
            }
            order[i] = (struct place){s, m->line, m->col, 0};
        }
        order[i].index = i;
    }
    qsort(order, (size_t)d->n, sizeof *order, compare_places);
    return order;
}

/* Bytes of the character at s (limit > 0 bytes are left), and whether it can be shown. */
static int char_length(const char *s, size_t limit, bool *printable)
{
    const unsigned char *c = (const unsigned char *)s;
    size_t n = utf8_length(c, limit);
    bool control = (c[0] < 0x20 && c[0] != '\t') || c[0] == 0x7f || (n == 2 && c[0] == 0xc2 && c[1] < 0xa0);
    *printable = n > 0 && !control;
    return n > 0 ? (int)n : 1;
}

static void add_shown(struct strbuf *out, const char *s, int n, bool printable)
{
    if (printable) {
        strbuf_add(out, s, (size_t)n);
    } else {
        strbuf_adds(out, "?");
    }
}

/* The start of a line, NULL when the text has fewer. */
static const char *find_line(const struct source *s, int line)
{
    const char *p = s->text;
    const char *end = s->text + s->len;
    for (int i = 1; i < line; i++) {
        p = memchr(p, '\n', (size_t)(end - p));
        if (!p) {
            return NULL;
        }
        p++;
    }
    return p;
}

static void add_excerpt(const struct mark *m, const char *color, struct strbuf *out)
{
    const char *line = find_line(m->source, m->line);
    const char *end = m->source->text + m->source->len;
    if (!line || line >= end) {
        return;
    }
    struct strbuf under = STRBUF_INIT;
    int first = m->col > MAX_SHOWN - BEFORE_CARET ? m->col - BEFORE_CARET : 1;
    strbuf_addf(out, "%5d | %s", m->line, first > 1 ? "..." : "");
    strbuf_adds(&under, first > 1 ? "   " : "");
    int col = 1;
    for (const char *p = line; p < end && *p != '\n' && *p != '\r' && col < first + MAX_SHOWN; col++) {
        bool printable;
        int n = char_length(p, (size_t)(end - p), &printable);
        if (col >= first) {
            add_shown(out, p, n, printable);
        }
        if (col >= first && col < m->col) {
            strbuf_adds(&under, *p == '\t' ? "\t" : " ");
        } else if (col > m->col && col < m->col + m->len) {
            strbuf_adds(&under, "~");
        } else if (col == m->col) {
            strbuf_adds(&under, "^");
        }
        p += n;
    }
    if (col <= m->col) { /* just past the end of the line */
        strbuf_adds(&under, "^");
    }
    strbuf_addf(out, "%s\n      | %s%s%s\n", col >= first + MAX_SHOWN ? "..." : "", color, strbuf_str(&under),
                *color ? "\033[0m" : "");
    strbuf_release(&under);
}

static void add_text(const char *s, struct strbuf *out)
{
    for (size_t left = strlen(s); left > 0;) {
        bool printable;
        int n = char_length(s, left, &printable);
        add_shown(out, s, n, printable);
        s += n;
        left -= (size_t)n;
    }
}

static void format_one(const struct diag *diag, bool color, struct strbuf *out)
{
    const struct mark *m = &diag->mark;
    const char *on = color ? level_color[diag->level] : "";
    const char *off = color ? "\033[0m" : "";
    if (m->source) {
        add_text(m->source->name, out);
        if (m->line > 0) {
            strbuf_addf(out, ":%d:%d", m->line, m->col);
        }
        strbuf_adds(out, ": ");
    }
    strbuf_addf(out, "%s%s:%s ", on, level_name[diag->level], off);
    add_text(diag->message, out);
    strbuf_adds(out, "\n");
    if (m->source && m->line > 0) {
        add_excerpt(m, on, out);
    }
    if (diag->help) {
        strbuf_adds(out, "      = help: ");
        add_text(diag->help, out);
        strbuf_adds(out, "\n");
    }
}

void diags_format(const struct diags *d, bool color, struct strbuf *out)
{
    struct place *order = sorted(d);
    for (int i = 0; i < d->n; i++) {
        format_one(&d->list[order[i].index], color, out);
    }
    mem_free(order);
    if (d->n >= MAX_KEPT) {
        strbuf_addf(out, "(only the first %d messages are shown)\n", MAX_KEPT);
    }
}

static void json_string(const char *s, struct strbuf *out)
{
    strbuf_adds(out, "\"");
    for (size_t left = strlen(s); left > 0;) {
        bool printable;
        int n = char_length(s, left, &printable);
        if (*s == '"' || *s == '\\') {
            strbuf_addf(out, "\\%c", *s);
        } else if (n == 1 && (unsigned char)*s < 0x20) {
            strbuf_addf(out, "\\u%04x", (unsigned)*s);
        } else {
            add_shown(out, s, n, printable);
        }
        s += n;
        left -= (size_t)n;
    }
    strbuf_adds(out, "\"");
}

void diags_json(const struct diags *d, struct strbuf *out)
{
    struct place *order = sorted(d);
    strbuf_adds(out, "[");
    for (int i = 0; i < d->n; i++) {
        const struct diag *diag = &d->list[order[i].index];
        strbuf_adds(out, i ? ",\n {\"file\":" : "\n {\"file\":");
        if (diag->mark.source) {
            json_string(diag->mark.source->name, out);
        } else {
            strbuf_adds(out, "null");
        }
        strbuf_addf(out, ",\"line\":%d,\"column\":%d,\"level\":\"%s\",\"message\":", diag->mark.line, diag->mark.col,
                    level_name[diag->level]);
        json_string(diag->message, out);
        strbuf_adds(out, ",\"help\":");
        if (diag->help) {
            json_string(diag->help, out);
        } else {
            strbuf_adds(out, "null");
        }
        strbuf_adds(out, "}");
    }
    strbuf_adds(out, d->n ? "\n]" : "]");
    mem_free(order);
}
