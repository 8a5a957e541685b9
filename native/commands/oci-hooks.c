#include "oci-hooks.h"
#include "../base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#define WORDS_MAX 256

static size_t take_words(json_object *hook, const char *key, char **words)
{
    json_object *list = NULL;
    size_t count = 0;
    if (json_object_object_get_ex(hook, key, &list) && json_object_is_type(list, json_type_array))
        for (; count < json_object_array_length(list) && count < WORDS_MAX - 1; count++) {
            const char *word = json_object_get_string(json_object_array_get_idx(list, count));
            words[count] = (char *)(word ? word : "");
        }
    words[count] = NULL;
    return count;
}

static int open_state(const struct oci_container *container, const char *status, struct error *err)
{
    cleanup_close int memory = memfd_create("state", MFD_CLOEXEC);
    json_object *json = oci_state_json(container, status);
    const char *text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    bool written = memory >= 0 && write(memory, text, strlen(text)) == (ssize_t)strlen(text) && lseek(memory, 0, SEEK_SET) == 0;
    json_object_put(json);
    return written ? steal_fd(&memory) : fail(err, errno, "write the state for a hook");
}

static int wait_for_hook(pid_t pid, const char *path, int timeout, struct error *err)
{
    int status;
    cleanup_close int pidfd = pidfd_open(pid, 0);
    struct pollfd ended = {pidfd, POLLIN, 0};
    if (timeout > 0 && pidfd >= 0 && poll(&ended, 1, timeout * 1000) == 0) {
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        return fail(err, ETIMEDOUT, "run the hook %s", path);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return fail(err, errno, "wait for the hook %s", path);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : fail(err, 0, "the hook %s failed (status %d)", path, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static int run_hook(const struct oci_container *container, json_object *hook, const char *status, struct error *err)
{
    json_object *value = NULL;
    char *args[WORDS_MAX], *env[WORDS_MAX];
    const char *path = json_object_object_get_ex(hook, "path", &value) ? json_object_get_string(value) : NULL;
    int64_t timeout = json_object_object_get_ex(hook, "timeout", &value) ? json_object_get_int64(value) : 0;
    if (!path || path[0] != '/' || timeout < 0 || timeout > 86400)
        return fail_kind(err, "invalid", 0, "a hook needs an absolute path, and a timeout of at most a day");
    if (take_words(hook, "args", args) == 0) {
        args[0] = (char *)path;
        args[1] = NULL;
    }
    take_words(hook, "env", env);
    cleanup_close int state = open_state(container, status, err);
    if (state < 0)
        return -1;
    pid_t pid = fork();
    if (pid < 0)
        return fail(err, errno, "fork for the hook %s", path);
    if (pid == 0) {
        if (dup2(state, 0) == 0 && chdir(container->bundle) == 0)
            execve(path, args, env);
        _exit(127);
    }
    return wait_for_hook(pid, path, (int)timeout, err);
}

int oci_hooks_run(const struct oci_container *container, const char *kind, const char *status, struct error *err)
{
    json_object *list = NULL;
    if (!container->spec->hooks || !json_object_object_get_ex(container->spec->hooks, kind, &list) || !json_object_is_type(list, json_type_array))
        return 0;
    for (size_t i = 0; i < json_object_array_length(list); i++)
        TRY(run_hook(container, json_object_array_get_idx(list, i), status, err));
    return 0;
}
