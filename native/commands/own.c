/* commands/own.c: the life line of the engine. When it breaks without a goodbye, a headless engine takes over. */
#include "server.h"

#include "../base/cleanup.h"
#include "discard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

/* How long another engine has to take over before the headless one is started. */
#define PATIENCE_MS 300
#define LONGEST_REQUEST (192 * 1024)

static int inbox = -1, outbox = -1;
static int owner = -1;
static char said[4096];
static size_t said_length;
static json_object *headless; /* {"argv":[…],"env":{…}} */
static int64_t start_at;      /* 0: nothing to start */

void own_open(void)
{
    int pair[2];
    int size = LONGEST_REQUEST * 2;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
        return;
    inbox = pair[0];
    outbox = pair[1];
    setsockopt(outbox, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

int own_inbox(void)
{
    return inbox;
}
int own_connection(void)
{
    return owner;
}
int64_t own_deadline(void)
{
    return start_at > 0 ? start_at : INT64_MAX;
}

static bool is_headless(json_object *value)
{
    json_object *argv = json_object_object_get(value, "argv"), *env = json_object_object_get(value, "env");
    if (!json_object_is_type(argv, json_type_array) || json_object_array_length(argv) == 0 ||
        (env && !json_object_is_type(env, json_type_object)))
        return false;
    for (size_t i = 0; i < json_object_array_length(argv); i++)
        if (!json_object_is_type(json_object_array_get_idx(argv, i), json_type_string))
            return false;
    return true;
}

int own_op(struct request *request, struct error *err)
{
    json_object *wanted = json_object_object_get(request->fields, "headless");
    if (wanted && !is_headless(wanted))
        return fail_kind(err, "invalid", 0, "\"headless\" must be null or {\"argv\":[…],\"env\":{…}}");
    size_t length;
    const char *text = wanted ? json_object_to_json_string_length(wanted, JSON_C_TO_STRING_PLAIN, &length) : "null";
    if (!wanted)
        length = strlen(text);

    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {(void *)text, length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *fds = CMSG_FIRSTHDR(&message);
    fds->cmsg_level = SOL_SOCKET;
    fds->cmsg_type = SCM_RIGHTS;
    fds->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(fds), &request->connection, sizeof(int));
    if (length > LONGEST_REQUEST || sendmsg(outbox, &message, MSG_NOSIGNAL) < 0)
        return fail_kind(err, "unavailable", length > LONGEST_REQUEST ? E2BIG : errno, "hand the connection to the helper");
    request->answered = true; /* by own_receive */
    cleanup_close_(&request->connection);
    request->connection = -1;
    /* An engine that was killed took along what worked for it: what was being deleted is still there. */
    return trash_sweep(request->data_root, err);
}

static bool alive(int connection)
{
    struct pollfd check = {connection, POLLIN | POLLRDHUP, 0};
    char byte;
    if (connection < 0)
        return false;
    if (poll(&check, 1, 0) <= 0)
        return true;
    return !(check.revents & (POLLHUP | POLLERR)) && recv(connection, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
}

void own_receive(void)
{
    static char text[LONGEST_REQUEST + 1];
    static const char yes[] = "{\"ok\":true}\n";
    static const char no[] = "{\"error\":{\"step\":\"own\",\"errno\":0,\"kind\":\"conflict\",\"message\":\"another engine uses this helper\"}}\n";
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {text, LONGEST_REQUEST};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t length = recvmsg(inbox, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    struct cmsghdr *fds = length > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (!fds || fds->cmsg_type != SCM_RIGHTS)
        return;
    int connection;
    memcpy(&connection, CMSG_DATA(fds), sizeof connection);
    text[length] = '\0';

    bool end = false;
    if (!alive(owner))
        own_listen(&end);
    if (owner >= 0) {
        send(connection, no, sizeof no - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        close(connection);
        return;
    }
    json_object_put(headless);
    headless = json_tokener_parse(text);
    owner = connection;
    said_length = 0;
    start_at = 0;
    send(owner, yes, sizeof yes - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void let_go(void)
{
    close(owner);
    owner = -1;
}

void own_listen(bool *end)
{
    while (owner >= 0) {
        ssize_t got = recv(owner, said + said_length, sizeof said - said_length, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            let_go();
            if (headless)
                start_at = server_clock_ms() + PATIENCE_MS;
            return;
        }
        said_length += (size_t)got;
        char *newline;
        while (owner >= 0 && (newline = memchr(said, '\n', said_length))) {
            *newline = '\0';
            json_object *line = json_tokener_parse(said);
            const char *op = json_object_get_string(json_object_object_get(line, "op"));
            if (op && strcmp(op, "goodbye") == 0) {
                *end = json_object_get_boolean(json_object_object_get(line, "end"));
                let_go();
            }
            json_object_put(line);
            size_t used = (size_t)(newline - said) + 1;
            memmove(said, said + used, said_length - used);
            said_length -= used;
        }
        if (said_length == sizeof said)
            said_length = 0; /* no line of ours is that long */
    }
}

void own_become(json_object *command)
{
    json_object *argv = json_object_object_get(command, "argv"), *env = json_object_object_get(command, "env");
    size_t count = json_object_array_length(argv);
    char **arguments = calloc(count + 1, sizeof *arguments);
    sigset_t none;

    setsid();
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    if (!arguments)
        _exit(1);
    for (size_t i = 0; i < count; i++)
        arguments[i] = (char *)json_object_get_string(json_object_array_get_idx(argv, i));
    if (env) {
        clearenv();
        json_object_object_foreach(env, name, value) setenv(name, json_object_get_string(value), 1);
    }
    execvp(arguments[0], arguments);
    server_log("cannot start %s: %s", arguments[0], strerror(errno));
    _exit(127);
}

void own_watch(void)
{
    if (start_at == 0 || server_clock_ms() < start_at)
        return;
    start_at = 0;
    server_log("the engine died without a goodbye; starting the headless one");
    if (server.outside >= 0) {
        size_t length;
        const char *text = json_object_to_json_string_length(headless, JSON_C_TO_STRING_PLAIN, &length);
        if (send(server.outside, text, length, MSG_NOSIGNAL) < 0)
            server_log("cannot start it outside our user namespace: %s", strerror(errno));
    } else if (fork() == 0) {
        own_become(headless);
    }
}
