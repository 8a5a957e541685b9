/* monitor/exec-record.h: a run of NUL-terminated NAME=value texts. */
#ifndef SLIPWAY_MONITOR_EXEC_RECORD_H
#define SLIPWAY_MONITOR_EXEC_RECORD_H

#include <stddef.h>
#include <string.h>

/* The next text, or NULL; `at` begins at the record. */
static inline char *record_next(char *record, size_t length, char **at)
{
    char *text = *at;
    if (text >= record + length)
        return NULL;
    *at = text + strlen(text) + 1;
    return text;
}

/* The value where the text has this name, or NULL. */
static inline char *record_value(char *text, const char *name)
{
    size_t length = strlen(name);
    return strncmp(text, name, length) == 0 && text[length] == '=' ? text + length + 1 : NULL;
}

#endif
