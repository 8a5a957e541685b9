/* resolver/redirect.c: see redirect.h. nft is run in a child that enters the namespace, and is waited for: it takes some milliseconds. */
#include "redirect.h"

#include "../base/cleanup.h"
#include "../kernel/nft.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void apply_inside(int netns, const char *text, int answers)
{
    struct error err = {0};
    if (setns(netns, CLONE_NEWNET) < 0)
        fail(&err, errno, "enter the container's network namespace");
    else if (nft_apply_text(text, &err) == 0)
        _exit(0);
    _exit(write(answers, &err, sizeof err) == sizeof err ? 1 : 2);
}

static int apply(int netns, const char *text, struct error *err)
{
    struct error theirs = {0};
    int pipes[2], status;
    if (pipe2(pipes, O_CLOEXEC) < 0)
        return fail(err, errno, "run nft");
    cleanup_close int from = pipes[0], to = pipes[1];
    pid_t pid = fork();
    if (pid < 0)
        return fail(err, errno, "run nft");
    if (pid == 0)
        apply_inside(netns, text, to);
    close(steal_fd(&to));
    ssize_t length = read(from, &theirs, sizeof theirs);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return fail(err, errno, "wait for nft");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (length != (ssize_t)sizeof theirs)
        return fail(err, 0, "nft was killed while it set the container's packet rules");
    *err = theirs;
    return -1;
}

int redirect_to(int netns, uint16_t udp_port, uint16_t tcp_port, struct error *err)
{
    char text[512];
    /* The table is named first, so that it is there to be deleted: what an earlier one of us left goes. */
    snprintf(text, sizeof text,
             "table ip slipway-dns\n"
             "delete table ip slipway-dns\n"
             "table ip slipway-dns {\n"
             " chain output {\n"
             "  type nat hook output priority -100; policy accept;\n"
             "  ip daddr 127.0.0.11 udp dport 53 dnat to 127.0.0.11:%u\n"
             "  ip daddr 127.0.0.11 tcp dport 53 dnat to 127.0.0.11:%u\n"
             " }\n"
             "}\n",
             udp_port, tcp_port);
    return apply(netns, text, err);
}

int redirect_remove(int netns, struct error *err)
{
    return apply(netns, "table ip slipway-dns\ndelete table ip slipway-dns\n", err);
}
