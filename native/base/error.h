/* base/error.h: what failed, where, why. Functions return 0 or -1 and fill one of these; TRY returns for you. */
#ifndef SLIPWAY_BASE_ERROR_H
#define SLIPWAY_BASE_ERROR_H

#include <stdio.h>

struct error {
    int errnum;         /* an errno, or 0 where none applies */
    char kind[20];      /* main/contract/error.ts; "" means: derive from errnum */
    char step[32];
    char message[512];  /* a sentence for a person, with the errno's text appended by fail() */
};

/* Fills err ("<message>: <strerror>") and returns -1. errnum 0: no errno text. */
int fail(struct error *err, int errnum, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same with a kind ("not-found", "invalid", "conflict", "unavailable", …). */
int fail_kind(struct error *err, const char *kind, int errnum, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Names the step an error belongs to, where not yet named. Returns -1. */
int in_step(struct error *err, const char *step);

#define TRY(call)                                                                                                                \
    do {                                                                                                                         \
        if ((call) < 0)                                                                                                          \
            return -1;                                                                                                           \
    } while (0)

#endif
