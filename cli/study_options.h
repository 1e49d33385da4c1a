/* The options of every verb that takes a study. In the verb's struct: `struct study_opts study;`, in its table:
 * STUDY_OPTIONS(struct search_opts, study), and STUDY_DEFAULTS among its defaults. */
#ifndef CLI_STUDY_OPTIONS_H
#define CLI_STUDY_OPTIONS_H

#include "cli/options.h"

struct study_opts {
    struct opt_list set; /* path=value: changes the study */
    struct opt_list fix; /* name=value: freezes a variable */
    int64_t seed;        /* -1: the study's own */
};
#define STUDY_DEFAULTS                                                                                                 \
    {                                                                                                                  \
        .seed = -1                                                                                                     \
    }

/* clang-format off */
#define STUDY_SET_OPTIONS(type, member) \
    {"set", 0, OPT_ASSIGN, offsetof(type, member.set), "PATH=VALUE", \
     .help = "change a key of the study: search.budget.evaluations=500; repeatable"}, \
    {"fix", 0, OPT_ASSIGN, offsetof(type, member.fix), "NAME=VALUE", \
     .help = "freeze a variable of the space; repeatable"}
#define STUDY_OPTIONS(type, member) \
    STUDY_SET_OPTIONS(type, member), \
    {"seed", 0, OPT_INT, offsetof(type, member.seed), "N", \
     .help = "random seed in place of the study's", .min = 0, .max = 9007199254740992.0}

#define THREADS_OPTION(type, member) \
    {"threads", 'j', OPT_INT, offsetof(type, member), "N", \
     .help = "threads (default: all processors); the result is the same for any number", .min = 1, .max = 4096}
/* clang-format on */

#endif
