/* SCALE-Sim's .cfg (scalesim-v2, v3: [general], [architecture_presets], [run_presets]) into a template.
 *
 *   ArrayHeight, ArrayWidth     rows and columns of the array
 *   IfmapSramSzkB ...           three memories, each for one tensor and double-buffered, in KiB (v2 also writes IfmapSramSz)
 *   Dataflow os, ws, is         which tensor a PE keeps; what rows and columns unroll: os: output pixels and filters, ws: the window and filters,
 *                               is: the window and output pixels
 *   Bandwidth                   words a cycle to main memory
 *
 * SCALE-Sim counts cycles and words and knows neither a clock nor bits: a word is a byte here, the clock a parameter (1 GHz), partial sums have 32
 * bits. */
#include "experiments/scalesim_config.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct mark nowhere = {NULL, 0, 0, 0};

enum { DATAFLOWS = 3, WORD = 64 };

struct config {
    int64_t rows, cols, sram_kib[3]; /* inputs, weights, outputs */
    int64_t words;                   /* a cycle to main memory; 0: not said */
    int dataflow;                    /* index of `flows`, -1: not said */
    char name[WORD];
};

/* What a PE keeps, and what rows (y) and columns (x) unroll. */
static const struct {
    const char *word, *name, *keep, *bypass, *size, *y, *x;
} flows[DATAFLOWS] = {
    {"os", "output_stationary", "outputs", "weights, inputs", "32bit", "P, Q, N", "K, G"},
    {"ws", "weight_stationary", "weights", "inputs, outputs", "16bit", "C, R, S", "K, G"},
    {"is", "input_stationary", "inputs", "weights, outputs", "16bit", "C, R, S", "P, Q, N, G"},
};

static const struct {
    const char *key;
    size_t offset;
    int64_t max;
} numbers[] = {
    {"ArrayHeight", offsetof(struct config, rows), 4096},
    {"ArrayWidth", offsetof(struct config, cols), 4096},
    {"IfmapSramSzkB", offsetof(struct config, sram_kib[0]), 1 << 22},
    {"IfmapSramSz", offsetof(struct config, sram_kib[0]), 1 << 22},
    {"FilterSramSzkB", offsetof(struct config, sram_kib[1]), 1 << 22},
    {"FilterSramSz", offsetof(struct config, sram_kib[1]), 1 << 22},
    {"OfmapSramSzkB", offsetof(struct config, sram_kib[2]), 1 << 22},
    {"OfmapSramSz", offsetof(struct config, sram_kib[2]), 1 << 22},
    {"Bandwidth", offsetof(struct config, words), 1 << 20},
};

static int find_flow(const char *word)
{
    for (int i = 0; i < DATAFLOWS; i++) {
        if (strcasecmp(flows[i].word, word) == 0) {
            return i;
        }
    }
    return -1;
}

/* One 'key: value' or 'key = value', trimmed. */
static int take(struct config *c, const char *key, const char *value, const char *at, struct diags *d)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (strcasecmp(key, numbers[i].key) != 0) {
            continue;
        }
        char *end;
        long long v = strtoll(value, &end, 10);
        if (end == value || (*end != '\0' && *end != ',') || v < 1 || v > numbers[i].max) {
            return diags_error(d, nowhere, NULL, "%s: '%s' must lie in 1..%lld, not '%.40s'", at, key,
                               (long long)numbers[i].max, value);
        }
        memcpy((char *)c + numbers[i].offset, &(int64_t){v}, sizeof(int64_t));
        return 0;
    }
    if (strcasecmp(key, "Dataflow") == 0) {
        c->dataflow = find_flow(value);
        return c->dataflow < 0 ? diags_error(d, nowhere, NULL, "%s: 'Dataflow' is os, ws or is, not '%.40s'", at, value)
                               : 0;
    }
    if (strcasecmp(key, "run_name") == 0) {
        size_t n = 0;
        for (const char *p = value; *p != '\0' && n + 1 < sizeof c->name; p++) {
            c->name[n++] = isalnum((unsigned char)*p) ? *p : '_';
        }
    }
    if (strcasecmp(key, "InterfaceBandwidth") == 0 && strcasecmp(value, "CALC") == 0) {
        diags_warning(d, nowhere, NULL,
                      "%s: SCALE-Sim finds the bandwidth that it needs; the template has the one of 'Bandwidth'", at);
    }
    if (strcasecmp(key, "SparsitySupport") == 0 && strcasecmp(value, "true") == 0) {
        diags_warning(d, nowhere, NULL,
                      "%s: its sparsity is not read: say densities in the study, formats in the template", at);
    }
    return 0;
}

static char *trim(char *s)
{
    while (isspace((unsigned char)*s)) {
        s++;
    }
    size_t n = strlen(s);
    while (n > 0 && isspace((unsigned char)s[n - 1])) {
        s[--n] = '\0';
    }
    return s;
}

static int read_lines(const char *name, char *text, struct config *c, struct diags *d)
{
    int bad = 0, row = 1;
    for (char *line = text; line != NULL; row++) {
        char *next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        line = trim(line);
        char *sep = strpbrk(line, ":=");
        if (line[0] != '#' && line[0] != ';' && line[0] != '[' && sep != NULL) {
            *sep = '\0';
            char at[300];
            snprintf(at, sizeof at, "%.280s:%d", name, row);
            bad |= take(c, trim(line), trim(sep + 1), at, d);
        }
        line = next;
    }
    return bad;
}

static int check(const char *name, const struct config *c, struct diags *d)
{
    static const char *const memories[] = {"IfmapSramSzkB", "FilterSramSzkB", "OfmapSramSzkB"};
    int bad = 0;
    if (c->rows == 0 || c->cols == 0) {
        bad = diags_error(d, nowhere, NULL,
                          "%s: no 'ArrayHeight' or no 'ArrayWidth': is this a SCALE-Sim configuration?", name);
    }
    for (int i = 0; i < 3 && !bad; i++) {
        bad = c->sram_kib[i] == 0 ? diags_error(d, nowhere, NULL, "%s: no '%s'", name, memories[i]) : 0;
    }
    if (!bad && c->dataflow < 0) {
        bad = diags_error(d, nowhere, NULL, "%s: no 'Dataflow': os, ws or is", name);
    }
    return bad;
}

static void write_memory(struct strbuf *out, const char *name, const char *parameter, const char *width,
                         const char *keep, const char *bypass, bool last)
{
    strbuf_addf(out,
                "  - {name: %s, class: sram, size: %s, width: %s, banks: 2, buffering: 2, bandwidth: {read: %s, write: "
                "%s}, keep: [%s], bypass: [%s]%s}\n",
                name, parameter, width, width, width, keep, bypass, last ? ", fanout: {y: rows, x: cols}" : "");
}

static void write_template(const char *name, const struct config *c, struct strbuf *out)
{
    static const char *const parameters[] = {"ifmap_sram", "filter_sram", "ofmap_sram"};
    int f = c->dataflow;
    int64_t words = c->words ? c->words : 10;
    strbuf_addf(out,
                "# From SCALE-Sim's '%s'. A word is taken as a byte; clock and technology are not in the file.\n"
                "template: %s\nsummary: SCALE-Sim architecture, %lldx%lld systolic array, %s\n\nparameters:\n"
                "  technology: {type: choice, default: 22nm, values: [45nm, 28nm, 22nm, 16nm, 7nm], help: node of "
                "hw/technology/nodes.csv}\n"
                "  clock: {type: frequency, default: 1GHz, range: [10MHz, 4GHz], help: SCALE-Sim counts cycles}\n"
                "  rows: {type: int, default: %lld, range: [1, 4096], help: ArrayHeight}\n"
                "  cols: {type: int, default: %lld, range: [1, 4096], help: ArrayWidth}\n",
                name, c->name[0] ? c->name : "scalesim", (long long)c->rows, (long long)c->cols, flows[f].name,
                (long long)c->rows, (long long)c->cols);
    for (int i = 0; i < 3; i++) {
        strbuf_addf(out, "  %s: {type: capacity, default: %lldKiB, range: [1KiB, 4GiB], help: double-buffered}\n",
                    parameters[i], (long long)c->sram_kib[i]);
    }
    strbuf_addf(
        out,
        "  dram_bandwidth: {type: bandwidth, default: %lldGB/s, range: [100MB/s, 2000TB/s], help: %lld words a "
        "cycle}\n\ntechnology: technology\nclock: clock\noverhead: {logic: 6, sram: 2.5} # as edge_npu\n\nlevels:\n"
        "  - {name: DRAM, class: dram, kind: LPDDR4, width: 64bit, bandwidth: dram_bandwidth}\n",
        (long long)words, (long long)words);
    write_memory(out, "OFMAP", "ofmap_sram", "32bit * cols", "outputs", "weights, inputs", false);
    write_memory(out, "IFMAP", "ifmap_sram", f == 2 ? "8bit * cols" : "8bit * rows", "inputs", "weights, outputs",
                 false);
    write_memory(out, "FILTER", "filter_sram", f == 2 ? "8bit * rows" : "8bit * cols", "weights", "inputs, outputs",
                 true);
    strbuf_addf(out,
                "  - {name: REG, class: register, size: %s, width: 8bit%s, keep: [%s], bypass: [%s]}\n\n"
                "mac: {kind: fixed, w_bits: 8, a_bits: 8, acc_bits: 32}\nvector: {lanes: cols}\n\ndataflows:\n"
                "  %s: {stationary: %s, spatial: {OFMAP: {}, IFMAP: {}, FILTER: {y: [%s], x: [%s]}, REG: {}}}\n",
                flows[f].size, f == 0 ? "" : ", buffering: 2", flows[f].keep, flows[f].bypass, flows[f].name,
                flows[f].keep, flows[f].y, flows[f].x);
}

int scalesim_config(const char *name, const char *text, size_t len, struct strbuf *out, struct diags *d)
{
    struct config c = {.dataflow = -1};
    if (memchr(text, '\0', len) != NULL) {
        return diags_error(d, nowhere, NULL, "'%s' is not a text file", name);
    }
    char *copy = mem_strndup(text, len);
    int bad = read_lines(name, copy, &c, d) || check(name, &c, d);
    mem_free(copy);
    if (bad) {
        return -1;
    }
    write_template(name, &c, out);
    return 0;
}
