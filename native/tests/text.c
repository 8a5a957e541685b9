/* tests/text.c: what a monitor makes of bytes and times. */
#include "../monitor/text.c"

#include <stdio.h>
#include <stdlib.h>

static int failures;

static void expect(const char *what, const char *got, size_t length, const char *wanted)
{
    if (length == strlen(wanted) && memcmp(got, wanted, length) == 0)
        return;
    failures++;
    fprintf(stderr, "%s: got \"%.*s\", wanted \"%s\"\n", what, (int)length, got, wanted);
}

static void escapes(const char *what, const char *bytes, size_t length, const char *wanted)
{
    /* Exactly as large as allowed, so that the sanitizer sees one byte too many. */
    unsigned char *from = malloc(length + 1);
    char *to = malloc(6 * length + 1);
    memcpy(from, bytes, length);
    expect(what, to, json_escape(to, from, length), wanted);
    free(from);
    free(to);
}

/* What needs escaping is found wherever it stands among what does not. */
static void escapes_anywhere(void)
{
    static const struct {
        char byte;
        const char *escaped;
    } cases[] = {{'"', "\\\""}, {'\\', "\\\\"}, {'\n', "\\n"}, {'\x1f', "\\u001f"}, {'\0', "\\u0000"}, {'\xff', "\xef\xbf\xbd"}, {' ', " "}, {'\x7f', "\x7f"}, {'#', "#"}, {'!', "!"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t at = 0; at < 20; at++) {
            char bytes[20], wanted[40];
            memset(bytes, '~', sizeof bytes);
            bytes[at] = cases[i].byte;
            snprintf(wanted, sizeof wanted, "%.*s%s%.*s", (int)at, "~~~~~~~~~~~~~~~~~~~~", cases[i].escaped, (int)(19 - at), "~~~~~~~~~~~~~~~~~~~~");
            escapes("anywhere", bytes, sizeof bytes, wanted);
        }
}

static void unfinished(const char *bytes, size_t wanted)
{
    size_t got = utf8_unfinished((const unsigned char *)bytes, strlen(bytes));
    if (got == wanted)
        return;
    failures++;
    fprintf(stderr, "unfinished: got %zu, wanted %zu\n", got, wanted);
}

/* Every sequence of up to three bytes either comes through unchanged or is repaired to something that comes through unchanged. */
static void repairs_everything(void)
{
    for (unsigned value = 0; value < 1u << 24; value += value < 1u << 20 ? 1 : 251) {
        unsigned char bytes[3] = {(unsigned char)(value >> 16), (unsigned char)(value >> 8), (unsigned char)value};
        char once[18], twice[108];
        if (bytes[0] < 0x80 && bytes[1] < 0x80 && bytes[2] < 0x80)
            continue;
        size_t length = json_escape(once, bytes, 3);
        for (size_t i = 0; i < length; i++)
            if (once[i] == '\\' || once[i] == '"')
                length = 0; /* escaping twice is not the same; the bytes above 0x7f are what is asked about */
        if (length > 0)
            expect("repaired twice", twice, json_escape(twice, (const unsigned char *)once, length), (once[length] = '\0', once));
    }
}

int main(void)
{
    escapes("plain", "hello", 5, "hello");
    escapes("controls", "a\"b\\c\n\r\t\0\x1f\x7f", 11, "a\\\"b\\\\c\\n\\r\\t\\u0000\\u001f\x7f");
    escapes("well-formed", "é漢😀", 9, "é漢😀");
    escapes("one bad byte", "a\xff"
                            "b",
            3, "a\xef\xbf\xbd"
               "b");
    escapes("overlong", "\xc0\xaf", 2, "\xef\xbf\xbd\xef\xbf\xbd");
    escapes("surrogate", "\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    escapes("beyond", "\xf4\x90\x80\x80", 4, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    escapes("cut off", "a\xe6\xbc", 3, "a\xef\xbf\xbd\xef\xbf\xbd");
    unfinished("abc", 0);
    unfinished("ab\xc3", 1);
    unfinished("ab\xe6\xbc", 2);
    unfinished("ab\xf0\x9f\x98", 3);
    unfinished("ab\xc3\xa9", 0);
    unfinished("ab\xff", 0);
    unfinished("ab\xbf\xbf", 0);
    unfinished("\xe0\x80", 0);
    escapes_anywhere();
    repairs_everything();

    char text[TIME_TEXT];
    expect("never", text, time_text(text, &(struct timespec){0, 0}), "0001-01-01T00:00:00Z");
    expect("time", text, time_text(text, &(struct timespec){1795474633, 123456789}), "2026-11-23T22:57:13.123456789Z");
    expect("next", text, time_text(text, &(struct timespec){1795474633, 5}), "2026-11-23T22:57:13.000000005Z");
    expect("later", text, time_text(text, &(struct timespec){1795474634, 0}), "2026-11-23T22:57:14.000000000Z");
    if (failures == 0)
        puts("text: ok");
    return failures > 0;
}
