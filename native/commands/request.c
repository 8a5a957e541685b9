/* commands/request.c: what a request says, and how it is answered. */
#include "serve.h"

#include "../base/cleanup.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static json_object *field(const struct request *request, const char *name)
{
    return json_object_object_get(request->fields, name);
}

static int missing(const char *name, const char *what, struct error *err)
{
    return fail_kind(err, "invalid", 0, "the request's \"%s\" must be %s", name, what);
}

int request_optional_string(const struct request *request, const char *name, const char **out, struct error *err)
{
    json_object *value = field(request, name);
    if (!value)
        return 0;
    const char *text = json_object_get_string(value);
    /* A NUL inside would make the rest of the string invisible to whoever checks it. */
    if (!json_object_is_type(value, json_type_string) || strlen(text) != (size_t)json_object_get_string_len(value))
        return missing(name, "a string without NUL characters", err);
    *out = text;
    return 0;
}

int request_string(const struct request *request, const char *name, const char **out, struct error *err)
{
    *out = NULL;
    TRY(request_optional_string(request, name, out, err));
    return *out ? 0 : missing(name, "a string", err);
}

int request_optional_integer(const struct request *request, const char *name, int64_t least, int64_t most, int64_t *out,
                             struct error *err)
{
    json_object *value = field(request, name);
    if (!value)
        return 0;
    int64_t number = json_object_get_int64(value);
    if (!json_object_is_type(value, json_type_int) || number < least || number > most)
        return fail_kind(err, "invalid", 0, "the request's \"%s\" must be a whole number from %lld to %lld", name, (long long)least,
                         (long long)most);
    *out = number;
    return 0;
}

int request_integer(const struct request *request, const char *name, int64_t least, int64_t most, int64_t *out, struct error *err)
{
    if (!field(request, name))
        return missing(name, "a whole number", err);
    return request_optional_integer(request, name, least, most, out, err);
}

int request_bool(const struct request *request, const char *name, bool absent, bool *out, struct error *err)
{
    json_object *value = field(request, name);
    *out = absent;
    if (!value)
        return 0;
    if (!json_object_is_type(value, json_type_boolean))
        return missing(name, "true or false", err);
    *out = json_object_get_boolean(value);
    return 0;
}

static bool plain(const char *path)
{
    for (const char *part = path; part; part = strchr(part, '/')) {
        part += strspn(part, "/");
        size_t length = strcspn(part, "/");
        if ((length == 1 && part[0] == '.') || (length == 2 && strncmp(part, "..", 2) == 0))
            return false;
    }
    return true;
}

int request_path_below_data(const struct request *request, const char *name, const char **out, struct error *err)
{
    size_t root = strlen(request->data_root);
    TRY(request_string(request, name, out, err));
    if (strncmp(*out, request->data_root, root) != 0 || (*out)[root] != '/' || (*out)[root + 1] == '\0' || !plain(*out))
        return fail_kind(err, "invalid", 0, "the request's \"%s\" must be a path below %s, not %s", name, request->data_root, *out);
    return 0;
}

int request_write_parts(struct request *request, struct iovec *parts, size_t count, struct error *err)
{
    for (;;) {
        for (; count > 0 && parts->iov_len == 0; count--)
            parts++;
        if (count == 0)
            return 0;
        ssize_t sent = sendmsg(request->connection, &(struct msghdr){.msg_iov = parts, .msg_iovlen = count}, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return fail_kind(err, "unavailable", errno, "the client has gone");
        for (size_t i = 0, left = (size_t)sent; i < count; i++) {
            size_t taken = left < parts[i].iov_len ? left : parts[i].iov_len;
            parts[i] = (struct iovec){(char *)parts[i].iov_base + taken, parts[i].iov_len - taken};
            left -= taken;
        }
    }
}

int request_write(struct request *request, const void *bytes, size_t length, struct error *err)
{
    struct iovec part = {(void *)bytes, length};
    return request_write_parts(request, &part, 1, err);
}

static int send_line(struct request *request, json_object *line, struct error *err)
{
    size_t length;
    const char *text = json_object_to_json_string_length(line, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
    TRY(request_write(request, text, length, err));
    return request_write(request, "\n", 1, err);
}

int request_progress(struct request *request, json_object *progress, struct error *err)
{
    json_object *line = json_object_new_object();
    json_object_object_add(line, "progress", progress);
    int result = send_line(request, line, err);
    json_object_put(line);
    return result;
}

int request_answer(struct request *request, struct error *err)
{
    json_object_object_add(request->reply, "ok", json_object_new_boolean(true));
    request->answered = true;
    return send_line(request, request->reply, err);
}

int request_answer_and_go_on(struct request *request, struct error *err)
{
    pid_t pid = fork();
    if (pid < 0)
        return fail(err, errno, "fork");
    if (pid > 0) {
        struct error ignored = {0}; /* a client that does not wait for the answer changes nothing */
        setpgid(pid, pid);          /* before the answer: a client that goes then ends our group, and nobody else */
        request_answer(request, &ignored);
        _exit(0);
    }
    request->answered = true;
    setsid();
    close(request->connection);
    request->connection = -1;
    return 0;
}
