/* monitor/options.c: what commands/launch.c hands over: descriptors and numbers by name. */
#include "monitor.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int *value;
    bool descriptor;
} numbers[] = {
    {"listen", &monitor.options.listen, true},         {"pid", &monitor.options.pid, false},
    {"pidfd", &monitor.options.pidfd, true},           {"go", &monitor.options.go, true},
    {"outcome", &monitor.options.outcome, true},       {"console", &monitor.options.console, true},
    {"in", &monitor.options.in, true},                 {"out", &monitor.options.out, true},
    {"err", &monitor.options.err, true},               {"log-dir", &monitor.options.log_dir, true},
    {"exit-dir", &monitor.options.exit_dir, true},     {"state-dir", &monitor.options.state_dir, true},
    {"oom-counter", &monitor.options.oom_counter, true}, {"oom-event", &monitor.options.oom_event, true},
    {"ready", &monitor.options.ready, true},           {"own", &monitor.options.own, true},
    {"leaf", &monitor.options.leaf, true},             {"leaf-list", &monitor.options.leaf_list, true},
    {"freezer", &monitor.options.freezer, true},       {"probe", &monitor.options.probe, true},
    {"namespaces", &monitor.options.namespaces, false}, {"no-groups", &monitor.options.no_groups, false},
    {"stdin-once", &monitor.options.stdin_once, false}, {"rootless", &monitor.options.rootless, false},
    {"exit-sync", &monitor.options.exit_sync, false},  {"health-retries", &monitor.options.health_retries, false},
};

static const struct {
    const char *name;
    long long *value;
} times[] = {
    {"health-interval", &monitor.options.health_interval},
    {"health-timeout", &monitor.options.health_timeout},
    {"health-start-period", &monitor.options.health_start_period},
    {"health-start-interval", &monitor.options.health_start_interval},
};

/* What came by inheritance is not passed on. */
static int inherited(const char *text)
{
    int fd = atoi(text);
    if (fd > 2)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

static void option(char *argument)
{
    char *value = strchr(argument, '=');
    if (!value)
        return; /* the container's id */
    *value++ = '\0';
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(argument, numbers[i].name) == 0)
            *numbers[i].value = numbers[i].descriptor ? inherited(value) : atoi(value);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (strcmp(argument, times[i].name) == 0)
            *times[i].value = strtoll(value, NULL, 10);
    if (strcmp(argument, "log-name") == 0)
        monitor.options.log_name = value;
    else if (strcmp(argument, "exit-name") == 0)
        monitor.options.exit_name = value;
    else if (strcmp(argument, "rootfs") == 0)
        monitor.options.rootfs = value;
    else if (strcmp(argument, "log-max-size") == 0)
        monitor.options.log_max_size = strtoull(value, NULL, 10);
    else if (strcmp(argument, "log-max-file") == 0)
        monitor.options.log_max_file = (unsigned)strtoul(value, NULL, 10);
    else if (strcmp(argument, "door") == 0 && monitor.options.door_count < DOORS_MAX)
        monitor.options.doors[monitor.options.door_count++] = inherited(value);
    value[-1] = '='; /* for whoever looks at the process list */
}

void options_read(char **argv)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *numbers[i].value = -1;
    monitor.options.stdin_once = monitor.options.rootless = monitor.options.no_groups = monitor.options.exit_sync = 0;
    while (*argv)
        option(*argv++);
}
