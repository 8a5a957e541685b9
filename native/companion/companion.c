/* companion/companion.c: one companion of a name for each run directory, its socket, and the requests that come there. */
#include "companion.h"

#include "../base/cleanup.h"
#include "../commands/pause.h"
#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define VERSION 1
#define LONGEST_LINE (16 << 20)
#define MOST_UNSENT (16 << 20) /* a client that takes no replies is let go */
#define LOCK_TRIES 500
#define LOCK_PAUSE_US 10000

int companion_starter = -1;

static const struct companion *self;
static char socket_path[PATH_MAX], lock_path[PATH_MAX];
static struct stat named;
static int listener = -1;
static bool ending;

void companion_log(const char *format, ...)
{
    char text[1024], when[32];
    time_t now = time(NULL);
    struct tm tm;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
    dprintf(STDERR_FILENO, "%s [%d] %s\n", when, getpid(), text);
}

/* ---- clients ---- */

struct client {
    int fd;
    char *in, *out;
    size_t in_length, in_room, out_length, out_room, sent;
    bool over; /* it sends no more: it goes once it has its replies */
};

static void client_ready(int fd, uint32_t events, void *data);

static void let_go(struct client *client)
{
    loop_remove(client->fd);
    close(client->fd);
    free(client->in);
    free(client->out);
    free(client);
}

static bool reserve(char **bytes, size_t *room, size_t wanted)
{
    if (wanted <= *room)
        return true;
    size_t more = *room ? *room : 4096;
    while (more < wanted)
        more *= 2;
    char *grown = realloc(*bytes, more);
    if (!grown)
        return false;
    *bytes = grown;
    *room = more;
    return true;
}

static json_object *describe(const struct error *err)
{
    json_object *inner = json_object_new_object();
    if (err->step[0])
        json_object_object_add(inner, "step", json_object_new_string(err->step));
    json_object_object_add(inner, "errno", json_object_new_int(err->errnum));
    json_object_object_add(inner, "kind", json_object_new_string(err->kind[0] ? err->kind : "system"));
    json_object_object_add(inner, "message", json_object_new_string(err->message));
    return inner;
}

static json_object *serve_request(json_object *request, struct error *err)
{
    json_object *op = json_object_is_type(request, json_type_object) ? json_object_object_get(request, "op") : NULL;
    if (!json_object_is_type(op, json_type_string)) {
        fail_kind(err, "invalid", 0, "the request is no JSON object with an \"op\"");
        return NULL;
    }
    if (strcmp(json_object_get_string(op), "hello") == 0) {
        json_object *reply = json_object_new_object();
        json_object_object_add(reply, "pid", json_object_new_int(getpid()));
        json_object_object_add(reply, "version", json_object_new_int(VERSION));
        return reply;
    }
    if (strcmp(json_object_get_string(op), "close") == 0) {
        ending = true;
        return json_object_new_object();
    }
    return self->request(request, err);
}

static bool answer(struct client *client, const char *line)
{
    struct error err = {0};
    json_object *request = json_tokener_parse(line), *reply = json_object_new_object(), *fields = serve_request(request, &err);
    json_object_object_add(reply, fields ? "ok" : "error", fields ? fields : describe(&err));
    size_t length;
    const char *text = json_object_to_json_string_length(reply, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
    bool fits = client->out_length - client->sent + length < MOST_UNSENT && reserve(&client->out, &client->out_room, client->out_length + length + 1);
    if (fits) {
        memcpy(client->out + client->out_length, text, length);
        client->out[client->out_length + length] = '\n';
        client->out_length += length + 1;
    }
    json_object_put(reply);
    json_object_put(request);
    return fits;
}

static bool answer_lines(struct client *client, size_t seen)
{
    size_t start = 0;
    for (char *newline; (newline = memchr(client->in + seen, '\n', client->in_length - seen));) {
        *newline = '\0';
        if (!answer(client, client->in + start))
            return false;
        seen = start = (size_t)(newline - client->in) + 1;
    }
    memmove(client->in, client->in + start, client->in_length - start);
    client->in_length -= start;
    return client->in_length <= LONGEST_LINE;
}

static bool take(struct client *client)
{
    for (;;) {
        if (!reserve(&client->in, &client->in_room, client->in_length + 65536))
            return false;
        ssize_t got = recv(client->fd, client->in + client->in_length, client->in_room - client->in_length, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno == EAGAIN;
        if (got == 0) {
            client->over = true;
            return true;
        }
        size_t seen = client->in_length;
        client->in_length += (size_t)got;
        if (!answer_lines(client, seen))
            return false;
    }
}

static bool give(struct client *client)
{
    while (client->sent < client->out_length) {
        ssize_t sent = send(client->fd, client->out + client->sent, client->out_length - client->sent, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN;
        client->sent += (size_t)sent;
    }
    client->sent = client->out_length = 0;
    return true;
}

static void client_ready(int fd, uint32_t events, void *data)
{
    struct client *client = data;
    if (((events & EPOLLIN) && !client->over && !take(client)) || (events & EPOLLERR) || !give(client) ||
        (client->over && client->out_length == 0)) {
        let_go(client);
        return;
    }
    loop_modify(fd, (client->over ? 0 : EPOLLIN) | (client->out_length ? EPOLLOUT : 0), client_ready, client);
}

/* Seen from a user namespace, root outside is the overflow id; the run directory's mode keeps everybody else away. */
static bool welcome(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0 || (peer.uid == 65534 && pause_inside()));
}

static void accept_client(int fd, uint32_t events, void *data)
{
    (void)events, (void)data;
    cleanup_close int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection < 0 || !welcome(connection))
        return;
    struct client *client = calloc(1, sizeof *client);
    if (!client)
        return;
    client->fd = connection;
    if (loop_add(connection, EPOLLIN, client_ready, client) < 0) {
        free(client);
        return;
    }
    steal_fd(&connection);
}

/* ---- coming up, and going ---- */

/* Says why we cannot be there, to who started us and in the log. */
static int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int complain(const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    companion_log("%s", text);
    if (companion_starter >= 0 && write(companion_starter, text, strlen(text)) < 0)
        companion_log("nobody waits for us");
    return 1;
}

static void tell_starter(const char *what)
{
    if (companion_starter >= 0 && write(companion_starter, what, 1) < 0)
        companion_log("nobody waits for us");
    cleanup_close_(&companion_starter);
    companion_starter = -1;
}

static bool place(char path[PATH_MAX], const char *run_dir, const char *name, const char *suffix)
{
    return snprintf(path, PATH_MAX, "%s/%s.%s", run_dir, name, suffix) < PATH_MAX;
}

static bool address_of(const char *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    return snprintf(address->sun_path, sizeof address->sun_path, "%s", path) < (int)sizeof address->sun_path;
}

int companion_answers(const char *run_dir, const char *name)
{
    char path[PATH_MAX];
    struct sockaddr_un address;
    cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd >= 0 && place(path, run_dir, name, "sock") && address_of(path, &address) &&
           connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
}

static bool is_at(const char *path, const struct stat *expected)
{
    struct stat now;
    return stat(path, &now) == 0 && now.st_dev == expected->st_dev && now.st_ino == expected->st_ino;
}

/* The lock, once it is ours. One whose file was removed while we waited for it counts for nothing. -1: another is there, *answers where it does. */
static int take_lock(const char *run_dir, bool *answers)
{
    for (int i = 0; i < LOCK_TRIES; i++, usleep(LOCK_PAUSE_US)) {
        struct stat status;
        cleanup_close int lock = open(lock_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (lock < 0)
            return -1;
        if (flock(lock, LOCK_EX | LOCK_NB) == 0 && fstat(lock, &status) == 0 && is_at(lock_path, &status))
            return steal_fd(&lock);
        if ((*answers = companion_answers(run_dir, self->name)))
            break;
    }
    errno = EWOULDBLOCK;
    return -1;
}

static int listen_on(const char *path)
{
    struct sockaddr_un address;
    if (!address_of(path, &address)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    unlink(path);
    mode_t before = umask(0177);
    int bound = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&address, sizeof address);
    umask(before);
    return bound < 0 || listen(fd, 128) < 0 || stat(path, &named) < 0 ? -1 : steal_fd(&fd);
}

/* Who clears the run directory takes our name away: nobody finds us any more, and another comes. */
static void watch_name(void)
{
    if (!is_at(socket_path, &named)) {
        companion_log("the name of our socket is gone, or another's: we go");
        ending = true;
    }
}

static void on_signal(int fd, uint32_t events, void *data)
{
    struct signalfd_siginfo info;
    (void)events, (void)data;
    if (read(fd, &info, sizeof info) == sizeof info)
        ending = true;
}

static int watch_signals(void)
{
    sigset_t watched;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    sigemptyset(&watched);
    sigaddset(&watched, SIGTERM);
    sigaddset(&watched, SIGINT);
    sigprocmask(SIG_BLOCK, &watched, NULL);
    int fd = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -1 : loop_add(fd, EPOLLIN, on_signal, NULL);
}

int companion_main(const struct companion *companion, const char *run_dir)
{
    bool another = false;
    self = companion;
    if (!place(socket_path, run_dir, companion->name, "sock") || !place(lock_path, run_dir, companion->name, "lock"))
        return complain("%s is too long", run_dir);
    cleanup_close int lock = take_lock(run_dir, &another);
    if (another) {
        tell_starter("a");
        return 0;
    }
    if (lock < 0 && errno == EWOULDBLOCK)
        return complain("another one holds %s and does not answer: end it, then try again", lock_path);
    if (lock < 0)
        return complain("cannot write %s: %s", lock_path, strerror(errno));
    listener = listen_on(socket_path);
    if (listener < 0 || loop_add(listener, EPOLLIN, accept_client, NULL) < 0 || watch_signals() < 0)
        return complain("cannot listen on %s: %s", socket_path, strerror(errno));
    loop_every_second(watch_name);
    tell_starter("r");
    if (loop_run(&ending) < 0)
        companion_log("cannot wait for anything any more: %s", strerror(errno));
    if (is_at(socket_path, &named)) {
        /* The lock's name goes while we hold it: whoever has opened it in the meantime sees that it is no longer there. */
        unlink(socket_path);
        unlink(lock_path);
    }
    return 0;
}
