/*
 * Asks the kernel for every system call number in turn, each in a child of its own with harmless arguments, and prints what came back:
 * one line `abi number errno` each. Run in two containers, the outputs say whether they allow and refuse the same. Static, no library.
 *
 * Arguments are -1 throughout: bad descriptors, bad pointers, bad lengths. A filter answers before the kernel looks at them, so EPERM or
 * ENOSYS from a filter and EBADF, EFAULT, EINVAL from the kernel tell the two apart. The few calls that do something with such
 * arguments (exit, fork, sleep) end with the child, after a second at most.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* These would end or stop more than their child, whatever the filter says. */
static int skipped(long nr)
{
    return nr == SYS_kill || nr == SYS_tkill || nr == SYS_tgkill || nr == SYS_reboot || nr == SYS_rt_sigqueueinfo || nr == SYS_rt_tgsigqueueinfo ||
           nr == SYS_vhangup || nr == SYS_exit || nr == SYS_exit_group || nr == SYS_rt_sigreturn;
}

static long call32(long nr)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(-1L), "c"(-1L), "d"(-1L), "S"(-1L), "D"(-1L) : "memory");
    return result;
}

struct attempt {
    long nr, a0, a1, a2;
    int compat;
};

/* The errno of one call, 0 for success; -1: did not come back within a second, or died. */
static int outcome(const struct attempt *attempt)
{
    int pipefd[2];
    if (pipe(pipefd) < 0)
        exit(2);
    pid_t pid = fork();
    if (pid == 0) {
        close(pipefd[0]);
        fcntl(pipefd[1], F_DUPFD_CLOEXEC, 200);
        setpgid(0, 0);
        int result;
        if (attempt->compat) {
            long raw = call32(attempt->nr);
            result = raw < 0 ? (int)-raw : 0;
        } else {
            errno = 0;
            result = syscall(attempt->nr, attempt->a0, attempt->a1, attempt->a2, -1L, -1L, -1L) < 0 ? errno : 0;
        }
        write(pipefd[1], &result, sizeof result);
        write(200, &result, sizeof result);
        _exit(0);
    }
    close(pipefd[1]);
    int result = -1;
    struct pollfd answer = {pipefd[0], POLLIN, 0};
    if (poll(&answer, 1, 1000) < 1 || read(pipefd[0], &result, sizeof result) != sizeof result)
        result = -1;
    close(pipefd[0]);
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    waitpid(pid, NULL, 0);
    return result;
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (long nr = 0; nr < 470; nr++)
        if (!skipped(nr)) {
            struct attempt attempt = {nr, -1, -1, -1, 0};
            printf("x86_64 %ld %d\n", nr, outcome(&attempt));
        }
    for (long nr = 0; nr < 470; nr++) {
        /* kill, tkill, tgkill, reboot, sigqueue, exit and the sigreturns, by their i386 numbers */
        if (nr == 37 || nr == 238 || nr == 270 || nr == 88 || nr == 178 || nr == 335 || nr == 1 || nr == 252 || nr == 119 || nr == 173 || nr == 111)
            continue;
        struct attempt attempt = {nr, 0, 0, 0, 1};
        printf("i386 %ld %d\n", nr, outcome(&attempt));
    }
    /* What depends on an argument: namespaces by clone, address families, personalities. */
    static const long clone_flags[] = {0x10000000, 0x20000, 0x40000000, 0x20000000, 0x08000000, 0x04000000, 0x02000000};
    for (size_t i = 0; i < sizeof clone_flags / sizeof *clone_flags; i++) {
        struct attempt attempt = {SYS_clone, clone_flags[i] | SIGCHLD, 0, 0, 0};
        printf("clone %lx %d\n", clone_flags[i], outcome(&attempt));
        attempt.nr = SYS_unshare, attempt.a0 = clone_flags[i];
        printf("unshare %lx %d\n", clone_flags[i], outcome(&attempt));
    }
    for (long family = 0; family < 46; family++) {
        struct attempt attempt = {SYS_socket, family, SOCK_STREAM, 0, 0};
        printf("socket %ld %d\n", family, outcome(&attempt));
    }
    static const long personas[] = {0, 8, 0x20000, 0x20008, 0xffffffff, 0x40000};
    for (size_t i = 0; i < sizeof personas / sizeof *personas; i++) {
        struct attempt attempt = {SYS_personality, personas[i], 0, 0, 0};
        printf("personality %lx %d\n", personas[i], outcome(&attempt));
    }
    return 0;
}
