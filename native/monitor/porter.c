/*
 * monitor/porter.c: an engine's errand boy. Node can send a socket to its own child alone, over the channel it shares with it; this child sends it on over
 * another socket of the engine's, to the monitor at its other end. It holds nothing, and ends with the engine.
 */
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_SIZE 1024

static int channel;
static int over = -1; /* the connection that the next socket goes over, */
static unsigned whose; /* if it is this errand's */

static bool say(const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(channel, text, length);
        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            text += written;
            length -= (size_t)written;
        }
    }
    return true;
}

/* One byte with the socket. */
static bool pass_on(int passed)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct iovec part = {"\n", 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_len = CMSG_LEN(sizeof(int));
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(header), &passed, sizeof passed);
    return sendmsg(over, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

/*
 * Node's own wrapping around a number: twice the same, first with the connection to go over, then with what goes. Zero asks for nothing but room: Node has no
 * way to say how much a socket may hold that its reader has not taken yet.
 */
static bool deliver(const char *line, int passed)
{
    static const char acknowledgement[] = "{\"cmd\":\"NODE_HANDLE_ACK\"}\n";
    char answer[32];
    unsigned errand;
    const char *message = strstr(line, "\"msg\":");

    if (!message || sscanf(message, "\"msg\":%u", &errand) != 1 || passed < 0)
        return true; /* Node's own affair */
    if (!say(acknowledgement, sizeof acknowledgement - 1))
        return false;
    if (errand == 0) {
        setsockopt(passed, SOL_SOCKET, SO_SNDBUF, &(int){RING_SOFT}, sizeof(int)); /* as far as the machine lets us */
        return true;
    }
    if (over < 0 || errand != whose) {
        close(over); /* of an errand that was given up in the middle */
        over = dup(passed);
        whose = errand;
        return true;
    }
    bool done = pass_on(passed);
    close(over);
    over = -1;
    return say(answer, (size_t)snprintf(answer, sizeof answer, "\"%u %s\"\n", errand, done ? "done" : "failed"));
}

static ssize_t receive(char *bytes, size_t size, int *passed)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec part = {bytes, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t got;
    do
        got = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        if (*passed >= 0)
            close(*passed);
        memcpy(passed, CMSG_DATA(header), sizeof *passed);
    }
    return got;
}

/* The channel is where Node says it is. */
int porter_main(void)
{
    static char line[LINE_SIZE];
    size_t length = 0;
    int passed = -1;
    sigset_t all;
    const char *number = getenv("NODE_CHANNEL_FD");

    channel = number ? atoi(number) : -1;
    if (channel < 0)
        return 2;
    prctl(PR_SET_NAME, "slipway-porter");
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL); /* a Ctrl-C in the engine's terminal is the engine's */
    fcntl(channel, F_SETFL, fcntl(channel, F_GETFL) & ~O_NONBLOCK);
    for (;;) {
        ssize_t got = receive(line + length, sizeof line - 1 - length, &passed);
        if (got <= 0)
            return 0;
        length += (size_t)got;
        for (char *newline; (newline = memchr(line, '\n', length)) != NULL;) {
            size_t used = (size_t)(newline - line) + 1;
            *newline = '\0';
            if (!deliver(line, passed))
                return 0;
            if (passed >= 0)
                close(passed);
            passed = -1;
            memmove(line, line + used, length - used);
            length -= used;
        }
        if (length == sizeof line - 1)
            return 1;
    }
}
