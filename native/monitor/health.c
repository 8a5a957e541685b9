/*
 * monitor/health.c: the health check: a command run in the container now and then, as an exec of its own. Docker's rules: while it starts, failures do
 * not count; after so many in a row it is unhealthy; one success makes it healthy. What came of the last ones is in health.json.
 */
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESULTS 5
#define OUTPUT_MAX 4096
#define FROZEN_MS 1000 /* a paused container is looked at again after so long */

struct result {
    struct timespec start, end;
    int code;
    size_t length;
    unsigned char output[OUTPUT_MAX + 3]; /* what is left out shows as "..." */
};

enum status { STARTING, HEALTHY, UNHEALTHY };
static const char *const names[] = {[STARTING] = "starting", [HEALTHY] = "healthy", [UNHEALTHY] = "unhealthy"};

static struct {
    enum status status;
    int streak;
    struct result *results; /* RESULTS of them and the one that is made, once there is a first */
    size_t count;
    struct process *probe;
    struct result *now;
    bool cut, late;    /* there was more output; it took too long */
    int64_t began;     /* of the container */
    int64_t next, limit; /* when to probe, when to give up on the probe; 0: not waited for */
} health;

static bool checked(void)
{
    return monitor.options.probe >= 0;
}

/* ---- what is told of it ---- */

static void put_json(FILE *file, const unsigned char *bytes, size_t length)
{
    static char text[6 * (OUTPUT_MAX + 3)];
    fwrite(text, 1, json_escape(text, bytes, length), file);
}

static void write_file(void)
{
    int fd = openat(monitor.options.state_dir, "health.json.tmp", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    char start[TIME_TEXT], end[TIME_TEXT];

    if (!file)
        return; /* the state directory has gone, and whoever would read it */
    fprintf(file, "{\"Status\":\"%s\",\"FailingStreak\":%d,\"Log\":[", names[health.status], health.streak);
    for (size_t i = 0; i < health.count; i++) {
        const struct result *result = &health.results[i];
        time_text(start, &result->start);
        time_text(end, &result->end);
        fprintf(file, "%s{\"Start\":\"%s\",\"End\":\"%s\",\"ExitCode\":%d,\"Output\":\"", i ? "," : "", start, end, result->code);
        put_json(file, result->output, result->length);
        fputs("\"}", file);
    }
    fputs("]}\n", file);
    bool whole = !ferror(file);
    if (fclose(file) == 0 && whole)
        renameat(monitor.options.state_dir, "health.json.tmp", monitor.options.state_dir, "health.json");
}

/* As Go writes a duration: 30s, 1m30s, 1.5s, 500ms. */
static void duration_text(char *text, size_t size, long long ms)
{
    char seconds[32];
    long long rest = ms % 60000;
    if (ms < 1000) {
        snprintf(text, size, "%lldms", ms);
        return;
    }
    snprintf(seconds, sizeof seconds, "%lld.%03lld", rest / 1000, rest % 1000);
    for (char *end = seconds + strlen(seconds) - 1; *end == '0' || *end == '.'; end--) {
        bool point = *end == '.';
        *end = '\0';
        if (point)
            break;
    }
    if (ms >= 3600000)
        snprintf(text, size, "%lldh%lldm%ss", ms / 3600000, ms / 60000 % 60, seconds);
    else if (ms >= 60000)
        snprintf(text, size, "%lldm%ss", ms / 60000, seconds);
    else
        snprintf(text, size, "%ss", seconds);
}

/* ---- when ---- */

static bool paused(void)
{
    char text[16] = "";
    ssize_t length = monitor.options.freezer >= 0 ? pread(monitor.options.freezer, text, sizeof text - 1, 0) : 0;
    return length > 0 && (text[0] == '1' || strncmp(text, "FR", 2) == 0); /* cgroup.freeze; freezer.state: FROZEN, FREEZING */
}

static void wait_for_next(void)
{
    bool young = health.status == STARTING && now_ms() - health.began < monitor.options.health_start_period;
    health.next = now_ms() + (young ? monitor.options.health_start_interval : monitor.options.health_interval);
}

void health_begin(void)
{
    if (!checked())
        return;
    health.began = now_ms();
    wait_for_next();
    write_file();
}

int64_t health_deadline(void)
{
    int64_t at = health.probe ? health.limit : health.next;
    return at > 0 ? at : INT64_MAX;
}

/* ---- a probe ---- */

/* Every result is in the file; who listens is woken by a change alone. */
static void judge(void)
{
    enum status before = health.status;
    struct result *result = health.now;
    int64_t age = (int64_t)(result->start.tv_sec - monitor.first.started.tv_sec) * 1000 +
                  (result->start.tv_nsec - monitor.first.started.tv_nsec) / 1000000;

    if (result->code == 0) {
        health.streak = 0;
        health.status = HEALTHY;
    } else if (health.status != STARTING || age >= monitor.options.health_start_period) {
        if (++health.streak >= monitor.options.health_retries)
            health.status = UNHEALTHY;
    }
    if (health.count == RESULTS)
        memmove(health.results, health.results + 1, RESULTS * sizeof *health.results);
    else
        health.count++;
    health.now = NULL;
    write_file();
    if (health.status != before)
        clients_event(&monitor.first, "event health %s", names[health.status]);
}

static void say(struct result *result, const char *format, const char *what)
{
    unsigned char before[OUTPUT_MAX + 3];
    size_t length = result->length;
    memcpy(before, result->output, length);
    int written = snprintf((char *)result->output, sizeof result->output, format, what);
    result->length = (size_t)written < sizeof result->output ? (size_t)written : sizeof result->output - 1;
    if (length == 0)
        return;
    for (const char *at = ": "; *at && result->length < OUTPUT_MAX; at++)
        result->output[result->length++] = (unsigned char)*at;
    size_t room = OUTPUT_MAX > result->length ? OUTPUT_MAX - result->length : 0;
    memcpy(result->output + result->length, before, length < room ? length : room);
    result->length += length < room ? length : room;
}

static void end_of_probe(int code)
{
    struct result *result = health.now;
    char time[64];

    clock_gettime(CLOCK_REALTIME, &result->end);
    result->code = code;
    if (health.cut) {
        memcpy(result->output + result->length, "...", 3);
        result->length += 3;
    }
    if (health.late) {
        duration_text(time, sizeof time, monitor.options.health_timeout);
        result->code = -1;
        say(result, "Health check exceeded timeout (%s)", time);
    }
    health.probe = NULL;
    health.limit = 0;
    judge();
    wait_for_next();
}

void health_output(const unsigned char *bytes, size_t length)
{
    struct result *result = health.now;
    if (!result)
        return;
    size_t room = OUTPUT_MAX - result->length, take = length < room ? length : room;
    memcpy(result->output + result->length, bytes, take);
    result->length += take;
    health.cut = health.cut || take < length;
}

void health_probed(struct process *process)
{
    if (process != health.probe)
        return;
    if (process->failed) {
        health.now->length = 0;
        say(health.now, "OCI runtime exec failed: exec failed: unable to start container process: %s: unknown", process->failure.message);
        end_of_probe(-1);
    } else {
        end_of_probe(process->code);
    }
}

static void *read_probe(size_t *length)
{
    struct stat info;
    if (fstat(monitor.options.probe, &info) < 0 || info.st_size <= 0)
        return NULL;
    void *record = malloc((size_t)info.st_size);
    *length = (size_t)info.st_size;
    if (record && pread(monitor.options.probe, record, *length, 0) == info.st_size)
        return record;
    free(record);
    return NULL;
}

static void begin_probe(void)
{
    size_t length = 0;
    void *record = read_probe(&length);

    if (!health.results)
        health.results = calloc(RESULTS + 1, sizeof *health.results);
    if (!health.results || !record) {
        free(record);
        wait_for_next();
        return;
    }
    health.now = &health.results[health.count];
    memset(health.now, 0, sizeof *health.now);
    health.cut = health.late = false;
    clock_gettime(CLOCK_REALTIME, &health.now->start);
    health.limit = now_ms() + monitor.options.health_timeout;
    health.probe = exec_create(NULL, record, length);
    if (health.probe)
        health.probe->probe = true;
    int errnum = health.probe ? exec_start(health.probe) : EAGAIN;
    if (errnum == 0)
        return;
    if (health.probe)
        health.probe->phase = EXITED;
    say(health.now, "%s", strerror(errnum));
    end_of_probe(-1);
}

void health_tick(void)
{
    if (!checked() || now_ms() < health_deadline() || monitor.first.phase != RUNNING)
        return;
    if (paused()) {
        *(health.probe ? &health.limit : &health.next) = now_ms() + FROZEN_MS;
    } else if (!health.probe) {
        begin_probe();
    } else {
        health.late = true;
        health.limit = 0;
        exec_kill(health.probe);
        health.probe->drain_until = 0; /* whoever it has left behind is not waited for */
    }
}

void health_end(void)
{
    health.next = health.limit = 0;
    health.probe = NULL;
    health.now = NULL;
}
