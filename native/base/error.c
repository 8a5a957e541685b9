#include "error.h"

#include <stdarg.h>
#include <string.h>

static void fill(struct error *err, const char *kind, int errnum, const char *format, va_list args)
{
    err->errnum = errnum;
    snprintf(err->kind, sizeof err->kind, "%s", kind);
    int length = vsnprintf(err->message, sizeof err->message, format, args);
    if (errnum != 0 && length >= 0 && (size_t)length < sizeof err->message)
        snprintf(err->message + length, sizeof err->message - (size_t)length, ": %s", strerror(errnum));
}

int fail(struct error *err, int errnum, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, "", errnum, format, args);
    va_end(args);
    return -1;
}

int fail_kind(struct error *err, const char *kind, int errnum, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, kind, errnum, format, args);
    va_end(args);
    return -1;
}

int in_step(struct error *err, const char *step)
{
    if (err->step[0] == '\0')
        snprintf(err->step, sizeof err->step, "%s", step);
    return -1;
}
