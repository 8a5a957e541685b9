/* bench/io.c: reads and writes in a directory in one of three ways and prints the nanoseconds that took. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char block[1 << 17];

static void check(int ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(1);
}

/* 64 MiB written and read, a block at a time. */
static void large(void)
{
    int file = open("large", O_RDWR | O_CREAT | O_TRUNC, 0600);
    check(file >= 0, "open");
    for (int i = 0; i < 512; i++)
        check(write(file, block, sizeof block) == sizeof block, "write");
    check(lseek(file, 0, SEEK_SET) == 0, "seek");
    for (int i = 0; i < 512; i++)
        check(read(file, block, sizeof block) == sizeof block, "read");
    check(close(file) == 0 && unlink("large") == 0, "remove");
}

/* 4 KiB here and there in 32 MiB: three reads to a write. */
static void random_access(void)
{
    unsigned seed = 1;
    int file = open("random", O_RDWR | O_CREAT | O_TRUNC, 0600);
    check(file >= 0, "open");
    for (int i = 0; i < 256; i++)
        check(write(file, block, sizeof block) == sizeof block, "write");
    for (int i = 0; i < 5000; i++) {
        off_t at = (off_t)(rand_r(&seed) % 8192) * 4096;
        check((i % 4 ? pread(file, block, 4096, at) : pwrite(file, block, 4096, at)) == 4096, "read or write");
    }
    check(close(file) == 0 && unlink("random") == 0, "remove");
}

static void make_small(void)
{
    char name[32];
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "small-%d", i);
        int file = open(name, O_WRONLY | O_CREAT, 0600);
        check(file >= 0 && close(file) == 0, "make");
    }
}

/* 200 files opened, written, looked at and renamed, there and back, 20 times. */
static void small(void)
{
    char name[2][32];
    struct stat info;
    for (int i = 0; i < 20 * 200; i++) {
        int back = (i / 200) % 2;
        snprintf(name[back], sizeof name[back], "small-%d", i % 200);
        snprintf(name[!back], sizeof name[!back], "other-%d", i % 200);
        int file = open(name[0], O_WRONLY);
        check(file >= 0 && write(file, block, 1024) == 1024 && close(file) == 0, "write");
        check(stat(name[0], &info) == 0 && rename(name[0], name[1]) == 0, "rename");
    }
}

int main(int argc, char **argv)
{
    struct timespec from, to;
    check(argc == 3 && chdir(argv[1]) == 0, "usage: io DIRECTORY large|random|small");
    if (strcmp(argv[2], "small") == 0)
        make_small();
    clock_gettime(CLOCK_MONOTONIC, &from);
    if (strcmp(argv[2], "large") == 0)
        large();
    else if (strcmp(argv[2], "random") == 0)
        random_access();
    else
        small();
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("%lld\n", (to.tv_sec - from.tv_sec) * 1000000000LL + to.tv_nsec - from.tv_nsec);
    return 0;
}
