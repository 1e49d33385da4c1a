/* Words and signs of an expression's text, for expr_parse.c. */
#ifndef BASE_EXPR_SCAN_H
#define BASE_EXPR_SCAN_H

#include "base/expr_tree.h"

void scan_blanks(struct parser *p);
int scan_name_length(const char *s); /* bytes of the name at s: letters, digits, '_', and '.' between them */
bool scan_is_word(const char *s, int len, const char *word);
/* Pass over the word, the character, when it stands there. */
bool scan_word(struct parser *p, const char *word);
bool scan_take(struct parser *p, char c);
/* The error that something else stands there; -1. */
int scan_expected(struct parser *p, const char *what);
/* The bracket that closes the one at `opened`; -1 with an error. */
int scan_close(struct parser *p, char c, int opened);

#endif
