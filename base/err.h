/* What went wrong, for functions that return 0 or -1. One complete sentence, lower
 * case, cause first, subject in quotes: "cannot open 'a.db': no such file" The code is
 * the exit status that the command line gives (sysexits). Located errors of input files
 * are `struct diags`. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_code {
    ERR_NONE = 0,
    ERR_NO = 1,         /* the answer is "no": an empty front, a difference found */
    ERR_USAGE = 64,     /* command line */
    ERR_DATA = 65,      /* bad input file */
    ERR_NOINPUT = 66,   /* an input file is missing */
    ERR_EVALUATOR = 69, /* an external evaluator failed too often */
    ERR_BUG = 70,       /* our own mistake: an invariant does not hold */
    ERR_IO = 74,        /* cannot write: disk full, quota, locked */
    ERR_RESUME = 75     /* stopped early, work remains */
};

struct err {
    enum err_code code; /* ERR_NONE while nothing happened */
    char text[1024];    /* NUL-terminated, cut at the end when longer */
};
#define ERR_INIT                                                                                                       \
    {                                                                                                                  \
        ERR_NONE, ""                                                                                                   \
    }

/* Fills err (may be NULL) and returns -1, so that `return err_set(err, ...)` reads
 * well. The first error stays. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* What the compilers and analyzers cannot see in another file: that the result is -1, so that a caller's early return
 * ends the path. */
static inline int err_minus_one(void)
{
    return -1;
}
#define err_set(...) (err_set(__VA_ARGS__), err_minus_one())

#endif
