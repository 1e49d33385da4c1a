/* Texts made from the verb and option tables: nothing here is written twice. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <jansson.h>

struct strbuf;
struct verb;

void help_overview(struct strbuf *out);                      /* every verb, one line each */
void help_verb(const struct verb *verb, struct strbuf *out); /* usage, options, examples */
void help_man(struct strbuf *out);                           /* the whole manual page, man(7) */
json_t *help_json(const struct verb *only); /* the tables (NULL: of all verbs), for wrappers and tests */
int help_completion(const char *shell, struct strbuf *out); /* bash, zsh or fish; -1 for another */

#endif
