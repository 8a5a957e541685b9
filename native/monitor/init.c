/* monitor/init.c: the smallest pid 1: it starts the command, passes signals on, buries orphans, and ends as the command ends. */
#include "monitor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(char **argv, const sigset_t *mask)
{
    /* A group of its own, in the foreground: Ctrl-C is for the command. */
    setpgid(0, 0);
    signal(SIGTTOU, SIG_IGN);
    tcsetpgrp(STDIN_FILENO, getpgrp());
    signal(SIGTTOU, SIG_DFL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    execvp(argv[0], argv);
    int errnum = errno;
    fprintf(stderr, "exec: \"%s\": %s\n", argv[0], strerror(errnum));
    _exit(errnum == ENOENT ? 127 : 126);
}

int init_main(char **argv)
{
    sigset_t all, before;
    int status, signal;

    argv++;
    if (*argv && strcmp(*argv, "--") == 0)
        argv++;
    if (!*argv) {
        fprintf(stderr, "usage: slipway-init [--] COMMAND [ARGUMENT...]\n");
        return 2;
    }
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    pid_t child = fork();
    if (child < 0) {
        perror("fork");
        return 126;
    }
    if (child == 0)
        become(argv, &before);
    for (;;) {
        if (sigwait(&all, &signal) != 0)
            continue;
        if (signal != SIGCHLD) {
            kill(child, signal);
            continue;
        }
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
            if (pid == child)
                return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
}
