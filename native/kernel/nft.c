#include "nft.h"

#include "../base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

static const char *const PLACES[] = {"/usr/sbin/nft", "/sbin/nft", "/usr/local/sbin/nft"};

static _Noreturn void become_nft(const char *path, int batch, int complaints)
{
    char *argv[] = {"nft", "-f", "-", NULL};
    char *envp[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};
    if (dup2(batch, 0) >= 0 && dup2(complaints, 1) >= 0 && dup2(complaints, 2) >= 0)
        execve(path, argv, envp);
    _exit(127);
}

int nft_apply(int batch, struct error *err)
{
    const char *path = NULL;
    for (size_t i = 0; i < sizeof PLACES / sizeof *PLACES && !path; i++)
        if (access(PLACES[i], X_OK) == 0)
            path = PLACES[i];
    if (!path)
        return fail_kind(err, "unavailable", 0, "bridge networks need nft: install the package nftables");

    int pipes[2];
    if (pipe2(pipes, O_CLOEXEC) < 0)
        return fail(err, errno, "run nft");
    cleanup_close int output = pipes[0], input = pipes[1];
    pid_t pid = fork();
    if (pid < 0)
        return fail(err, errno, "run nft");
    if (pid == 0)
        become_nft(path, batch, input);
    close(steal_fd(&input));

    /* The first complaint says it; what follows is taken and dropped, so that nft never waits for us. */
    char complaint[300], rest[512];
    size_t length = 0;
    for (;;) {
        bool full = length == sizeof complaint - 1;
        ssize_t count = full ? read(output, rest, sizeof rest) : read(output, complaint + length, sizeof complaint - 1 - length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        if (!full)
            length += (size_t)count;
    }
    complaint[length] = '\0';
    complaint[strcspn(complaint, "\n")] = '\0';
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return fail(err, errno, "wait for nft");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return fail_kind(err, "system", 0, "nft refused the packet rules: %s", *complaint ? complaint : "it said nothing");
    return 0;
}

int nft_apply_text(const char *text, struct error *err)
{
    cleanup_close int batch = memfd_create("nft", MFD_CLOEXEC);
    size_t length = strlen(text);
    if (batch < 0 || write(batch, text, length) != (ssize_t)length || lseek(batch, 0, SEEK_SET) < 0)
        return fail(err, errno, "hand rules to nft");
    return nft_apply(batch, err);
}
