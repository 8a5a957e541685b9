#include "layer-text.h"

#include <stdlib.h>
#include <string.h>

/* How many bytes a character takes that begins here; 0: it is none (RFC 3629: no surrogates, nothing longer than needed). */
static size_t character_at(const unsigned char *at)
{
    size_t length = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] >= 0xa0) || (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] >= 0x90))
        return 0;
    return length;
}

/* One of ours: U+EF80 to U+EFFF. */
static int byte_of(const unsigned char *at)
{
    return at[0] == 0xee && (at[1] == 0xbe || at[1] == 0xbf) && (at[2] & 0xc0) == 0x80 ? (at[1] == 0xbe ? 0x80 : 0xc0) | (at[2] & 0x3f) : -1;
}

json_object *text_of(const char *bytes)
{
    size_t length = strlen(bytes), used = 0;
    char *text = malloc(3 * length + 1);
    if (!text)
        return json_object_new_string("");
    for (const unsigned char *at = (const unsigned char *)bytes; *at;) {
        size_t character = character_at(at);
        if (character > 0 && byte_of(at) < 0) {
            memcpy(text + used, at, character);
            used += character;
            at += character;
            continue;
        }
        /* A character that looks like one of ours goes byte by byte, too. */
        text[used++] = (char)0xee;
        text[used++] = (char)(*at < 0xc0 ? 0xbe : 0xbf);
        text[used++] = (char)(0x80 | (*at & 0x3f));
        at++;
    }
    json_object *string = json_object_new_string_len(text, (int)used);
    free(text);
    return string;
}

void bytes_of(char *text)
{
    unsigned char *to = (unsigned char *)text;
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        int byte = at[0] && at[1] ? byte_of(at) : -1;
        *to++ = byte < 0 ? *at : (unsigned char)byte;
        at += byte < 0 ? 1 : 3;
    }
    *to = '\0';
}
