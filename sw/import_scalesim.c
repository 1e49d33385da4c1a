/* SCALE-Sim's topology files (A. Samajdar et al., ISPASS 2020): one layer a row.
 *
 *   Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,
 *   Conv1, 224, 224, 7, 7, 3, 64, 2,
 *
 * or `Layer, M, N, K,`. The files in use differ in much, so a column is found by words of its header, a row with too few numbers is not a
 * layer (a blank one silently, another with a warning), and what is between commas (or semicolons, or tabs) is trimmed and freed of quotes. */
#include "base/diag.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "sw/import.h"
#include "sw/network_build.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FIELDS 32
#define MAX_LAYERS 100000

enum column {
    COL_IFMAP_H,
    COL_IFMAP_W,
    COL_FILTER_H,
    COL_FILTER_W,
    COL_CHANNELS,
    COL_FILTERS,
    COL_STRIDE,
    COL_BATCH,
    COL_SPARSITY,
    COL_M,
    COL_N,
    COL_K,
    COL_COUNT
};
enum { CONV_COLUMNS = COL_STRIDE + 1 };

/* A header field belongs to a column when it holds all its words, or is the one letter. */
static const struct {
    const char *word[2];
} column_words[] = {
    [COL_IFMAP_H] = {{"ifmap", "height"}},
    [COL_IFMAP_W] = {{"ifmap", "width"}},
    [COL_FILTER_H] = {{"filter", "height"}},
    [COL_FILTER_W] = {{"filter", "width"}},
    [COL_CHANNELS] = {{"channel", ""}},
    [COL_FILTERS] = {{"num", "filter"}},
    [COL_STRIDE] = {{"stride", ""}},
    [COL_BATCH] = {{"batch", ""}},
    [COL_SPARSITY] = {{"sparsity", ""}},
    [COL_M] = {{"m", NULL}},
    [COL_N] = {{"n", NULL}},
    [COL_K] = {{"k", NULL}},
};
_Static_assert(sizeof column_words / sizeof *column_words == COL_COUNT, "words for each column");

struct field {
    char *text; /* trimmed, in the line's copy */
    int col;    /* from 1 */
};

struct line {
    struct field field[MAX_FIELDS];
    int n;
    int number; /* from 1 */
};

struct topology {
    struct diags *d;
    const struct source *source;
    int column[COL_COUNT]; /* index of a field, -1: absent */
    bool gemm;
    bool warned_batch;
    struct network *net;
};

static struct mark mark_of(const struct topology *t, const struct line *line, int field)
{
    int at = field < line->n ? field : 0, len = line->n ? (int)strlen(line->field[at].text) : 1;
    return (struct mark){t->source, line->number, line->n ? line->field[at].col : 1, len > 0 ? len : 1};
}

/* Where a field ends: at the separator, or the end of the line; within quotes a separator is text. */
static char *field_end(char *at, char sep)
{
    bool quoted = false;
    while (*at && (quoted || *at != sep)) {
        quoted = *at == '"' ? !quoted : quoted;
        at++;
    }
    return at;
}

/* Without blanks around it, without its quotes, and as a whole number where it is one with a decimal point ("7.0"). */
static char *trimmed(char *at, char *end)
{
    while (at < end && (isspace((unsigned char)*at) || *at == '"')) {
        at++;
    }
    while (end > at && (isspace((unsigned char)end[-1]) || end[-1] == '"')) {
        end--;
    }
    *end = '\0';
    char *point = at + strspn(at, "0123456789");
    if (point > at && *point == '.' && point[1] && point[1 + strspn(point + 1, "0")] == '\0') {
        *point = '\0';
    }
    return at;
}

/* Cuts a line (changed) into trimmed fields: at commas; when it has none, at semicolons or else tabs. */
static void cut(char *text, int number, struct line *line)
{
    char sep = strchr(text, ',') ? ',' : strchr(text, ';') ? ';' : '\t', *at = text;
    line->n = 0;
    line->number = number;
    while (at != NULL && line->n < MAX_FIELDS) {
        char *end = field_end(at, sep), *next = *end ? end + 1 : NULL;
        char *field = trimmed(at, end);
        line->field[line->n++] = (struct field){field, (int)(field - text) + 1};
        at = next;
    }
}

static bool is_blank(const struct line *line)
{
    for (int i = 0; i < line->n; i++) {
        if (line->field[i].text[0] != '\0') {
            return false;
        }
    }
    return true;
}

static bool has_words(const char *field, enum column c)
{
    char lower[64];
    size_t n = 0;
    for (; field[n] && n < sizeof lower - 1; n++) {
        lower[n] = (char)tolower((unsigned char)field[n]);
    }
    lower[n] = '\0';
    const char *const *word = column_words[c].word;
    return word[1] ? strstr(lower, word[0]) && strstr(lower, word[1]) : strcmp(lower, word[0]) == 0;
}

static int count_numbers(const struct line *line)
{
    int n = 0;
    for (int i = 1; i < line->n; i++) {
        const char *s = line->field[i].text;
        n += s[0] != '\0' && strspn(s, "0123456789") == strlen(s);
    }
    return n;
}

/* A first row that is a layer already: columns by their place. */
static bool without_header(struct topology *t, const struct line *line)
{
    if (count_numbers(line) < CONV_COLUMNS) {
        return false;
    }
    for (int c = 0; c < COL_COUNT; c++) {
        t->column[c] = c < CONV_COLUMNS ? c + 1 : -1;
    }
    diags_warning(t->d, mark_of(t, line, 0), NULL, "there is no header: columns are taken by their place");
    return true;
}

static int read_header(struct topology *t, const struct line *line)
{
    for (int c = 0; c < COL_COUNT; c++) {
        t->column[c] = -1;
        for (int i = line->n - 1; i > 0; i--) {
            t->column[c] = has_words(line->field[i].text, (enum column)c) ? i : t->column[c];
        }
    }
    for (int i = 0; i < line->n; i++) {
        if (strstr(line->field[i].text, "Factor") != NULL) {
            return diags_error(t->d, mark_of(t, line, i), "give the topology file of the same network",
                               "this is a SCALE-Sim layout file, which holds no layers");
        }
    }
    t->gemm = t->column[COL_M] > 0 && t->column[COL_N] > 0 && t->column[COL_K] > 0;
    int known = 0;
    for (int c = 0; c < CONV_COLUMNS; c++) {
        known += t->column[c] > 0;
    }
    if (!t->gemm && known == CONV_COLUMNS - 1 &&
        line->n > CONV_COLUMNS) { /* one is misnamed ("IFMAP Width" twice): SCALE-Sim goes by place */
        for (int c = 0; c < CONV_COLUMNS; c++) {
            t->column[c] = c + 1;
        }
        diags_warning(t->d, mark_of(t, line, 1), NULL, "a column is misnamed: columns are taken by their place");
    }
    for (int c = 0; c < CONV_COLUMNS && !t->gemm; c++) {
        if (t->column[c] < 0) {
            return diags_error(t->d, mark_of(t, line, 0),
                               "the first row names them: 'Layer name, IFMAP Height, IFMAP Width, "
                               "Filter Height, "
                               "Filter Width, Channels, Num Filter, Strides' or 'Layer, M, N, K'",
                               "no column for '%s%s%s'", column_words[c].word[0], column_words[c].word[1][0] ? " " : "",
                               column_words[c].word[1]);
        }
    }
    return 0;
}

/* Whole number of the column; false when there is none. */
static bool number_at(const struct topology *t, const struct line *line, enum column c, int64_t *out)
{
    int i = t->column[c];
    if (i < 0 || i >= line->n || !isdigit((unsigned char)line->field[i].text[0])) {
        return false;
    }
    char *end;
    long long v = strtoll(line->field[i].text, &end, 10);
    *out = v;
    return *end == '\0' && v <= (int64_t)1 << 40;
}

/* The row's name, cut to length, the line behind it when it was there before. */
static void name_of(const struct topology *t, const struct line *line, char out[NETWORK_NAME])
{
    const char *text = line->field[0].text[0] ? line->field[0].text : "layer";
    snprintf(out, NETWORK_NAME, "%.*s", NETWORK_NAME - 12, text);
    if (network_find_op(t->net, out) >= 0) {
        snprintf(out, NETWORK_NAME, "%.*s#%d", NETWORK_NAME - 12, text, line->number);
    }
}

static int add_gemm(struct topology *t, const struct line *line, const char *name, struct err *err)
{
    int64_t m = 0, n = 0, k = 0;
    if (!number_at(t, line, COL_M, &m) || !number_at(t, line, COL_N, &n) || !number_at(t, line, COL_K, &k) || m < 1 ||
        n < 1 || k < 1) {
        return err_set(err, ERR_DATA, "M, N and K must be whole numbers of at least 1");
    }
    int in = build_input(t->net, k, m, 1, err);
    return in < 0 ? -1 : build_linear(t->net, name, in, n, false, false, err);
}

static int add_conv(struct topology *t, const struct line *line, const char *name, struct err *err)
{
    int64_t v[CONV_COLUMNS] = {0};
    for (int c = 0; c < CONV_COLUMNS; c++) {
        if (!number_at(t, line, (enum column)c, &v[c]) || v[c] < 1) {
            return err_set(err, ERR_DATA, "'%s%s%s' must be a whole number of at least 1", column_words[c].word[0],
                           column_words[c].word[1][0] ? " " : "", column_words[c].word[1]);
        }
    }
    struct conv_spec spec = conv_spec_default;
    spec.k = v[COL_FILTERS];
    spec.kernel[0] = v[COL_FILTER_H];
    spec.kernel[1] = v[COL_FILTER_W];
    spec.stride[0] = spec.stride[1] = v[COL_STRIDE];
    spec.bias = false;
    spec.ceil = true;
    int in = build_input(t->net, v[COL_CHANNELS], v[COL_IFMAP_H], v[COL_IFMAP_W], err);
    return in < 0 ? -1 : build_conv(t->net, name, in, &spec, err);
}

/* N:M: N weights of each M are not zero. */
static void set_density(struct topology *t, const struct line *line)
{
    int i = t->column[COL_SPARSITY], n, m;
    if (i > 0 && i < line->n && sscanf(line->field[i].text, "%d:%d", &n, &m) == 2) {
        if (n >= 1 && n <= m) {
            t->net->op[t->net->n_ops - 1].einsum.tensor[0].density = (double)n / m;
        } else {
            diags_warning(t->d, mark_of(t, line, i), NULL, "sparsity '%s' is not N:M with 1 <= N <= M: taken as dense",
                          line->field[i].text);
        }
    }
}

static void warn_batch(struct topology *t, const struct line *line)
{
    int64_t batch;
    if (!t->warned_batch && number_at(t, line, COL_BATCH, &batch) && batch != 1) {
        t->warned_batch = true;
        diags_warning(t->d, mark_of(t, line, t->column[COL_BATCH]), "set the workload's batch",
                      "the column of batch sizes is ignored");
    }
}

static int read_row(struct topology *t, const struct line *line)
{
    if (is_blank(line)) {
        return 0;
    }
    int need = t->gemm ? 3 : CONV_COLUMNS;
    if (count_numbers(line) < need) {
        return diags_warning(t->d, mark_of(t, line, 0), NULL, "not a layer: it has %d numbers, %d are needed",
                             count_numbers(line), need);
    }
    if (t->net->n_ops >= MAX_LAYERS) {
        return diags_error(t->d, mark_of(t, line, 0), NULL, "more than %d layers", MAX_LAYERS);
    }
    char name[NETWORK_NAME];
    struct err err = ERR_INIT;
    name_of(t, line, name);
    build_block(t->net, name);
    if ((t->gemm ? add_gemm(t, line, name, &err) : add_conv(t, line, name, &err)) < 0) {
        return diags_error(t->d, mark_of(t, line, 0), NULL, "'%s': %s", name, err.text);
    }
    set_density(t, line);
    warn_batch(t, line);
    return 0;
}

static int read_lines(struct topology *t, char *text)
{
    bool header = false;
    int number = 0, before = t->d->n_errors;
    if (strncmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
    }
    for (char *c = strchr(text, '\n') ? NULL : strchr(text, '\r'); c; c = strchr(c, '\r')) {
        *c = '\n'; /* lines of old Macintoshes */
    }
    for (char *at = text; at != NULL;) {
        char *end = strchr(at, '\n'), *next = end ? end + 1 : NULL;
        if (end) {
            *end = '\0';
        }
        struct line line;
        cut(at, ++number, &line);
        if (!header && !is_blank(&line)) {
            header = true;
            if (without_header(t, &line)) {
                read_row(t, &line);
            } else if (read_header(t, &line)) {
                return -1;
            }
        } else if (header) {
            read_row(t, &line);
        }
        at = next;
    }
    struct mark whole = {t->source, 1, 1, 1};
    if (t->d->n_errors == before && t->net->n_ops == 0) {
        return diags_error(t->d, whole, NULL, "there is no layer in this file");
    }
    struct err err = ERR_INIT;
    if (t->d->n_errors == before && build_finish(t->net, &err)) {
        return diags_error(t->d, whole, NULL, "%s", err.text);
    }
    return t->d->n_errors > before ? -1 : 0;
}

/* "alexnet" of "nets/alexnet.csv". */
static char *own_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    return mem_strndup(base, dot != NULL && dot != base ? (size_t)(dot - base) : strlen(base));
}

struct network *import_scalesim(const char *name, const char *text, size_t len, int64_t batch, struct diags *d)
{
    const struct mark nowhere = {NULL, 0, 0, 0};
    if (memchr(text, '\0', len)) {
        diags_error(d, nowhere, NULL, "'%s' is not a text file", name);
        return NULL;
    }
    char *own = own_name(name);
    struct topology t = {
        .d = d, .source = diags_source(d, name, mem_strndup(text, len), len), .net = network_new(own, batch)};
    mem_free(own);
    char *copy = mem_strndup(text, len);
    int rc = read_lines(&t, copy);
    mem_free(copy);
    if (rc) {
        network_free(t.net);
        return NULL;
    }
    return t.net;
}
