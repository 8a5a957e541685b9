/* resolver/attachment.h: what there is for one container: its sockets, what it may know, and what is under way for it. */
#ifndef SLIPWAY_RESOLVER_ATTACHMENT_H
#define SLIPWAY_RESOLVER_ATTACHMENT_H

#include "names.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define MOST_SERVERS 8

struct server {
    struct sockaddr_storage address;
    socklen_t size;
};

struct servers {
    struct server items[MOST_SERVERS];
    size_t count;
};

/* What a container sees, as the engine says it. */
struct view {
    char **networks; /* ids, NULL-terminated, in the order they are asked */
    struct names own;
    bool has_servers; /* its own, asked from inside; else the machine's are asked from outside */
    struct servers servers;
    bool forward;
};

struct client;
struct forward;

struct attachment {
    struct attachment *next;
    char *key;
    pid_t pid;
    int pidfd;    /* -1 once the process is gone, and with it all the other descriptors */
    int netns;
    int udp, tcp; /* on 127.0.0.11, at ports of their own */
    struct view view;
    struct client *clients; /* over TCP */
    size_t client_count;
    struct forward *forwards;
    size_t forward_count, tcp_forward_count;
};

extern struct attachment *attachments;

/* Who asked: a client over TCP, or else an address. */
struct asker {
    struct attachment *attachment;
    struct client *client;
    struct sockaddr_in from;
};

#endif
