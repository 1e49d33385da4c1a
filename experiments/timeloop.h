/* Files of Timeloop (v0.4): problem, architecture, mapping; read into our structs, a mapping written back. What is not understood is refused by
 * name and line, what is left out is a warning: docs/timeloop.md lists both. A file may hold several of the three. Known problem shapes that
 * are only named ("cnn-layer"), the older form with bounds directly under `problem`, keys with '-' for '_', and one Jinja2 form, a line
 * {{include_text('FILE')}} with '<<<' merging, are read too; all other Jinja2 and arithmetic are refused.
 *
 * Timeloop counts in words whatever their bits, so everything here is in words: an element has 1 bit, a physical word has `block` bits,
 * bandwidths are words a cycle. Its architecture files have no energies: they are 0 here; timeloop_template() gives the same hierarchy as a
 * template of ours, which has energies from the technology tables. */
#ifndef EXPERIMENTS_TIMELOOP_H
#define EXPERIMENTS_TIMELOOP_H

#include "base/diag.h"
#include "costmodel/mapping.h"

struct strbuf;

enum timeloop_class { TIMELOOP_DRAM, TIMELOOP_SRAM, TIMELOOP_REGFILE };

struct timeloop_zeros { /* sparse_optimizations: of a data space in a level, or of the compute unit */
    char name[EINSUM_NAME];
    enum sparse_format format;
    int64_t field_bits; /* 0: the file does not say */
    char gate[EINSUM_TENSORS][EINSUM_NAME], skip[EINSUM_TENSORS][EINSUM_NAME];
    int n_gate, n_skip;
};

struct timeloop_level {
    char name[HW_NAME];
    enum timeloop_class class;
    char dram_type[HW_NAME];                      /* "LPDDR4"; "" when the file does not say */
    int64_t depth;                                /* physical words; 0: unbounded */
    int64_t width, datawidth;                     /* bits of a physical word, of a word */
    int64_t banks;                                /* >= 1 */
    int64_t metadata_bits;                        /* a word of metadata where a rank does not say; 0: not stated */
    int64_t buffering;                            /* 1, 2 */
    double read_words, write_words, shared_words; /* a cycle, of one instance; INFINITY: no limit */
    char keep[EINSUM_TENSORS][EINSUM_NAME], bypass[EINSUM_TENSORS][EINSUM_NAME];
    int n_keep, n_bypass;
    struct timeloop_zeros zeros[EINSUM_TENSORS];
    int n_zeros;
    bool only_keep;       /* a member of !Parallel: what it does not keep passes it by */
    int64_t fan_x, fan_y; /* children of one instance */
};

#define TIMELOOP_ARRAYS 12
struct timeloop_array { /* a container (or component) with a mesh: a target of spatial loops */
    char name[HW_NAME];
    int above; /* level whose fan-out it is part of */
    int64_t x, y;
    bool x_any, y_any; /* no constraint on the dimensions along that axis */
    int n_x, n_y;      /* else the dimensions that its constraints leave free */
    char x_dim[EINSUM_DIMS][EINSUM_NAME], y_dim[EINSUM_DIMS][EINSUM_NAME];
};

struct timeloop_arch {
    char name[HW_NAME];
    char technology[16]; /* "32nm"; "" when the file does not say */
    double cycle_s;      /* 1e-9 when the file does not say */
    int n_levels;
    struct timeloop_level level[HW_LEVELS]; /* 0 innermost */
    int n_arrays;
    struct timeloop_array array[TIMELOOP_ARRAYS]; /* outermost first */
    char mac[HW_NAME];
    struct timeloop_zeros mac_zeros;
    int64_t multiplier_bits, adder_bits;
};

struct timeloop {
    bool has_problem, has_arch, has_mapping;
    struct einsum einsum;
    struct timeloop_arch arch;
    struct accelerator accelerator; /* when has_arch */
    struct mapping mapping;         /* when all three */
};

/* Reads what the files hold together. Returns 0, or -1 with all errors in d. A mapping needs the other two. */
int timeloop_read(const char *const *paths, int n, struct timeloop *out, struct diags *d);

/* The architecture as a template file of ours; `e` (may be NULL) tells the roles of tensors that are not called weights, inputs,
 * outputs. ERR_DATA when it cannot be said in one. */
int timeloop_template(const struct timeloop_arch *arch, const struct einsum *e, struct strbuf *out, struct err *err);
/* All three as one line in the format of docs/cases.md, which `dovetail model --case` prices. */
void timeloop_case(const struct timeloop *t, const char *id, struct strbuf *out);
/* The mapping as a Timeloop v0.4 file; spatial loops go to the containers of `arch`. ERR_DATA when they do not fit these. */
int timeloop_mapping(const struct mapping *m, const struct timeloop_arch *arch, const struct einsum *e,
                     struct strbuf *out, struct err *err);

#endif
