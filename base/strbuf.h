/* A growing string. Invariants: buf is NULL only while cap is 0; otherwise buf[len] is
 * '\0'. `struct strbuf sb = STRBUF_INIT; ... strbuf_release(&sb);` */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include <stdarg.h>
#include <stddef.h>

struct strbuf {
    char *buf;
    size_t len; /* without the final NUL */
    size_t cap;
};
#define STRBUF_INIT                                                                                                    \
    {                                                                                                                  \
        NULL, 0, 0                                                                                                     \
    }

void strbuf_release(struct strbuf *sb);                         /* frees; may be used again */
void strbuf_reset(struct strbuf *sb);                           /* empty, memory kept */
void strbuf_add(struct strbuf *sb, const void *data, size_t n); /* copies n bytes */
void strbuf_adds(struct strbuf *sb, const char *s);             /* copies s */
void strbuf_addf(struct strbuf *sb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
const char *strbuf_str(const struct strbuf *sb); /* never NULL; borrowed until the next change */
char *strbuf_detach(struct strbuf *sb);          /* caller frees with mem_free(); sb becomes empty */

#endif
