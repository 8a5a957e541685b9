/* monitor/text.c: times, and bytes from a container as JSON text. */
#include "monitor.h"

#include <string.h>

int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static char *digits(char *at, unsigned long value, int width)
{
    for (int i = width - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + width;
}

size_t time_text(char text[TIME_TEXT], const struct timespec *time)
{
    /* A log has many lines a second; the date is worked out once for each second. */
    static time_t known_second = -1;
    static char known[20];

    if (time->tv_sec == 0 && time->tv_nsec == 0) {
        strcpy(text, "0001-01-01T00:00:00Z");
        return strlen(text);
    }
    if (time->tv_sec != known_second) {
        struct tm tm;
        gmtime_r(&time->tv_sec, &tm);
        char *at = digits(known, (unsigned long)tm.tm_year + 1900, 4);
        *at++ = '-';
        at = digits(at, (unsigned long)tm.tm_mon + 1, 2);
        *at++ = '-';
        at = digits(at, (unsigned long)tm.tm_mday, 2);
        *at++ = 'T';
        at = digits(at, (unsigned long)tm.tm_hour, 2);
        *at++ = ':';
        at = digits(at, (unsigned long)tm.tm_min, 2);
        *at++ = ':';
        digits(at, (unsigned long)tm.tm_sec, 2);
        known_second = time->tv_sec;
    }
    memcpy(text, known, 19);
    text[19] = '.';
    char *end = digits(text + 20, (unsigned long)time->tv_nsec, 9);
    *end++ = 'Z';
    *end = '\0';
    return (size_t)(end - text);
}

/* Length of the well-formed sequence at `bytes`: 0 where there is none, -1 where it may go on after `length`. */
static int utf8_sequence(const unsigned char *bytes, size_t length)
{
    unsigned char first = bytes[0], low = 0x80, high = 0xbf;
    int size;

    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        size = 2;
    else if (first >= 0xe0 && first <= 0xef)
        size = 3;
    else if (first >= 0xf0 && first <= 0xf4)
        size = 4;
    else
        return 0;
    /* Overlong forms, surrogates and what lies beyond U+10FFFF are cut off by the second byte's range. */
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    for (int i = 1; i < size; i++, low = 0x80, high = 0xbf) {
        if ((size_t)i >= length)
            return -1;
        if (bytes[i] < low || bytes[i] > high)
            return 0;
    }
    return size;
}

size_t utf8_unfinished(const unsigned char *bytes, size_t length)
{
    for (size_t back = 1; back <= 3 && back <= length; back++) {
        unsigned char byte = bytes[length - back];
        if (byte < 0x80)
            return 0;
        if (byte >= 0xc0)
            return utf8_sequence(bytes + length - back, back) < 0 ? back : 0;
    }
    return 0;
}

/* How many bytes stand for themselves, eight at a time as long as there are that many. */
static size_t plain_run(const unsigned char *bytes, size_t length)
{
    const uint64_t each = 0x0101010101010101, high = each << 7;
    size_t run = 0;

    for (; length - run >= sizeof(uint64_t); run += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, bytes + run, sizeof word);
        uint64_t quote = word ^ each * '"', backslash = word ^ each * '\\';
        /* A high bit is set where a byte of the word is below 0x20, or where one of the others is zero; above 0x7f it is set already. */
        if ((word | (word - each * 0x20) | (quote - each) | (backslash - each)) & high)
            break;
    }
    while (run < length && bytes[run] >= 0x20 && bytes[run] < 0x80 && bytes[run] != '"' && bytes[run] != '\\')
        run++;
    return run;
}

size_t json_escape(char *to, const unsigned char *from, size_t length)
{
    static const char hex[] = "0123456789abcdef";
    char *at = to;

    for (size_t i = 0; i < length;) {
        size_t plain = plain_run(from + i, length - i);
        memcpy(at, from + i, plain);
        at += plain;
        i += plain;
        if (i == length)
            break;
        unsigned char byte = from[i];
        if (byte >= 0x80) {
            int size = utf8_sequence(from + i, length - i);
            if (size > 0) {
                memcpy(at, from + i, (size_t)size);
                at += size;
                i += (size_t)size;
            } else {
                memcpy(at, "\xef\xbf\xbd", 3);
                at += 3;
                i++;
            }
            continue;
        }
        *at++ = '\\';
        switch (byte) {
        case '\n': *at++ = 'n'; break;
        case '\r': *at++ = 'r'; break;
        case '\t': *at++ = 't'; break;
        case '"':
        case '\\': *at++ = (char)byte; break;
        default:
            *at++ = 'u';
            *at++ = '0';
            *at++ = '0';
            *at++ = hex[byte >> 4];
            *at++ = hex[byte & 15];
        }
        i++;
    }
    return (size_t)(at - to);
}
