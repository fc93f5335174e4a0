#ifndef WORDS_H
#define WORDS_H

#include <stdio.h>

/* The number of words on a stream; anything between white space is a word. */
long count_words(FILE *in);

#endif
