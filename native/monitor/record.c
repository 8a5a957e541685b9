/* monitor/record.c: how it ended, written before anybody is told, and flushed right after. */
#include "monitor.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct {
    int dir, file;
    const char *name;
    char temporary[272];
} record = {.dir = -1, .file = -1};

/* The room for the record is taken now, so that a disk which has filled up by then cannot lose it. */
void record_prepare(int dir, const char *name)
{
    record.dir = dir;
    record.name = name;
    if (dir < 0)
        return;
    snprintf(record.temporary, sizeof record.temporary, "%s.tmp", name);
    record.file = openat(dir, record.temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (record.file >= 0)
        posix_fallocate(record.file, 0, 4096);
}

static size_t describe(char *text, size_t size)
{
    char started[TIME_TEXT], finished[TIME_TEXT], step[6 * sizeof monitor.first.failure.step], message[6 * sizeof monitor.first.failure.message];

    time_text(started, &monitor.first.started);
    time_text(finished, &monitor.first.finished);
    int length = snprintf(text, size, "{\"pid\":%d,\"code\":%d,\"signal\":%d,\"oom\":%s,\"startedAt\":\"%s\",\"finishedAt\":\"%s\",",
                          monitor.options.pid, monitor.first.code, monitor.first.signal, monitor.oom ? "true" : "false", started, finished);
    if (log_dropped() > 0)
        length += snprintf(text + length, size - (size_t)length, "\"droppedLines\":%llu,", (unsigned long long)log_dropped());
    if (!monitor.first.failed)
        return (size_t)(length + snprintf(text + length, size - (size_t)length, "\"error\":null}\n"));
    step[json_escape(step, (const unsigned char *)monitor.first.failure.step, strlen(monitor.first.failure.step))] = '\0';
    message[json_escape(message, (const unsigned char *)monitor.first.failure.message, strlen(monitor.first.failure.message))] = '\0';
    return (size_t)(length + snprintf(text + length, size - (size_t)length, "\"error\":{\"step\":\"%s\",\"errno\":%d,\"message\":\"%s\"}}\n",
                                      step, monitor.first.failure.errnum, message));
}

void record_write(void)
{
    static char text[4096];

    if (record.dir < 0)
        return;
    size_t length = describe(text, sizeof text);
    if (record.file < 0)
        record.file = openat(record.dir, record.temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (record.file < 0 || pwrite(record.file, text, length, 0) != (ssize_t)length || ftruncate(record.file, (off_t)length) < 0)
        return; /* no place for it: the engine sees the socket close with no exit file, and says so */
    renameat(record.dir, record.temporary, record.dir, record.name);
}

void record_sync(void)
{
    if (record.file < 0)
        return;
    if (monitor.options.exit_sync) {
        fsync(record.file);
        fsync(record.dir);
    }
    close(record.file);
    record.file = -1;
}
