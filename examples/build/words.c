#include "words.h"

#include <ctype.h>

long count_words(FILE *in)
{
    long words = 0;
    int inside = 0;
    for (int c = getc(in); c != EOF; c = getc(in)) {
        int was_inside = inside;
        inside = !isspace(c);
        words += inside && !was_inside;
    }
    return words;
}
