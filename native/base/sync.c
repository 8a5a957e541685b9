#include "sync.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int sync_open(int pair[2], struct error *err)
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0 ? 0 : fail(err, errno, "make a socket pair");
}

int sync_ask_sender(int socket, struct error *err)
{
    int on = 1;
    return setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0 ? 0 : fail(err, errno, "ask who sends");
}

int sync_send(int socket, enum sync_kind kind, const void *data, size_t size, int fd, struct error *err)
{
    unsigned char code = (unsigned char)kind;
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec parts[] = {{&code, 1}, {(void *)data, size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = size ? 2 : 1};
    if (fd >= 0) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? fail(err, errno, "send to the other process") : 0;
}

static void take_descriptor(const struct cmsghdr *header, int *fd)
{
    int passed;
    memcpy(&passed, CMSG_DATA(header), sizeof passed);
    if (fd && *fd < 0)
        *fd = passed;
    else
        close(passed);
}

int sync_receive(int socket, enum sync_kind *kind, void *data, size_t size, int *fd, struct error *err)
{
    pid_t sender;
    return sync_receive_from(socket, kind, data, size, fd, &sender, err);
}

int sync_receive_from(int socket, enum sync_kind *kind, void *data, size_t size, int *fd, pid_t *sender, struct error *err)
{
    unsigned char code = SYNC_ENDED;
    union {
        char bytes[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
        struct cmsghdr align;
    } control;
    struct iovec parts[] = {{&code, 1}, {data, size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = size ? 2 : 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t received;
    if (fd)
        *fd = -1;
    *sender = 0;
    do
        received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (received < 0 && errno == EINTR);
    if (received < 0 && errno == EAGAIN) {
        *kind = SYNC_NOTHING;
        return 0;
    }
    if (received < 0 && errno != ECONNRESET)
        return fail(err, errno, "hear from the other process");
    *kind = received > 0 ? (enum sync_kind)code : SYNC_ENDED;
    for (struct cmsghdr *header = received > 0 ? CMSG_FIRSTHDR(&message) : NULL; header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET)
            continue;
        if (header->cmsg_type == SCM_RIGHTS)
            take_descriptor(header, fd);
        else if (header->cmsg_type == SCM_CREDENTIALS)
            *sender = ((const struct ucred *)CMSG_DATA(header))->pid;
    }
    return 0;
}
