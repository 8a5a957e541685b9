/* resolver/resolver.c: the resolver's requests (docs/helper-protocol.md, "The resolver"). */
#include "resolver.h"

#include "../base/cleanup.h"
#include "../companion/companion.h"
#include "../kernel/caps.h"
#include "attachment.h"
#include "redirect.h"
#include "sockets.h"
#include "upstream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct attachment *attachments;

/* ---- what a container sees ---- */

static void clear_view(struct view *view)
{
    for (char **id = view->networks; id && *id; id++)
        free(*id);
    free(view->networks);
    names_clear(&view->own);
    *view = (struct view){0};
}

static int add_server(struct servers *servers, const char *address, int64_t port, struct error *err)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM}, *info;
    char service[8];
    if (port < 1 || port > 65535)
        return fail_kind(err, "invalid", 0, "%lld is no port", (long long)port);
    snprintf(service, sizeof service, "%d", (int)port);
    if (getaddrinfo(address, service, &hints, &info) != 0)
        return fail_kind(err, "invalid", 0, "\"%.100s\" is no IP address of a DNS server", address);
    if (servers->count < MOST_SERVERS) {
        struct server *server = &servers->items[servers->count++];
        memcpy(&server->address, info->ai_addr, info->ai_addrlen);
        server->size = info->ai_addrlen;
    }
    freeaddrinfo(info);
    return 0;
}

static int read_own_servers(json_object *request, struct view *view, struct error *err)
{
    json_object *list = json_object_object_get(request, "servers");
    view->has_servers = list != NULL;
    if (!list)
        return 0;
    if (!json_object_is_type(list, json_type_array))
        return fail_kind(err, "invalid", 0, "servers is no list");
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        const char *address = json_object_get_string(json_object_array_get_idx(list, i));
        /* That is us: asking there would go round until everything is under way. */
        if (address && strcmp(address, "127.0.0.11") != 0)
            TRY(add_server(&view->servers, address, 53, err));
    }
    return 0;
}

static int read_networks(json_object *request, struct view *view, struct error *err)
{
    json_object *list = json_object_object_get(request, "networks");
    if (!json_object_is_type(list, json_type_array))
        return fail_kind(err, "invalid", 0, "networks is no list");
    view->networks = calloc(json_object_array_length(list) + 1, sizeof *view->networks);
    for (size_t i = 0; view->networks && i < json_object_array_length(list); i++) {
        const char *id = json_object_get_string(json_object_array_get_idx(list, i));
        if (!(view->networks[i] = strdup(id ? id : "")))
            return fail(err, ENOMEM, "keep what the container sees");
    }
    return view->networks ? 0 : fail(err, ENOMEM, "keep what the container sees");
}

static int read_view(json_object *request, struct view *view, struct error *err)
{
    json_object *forward = json_object_object_get(request, "forward");
    *view = (struct view){.forward = !forward || json_object_get_boolean(forward)};
    if (read_networks(request, view, err) == 0 && names_parse(json_object_object_get(request, "own"), &view->own, err) == 0 && read_own_servers(request, view, err) == 0)
        return 0;
    clear_view(view);
    return -1;
}

/* ---- attachments ---- */

static struct attachment *find(const char *key)
{
    struct attachment *attachment = attachments;
    while (attachment && strcmp(attachment->key, key) != 0)
        attachment = attachment->next;
    return attachment;
}

/* Lets go of everything in the container; what the engine said of it stays until it is detached. */
static void let_go(struct attachment *attachment)
{
    int *fds[] = {&attachment->netns, &attachment->pidfd};
    sockets_close(attachment);
    if (attachment->pidfd >= 0)
        loop_remove(attachment->pidfd);
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        cleanup_close_(fds[i]);
        *fds[i] = -1;
    }
}

/* A socket would keep the network namespace, and its interfaces, after the last process. */
static void on_exit_of_process(int fd, uint32_t events, void *data)
{
    (void)fd, (void)events;
    let_go(data);
}

static void free_attachment(struct attachment *attachment)
{
    let_go(attachment);
    clear_view(&attachment->view);
    free(attachment->key);
    free(attachment);
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;
    return getsockname(fd, (struct sockaddr *)&address, &size) == 0 ? ntohs(address.sin_port) : 0;
}

static int open_namespace(struct attachment *attachment, struct error *err)
{
    char path[64];
    struct stat theirs, ours;
    snprintf(path, sizeof path, "/proc/%d/ns/net", attachment->pid);
    attachment->pidfd = pidfd_open(attachment->pid, 0);
    if (attachment->pidfd >= 0)
        attachment->netns = open(path, O_RDONLY | O_CLOEXEC);
    if (attachment->netns < 0)
        return errno == ESRCH || errno == ENOENT ? fail_kind(err, "not-found", 0, "there is no process %d", attachment->pid)
                                                 : fail(err, errno, "open the network namespace of process %d", attachment->pid);
    /* Our rules would be this machine's. */
    if (fstat(attachment->netns, &theirs) == 0 && stat("/proc/self/ns/net", &ours) == 0 && theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev)
        return fail_kind(err, "invalid", 0, "process %d has no network namespace of its own", attachment->pid);
    return 0;
}

static int open_attachment(struct attachment *attachment, struct error *err)
{
    TRY(open_namespace(attachment, err));
    TRY(sockets_open(attachment, err));
    if (loop_add(attachment->pidfd, EPOLLIN, on_exit_of_process, attachment) < 0)
        return fail(err, errno, "wait for the end of process %d", attachment->pid);
    /* The last: from here on the rules lead to these sockets and no longer to those of an earlier attachment. */
    return redirect_to(attachment->netns, port_of(attachment->udp), port_of(attachment->tcp), err);
}

static void close_redirect(struct attachment *attachment)
{
    struct error err = {0};
    if (attachment->netns >= 0 && redirect_remove(attachment->netns, &err) < 0)
        companion_log("the packet rules of %s stay: %s", attachment->key, err.message);
}

static bool same_namespace(const struct attachment *one, const struct attachment *other)
{
    struct stat first, second;
    return one->netns >= 0 && other->netns >= 0 && fstat(one->netns, &first) == 0 && fstat(other->netns, &second) == 0 &&
           first.st_ino == second.st_ino && first.st_dev == second.st_dev;
}

/* The same process as before, by its descriptor: its number may be another's by now. */
static bool still_attached(const struct attachment *attachment, pid_t pid)
{
    struct pollfd process = {.fd = attachment->pidfd, .events = POLLIN};
    return attachment->pid == pid && attachment->pidfd >= 0 && poll(&process, 1, 0) == 0;
}

/* `successor`: who has its key now, or NULL. */
static void remove_attachment(struct attachment *attachment, const struct attachment *successor)
{
    for (struct attachment **at = &attachments; *at; at = &(*at)->next)
        if (*at == attachment) {
            *at = attachment->next;
            break;
        }
    if (!successor || !same_namespace(attachment, successor))
        close_redirect(attachment);
    free_attachment(attachment);
}

/* ---- requests ---- */

/* A text that the request must have. NULL with `err`. */
static const char *text_of(json_object *request, const char *key, struct error *err)
{
    json_object *value = json_object_object_get(request, key);
    if (json_object_is_type(value, json_type_string))
        return json_object_get_string(value);
    fail_kind(err, "invalid", 0, "the request has no text \"%s\"", key);
    return NULL;
}

static int network_request(json_object *request, json_object *reply, struct error *err)
{
    const char *id = text_of(request, "id", err);
    (void)reply;
    return id ? network_set(id, json_object_object_get(request, "names"), json_object_object_get(request, "reverse"), err) : -1;
}

static int network_remove_request(json_object *request, json_object *reply, struct error *err)
{
    const char *id = text_of(request, "id", err);
    (void)reply;
    if (!id)
        return -1;
    network_remove(id);
    return 0;
}

static int attach_request(json_object *request, json_object *reply, struct error *err)
{
    const char *key = text_of(request, "key", err);
    int64_t pid = json_object_get_int64(json_object_object_get(request, "pid"));
    struct view view;
    (void)reply;
    if (!key)
        return -1;
    if (pid < 1 || pid > INT32_MAX)
        return fail_kind(err, "invalid", 0, "the request has no \"pid\"");
    TRY(read_view(request, &view, err));
    struct attachment *before = find(key);
    if (before && still_attached(before, (pid_t)pid)) {
        /* An engine that has started again says what we know: nobody's questions are lost over that. */
        clear_view(&before->view);
        before->view = view;
        return 0;
    }
    struct attachment *attachment = calloc(1, sizeof *attachment);
    char *name = attachment ? strdup(key) : NULL;
    if (!name) {
        clear_view(&view);
        free(attachment);
        return fail(err, ENOMEM, "attach to the container");
    }
    *attachment = (struct attachment){.key = name, .pid = (pid_t)pid, .pidfd = -1, .netns = -1, .udp = -1, .tcp = -1, .view = view};
    if (open_attachment(attachment, err) < 0) {
        free_attachment(attachment);
        return -1;
    }
    if (before)
        remove_attachment(before, attachment);
    attachment->next = attachments;
    attachments = attachment;
    return 0;
}

static int update_request(json_object *request, json_object *reply, struct error *err)
{
    const char *key = text_of(request, "key", err);
    struct attachment *attachment = key ? find(key) : NULL;
    struct view view;
    (void)reply;
    if (!key)
        return -1;
    if (!attachment)
        return fail_kind(err, "not-found", 0, "nothing is attached as \"%.100s\"", key);
    TRY(read_view(request, &view, err));
    clear_view(&attachment->view);
    attachment->view = view;
    return 0;
}

static int detach_request(json_object *request, json_object *reply, struct error *err)
{
    const char *key = text_of(request, "key", err);
    struct attachment *attachment = key ? find(key) : NULL;
    (void)reply;
    if (attachment)
        remove_attachment(attachment, NULL);
    return key ? 0 : -1;
}

static int upstream_request(json_object *request, json_object *reply, struct error *err)
{
    json_object *list = json_object_object_get(request, "servers");
    struct servers servers = {0};
    (void)reply;
    if (!json_object_is_type(list, json_type_array))
        return fail_kind(err, "invalid", 0, "servers is no list");
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *server = json_object_array_get_idx(list, i);
        const char *address = text_of(server, "address", err);
        json_object *port = json_object_object_get(server, "port");
        if (!address || add_server(&servers, address, port ? json_object_get_int64(port) : 53, err) < 0)
            return -1;
    }
    upstream_servers = servers;
    return 0;
}

static int state_request(json_object *request, json_object *reply, struct error *err)
{
    json_object *attached = json_object_new_array(), *ids = json_object_new_array();
    (void)request, (void)err;
    for (const struct attachment *attachment = attachments; attachment; attachment = attachment->next) {
        json_object *one = json_object_new_object();
        json_object_object_add(one, "key", json_object_new_string(attachment->key));
        json_object_object_add(one, "pid", json_object_new_int(attachment->pid));
        json_object_array_add(attached, one);
    }
    for (const struct network *network = networks; network; network = network->next)
        json_object_array_add(ids, json_object_new_string(network->id));
    json_object_object_add(reply, "attached", attached);
    json_object_object_add(reply, "networks", ids);
    return 0;
}

static const struct op {
    const char *name;
    int (*serve)(json_object *request, json_object *reply, struct error *err);
} ops[] = {
    {"network", network_request}, {"network-remove", network_remove_request}, {"attach", attach_request}, {"update", update_request},
    {"detach", detach_request},   {"upstream", upstream_request},             {"state", state_request},
};

static json_object *serve(json_object *request, struct error *err)
{
    const char *name = text_of(request, "op", err);
    if (!name)
        return NULL;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (strcmp(ops[i].name, name) != 0)
            continue;
        json_object *reply = json_object_new_object();
        if (ops[i].serve(request, reply, err) == 0)
            return reply;
        json_object_put(reply);
        return NULL;
    }
    fail_kind(err, "not-implemented", 0, "the resolver has no operation \"%.100s\"", name);
    return NULL;
}

/* ---- coming up ---- */

/* We read what containers send: should one of them get hold of us, it has no more than this. nft, our child, needs no more either. */
static int drop_privileges(struct error *err)
{
    uint64_t kept = UINT64_C(1) << CAP_SYS_ADMIN | UINT64_C(1) << CAP_NET_ADMIN | UINT64_C(1) << CAP_SYS_PTRACE | UINT64_C(1) << CAP_NET_BIND_SERVICE;
    struct spec_caps caps = {.bounding = kept, .effective = kept, .permitted = kept};
    TRY(caps_bound(&caps, err));
    TRY(caps_drop(&caps, err));
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : fail(err, errno, "give up new privileges");
}

/* Each question that is passed on takes a descriptor. */
static void raise_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int resolver_main(const char *run_dir)
{
    static const struct companion resolver = {.name = "resolver", .request = serve};
    struct error err = {0};
    raise_limits();
    if (drop_privileges(&err) < 0 || sockets_begin(&err) < 0 || upstream_begin(&err) < 0) {
        companion_log("%s", err.message);
        return 1;
    }
    return companion_main(&resolver, run_dir);
}
