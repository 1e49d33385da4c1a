/* A growing string, after git's strbuf: capacity doubles, so that n appends cost O(n).
 */
#include "base/strbuf.h"

#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static void reserve(struct strbuf *sb, size_t extra)
{
    size_t need = sb->len + extra + 1;
    assert(need > extra);
    if (need <= sb->cap) {
        return;
    }
    size_t cap = sb->cap < 32 ? 64 : 2 * sb->cap;
    sb->cap = cap < need ? need : cap;
    sb->buf = mem_realloc(sb->buf, sb->cap, 1);
    sb->buf[sb->len] = '\0';
}

void strbuf_release(struct strbuf *sb)
{
    mem_free(sb->buf);
    *sb = (struct strbuf)STRBUF_INIT;
}

void strbuf_reset(struct strbuf *sb)
{
    sb->len = 0;
    if (sb->buf) {
        sb->buf[0] = '\0';
    }
}

void strbuf_add(struct strbuf *sb, const void *data, size_t n)
{
    reserve(sb, n);
    if (n) {
        memcpy(sb->buf + sb->len, data, n);
    }
    sb->len += n;
    sb->buf[sb->len] = '\0';
}

void strbuf_adds(struct strbuf *sb, const char *s)
{
    strbuf_add(sb, s, strlen(s));
}

void strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    assert(n >= 0);
    reserve(sb, (size_t)n);
    vsnprintf(sb->buf + sb->len, (size_t)n + 1, fmt, ap);
    sb->len += (size_t)n;
}

void strbuf_addf(struct strbuf *sb, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    strbuf_vaddf(sb, fmt, ap);
    va_end(ap);
}

const char *strbuf_str(const struct strbuf *sb)
{
    return sb->buf ? sb->buf : "";
}

char *strbuf_detach(struct strbuf *sb)
{
    reserve(sb, 0);
    char *s = sb->buf;
    *sb = (struct strbuf)STRBUF_INIT;
    return s;
}
