/* monitor/log.c: Docker's json-file: one JSON object for each line, lines over 16 KiB in parts, rotation by size. */
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART 16384            /* a longer line is written in parts */
#define ENTRY (6 * PART + 128) /* one part at its worst, escaped, with what stands around it */

static struct {
    int dir, file;
    const char *name;
    uint64_t size, max_size, rotations, dropped;
    unsigned max_file;
    bool open;
    struct {
        unsigned char bytes[PART];
        size_t length;
    } line[STREAMS]; /* what waits for the end of its line */
    char buffer[ENTRY + READ_SIZE];
    size_t buffered;
} log;

static void count_dropped(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        log.dropped += bytes[i] == '\n';
}

static int open_file(int flags)
{
    return openat(log.dir, log.name, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | flags, 0640);
}

/* Writes the first `length` bytes of the buffer, whole lines. A full disk costs lines; it neither stops the container nor leaves half a line. */
static void write_out(size_t length)
{
    size_t done = 0;

    if (!log.open)
        return;
    if (log.file < 0)
        log.file = open_file(0);
    while (log.file >= 0 && done < length) {
        ssize_t written = write(log.file, log.buffer + done, length - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            break;
        done += (size_t)written;
    }
    if (done < length) {
        size_t torn = done;
        while (done > 0 && log.buffer[done - 1] != '\n')
            done--;
        if (done < torn && ftruncate(log.file, (off_t)(log.size + done)) < 0)
            done = torn; /* the file has the half line; the reader skips it */
        count_dropped(log.buffer + done, length - done);
    }
    log.size += done;
    memmove(log.buffer, log.buffer + length, log.buffered - length);
    log.buffered -= length;
}

/* What cannot be moved away is written on: a file too large loses no line. */
static void rotate(void)
{
    char from[300], to[300];

    if (log.max_file == 1)
        unlinkat(log.dir, log.name, 0); /* not emptied: who is reading it reads on to its end */
    for (unsigned n = log.max_file - 1; n >= 1; n--) {
        snprintf(to, sizeof to, "%s.%u", log.name, n);
        snprintf(from, sizeof from, n == 1 ? "%s" : "%s.%u", log.name, n - 1);
        if (renameat(log.dir, from, log.dir, to) < 0 && errno != ENOENT)
            return;
    }
    if (log.file >= 0)
        close(log.file);
    log.file = open_file(O_TRUNC);
    log.size = 0;
    log.rotations++;
}

static char *put(char *at, const char *text)
{
    size_t length = strlen(text);
    memcpy(at, text, length);
    return at + length;
}

static void entry(enum stream stream, const unsigned char *bytes, size_t length)
{
    struct timespec now;
    char time[TIME_TEXT];

    if (log.buffered + ENTRY > sizeof log.buffer)
        write_out(log.buffered);
    clock_gettime(CLOCK_REALTIME, &now);
    time_text(time, &now);

    size_t before = log.buffered;
    char *at = put(log.buffer + before, "{\"log\":\"");
    at += json_escape(at, bytes, length);
    at = put(at, stream == STREAM_OUT ? "\",\"stream\":\"stdout\",\"time\":\"" : "\",\"stream\":\"stderr\",\"time\":\"");
    at = put(at, time);
    at = put(at, "\"}\n");
    log.buffered = (size_t)(at - log.buffer);

    if (log.max_size > 0 && log.size + before > 0 && log.size + log.buffered > log.max_size) {
        write_out(before);
        rotate();
    }
}

/* A write that was cut off when this machine or the last monitor died leaves no newline at the end: that piece of a line goes. */
static uint64_t whole_lines(int file)
{
    struct stat status;
    if (fstat(file, &status) < 0)
        return 0;
    off_t size = status.st_size;
    while (size > 0) {
        off_t start = size > (off_t)READ_SIZE ? size - (off_t)READ_SIZE : 0;
        ssize_t got = pread(file, log.buffer, (size_t)(size - start), start);
        if (got <= 0)
            return (uint64_t)status.st_size;
        const char *newline = memrchr(log.buffer, '\n', (size_t)got);
        size = newline ? start + (newline - log.buffer) + 1 : start;
        if (newline)
            break;
    }
    if (size < status.st_size && ftruncate(file, size) < 0)
        return (uint64_t)status.st_size;
    return (uint64_t)size;
}

void log_open(int dir, const char *name, uint64_t max_size, unsigned max_file)
{
    if (dir < 0)
        return;
    log.dir = dir;
    log.name = name;
    log.max_size = max_size;
    log.max_file = max_file > 0 ? max_file : 1;
    log.open = true;
    log.file = open_file(0);
    if (log.file >= 0)
        log.size = whole_lines(log.file);
}

void log_append(enum stream stream, const unsigned char *bytes, size_t length)
{
    if (!log.open)
        return;
    unsigned char *line = log.line[stream].bytes;
    size_t *waiting = &log.line[stream].length;

    while (length > 0) {
        size_t room = PART - *waiting, take = length < room ? length : room;
        const unsigned char *newline = memchr(bytes, '\n', take);
        if (newline)
            take = (size_t)(newline - bytes) + 1;
        if (newline && *waiting == 0) {
            entry(stream, bytes, take);
        } else {
            memcpy(line + *waiting, bytes, take);
            *waiting += take;
            if (newline) {
                entry(stream, line, *waiting);
                *waiting = 0;
            } else if (*waiting == PART) {
                size_t rest = utf8_unfinished(line, PART);
                entry(stream, line, PART - rest);
                memmove(line, line + PART - rest, rest);
                *waiting = rest;
            }
        }
        bytes += take;
        length -= take;
    }
    write_out(log.buffered);
}

void log_catch_up(void)
{
    for (enum stream stream = STREAM_OUT; log.open && stream < STREAMS; stream++) {
        unsigned char *line = log.line[stream].bytes;
        size_t length = log.line[stream].length, rest = utf8_unfinished(line, length);
        if (length > rest)
            entry(stream, line, length - rest);
        memmove(line, line + length - rest, rest);
        log.line[stream].length = rest;
    }
    write_out(log.buffered);
}

size_t log_unfinished(enum stream stream, const unsigned char **bytes)
{
    *bytes = log.line[stream].bytes;
    return log.line[stream].length;
}

void log_close(void)
{
    if (!log.open)
        return;
    for (enum stream stream = STREAM_OUT; stream < STREAMS; stream++) {
        if (log.line[stream].length > 0)
            entry(stream, log.line[stream].bytes, log.line[stream].length);
        log.line[stream].length = 0;
    }
    write_out(log.buffered);
}

void log_sync(void)
{
    if (log.file >= 0)
        fdatasync(log.file);
}

uint64_t log_size(void)
{
    return log.size;
}
uint64_t log_rotations(void)
{
    return log.rotations;
}
uint64_t log_dropped(void)
{
    return log.dropped;
}
