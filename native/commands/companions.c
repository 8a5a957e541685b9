/* commands/companions.c: starts a companion as a process that belongs neither to the request nor to the helper, as a monitor does not. */
#include "companions.h"

#include "../base/cleanup.h"
#include "../companion/companion.h"
#include "../forwarder/forwarder.h"
#include "../resolver/resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG_LIMIT (1 << 20)

static const struct known {
    const char *name, *comm;
    int (*main)(const char *run_dir);
} all[] = {
    {"forwarder", "slipway-forward", forwarder_main},
    {"resolver", "slipway-resolve", resolver_main},
};

/* What `ps` and `pgrep -f` see of it: it is not the helper whose program it shares. Nothing may still point to the arguments. */
static void rename_process(const struct known *known, const char *run_dir)
{
    char title[PATH_MAX], before[PATH_MAX];
    cleanup_close int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t room = file < 0 ? 0 : read(file, before, sizeof before);
    prctl(PR_SET_NAME, known->comm);
    if (room <= 0 || memcmp(before, program_invocation_name, (size_t)room) != 0)
        return;
    size_t length = (size_t)snprintf(title, sizeof title, "slipway-%s %s", known->name, run_dir);
    memset(program_invocation_name, 0, (size_t)room);
    memcpy(program_invocation_name, title, length < (size_t)room ? length : (size_t)room - 1);
}

/* Standard streams of its own, and of what the helper has open nothing but `starter`. */
static void detach(const struct known *known, const char *run_dir, int starter)
{
    char path[PATH_MAX];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s.log", run_dir, known->name);
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (log >= 0 && fstat(log, &status) == 0 && status.st_size > LOG_LIMIT && ftruncate(log, 0) < 0)
        cleanup_close_(&log), log = -1;
    dup2(nothing, STDIN_FILENO);
    dup2(nothing, STDOUT_FILENO);
    dup2(log >= 0 ? log : nothing, STDERR_FILENO);
    dup2(starter, STDERR_FILENO + 1);
    fcntl(STDERR_FILENO + 1, F_SETFD, FD_CLOEXEC);
    close_range(STDERR_FILENO + 2, ~0U, 0);
    companion_starter = STDERR_FILENO + 1;
}

/* A session of its own, and init for a parent: neither the end of the request nor the helper's reaches it. */
static _Noreturn void become(const struct known *known, const char *run_dir, int starter)
{
    sigset_t none;
    setsid();
    pid_t pid = fork();
    if (pid != 0)
        _exit(pid < 0);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    run_dir = strdup(run_dir);
    if (!run_dir)
        _exit(1);
    rename_process(known, run_dir);
    if (chdir("/") < 0)
        _exit(1);
    detach(known, run_dir, starter);
    _exit(known->main(run_dir));
}

static int start(const struct known *known, const struct request *request, bool *started, struct error *err)
{
    int ends[2], status;
    char said[512];
    size_t length = 0;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return fail(err, errno, "start the %s", known->name);
    cleanup_close int from = ends[0];
    pid_t pid = fork();
    if (pid == 0)
        become(known, request->run_dir, ends[1]);
    close(ends[1]);
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
        return fail_kind(err, "unavailable", pid < 0 ? errno : 0, "cannot start the %s: too many processes, or no memory", known->name);
    for (ssize_t got; length < sizeof said - 1 && (got = read(from, said + length, sizeof said - 1 - length)) != 0;) {
        if (got < 0 && errno != EINTR)
            break;
        length += got > 0 ? (size_t)got : 0;
    }
    said[length] = '\0';
    if (strcmp(said, "r") != 0 && strcmp(said, "a") != 0)
        return fail_kind(err, "unavailable", 0, "the %s did not start: %s (%s/%s.log may say more)", known->name,
                         length > 0 ? said : "it ended at once", request->run_dir, known->name);
    *started = said[0] == 'r';
    return 0;
}

int companion_op(struct request *request, struct error *err)
{
    const char *name;
    bool started = false;
    TRY(request_string(request, "name", &name, err));
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (strcmp(all[i].name, name) != 0)
            continue;
        if (!companion_answers(request->run_dir, name))
            TRY(start(&all[i], request, &started, err));
        json_object_object_add(request->reply, "started", json_object_new_boolean(started));
        return 0;
    }
    return fail_kind(err, "invalid", 0, "there is no companion \"%s\"", name);
}
