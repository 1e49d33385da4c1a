#include "base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

int(err_set)(struct err *err, enum err_code code, const char *fmt, ...)
{
    assert(code != ERR_NONE);
    if (!err || err->code != ERR_NONE) {
        return -1;
    }
    err->code = code;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    return -1;
}
